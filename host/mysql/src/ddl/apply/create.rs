//! CREATE TABLE: from columns and keys, or LIKE another table.

use super::super::Session;
use super::super::error::DdlErrorKind;
use super::super::statement::{CreateTable, Element, KeyDef, KeyKind};
use super::{Applied, Event, SchemaChangeKind, build, keys, resolve, resolve_charset};
use crate::table::{Table, Tables};

/// MySQL's and MariaDB's bound, in columns.
pub(super) const MAX_COLUMNS: usize = 4096;

pub(super) fn create_table(
    create: &CreateTable,
    text: &str,
    session: &Session,
    tables: &mut Tables,
) -> Applied {
    let id = resolve(&create.name, session, tables);
    if create.if_not_exists && tables.get(&id).is_some() {
        return Ok(Vec::new());
    }
    if let Some(like) = &create.like {
        let like = resolve(like, session, tables);
        let Some(original) = tables.get(&like) else {
            return Ok(Vec::new());
        };
        let mut table = Table::clone(original);
        table.id = id.clone();
        tables.put(table)?;
        return Ok(vec![Event::table(SchemaChangeKind::Create, id, text)]);
    }
    if create.select {
        return Err(DdlErrorKind::Select);
    }
    let around = tables
        .charset_of(&id.database)
        .or(session.default_charset.as_deref());
    let mut table = Table::new(id.clone());
    table.default_charset = resolve_charset(&create.options.charset, around).map(str::to_owned);
    table.comment.clone_from(&create.options.comment);
    let defined = add_elements(&mut table, &create.elements, session)?;
    table.normalise();
    for key in &defined {
        keys::add_key(&mut table, key);
    }
    keys::add_foreign(&mut table, &defined);
    table.normalise();
    tables.put(table)?;
    Ok(vec![Event::table(SchemaChangeKind::Create, id, text)])
}

/// Adds the columns; gives the keys, those written behind columns among them, to be added when
/// all columns are there.
pub(super) fn add_elements(
    table: &mut Table,
    elements: &[Element],
    session: &Session,
) -> Result<Vec<KeyDef>, DdlErrorKind> {
    let mut defined = Vec::new();
    for element in elements {
        match element {
            Element::Column(def) => {
                let first_timestamp = build::is_first_timestamp(&table.columns);
                let column = build::column(
                    def,
                    table.default_charset.as_deref(),
                    session,
                    first_timestamp,
                );
                match table
                    .index_of(&def.name)
                    .and_then(|at| table.columns.get_mut(at))
                {
                    Some(place) => *place = column,
                    None => table.columns.push(column),
                }
                if table.columns.len() > MAX_COLUMNS {
                    return Err(DdlErrorKind::TooMany {
                        limit: MAX_COLUMNS,
                        unit: "columns",
                    });
                }
                column_keys(def, &mut defined);
            }
            Element::Key(key) => defined.push(key.clone()),
            Element::Other => {}
        }
    }
    Ok(defined)
}

/// Keys written behind a column.
pub(super) fn column_keys(def: &super::super::statement::ColumnDef, keys: &mut Vec<KeyDef>) {
    let mut push = |kind| {
        let parts = vec![Some(def.name.clone())];
        keys.push(KeyDef {
            kind,
            name: None,
            parts,
            if_not_exists: false,
        });
    };
    if def.primary {
        push(KeyKind::Primary);
    }
    if def.unique {
        push(KeyKind::Unique);
    }
    if def.references {
        push(KeyKind::Foreign);
    }
}
