//! Text no server would accept: an error or some statement, never a panic and never a change of
//! the tables with an error.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{DdlErrorKind, MAX_STATEMENT_BYTES, Session, apply, is_filtered, parse};
use crate::table::{TableId, Tables};

fn some_tables() -> Tables {
    let mut tables = Tables::new(0);
    let session = Session::new("d");
    for sql in [
        "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10) UNIQUE NOT NULL, c ENUM('x'), KEY k (b, a))",
        "CREATE TABLE u LIKE t",
    ] {
        apply(sql, &session, &mut tables).unwrap();
    }
    tables
}

const WORDS: &[&str] = &[
    "CREATE",
    "TABLE",
    "ALTER",
    "DROP",
    "RENAME",
    "TO",
    "t",
    "u",
    "a",
    "b",
    "c",
    "`a`",
    "d.t",
    "(",
    ")",
    ",",
    ".",
    "INT",
    "VARCHAR(3)",
    "DECIMAL(",
    "10",
    ",2)",
    "ENUM('x','y')",
    "NOT",
    "NULL",
    "DEFAULT",
    "'s'",
    "b'1'",
    "0x41",
    "-",
    "+",
    "PRIMARY",
    "KEY",
    "UNIQUE",
    "INDEX",
    "ADD",
    "COLUMN",
    "CHANGE",
    "MODIFY",
    "FIRST",
    "AFTER",
    "LIKE",
    "IF",
    "EXISTS",
    "CONVERT",
    "CHARACTER",
    "SET",
    "latin1",
    "COLLATE",
    "COMMENT",
    "=",
    "/*!80000",
    "*/",
    "/*",
    "--",
    "\n",
    "#",
    "'",
    "`",
    "\"",
    "GENERATED",
    "ALWAYS",
    "AS",
    "VIRTUAL",
    "CONSTRAINT",
    "FOREIGN",
    "REFERENCES",
    "ON",
    "UPDATE",
    "DELETE",
    "PARTITION",
    "BY",
    "SELECT",
    "DATABASE",
    "USE",
    "TRUNCATE",
    "SERIAL",
    "NATIONAL",
    "LONG",
    "@@x",
    ":=",
    ";",
    "STATEMENT",
    "FOR",
    "\\",
    "é",
    "日",
    "\u{0}",
    "1e5",
    ".5",
    "99999999999999999999",
];

fn soup() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 0..40).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn word_soup_never_panics(head in 0usize..8, soup in soup(), ansi: bool, plain: bool, maria: bool) {
        let heads =
            ["", "CREATE TABLE n (", "ALTER TABLE t ", "CREATE TABLE ", "DROP ", "RENAME TABLE ", "SET ", "ALTER "];
        let sql = format!("{}{soup}", heads.get(head).unwrap());
        let mut session = Session::new("d");
        session.ansi_quotes = ansi;
        session.no_backslash_escapes = plain;
        session.mariadb = maria;
        let before = some_tables();
        let mut tables = before.clone();
        let _filtered = is_filtered(&sql);
        if let Err(error) = apply(&sql, &session, &mut tables) {
            prop_assert!(error.head.len() <= sql.len());
            prop_assert_eq!(tables.len(), before.len());
            for table in before.iter() {
                prop_assert_eq!(tables.get(&table.id), Some(table));
            }
        }
        for table in tables.iter() {
            for (at, column) in table.columns.iter().enumerate() {
                prop_assert_eq!(column.position as usize, at + 1);
            }
            for name in &table.primary_key {
                prop_assert!(table.column(name).is_some_and(|column| column.name == *name));
            }
        }
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,60}", cut in 0usize..80) {
        let _any = parse(&text, &Session::new("d"));
        let sql = "ALTER TABLE `d`.`t` ADD COLUMN x VARCHAR(9) DEFAULT 'it''s' /*!80023 INVISIBLE */ AFTER a";
        let _cut = apply(sql.get(..cut).unwrap_or(sql), &Session::new("d"), &mut some_tables());
    }
}

#[test]
fn errors_name_the_statement_and_its_tables() {
    let session = Session::new("d");
    for (sql, tables, message) in [
        (
            "ALTER TABLE other.x ADD COLUMN y NOTYPE",
            vec![("other", "x")],
            "unknown type \"NOTYPE\" at byte 33",
        ),
        (
            "ALTER TABLE t MODIFY nope INT",
            vec![("d", "t")],
            "no column \"nope\" in d.t",
        ),
        (
            "RENAME TABLE a TO b, c d",
            vec![("d", "a"), ("d", "b"), ("d", "c")],
            "expected TO at byte 23",
        ),
        (
            "CREATE TABLE x (a INT",
            vec![("d", "x")],
            "expected a comma or bracket",
        ),
        (
            "CREATE TABLE x AS SELECT 1",
            vec![("d", "x")],
            "columns that come from a query",
        ),
        (
            "CREATE UNIQUE INDEX i ON q.x a",
            vec![("q", "x")],
            "expected key parts at byte 29",
        ),
        (
            "ALTER TABLE t ADD b 'open",
            vec![("d", "t")],
            "quote without its end at byte 20",
        ),
        ("DROP TABLE", vec![], "on an unknown table: expected a name"),
    ] {
        let error = apply(sql, &session, &mut some_tables()).unwrap_err();
        let ids: Vec<_> = tables
            .iter()
            .map(|(db, table)| TableId::new(*db, *table))
            .collect();
        assert_eq!(error.tables, ids, "{sql}");
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.head, sql);
    }
}

#[test]
fn size_and_depth_are_bounded() {
    let session = Session::new("d");
    let started = Instant::now();
    let deep = format!(
        "CREATE TABLE x (a INT CHECK {}1{})",
        "(".repeat(500_000),
        ")".repeat(500_000)
    );
    assert_eq!(apply(&deep, &session, &mut some_tables()).unwrap().len(), 1);
    let names: Vec<String> = (0..5000).map(|n| format!("c{n} INT")).collect();
    let many = format!("CREATE TABLE x ({})", names.join(","));
    let error = apply(&many, &session, &mut some_tables()).unwrap_err();
    assert_eq!(
        *error.kind,
        DdlErrorKind::TooMany {
            limit: 4096,
            unit: "columns"
        }
    );
    let long = "DROP TABLE x".to_owned() + &" ".repeat(MAX_STATEMENT_BYTES);
    let error = apply(&long, &session, &mut some_tables()).unwrap_err();
    assert_eq!(*error.kind, DdlErrorKind::TooLong(MAX_STATEMENT_BYTES));
    assert_eq!(error.head.chars().count(), 200);
    let insert = format!(
        "INSERT INTO t VALUES ('{}')",
        "x".repeat(MAX_STATEMENT_BYTES / 2)
    );
    assert_eq!(apply(&insert, &session, &mut some_tables()).unwrap(), []);
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}
