//! Replays a record into [`Tables`] (`AbstractSchemaHistory.recover`).
//!
//! Debezium takes `tableChanges` and ignores the statement where both are there. Here the
//! statement is applied too: it carries what the record's definitions lack (indexes by name,
//! stored types, the old name of ALTER TABLE … RENAME). Where the two disagree the recorded
//! definition wins, so that a history written by Debezium means what it meant to Debezium.

use std::sync::Arc;

use super::HistoryRecord;
use super::table_json::{TableChange, TableChangeKind, column_json};
use crate::ddl::{self, DdlError, Session, is_filtered};
use crate::table::{Table, Tables};

/// Applies one record. An error only where the statement cannot be followed and no definition was
/// recorded with it; whether to go on then is `schema.history.internal.skip.unparseable.ddl`'s.
pub fn replay(
    record: &HistoryRecord,
    session: &Session,
    tables: &mut Tables,
) -> Result<(), DdlError> {
    let mut session = session.clone();
    session.database = record.database_name.clone().unwrap_or_default();
    let changes = record.table_changes.as_deref().unwrap_or_default();
    let statement = record.ddl.as_deref().filter(|ddl| !is_filtered(ddl));
    let outcome = statement.map_or(Ok(()), |ddl| {
        ddl::apply(ddl, &session, tables).map(|_changes| ())
    });
    for change in changes {
        apply_change(change, tables).map_err(|error| DdlError {
            kind: Box::new(error.into()),
            offset: 0,
            head: record
                .ddl
                .clone()
                .unwrap_or_default()
                .chars()
                .take(DdlError::HEAD_CHARS)
                .collect(),
            tables: vec![change.id.clone()],
        })?;
    }
    if changes.is_empty() { outcome } else { Ok(()) }
}

fn apply_change(
    change: &TableChange,
    tables: &mut Tables,
) -> Result<(), crate::table::TooManyTables> {
    match (change.kind, &change.table) {
        (TableChangeKind::Create | TableChangeKind::Alter, Some(recorded)) => {
            if let Some(previous) = &change.previous_id {
                tables.remove(previous);
            }
            let table = match tables.get(&change.id) {
                Some(derived) => Arc::new(merged(recorded, derived)),
                None => Arc::clone(recorded),
            };
            tables.put(table)?;
        }
        _ => {
            tables.remove(&change.id);
        }
    }
    Ok(())
}

/// The recorded definition with what only the statement tells, wherever both agree.
fn merged(recorded: &Table, derived: &Table) -> Table {
    let mut table = recorded.clone();
    for column in &mut table.columns {
        if let Some(same) = derived.column(&column.name)
            && column_json(same, false) == column_json(column, false)
        {
            *column = same.clone();
        }
    }
    if derived.key_columns() == table.primary_key {
        table.primary_key.clone_from(&derived.primary_key);
        table.indexes.clone_from(&derived.indexes);
    }
    table.comment = table.comment.or_else(|| derived.comment.clone());
    table.normalise();
    table
}
