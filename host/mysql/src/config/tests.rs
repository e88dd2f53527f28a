//! Tables of configurations and what they mean.

use super::*;
use crate::table::{Column, ColumnType, Table, TableId};
use host_core::config::Config;

fn base(extra: &[(&str, &str)]) -> Config {
    [
        ("database.hostname", "h"),
        ("database.user", "u"),
        ("database.server.id", "9100"),
        ("topic.prefix", "p"),
        ("schema.history.internal.kafka.topic", "t"),
        ("schema.history.internal.kafka.bootstrap.servers", "b:9092"),
    ]
    .iter()
    .chain(extra)
    .copied()
    .collect()
}

fn messages(config: &Config) -> Vec<String> {
    match MysqlConfig::parse(config) {
        Ok(_) => Vec::new(),
        Err(findings) => findings.into_iter().map(|f| f.message).collect(),
    }
}

#[test]
fn the_definition_is_debeziums() {
    assert_eq!(DEFINITION.keys.len(), 124);
    let port = DEFINITION.get("database.port").unwrap();
    assert_eq!(port.default_value.as_deref(), Some("3306"));
}

#[test]
fn findings_have_debeziums_texts() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[("topic.prefix", "")],
            "The 'topic.prefix' value is invalid: A value is required",
        ),
        (
            &[("database.port", "abc")],
            "The 'database.port' value is invalid: An integer is expected",
        ),
        (
            &[("topic.prefix", "bad prefix!")],
            "The 'topic.prefix' value is invalid: bad prefix! has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)",
        ),
        (
            &[("decimal.handling.mode", "wrong")],
            "The 'decimal.handling.mode' value is invalid: Value must be one of string, double, precise",
        ),
        (
            &[("max.batch.size", "0")],
            "The 'max.batch.size' value is invalid: A positive, non-zero integer value is expected",
        ),
    ];
    for (extra, text) in cases {
        assert_eq!(messages(&base(extra)), [*text], "{extra:?}");
    }
}

#[test]
fn what_would_do_harm_when_ignored_is_refused() {
    for (key, value) in [
        ("column.mask.with.length.4.chars", "a.b.c"),
        ("topic.naming.strategy", "com.acme.Own"),
        ("post.processors", "reselector"),
        ("event.converting.failure.handling.mode", "ignore"),
        ("field.name.adjustment.mode", "camel"),
        ("topic.transaction", "a b"),
        ("table.include.list", "a.(b"),
        ("snapshot.mode", "never"),
        ("snapshot.mode", "configuration_based"),
        (
            "schema.history.internal",
            "io.debezium.storage.s3.history.S3SchemaHistory",
        ),
    ] {
        let found = messages(&base(&[(key, value)]));
        assert!(
            found.len() == 1 && found[0].contains(key),
            "{key}={value}: {found:?}"
        );
    }
}

#[test]
fn old_names_are_read() {
    let mut config = base(&[
        ("database.whitelist", "a,b"),
        ("snapshot.mode", "schema_only"),
    ]);
    config.remove("topic.prefix");
    config.set("database.server.name", "old");
    config.remove("schema.history.internal.kafka.topic");
    config.set("database.history.kafka.topic", "hist");
    let c = MysqlConfig::parse(&config).unwrap();
    assert_eq!(
        (c.prefix.as_str(), c.snapshot_mode),
        ("old", SnapshotMode::NoData)
    );
    assert!(
        c.tables.captures(&TableId::new("A", "t")) && !c.tables.captures(&TableId::new("ab", "t"))
    );
    assert!(matches!(c.history.store, HistoryStore::Kafka { topic, .. } if topic == "hist"));
    let said = warnings(&base(&[("table.whitelist", "x")]));
    assert!(
        said.len() == 1 && said[0].contains("renamed to table.include.list"),
        "{said:?}"
    );
    let keys = [
        "table.inclde.list",
        "table.whitelist",
        "schema.history.internal.kafka.topic",
    ];
    assert_eq!(keys.map(understands), [false, true, true]);
}

#[test]
fn field_names_are_adjusted_for_avro_unasked() {
    let avro = "io.confluent.connect.avro.AvroConverter";
    for (extra, want) in [
        (&[][..], None),
        (&[("field.name.adjustment.mode", "none")], None),
        (
            &[("sanitize.field.names", "true")],
            Some(Escape::Underscore),
        ),
        (&[("key.converter", avro)], Some(Escape::Underscore)),
        (
            &[
                ("value.converter", avro),
                ("field.name.adjustment.mode", "avro_unicode"),
            ],
            Some(Escape::Unicode),
        ),
    ] {
        let c = MysqlConfig::parse(&base(extra)).unwrap();
        assert_eq!((c.field_names, c.schema_names), (want, None), "{extra:?}");
    }
}

#[test]
fn keys_and_columns_are_chosen() {
    let c = MysqlConfig::parse(&base(&[
        (
            "message.key.columns",
            "inv.one:grp,v;inv.nopk:a; (.*).comp:z , pk.*,z;",
        ),
        ("column.exclude.list", "inv.one.secret"),
    ]))
    .unwrap();
    let table = |database: &str, name: &str| {
        let mut table = Table::new(TableId::new(database, name));
        let column = |name| Column::new(name, ColumnType::Int, "INT", 4);
        table.columns = ["v", "grp", "z", "pk1", "pk2"].map(column).to_vec();
        table
    };
    for (id, want) in [
        (("inv", "one"), &[1, 0][..]),
        (("x", "comp"), &[2, 3, 4]),
        (("x", "other"), &[]),
    ] {
        assert_eq!(c.key_columns.of(&table(id.0, id.1)), want, "{id:?}");
    }
    for bad in [
        "inv.one",
        "inv.one:",
        "inv.one:a,",
        "a:b:c",
        ":a",
        "a:b;;c:d",
        "a(:b",
    ] {
        let found = messages(&base(&[("message.key.columns", bad)]));
        assert_eq!(found.len(), 1, "{bad}");
    }
    assert!(!c.columns.captures(&TableId::new("inv", "one"), "secret"));
    assert!(c.columns.captures(&TableId::new("inv", "two"), "secret"));
}
