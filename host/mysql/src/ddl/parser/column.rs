//! A column definition: name, type, attributes in any order.

use super::super::lexer::Kind;
use super::super::statement::ColumnDef;
use super::{Cursor, Parsed, data_type, literal};
use crate::table::{DefaultValue, Generation};

/// `name type attribute…`, up to FIRST, AFTER, a comma, a closing bracket or the end.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Parsed<ColumnDef> {
    let name = cursor.column_name()?;
    let data_type = data_type::data_type(cursor)?;
    let serial = data_type.serial;
    let mut column = ColumnDef {
        name,
        data_type,
        null: serial.then_some(false),
        default: DefaultValue::None,
        default_radix: None,
        on_update: false,
        auto_increment: serial,
        primary: false,
        unique: serial,
        comment: None,
        generation: None,
        invisible: false,
        references: false,
    };
    while !cursor.at_end()
        && !cursor.is_symbol(b',')
        && !cursor.is_symbol(b')')
        && !cursor.is_word("FIRST")
        && !cursor.is_word("AFTER")
    {
        attribute(cursor, &mut column);
    }
    Ok(column)
}

fn attribute(cursor: &mut Cursor<'_>, column: &mut ColumnDef) {
    if cursor.accept_words(&["NOT", "NULL"]) {
        column.null = Some(false);
    } else if cursor.accept("NULL") {
        column.null = Some(true);
    } else if cursor.accept_words(&["SERIAL", "DEFAULT", "VALUE"]) {
        column.null = Some(false);
        column.auto_increment = true;
        column.unique = true;
    } else if cursor.accept_charset(&mut column.data_type.charset) {
        // COLLATE behind NOT NULL, and CHARACTER SET where MariaDB allows it.
    } else if cursor.accept("DEFAULT") {
        column.default_radix = literal::radix(cursor);
        column.default = literal::default_value(cursor);
    } else if cursor.accept_words(&["ON", "UPDATE"]) {
        cursor.skip_token();
        literal::skip_arguments(cursor);
        column.on_update = true;
    } else if cursor.accept("AUTO_INCREMENT") {
        column.auto_increment = true;
    } else if cursor.accept("UNIQUE") {
        cursor.accept("KEY");
        column.unique = true;
    } else if cursor.accept("PRIMARY") || cursor.is_word("KEY") {
        cursor.accept("KEY");
        column.primary = true;
    } else if cursor.accept("COMMENT") {
        column.comment = Some(cursor.value_text());
    } else if cursor.accept("INVISIBLE") {
        column.invisible = true;
    } else if cursor.accept("REFERENCES") {
        references(cursor);
        column.references = true;
    } else if cursor.accept_words(&["GENERATED", "ALWAYS", "AS"]) || cursor.accept("AS") {
        generation(cursor, column);
    } else if cursor.accept("CONSTRAINT") {
        if !cursor.is_word("CHECK") {
            cursor.skip_token();
        }
    } else if cursor.accept("CHECK") || takes_value(cursor) {
        cursor.accept_symbol(b'=');
        cursor.skip_item();
    } else if cursor.accept("NOT") {
        // NOT ENFORCED, NOT SECONDARY
        cursor.skip_token();
    } else {
        cursor.skip_item();
    }
}

/// Attributes of one value that must not be read as an attribute itself (STORAGE DEFAULT).
fn takes_value(cursor: &mut Cursor<'_>) -> bool {
    [
        "COLUMN_FORMAT",
        "STORAGE",
        "SRID",
        "ENGINE_ATTRIBUTE",
        "SECONDARY_ENGINE_ATTRIBUTE",
        "REF_SYSTEM_ID",
    ]
    .iter()
    .any(|word| cursor.accept(word))
}

/// Table, columns and actions of a foreign key; ON UPDATE here is not the column's.
fn references(cursor: &mut Cursor<'_>) {
    if cursor.table_name().is_err() {
        return;
    }
    literal::skip_arguments(cursor);
    loop {
        if cursor.accept("MATCH") {
            cursor.skip_token();
        } else if cursor.accept_words(&["ON", "DELETE"]) || cursor.accept_words(&["ON", "UPDATE"]) {
            // SET NULL, SET DEFAULT and NO ACTION are two words.
            if !cursor.accept("SET") {
                cursor.accept("NO");
            }
            cursor.skip_token();
        } else {
            return;
        }
    }
}

fn generation(cursor: &mut Cursor<'_>, column: &mut ColumnDef) {
    if cursor.peek_kind() == Some(Kind::Word) {
        // MariaDB's AS ROW START, AS ROW END: the server fills them in.
        cursor.skip_token();
        cursor.skip_token();
        return;
    }
    cursor.skip_item();
    let stored = cursor.accept("STORED") || cursor.accept("PERSISTENT");
    if !stored {
        cursor.accept("VIRTUAL");
    }
    column.generation = Some(if stored {
        Generation::Stored
    } else {
        Generation::Virtual
    });
}
