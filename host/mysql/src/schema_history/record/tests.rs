//! Records: bad input, and replay where statement and definition disagree.

use proptest::prelude::*;

use super::*;
use crate::ddl::{self, Session};
use crate::table::{ColumnType, TableId, Tables};

fn record(ddl: &str, changes: &str) -> HistoryRecord {
    let text = format!(
        r#"{{"source":{{"server":"s"}},"position":{{"file":"f","pos":4}},"databaseName":"d","ddl":{},"tableChanges":{changes}}}"#,
        Value::String(ddl.to_owned())
    );
    HistoryRecord::parse(text.as_bytes()).unwrap()
}

const TABLE: &str = r#"[{"type":"ALTER","id":"\"d\".\"t\"","table":{"defaultCharsetName":"utf8mb4",
    "primaryKeyColumnNames":["id"],"columns":[
    {"name":"id","jdbcType":-5,"typeName":"BIGINT UNSIGNED","typeExpression":"BIGINT UNSIGNED","charsetName":null,"position":1,"optional":false,"autoIncremented":true,"generated":true,"comment":null,"hasDefaultValue":false,"enumValues":[]},
    {"name":"e","jdbcType":1,"typeName":"ENUM","typeExpression":"ENUM","charsetName":"utf8mb4","length":1,"position":2,"optional":true,"autoIncremented":false,"generated":false,"comment":null,"hasDefaultValue":true,"defaultValueExpression":"a","enumValues":["'a'","'b'"]},
    {"name":"f","jdbcType":6,"typeName":"FLOAT","typeExpression":"FLOAT","charsetName":null,"length":53,"position":3,"optional":true,"autoIncremented":false,"generated":false,"comment":null,"hasDefaultValue":true,"enumValues":[]}
    ],"attributes":[{"name":"x","value":"y"}]},"comment":null}]"#;

#[test]
fn recorded_definitions_tell_what_is_stored() {
    let mut tables = Tables::new(0);
    replay(
        &record("ALTER TABLE t ENGINE=InnoDB", TABLE),
        &Session::new(""),
        &mut tables,
    )
    .unwrap();
    let table = tables.get(&TableId::new("d", "t")).unwrap();
    let types: Vec<_> = table
        .columns
        .iter()
        .map(|column| (column.ty, column.unsigned))
        .collect();
    assert_eq!(
        types,
        [
            (ColumnType::BigInt, true),
            (ColumnType::Enum, false),
            (ColumnType::Double, false)
        ]
    );
    assert_eq!(table.attributes.first().map(|a| a.name.as_str()), Some("x"));
}

#[test]
fn a_generated_key_is_known_in_a_recorded_definition() {
    let mut tables = Tables::new(0);
    let definition = TABLE
        .replace("[\"id\"]", "[\"my_row_id\"]")
        .replace("\"name\":\"id\"", "\"name\":\"my_row_id\"");
    replay(&record("x", &definition), &Session::new(""), &mut tables).unwrap();
    ddl::apply(
        "ALTER TABLE t ADD x INT FIRST",
        &Session::new("d"),
        &mut tables,
    )
    .unwrap();
    let columns = &tables.get(&TableId::new("d", "t")).unwrap().columns;
    let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["my_row_id", "x", "e", "f"]);
}

#[test]
fn recorded_definitions_win_over_statements() {
    let mut tables = Tables::new(0);
    let session = Session::new("");
    let create = record(
        "CREATE TABLE t (id INT, e INT, f INT, g INT, KEY k (e))",
        "[]",
    );
    replay(&create, &session, &mut tables).unwrap();
    replay(
        &record("ALTER TABLE t ADD nonsense", TABLE),
        &session,
        &mut tables,
    )
    .unwrap();
    let table = tables.get(&TableId::new("d", "t")).unwrap();
    assert_eq!(table.columns.len(), 3);
    assert_eq!(table.key_columns(), ["id"]);
}

#[test]
fn renames_by_alter_leave_no_old_table() {
    let mut tables = Tables::new(0);
    let session = Session::new("");
    for ddl in ["CREATE TABLE a (id INT)", "ALTER TABLE a RENAME TO t"] {
        replay(&record(ddl, "[]"), &session, &mut tables).unwrap();
    }
    replay(
        &record("ALTER TABLE t ENGINE=InnoDB", TABLE),
        &session,
        &mut tables,
    )
    .unwrap();
    assert_eq!(tables.len(), 1);
}

#[test]
fn an_unfollowable_statement_without_definition_is_an_error() {
    let mut tables = Tables::new(0);
    let session = Session::new("");
    replay(
        &record("CREATE TABLE t (id INT)", "[]"),
        &session,
        &mut tables,
    )
    .unwrap();
    let error = replay(
        &record("ALTER TABLE t ADD b NOPE", "[]"),
        &session,
        &mut tables,
    );
    assert!(error.unwrap_err().to_string().contains("d.t"));
    replay(
        &record("CREATE OR REPLACE VIEW v AS (", "[]"),
        &session,
        &mut tables,
    )
    .unwrap();
}

#[test]
fn bad_records_are_errors() {
    for (text, said) in [
        ("", "EOF"),
        ("[]", "record is not an object"),
        ("{}", "source is not an object"),
        (r#"{"source":{},"position":1}"#, "position is not an object"),
        (
            r#"{"source":{},"position":{},"ddl":1}"#,
            "ddl is not a string",
        ),
        (
            r#"{"source":{},"position":{},"tableChanges":[{}]}"#,
            "tableChanges.type",
        ),
        (
            r#"{"source":{},"position":{},"tableChanges":[{"type":"CREATE","id":"\"d\".\"t\"","table":{"columns":[{"name":"a","jdbcType":1,"typeName":"NOPE"}]}}]}"#,
            "column a of d.t has unknown type \"NOPE\"",
        ),
    ] {
        let error = HistoryRecord::parse(text.as_bytes())
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(at in 0usize..1500, byte: u8) {
        let mut bytes = format!(
            r#"{{"source":{{}},"position":{{}},"ddl":"x","tableChanges":{TABLE}}}"#
        ).into_bytes();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        if let Ok(record) = HistoryRecord::parse(&bytes) {
            let again = HistoryRecord::parse(record.to_pretty(true).as_bytes()).unwrap();
            prop_assert_eq!(again.to_json(true), record.to_json(true));
            let _replayed = replay(&record, &Session::new(""), &mut Tables::new(0));
        }
    }
}
