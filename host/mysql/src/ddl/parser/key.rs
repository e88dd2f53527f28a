//! Index definitions: CREATE INDEX, and the keys of CREATE and ALTER TABLE.

use super::super::statement::{Element, KeyDef, KeyKind, Statement};
use super::{Cursor, Parsed};

/// Behind `CREATE [UNIQUE] INDEX`.
pub(super) fn create_index(cursor: &mut Cursor<'_>, kind: KeyKind) -> Parsed<Statement> {
    let if_not_exists = cursor.accept_words(&["IF", "NOT", "EXISTS"]);
    let name = Some(cursor.name()?);
    skip_using(cursor);
    cursor.expect("ON")?;
    let table = cursor.table_name()?;
    let parts = key_parts(cursor)?;
    Ok(Statement::CreateIndex {
        table,
        key: KeyDef {
            kind,
            name,
            parts,
            if_not_exists,
        },
    })
}

/// Whether a key or constraint starts here rather than a column. All but the last line are
/// reserved words, so a column of that name is quoted.
pub(super) fn starts_key(cursor: &Cursor<'_>) -> bool {
    let reserved = [
        "INDEX",
        "KEY",
        "UNIQUE",
        "PRIMARY",
        "FULLTEXT",
        "SPATIAL",
        "CONSTRAINT",
        "FOREIGN",
        "CHECK",
    ];
    reserved.iter().any(|word| cursor.is_word(word))
        || [["VECTOR", "INDEX"], ["VECTOR", "KEY"], ["PERIOD", "FOR"]]
            .iter()
            .any(|words| cursor.is_words(words))
}

/// A key or constraint, up to the comma or bracket behind it.
pub(super) fn key(cursor: &mut Cursor<'_>) -> Parsed<Element> {
    let mut name = None;
    if cursor.accept("CONSTRAINT") {
        cursor.accept_words(&["IF", "NOT", "EXISTS"]);
        let kinds = ["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"];
        if !kinds.iter().any(|word| cursor.is_word(word)) {
            name = Some(cursor.name()?);
        }
    }
    let kind = if cursor.accept("PRIMARY") {
        KeyKind::Primary
    } else if cursor.accept("UNIQUE") {
        KeyKind::Unique
    } else if cursor.accept("FOREIGN") {
        KeyKind::Foreign
    } else if cursor.is_word("CHECK") || cursor.is_word("PERIOD") {
        cursor.skip_clause();
        return Ok(Element::Other);
    } else {
        KeyKind::Plain
    };
    for word in ["FULLTEXT", "SPATIAL", "VECTOR"] {
        cursor.accept(word);
    }
    if !cursor.accept("INDEX") {
        cursor.accept("KEY");
    }
    let if_not_exists = cursor.accept_words(&["IF", "NOT", "EXISTS"]);
    if !cursor.is_symbol(b'(') && !is_using(cursor) {
        let own = cursor.name()?;
        // A foreign key's index takes the constraint's name before its own.
        name = if kind == KeyKind::Foreign {
            name.or(Some(own))
        } else {
            Some(own)
        };
    }
    skip_using(cursor);
    let parts = key_parts(cursor)?;
    cursor.skip_clause();
    Ok(Element::Key(KeyDef {
        kind,
        name,
        parts,
        if_not_exists,
    }))
}

fn is_using(cursor: &Cursor<'_>) -> bool {
    ["BTREE", "HASH", "RTREE"]
        .iter()
        .any(|method| cursor.is_words(&["USING", method]) || cursor.is_words(&["TYPE", method]))
}

fn skip_using(cursor: &mut Cursor<'_>) {
    if is_using(cursor) {
        cursor.skip_token();
        cursor.skip_token();
    }
}

/// `(a, b(10) DESC, (a + b))`.
fn key_parts(cursor: &mut Cursor<'_>) -> Parsed<Vec<Option<String>>> {
    cursor.expect_symbol(b'(', "key parts")?;
    let mut parts = Vec::new();
    loop {
        let part = if cursor.is_symbol(b'(') {
            None
        } else {
            Some(cursor.column_name()?)
        };
        parts.push(part);
        cursor.bound(parts.len(), "key parts")?;
        cursor.skip_clause();
        if !cursor.accept_symbol(b',') {
            cursor.expect_symbol(b')', "a bracket behind key parts")?;
            return Ok(parts);
        }
    }
}
