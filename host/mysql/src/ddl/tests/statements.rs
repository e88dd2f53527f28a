//! Definitions derived from DDL against what MySQL 9.7.4 showed in `information_schema` after each
//! statement, and single cases the server cannot be asked about.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::{Session, apply};
use crate::table::{Column, ColumnType, DefaultValue, Generation, Table, TableId, Tables};

fn charset(name: Option<&str>) -> Option<&str> {
    name.map(|name| if name == "utf8" { "utf8mb3" } else { name })
}

/// A column as the recording shows it.
fn shown(column: &Column) -> String {
    use ColumnType as T;
    let length = match column.ty {
        T::Char | T::VarChar | T::Binary | T::VarBinary => Some(column.length.unwrap_or(1)),
        T::Decimal | T::Bit => column.length,
        _ => None,
    };
    let scale = column.scale.filter(|_| column.ty == T::Decimal);
    let on_update = column.auto_incremented && matches!(column.ty, T::Timestamp | T::DateTime);
    format!(
        "{} {} {} null={} cs={:?} unsigned={} zf={} len={length:?} sc={scale:?} virt={} stor={} inv={} ai={} onup={on_update} cm={:?}",
        column.position,
        column.name,
        column.ty.native_name(),
        column.optional,
        charset(column.charset.as_deref()),
        column.unsigned,
        column.zerofill,
        column.generation == Some(Generation::Virtual),
        column.generation == Some(Generation::Stored),
        column.invisible,
        column.auto_incremented && !on_update,
        column.comment.as_deref().unwrap_or_default(),
    )
}

fn show(table: &Table) -> String {
    let mut out = format!("{}\n", table.id);
    for column in &table.columns {
        writeln!(out, "  {}", shown(column)).unwrap();
    }
    let mut keys: BTreeMap<&str, (bool, Vec<&str>)> = BTreeMap::new();
    if !table.primary_key.is_empty() {
        keys.insert(
            "PRIMARY",
            (true, table.primary_key.iter().map(String::as_str).collect()),
        );
    }
    for index in &table.indexes {
        let parts = index
            .parts
            .iter()
            .map(|part| part.as_deref().unwrap_or("()"))
            .collect();
        keys.insert(&index.name, (index.unique, parts));
    }
    let comment = table.comment.as_deref().unwrap_or_default();
    let default = charset(table.default_charset.as_deref()).unwrap_or_default();
    writeln!(out, "  {keys:?} comment={comment:?} charset={default}").unwrap();
    out
}

#[test]
fn derives_what_the_server_shows() {
    let statements = include_str!("../../../../../tests/golden/ddl/statements.sql");
    let recorded =
        include_str!("../../../../../tests/golden/ddl/statements.information_schema.txt");
    let mut tables = Tables::new(0);
    tables.set_server_charset("utf8mb4");
    let mut session = Session::new("ddlparse");
    session.version = 90_704;
    let mut before: BTreeMap<String, String> = BTreeMap::new();
    let mut compared = 0;
    let blocks = recorded.split("-- CREATE ").count();
    assert!(blocks > 50, "the recording is whole");
    let mut derived = String::new();
    for sql in statements
        .split(";\n")
        .map(str::trim)
        .filter(|sql| !sql.is_empty())
    {
        apply(sql, &session, &mut tables).unwrap_or_else(|error| panic!("{error}"));
        let after: BTreeMap<String, String> = tables
            .iter()
            .map(|table| (table.id.to_string(), show(table)))
            .collect();
        let words: Vec<&str> = sql.split_whitespace().collect();
        writeln!(derived, "-- {}", words.join(" ")).unwrap();
        for (id, shown) in &after {
            if before.get(id) != Some(shown) {
                derived.push_str(shown);
            }
        }
        for id in before.keys().filter(|id| !after.contains_key(*id)) {
            writeln!(derived, "{id} is gone").unwrap();
        }
        before = after;
        compared += 1;
    }
    for (ours, servers) in derived.split("\n-- ").zip(recorded.split("\n-- ")) {
        assert_eq!(ours.trim_end(), servers.trim_end());
    }
    assert_eq!(derived.len(), recorded.len());
    assert!(compared > 110, "{compared}");
}

fn column(sql: &str, session: &Session) -> Column {
    let mut tables = Tables::new(0);
    tables.set_server_charset("utf8mb4");
    apply(&format!("CREATE TABLE t (x {sql})"), session, &mut tables).unwrap();
    tables
        .find("d", "t")
        .unwrap()
        .columns
        .first()
        .unwrap()
        .clone()
}

#[test]
fn keeps_debeziums_words_and_defaults() {
    let session = Session::new("d");
    let text = |text: &str| DefaultValue::Expression(text.to_owned());
    for (sql, name, jdbc, length, scale, default) in [
        (
            "INTEGER(5) zerofill NOT NULL",
            "INTEGER UNSIGNED ZEROFILL",
            4,
            Some(5),
            None,
            DefaultValue::None,
        ),
        ("int1 DEFAULT -5", "INT1", 5, None, None, text("-5")),
        (
            "BOOLEAN DEFAULT TRUE",
            "BOOLEAN",
            16,
            None,
            None,
            text("TRUE"),
        ),
        ("dec", "DEC", 3, Some(10), Some(0), DefaultValue::Null),
        (
            "numeric(9)",
            "NUMERIC",
            2,
            Some(9),
            Some(0),
            DefaultValue::Null,
        ),
        (
            "double precision(7,2)",
            "DOUBLE PRECISION",
            8,
            Some(7),
            Some(2),
            DefaultValue::Null,
        ),
        ("float(53)", "FLOAT", 6, Some(53), None, DefaultValue::Null),
        ("bit DEFAULT b'1'", "BIT", -7, Some(1), None, text("1")),
        (
            "national varchar(6)",
            "NATIONAL VARCHAR",
            -9,
            Some(6),
            None,
            DefaultValue::Null,
        ),
        (
            "char(5) binary DEFAULT 'it''s'",
            "CHAR BINARY",
            1,
            Some(5),
            None,
            text("it''s"),
        ),
        (
            "set('a','b') DEFAULT 'a'",
            "SET",
            1,
            Some(3),
            None,
            text("a"),
        ),
        (
            "serial",
            "BIGINT UNSIGNED",
            -5,
            None,
            None,
            DefaultValue::None,
        ),
        (
            "datetime(3) DEFAULT now(3)",
            "DATETIME",
            93,
            Some(3),
            None,
            text("1970-01-01 00:00:00"),
        ),
        (
            "varchar(9) DEFAULT _utf8mb4'x'",
            "VARCHAR",
            12,
            Some(9),
            None,
            text("x"),
        ),
        (
            "json DEFAULT (json_array(')'))",
            "JSON",
            1111,
            None,
            None,
            DefaultValue::Null,
        ),
        (
            "long varbinary",
            "LONG VARBINARY",
            2004,
            None,
            None,
            DefaultValue::Null,
        ),
    ] {
        let column = column(sql, &session);
        assert_eq!(
            (
                column.type_name.as_str(),
                column.jdbc_type,
                column.length,
                column.scale,
                column.default
            ),
            (name, jdbc, length, scale, default),
            "{sql}"
        );
    }
}

#[test]
fn digits_of_byte_literals_become_values() {
    let session = Session::new("d");
    for (sql, default) in [
        ("INT DEFAULT 0x10", "16"),
        ("INT DEFAULT b'11'", "3"),
        ("VARCHAR(5) DEFAULT x'4142'", "AB"),
        ("BINARY(3) DEFAULT 0x41", "A"),
        ("BIT(4) DEFAULT 5", "101"),
        ("BIT(8) DEFAULT b'00000010'", "00000010"),
        ("BIT(8) DEFAULT 0x0A", "1010"),
        ("VARCHAR(5) DEFAULT '0x41'", "0x41"),
    ] {
        assert_eq!(
            column(sql, &session).default.expression(),
            Some(default),
            "{sql}"
        );
    }
}

#[test]
fn obeys_the_session() {
    let mut session = Session::new("d").with_sql_mode(0b101 | (1 << 20));
    assert_eq!(column("REAL", &session).ty, ColumnType::Float);
    let plain = column(r"VARCHAR(5) DEFAULT 'a\' COMMENT 'c'", &session);
    assert_eq!(plain.default.expression(), Some("a\\"));
    let mut tables = Tables::new(1);
    apply(r#"CREATE TABLE "T" ("a b" INT)"#, &session, &mut tables).unwrap();
    assert_eq!(
        tables.get(&TableId::new("d", "t")).unwrap().columns.len(),
        1
    );
    session.explicit_timestamp = false;
    assert!(!column("TIMESTAMP", &session).optional);
    session.mariadb = true;
    session.version = 101_100;
    for (sql, hidden) in [
        ("/*M!100000 INVISIBLE */", true),
        ("/*!80023 INVISIBLE */", false),
    ] {
        assert_eq!(
            column(&format!("INT {sql}"), &session).invisible,
            hidden,
            "{sql}"
        );
    }
    let mut tables = Tables::new(0);
    for sql in [
        "SET STATEMENT max_statement_time=1 FOR CREATE OR REPLACE TABLE m (u UUID, i INET6 DEFAULT '::', \
         e TIMESTAMP(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (e, e)) WITH SYSTEM VERSIONING",
        "ALTER TABLE IF EXISTS m ADD COLUMN IF NOT EXISTS u INT, DROP COLUMN IF EXISTS nope, \
         MODIFY IF EXISTS no INT, ADD IF NOT EXISTS z INT DEFAULT nextval(s) COMPRESSED",
    ] {
        let changes = apply(sql, &session, &mut tables).unwrap();
        assert!(
            changes.iter().all(|change| !change.ddl.starts_with("SET")),
            "{changes:?}"
        );
    }
    let table = tables.find("d", "m").unwrap();
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["u", "i", "e", "z"]);
}

#[test]
fn a_dropped_default_leaves_null_where_null_may_be() {
    let mut tables = Tables::new(0);
    let session = Session::new("d");
    for sql in [
        "CREATE TABLE t (a INT DEFAULT 5, b INT NOT NULL DEFAULT 5)",
        "ALTER TABLE t ALTER COLUMN a DROP DEFAULT, ALTER b DROP DEFAULT",
    ] {
        apply(sql, &session, &mut tables).unwrap();
    }
    let columns = &tables.find("d", "t").unwrap().columns;
    let defaults: Vec<_> = columns.iter().map(|c| &c.default).collect();
    assert_eq!(defaults, [&DefaultValue::Null, &DefaultValue::None]);
}

/// What MySQL 9.7.4 made of each, with `sql_generate_invisible_primary_key` on and off.
#[test]
fn nothing_comes_before_a_generated_key() {
    const KEY: &str = "my_row_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT";
    for (create, alter, becomes) in [
        (
            format!("{KEY} /*!80023 INVISIBLE */, a INT, b INT, PRIMARY KEY (my_row_id)"),
            "ADD x INT FIRST, ADD y INT FIRST, MODIFY b INT FIRST",
            "my_row_id b y x a",
        ),
        (
            format!("{KEY} INVISIBLE PRIMARY KEY, a INT"),
            "ALTER COLUMN my_row_id SET VISIBLE, ADD x INT FIRST",
            "my_row_id x a",
        ),
        (
            format!("{KEY} INVISIBLE PRIMARY KEY, a INT"),
            "DROP COLUMN my_row_id, ADD x INT FIRST",
            "x a",
        ),
        (
            format!("{KEY} PRIMARY KEY, a INT"),
            "ADD x INT FIRST",
            "x my_row_id a",
        ),
        (
            format!("{KEY} INVISIBLE, a INT, PRIMARY KEY (my_row_id, a)"),
            "ADD x INT FIRST",
            "x my_row_id a",
        ),
        (
            format!("a INT, {KEY} INVISIBLE PRIMARY KEY"),
            "ADD x INT FIRST",
            "x a my_row_id",
        ),
        (
            "my_row_id INT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY".into(),
            "ADD x INT FIRST",
            "x my_row_id",
        ),
    ] {
        let (mut tables, session) = (Tables::new(0), Session::new("d"));
        for sql in [
            format!("CREATE TABLE t ({create})"),
            format!("ALTER TABLE t {alter}"),
        ] {
            apply(&sql, &session, &mut tables).unwrap();
        }
        let columns = &tables.find("d", "t").unwrap().columns;
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names.join(" "), becomes, "{create}: {alter}");
    }
}
