//! ALTER TABLE's clauses.

use super::super::statement::{AlterAction, Element, Place, Statement, TableOptions};
use super::{Cursor, Parsed, column, create_table, key, literal};

/// Behind `ALTER TABLE`.
pub(super) fn alter_table(cursor: &mut Cursor<'_>) -> Parsed<Statement> {
    cursor.accept_words(&["IF", "EXISTS"]);
    let name = cursor.table_name()?;
    if cursor.accept("WAIT") {
        cursor.skip_token();
    }
    cursor.accept("NOWAIT");
    let mut actions = Vec::new();
    while !cursor.at_end() {
        if let Some(action) = action(cursor)? {
            actions.push(action);
            cursor.bound(actions.len(), "clauses")?;
        }
        // Options and partitioning follow without a comma.
        cursor.accept_symbol(b',');
    }
    Ok(Statement::AlterTable { name, actions })
}

fn action(cursor: &mut Cursor<'_>) -> Parsed<Option<AlterAction>> {
    if cursor.accept("ADD") {
        return add(cursor);
    }
    if cursor.accept("CHANGE") {
        cursor.accept("COLUMN");
        let if_exists = cursor.accept_words(&["IF", "EXISTS"]);
        let from = cursor.column_name()?;
        let column = Box::new(column::column(cursor)?);
        let place = place(cursor)?;
        return Ok(Some(AlterAction::ChangeColumn {
            from,
            column,
            place,
            if_exists,
        }));
    }
    if cursor.accept("MODIFY") {
        cursor.accept("COLUMN");
        let if_exists = cursor.accept_words(&["IF", "EXISTS"]);
        let column = Box::new(column::column(cursor)?);
        let from = column.name.clone();
        let place = place(cursor)?;
        return Ok(Some(AlterAction::ChangeColumn {
            from,
            column,
            place,
            if_exists,
        }));
    }
    if cursor.accept("ALTER") {
        return alter(cursor);
    }
    if cursor.accept("DROP") {
        return drop_action(cursor);
    }
    if cursor.accept("RENAME") {
        return rename(cursor);
    }
    if cursor.accept_words(&["CONVERT", "TO"]) {
        let mut charset = Default::default();
        while cursor.accept_charset(&mut charset) {}
        return Ok(Some(AlterAction::Convert(charset)));
    }
    let mut options = TableOptions::default();
    // Options run on without commas; a comma in one (ORDER BY a, b) only starts another round.
    while !cursor.at_end() && !cursor.is_symbol(b',') {
        create_table::option(cursor, &mut options);
    }
    let none = options == TableOptions::default();
    Ok((!none).then_some(AlterAction::Options(options)))
}

fn add(cursor: &mut Cursor<'_>) -> Parsed<Option<AlterAction>> {
    let column_said = cursor.accept("COLUMN");
    let if_not_exists = cursor.accept_words(&["IF", "NOT", "EXISTS"]);
    if cursor.accept_symbol(b'(') {
        return Ok(Some(AlterAction::Add(create_table::elements(cursor)?)));
    }
    if !column_said {
        if cursor.is_word("PARTITION") || cursor.is_words(&["SYSTEM", "VERSIONING"]) {
            cursor.skip_clause();
            return Ok(None);
        }
        if key::starts_key(cursor) {
            let element = key::key(cursor)?;
            return Ok((element != Element::Other).then(|| AlterAction::Add(vec![element])));
        }
    }
    let column = Box::new(column::column(cursor)?);
    let place = place(cursor)?;
    Ok(Some(AlterAction::AddColumn {
        column,
        place,
        if_not_exists,
    }))
}

fn place(cursor: &mut Cursor<'_>) -> Parsed<Option<Place>> {
    if cursor.accept("FIRST") {
        return Ok(Some(Place::First));
    }
    if cursor.accept("AFTER") {
        return Ok(Some(Place::After(cursor.column_name()?)));
    }
    Ok(None)
}

fn alter(cursor: &mut Cursor<'_>) -> Parsed<Option<AlterAction>> {
    let other = ["INDEX", "KEY", "CHECK", "CONSTRAINT"];
    if other.iter().any(|word| cursor.is_word(word)) {
        cursor.skip_clause();
        return Ok(None);
    }
    cursor.accept("COLUMN");
    cursor.accept_words(&["IF", "EXISTS"]);
    let column = cursor.column_name()?;
    if cursor.accept_words(&["SET", "DEFAULT"]) {
        let radix = literal::radix(cursor);
        let default = literal::default_value(cursor);
        return Ok(Some(AlterAction::SetDefault {
            column,
            default,
            radix,
        }));
    }
    if cursor.accept_words(&["DROP", "DEFAULT"]) {
        return Ok(Some(AlterAction::DropDefault(column)));
    }
    cursor.expect("SET")?;
    let invisible = cursor.accept("INVISIBLE");
    if !invisible {
        cursor.expect("VISIBLE")?;
    }
    Ok(Some(AlterAction::SetInvisible { column, invisible }))
}

fn drop_action(cursor: &mut Cursor<'_>) -> Parsed<Option<AlterAction>> {
    if cursor.accept_words(&["PRIMARY", "KEY"]) {
        return Ok(Some(AlterAction::DropPrimaryKey));
    }
    if cursor.accept("INDEX") || cursor.accept("KEY") {
        cursor.accept_words(&["IF", "EXISTS"]);
        return Ok(Some(AlterAction::DropKey(cursor.name()?)));
    }
    if cursor.accept("CONSTRAINT") {
        cursor.accept_words(&["IF", "EXISTS"]);
        return Ok(Some(AlterAction::DropConstraint(cursor.name()?)));
    }
    let other = ["FOREIGN", "CHECK", "PARTITION"];
    if other.iter().any(|word| cursor.is_word(word))
        || cursor.is_words(&["SYSTEM", "VERSIONING"])
        || cursor.is_words(&["PERIOD", "FOR"])
    {
        cursor.skip_clause();
        return Ok(None);
    }
    cursor.accept("COLUMN");
    cursor.accept_words(&["IF", "EXISTS"]);
    let column = cursor.column_name()?;
    cursor.skip_clause();
    Ok(Some(AlterAction::DropColumn(column)))
}

fn rename(cursor: &mut Cursor<'_>) -> Parsed<Option<AlterAction>> {
    if cursor.accept("COLUMN") {
        let if_exists = cursor.accept_words(&["IF", "EXISTS"]);
        let from = cursor.column_name()?;
        cursor.expect("TO")?;
        let to = cursor.column_name()?;
        return Ok(Some(AlterAction::RenameColumn {
            from,
            to,
            if_exists,
        }));
    }
    if cursor.accept("INDEX") || cursor.accept("KEY") {
        cursor.accept_words(&["IF", "EXISTS"]);
        let from = cursor.name()?;
        cursor.expect("TO")?;
        let to = cursor.name()?;
        return Ok(Some(AlterAction::RenameKey { from, to }));
    }
    if !cursor.accept("TO") && !cursor.accept("AS") {
        cursor.accept_symbol(b'=');
    }
    Ok(Some(AlterAction::RenameTable(cursor.table_name()?)))
}
