//! Primary keys and indexes: adding under MySQL's naming rule, dropping, renaming.
//!
//! Only what decides the message key is followed exactly; other indexes are kept for their names.

use super::super::statement::{KeyDef, KeyKind};
use crate::table::{Index, Table, same_name};

/// Adds a primary key, unique or plain index. Foreign keys: [`add_foreign`].
pub(super) fn add_key(table: &mut Table, key: &KeyDef) {
    match key.kind {
        KeyKind::Primary => {
            let columns: Vec<String> = key.parts.iter().flatten().cloned().collect();
            for name in &columns {
                if let Some(column) = table
                    .index_of(name)
                    .and_then(|at| table.columns.get_mut(at))
                {
                    column.forbid_null();
                }
            }
            table.primary_key = columns;
        }
        KeyKind::Unique | KeyKind::Plain => {
            let exists = key
                .name
                .as_deref()
                .is_some_and(|name| named(table, name).is_some());
            if !(key.if_not_exists && exists) {
                push(table, key, key.kind == KeyKind::Unique);
            }
        }
        KeyKind::Foreign => {}
    }
}

/// Adds the indexes foreign keys make where no declared index starts with their columns.
pub(super) fn add_foreign(table: &mut Table, keys: &[KeyDef]) {
    for key in keys.iter().filter(|key| key.kind == KeyKind::Foreign) {
        let primary: Vec<Option<String>> = table.primary_key.iter().cloned().map(Some).collect();
        let served = starts_with(&primary, &key.parts)
            || table
                .indexes
                .iter()
                .any(|index| !index.implied && starts_with(&index.parts, &key.parts));
        if !served {
            push(table, key, false);
        }
    }
}

fn starts_with(parts: &[Option<String>], wanted: &[Option<String>]) -> bool {
    parts.len() >= wanted.len()
        && parts.iter().zip(wanted).all(|pair| match pair {
            (Some(part), Some(wanted)) => same_name(part, wanted),
            _ => false,
        })
}

fn push(table: &mut Table, key: &KeyDef, unique: bool) {
    table
        .indexes
        .retain(|index| !(index.implied && starts_with(&key.parts, &index.parts)));
    let name = key
        .name
        .clone()
        .unwrap_or_else(|| generated_name(table, key));
    let implied = key.kind == KeyKind::Foreign;
    table.indexes.push(Index {
        name,
        unique,
        parts: key.parts.clone(),
        implied,
    });
}

/// The first column's name, then with `_2`, `_3`… (`make_unique_key_name` in sql_table.cc).
fn generated_name(table: &Table, key: &KeyDef) -> String {
    let first = match key.parts.first() {
        Some(Some(column)) => column.as_str(),
        _ => "functional_index",
    };
    let free = |name: &str| named(table, name).is_none() && !name.eq_ignore_ascii_case("PRIMARY");
    if free(first) {
        return first.to_owned();
    }
    (2..=table.indexes.len().saturating_add(2))
        .map(|n| format!("{first}_{n}"))
        .find(|name| free(name))
        .unwrap_or_else(|| first.to_owned())
}

fn named(table: &Table, name: &str) -> Option<usize> {
    table
        .indexes
        .iter()
        .position(|index| same_name(&index.name, name))
}

/// Drops an index; `PRIMARY` is the primary key.
pub(super) fn drop_key(table: &mut Table, name: &str) {
    if name.eq_ignore_ascii_case("PRIMARY") {
        table.primary_key.clear();
    } else if let Some(at) = named(table, name) {
        table.indexes.remove(at);
    }
}

/// Renames an index.
pub(super) fn rename_key(table: &mut Table, from: &str, to: &str) {
    if let Some(index) = named(table, from).and_then(|at| table.indexes.get_mut(at)) {
        to.clone_into(&mut index.name);
    }
}

/// Gives key parts their columns' new names; `None` drops the part.
pub(super) fn rename_columns(table: &mut Table, new_name: impl Fn(&str) -> Option<String>) {
    table.primary_key = table
        .primary_key
        .iter()
        .filter_map(|name| new_name(name))
        .collect();
    for index in &mut table.indexes {
        index.parts = std::mem::take(&mut index.parts)
            .into_iter()
            .filter_map(|part| match part {
                Some(name) => new_name(&name).map(Some),
                None => Some(None),
            })
            .collect();
    }
    table.indexes.retain(|index| !index.parts.is_empty());
}
