//! Which columns each converter takes, and what it refuses.

use super::*;
use crate::config::DEFINITION;

fn read(keys: &[(&str, &str)]) -> (Converters, Vec<String>) {
    let config: Config = keys.iter().copied().collect();
    let mut p = Parser::new(&DEFINITION, &config);
    let all = Converters::read(&mut p, &config);
    (all, p.findings.into_iter().map(|f| f.message).collect())
}

fn column(ty: ColumnType, type_name: &str, length: Option<i32>, jdbc_type: i32) -> Column {
    Column {
        length,
        ..Column::new("c", ty, type_name, jdbc_type)
    }
}

const TINY: (&str, &str) = (
    "b.type",
    "io.debezium.connector.mysql.converters.TinyIntOneToBooleanConverter",
);

#[test]
fn tiny_integers_of_one_digit_are_booleans() {
    let tiny = |name, length| column(ColumnType::TinyInt, name, length, jdbc::TINYINT);
    let id = TableId::new("d", "t");
    let loose = ("b.length.checker", "false");
    let only = ("b.selector", "x.*,D.t.C");
    let other = ("b.selector", "d.t.other");
    for (extra, column, want) in [
        (&[][..], tiny("TINYINT", Some(1)), true),
        (&[], tiny("TINYINT", Some(4)), false),
        (&[], tiny("TINYINT UNSIGNED", None), false),
        (&[loose], tiny("TINYINT UNSIGNED", None), true),
        (&[], tiny("BOOL", None), true),
        (&[loose], tiny("TINYINT UNSIGNED ZEROFILL", Some(1)), false),
        (&[only], tiny("TINYINT", Some(1)), true),
        (&[other], tiny("TINYINT", Some(1)), false),
        (
            &[loose],
            column(ColumnType::Int, "INT", Some(1), jdbc::INTEGER),
            false,
        ),
    ] {
        let keys: Vec<_> = [("converters", "b"), TINY]
            .iter()
            .chain(extra)
            .copied()
            .collect();
        let (all, found) = read(&keys);
        assert!(found.is_empty(), "{found:?}");
        let custom = all.of(&id, &column);
        assert_eq!(
            custom,
            want.then_some(Custom::Boolean),
            "{extra:?} {column:?}"
        );
    }
}

#[test]
fn the_sink_converter_takes_what_is_selected() {
    let keys = [
        ("converters", "z, s"),
        (
            "z.type",
            "io.debezium.connector.binlog.converters.ZeroDateFallbackConverter",
        ),
        (
            "s.type",
            "io.debezium.connector.binlog.converters.JdbcSinkDataTypesConverter",
        ),
        ("s.selector.boolean", "d.b.*"),
        ("s.selector.real", "d.r.*"),
        ("s.selector.string", ".*"),
    ];
    let single = [&keys[..], &[("s.treat.real.as.double", "false")]].concat();
    let c = column(ColumnType::Float, "REAL", None, jdbc::REAL);
    for (keys, table, want) in [
        (&keys[..], "b", Custom::Flag),
        (&keys[..], "r", Custom::Float64),
        (&single[..], "r", Custom::Float32),
        (&keys[..], "s", Custom::Text),
    ] {
        let (all, found) = read(keys);
        assert!(found.is_empty(), "{found:?}");
        assert_eq!(all.of(&TableId::new("d", table), &c), Some(want));
    }
}

#[test]
fn zero_dates_have_stand_ins() {
    let keys = [
        ("converters", "z"),
        (
            "z.type",
            "io.debezium.connector.binlog.converters.ZeroDateFallbackConverter",
        ),
        ("z.target.types", "date, TIMESTAMP"),
        ("z.fallback.date", "1970-01-02"),
        ("z.fallback.timestamp", "2000-01-01T01:30:00.5+01:30"),
        ("z.column.d.t.c.fallback", "null"),
    ];
    let (all, found) = read(&keys);
    assert!(found.is_empty(), "{found:?}");
    let day = column(ColumnType::Date, "DATE", None, jdbc::DATE);
    let at = |micros| DateTime::from_micros(micros);
    let second = 86_400_000_000;
    for (table, column, want) in [
        ("x", day.clone(), Some(Custom::Dated(Some(at(second))))),
        ("t", day, Some(Custom::Dated(None))),
        (
            "x",
            column(ColumnType::DateTime, "DATETIME", None, jdbc::TIMESTAMP),
            None,
        ),
        (
            "x",
            column(
                ColumnType::Timestamp,
                "TIMESTAMP",
                None,
                jdbc::TIMESTAMP_WITH_TIMEZONE,
            ),
            Some(Custom::Dated(Some(at(946_684_800_500_000)))),
        ),
    ] {
        assert_eq!(
            all.of(&TableId::new("d", table), &column),
            want,
            "{table} {column:?}"
        );
    }
}

#[test]
fn what_cannot_be_run_is_refused() {
    let zero = (
        "z.type",
        "io.debezium.connector.binlog.converters.ZeroDateFallbackConverter",
    );
    for (key, value) in [
        ("z.type", "com.acme.Own"),
        ("z.type", ""),
        ("z.fallback.date", "1970-02-30"),
        ("z.fallback.date", "1970-01-01 00:00:00"),
        ("z.fallback.datetime", "1970-01-01T00:00:00"),
        ("z.fallback.timestamp", "1970-01-01 00:00:00"),
        ("z.column.d.t.c.fallback", "soon"),
        ("z.selector", "a(b"),
    ] {
        let mut config: Config = [("converters", "z"), zero].into_iter().collect();
        config.set(key, value);
        let mut p = Parser::new(&DEFINITION, &config);
        drop(Converters::read(&mut p, &config));
        let keys: Vec<&str> = p.findings.iter().map(|f| f.key.as_str()).collect();
        assert_eq!(keys, [key], "{value}");
        assert!(is_option(key));
    }
}
