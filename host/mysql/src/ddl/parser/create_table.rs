//! CREATE TABLE, and the table options it shares with ALTER TABLE.

use super::super::error::DdlErrorKind;
use super::super::statement::{CreateTable, Element, TableOptions};
use super::{Cursor, Parsed, column, key};

/// Behind `CREATE [OR REPLACE] TABLE`.
pub(super) fn create_table(cursor: &mut Cursor<'_>) -> Parsed<CreateTable> {
    let if_not_exists = cursor.accept_words(&["IF", "NOT", "EXISTS"]);
    let mut table = CreateTable {
        name: cursor.table_name()?,
        if_not_exists,
        like: None,
        elements: Vec::new(),
        options: TableOptions::default(),
        select: false,
    };
    if cursor.accept("LIKE") {
        table.like = Some(cursor.table_name()?);
        return Ok(table);
    }
    if cursor.accept_symbol(b'(') {
        if cursor.accept("LIKE") {
            table.like = Some(cursor.table_name()?);
            return Ok(table);
        }
        if starts_query(cursor) {
            table.select = true;
            return Ok(table);
        }
        table.elements = elements(cursor)?;
    }
    while !cursor.at_end() {
        table.select |= starts_query(cursor);
        option(cursor, &mut table.options);
    }
    let any_column = table
        .elements
        .iter()
        .any(|element| matches!(element, Element::Column(_)));
    if !table.select && !any_column {
        return Err((
            cursor.position(),
            DdlErrorKind::Expected("columns, LIKE or SELECT"),
        ));
    }
    Ok(table)
}

fn starts_query(cursor: &Cursor<'_>) -> bool {
    cursor.is_symbol(b'(')
        || cursor.is_word("SELECT")
        || cursor.is_word("TABLE")
        || cursor.is_words(&["VALUES", "ROW"])
        || (cursor.is_word("WITH") && !cursor.is_words(&["WITH", "SYSTEM"]))
}

/// Columns and keys up to and with the closing bracket.
pub(super) fn elements(cursor: &mut Cursor<'_>) -> Parsed<Vec<Element>> {
    let mut elements = Vec::new();
    loop {
        let element = if key::starts_key(cursor) {
            key::key(cursor)?
        } else {
            Element::Column(Box::new(column::column(cursor)?))
        };
        elements.push(element);
        cursor.bound(elements.len(), "columns and keys")?;
        if !cursor.accept_symbol(b',') {
            cursor.expect_symbol(b')', "a comma or bracket behind a column or key")?;
            return Ok(elements);
        }
    }
}

/// Takes one table option, or steps over one token.
pub(super) fn option(cursor: &mut Cursor<'_>, options: &mut TableOptions) {
    if cursor.accept_charset(&mut options.charset) {
        return;
    }
    if cursor.accept("COMMENT") {
        cursor.accept_symbol(b'=');
        options.comment = Some(cursor.value_text());
        return;
    }
    if cursor.accept_words(&["PARTITION", "BY"]) {
        // Its words and brackets are no options and no query; a query may follow behind AS.
        while !cursor.at_end() && !cursor.is_word("SELECT") && !cursor.is_word("AS") {
            cursor.skip_item();
        }
        return;
    }
    cursor.skip_item();
    if cursor.accept_symbol(b'=') {
        // A value may be any word, also one that would start something else.
        cursor.skip_item();
    }
}
