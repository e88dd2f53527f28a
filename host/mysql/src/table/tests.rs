//! Unit tests of the table model.

use super::*;

fn column(name: &str, optional: bool) -> Column {
    let mut column = Column::new(name, ColumnType::Int, "INT", jdbc::INTEGER);
    column.optional = optional;
    column
}

#[test]
fn ids_quote_and_parse_back() {
    for (id, text) in [
        (TableId::new("inv", "c"), r#""inv"."c""#),
        (TableId::new("inv", "we`ird-name"), r#""inv"."we`ird-name""#),
        (TableId::new("a.b", "q\"q"), r#""a.b"."q""q""#),
    ] {
        assert_eq!(id.to_double_quoted(), text);
        assert_eq!(TableId::parse(text), Some(id));
    }
    assert_eq!(
        TableId::new("inv", "we`ird").to_backtick_quoted(),
        "`inv`.`we``ird`"
    );
    for bad in ["", "\"a\".\"b", "a.b.c", "a."] {
        assert_eq!(TableId::parse(bad), None, "{bad}");
    }
}

#[test]
fn key_falls_back_to_a_unique_index_without_nulls() {
    let mut table = Table::new(TableId::new("d", "t"));
    table.columns = vec![column("a", true), column("b", false), column("c", false)];
    let unique = |name: &str, parts: &[Option<&str>]| Index {
        name: name.into(),
        unique: true,
        parts: parts.iter().map(|part| part.map(str::to_owned)).collect(),
        implied: false,
    };
    table.indexes = vec![
        unique("nullable", &[Some("a"), Some("b")]),
        unique("functional", &[Some("b"), None]),
        unique("good", &[Some("C"), Some("b")]),
    ];
    table.normalise();
    assert_eq!(table.key_columns(), ["c", "b"]);
    table.primary_key = vec!["b".into()];
    assert_eq!(table.key_columns(), ["b"]);
}

#[test]
fn names_fold_only_when_the_server_says_so() {
    let mut plain = Tables::new(0);
    plain.put(Table::new(plain.id("Db", "T"))).unwrap();
    assert!(plain.find("Db", "T").is_some());
    assert!(plain.find("db", "t").is_none());
    let mut folded = Tables::new(1);
    folded.put(Table::new(folded.id("Db", "T"))).unwrap();
    assert!(folded.find("dB", "t").is_some());
    folded.remove_database("DB");
    assert!(folded.is_empty());
}

#[test]
fn members_lose_quotes_and_escapes() {
    let mut column = column("e", true);
    column.enum_values = vec![
        "'it''s'".into(),
        r"'a\'b\\'".into(),
        "'a,b'".into(),
        "''".into(),
    ];
    assert_eq!(
        column.members().collect::<Vec<_>>(),
        ["it's", r"a'b\", "a,b", ""]
    );
}
