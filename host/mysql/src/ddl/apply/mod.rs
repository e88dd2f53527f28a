//! Applies a statement to [`Tables`] and tells, as Debezium splits it, what changed.
//!
//! It decides nothing about capture: filters by table or database are the caller's. Sources:
//! Debezium's parser listeners and `BinlogDatabaseSchema.parseDdl`.
//!
//! Invariant: on error `Tables` is unchanged; on success the changes are in statement order and
//! carry the definitions as they are after the whole statement.

mod alter;
mod build;
mod convert;
mod create;
mod keys;

use std::sync::Arc;

pub(crate) use build::stored_type;

use super::error::{DdlError, DdlErrorKind};
use super::parser::{ParsedStatement, parse, table_names};
use super::statement::{Charset, KeyDef, KeyKind, Statement, TableName};
use super::{Session, charset_of_collation, is_filtered, java_set};
use crate::table::{Table, TableId, Tables};

/// Debezium's `SchemaChangeEventType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaChangeKind {
    /// A table was created.
    Create,
    /// A table was altered, renamed, or got a key by CREATE UNIQUE INDEX.
    Alter,
    /// A table was dropped.
    Drop,
    /// A table was emptied; not for the history.
    Truncate,
    /// All else worth recording: databases, SET, USE, and statements without effect here.
    Database,
}

/// One schema change, the content of a history record and a schema-change event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaChange {
    /// Kind.
    pub kind: SchemaChangeKind,
    /// Database it belongs to, possibly empty.
    pub database: String,
    /// The table, unless `Database`.
    pub id: Option<TableId>,
    /// The name before RENAME TABLE (not before ALTER TABLE … RENAME, as in Debezium).
    pub previous_id: Option<TableId>,
    /// `source.table`: the statement's tables of this database joined by commas in the order of
    /// Java's HashSet; empty for statements Debezium saw no event in, absent for database events.
    pub source_table: Option<String>,
    /// Statement text as Debezium writes it.
    pub ddl: String,
    /// The definition after the statement, for `Create` and `Alter` of a known table.
    pub table: Option<Arc<Table>>,
}

/// Parses a statement and applies it. Empty for what Debezium neither records nor emits.
pub fn apply(
    sql: &str,
    session: &Session,
    tables: &mut Tables,
) -> Result<Vec<SchemaChange>, DdlError> {
    let parsed = parse(sql, session)?;
    let events = events(&parsed, session, tables).map_err(|kind| DdlError {
        kind: Box::new(kind),
        offset: 0,
        head: sql.chars().take(DdlError::HEAD_CHARS).collect(),
        tables: table_names(sql, session),
    })?;
    if !events.is_empty() {
        return Ok(split(events, tables));
    }
    if is_filtered(sql) {
        return Ok(Vec::new());
    }
    Ok(vec![SchemaChange {
        kind: SchemaChangeKind::Database,
        database: session.database.clone(),
        id: None,
        previous_id: None,
        source_table: Some(String::new()),
        ddl: sql.trim().to_owned(),
        table: None,
    }])
}

/// Debezium's `DdlParserListener.Event`.
struct Event {
    kind: SchemaChangeKind,
    database: String,
    id: Option<TableId>,
    previous_id: Option<TableId>,
    ddl: String,
}

impl Event {
    fn table(kind: SchemaChangeKind, id: TableId, ddl: impl Into<String>) -> Self {
        let database = id.database.clone();
        Self {
            kind,
            database,
            id: Some(id),
            previous_id: None,
            ddl: ddl.into(),
        }
    }

    fn database(database: impl Into<String>, ddl: &str) -> Self {
        Self {
            kind: SchemaChangeKind::Database,
            database: database.into(),
            id: None,
            previous_id: None,
            ddl: ddl.to_owned(),
        }
    }
}

type Applied = Result<Vec<Event>, DdlErrorKind>;

/// Runs of events of one database share the list of their tables (`getEventsByDatabase`).
fn split(events: Vec<Event>, tables: &Tables) -> Vec<SchemaChange> {
    let mut changes = Vec::with_capacity(events.len());
    for group in events.chunk_by(|a, b| a.database == b.database) {
        let ids: Vec<TableId> = group.iter().filter_map(|event| event.id.clone()).collect();
        let names: Vec<String> = java_set::in_hash_order(&ids)
            .into_iter()
            .map(|id| id.table)
            .collect();
        let source_table = (!names.is_empty()).then(|| names.join(","));
        changes.extend(group.iter().map(|event| {
            SchemaChange {
                kind: event.kind,
                database: event.database.clone(),
                id: event.id.clone(),
                previous_id: event.previous_id.clone(),
                source_table: source_table.clone(),
                ddl: event.ddl.clone(),
                table: event
                    .id
                    .as_ref()
                    .filter(|_| {
                        matches!(
                            event.kind,
                            SchemaChangeKind::Create | SchemaChangeKind::Alter
                        )
                    })
                    .and_then(|id| tables.get(id).cloned()),
            }
        }));
    }
    changes
}

fn resolve(name: &TableName, session: &Session, tables: &Tables) -> TableId {
    tables.id(
        name.database.as_deref().unwrap_or(&session.database),
        &name.table,
    )
}

/// A default character set as written, against the set around it.
fn resolve_charset<'a>(written: &'a Charset, around: Option<&'a str>) -> Option<&'a str> {
    match written.charset.as_deref() {
        Some("default") => around,
        Some(charset) => Some(charset),
        None => match written.collation.as_deref() {
            None | Some("default") => around,
            Some(collation) => charset_of_collation(collation).or(around),
        },
    }
}

fn events(parsed: &ParsedStatement<'_>, session: &Session, tables: &mut Tables) -> Applied {
    let text = parsed.text;
    match &parsed.statement {
        Statement::CreateTable(create) => create::create_table(create, text, session, tables),
        Statement::AlterTable { name, actions } => {
            alter::alter_table(name, actions, text, session, tables)
        }
        Statement::DropTable {
            names,
            prefix,
            suffix,
        } => Ok(drop_tables(names, prefix, *suffix, session, tables)),
        Statement::RenameTable { pairs, prefix } => {
            Ok(rename_tables(pairs, prefix, session, tables))
        }
        Statement::TruncateTable(name) => {
            let id = resolve(name, session, tables);
            Ok(vec![Event::table(SchemaChangeKind::Truncate, id, text)])
        }
        Statement::CreateDatabase { name, charset } => {
            let server = session
                .default_charset
                .as_deref()
                .or(tables.server_charset());
            if let Some(charset) = resolve_charset(charset, server).map(str::to_owned) {
                tables.set_database_charset(name, charset);
            }
            Ok(vec![Event::database(tables.fold(name), text)])
        }
        Statement::AlterDatabase { name, charset } => {
            let server = tables.server_charset();
            if !charset.is_empty()
                && let Some(charset) = resolve_charset(charset, server).map(str::to_owned)
            {
                tables.set_database_charset(name.as_ref().unwrap_or(&session.database), charset);
            }
            // Debezium has no event for it; it is recorded as a statement without effect.
            Ok(Vec::new())
        }
        Statement::DropDatabase(name) => {
            tables.remove_database(name);
            Ok(vec![Event::database(tables.fold(name), text)])
        }
        Statement::CreateIndex { table, key } => create_index(table, key, text, session, tables),
        Statement::DropIndex { table, name } => {
            let id = resolve(table, session, tables);
            if let Some(known) = tables.get(&id) {
                let mut table = Table::clone(known);
                keys::drop_key(&mut table, name);
                tables.put(table)?;
            }
            Ok(Vec::new())
        }
        Statement::Use(database) => Ok(vec![Event::database(tables.fold(database), text)]),
        Statement::Set(variables) => Ok(set_variables(variables, text, session, tables)),
        Statement::Irrelevant => Ok(Vec::new()),
    }
}

fn drop_tables(
    names: &[TableName],
    prefix: &str,
    suffix: Option<&str>,
    session: &Session,
    tables: &mut Tables,
) -> Vec<Event> {
    let suffix = suffix.map(|word| format!(" {word}")).unwrap_or_default();
    names
        .iter()
        .map(|name| {
            let id = resolve(name, session, tables);
            tables.remove(&id);
            let ddl = format!("{prefix}{}{suffix}", id.to_backtick_quoted());
            Event::table(SchemaChangeKind::Drop, id, ddl)
        })
        .collect()
}

fn rename_tables(
    pairs: &[(TableName, TableName, String)],
    prefix: &str,
    session: &Session,
    tables: &mut Tables,
) -> Vec<Event> {
    pairs
        .iter()
        .map(|(from, to, text)| {
            let from = resolve(from, session, tables);
            let to = resolve(to, session, tables);
            tables.rename(&from, to.clone());
            let mut event = Event::table(SchemaChangeKind::Alter, to, format!("{prefix}{text}"));
            event.previous_id = Some(from);
            event
        })
        .collect()
}

fn create_index(
    name: &TableName,
    key: &KeyDef,
    text: &str,
    session: &Session,
    tables: &mut Tables,
) -> Applied {
    let id = resolve(name, session, tables);
    let Some(known) = tables.get(&id) else {
        return Ok(Vec::new());
    };
    let mut table = Table::clone(known);
    // Debezium's `CreateUniqueIndexParserListener`: an event when the index may become the key.
    let may_be_key = key.kind == KeyKind::Unique
        && table.key_columns().is_empty()
        && key.parts.iter().all(|part| {
            part.as_ref()
                .is_some_and(|column| table.column(column).is_some())
        });
    keys::add_key(&mut table, key);
    table.normalise();
    tables.put(table)?;
    let event = may_be_key.then(|| Event::table(SchemaChangeKind::Alter, id, text));
    Ok(event.into_iter().collect())
}

fn set_variables(
    variables: &[(String, String)],
    text: &str,
    session: &Session,
    tables: &mut Tables,
) -> Vec<Event> {
    for (name, value) in variables {
        let value = value.to_ascii_lowercase();
        match name.as_str() {
            "character_set_server" => tables.set_server_charset(value),
            "character_set_database" if !session.database.is_empty() => {
                tables.set_database_charset(&session.database, value);
            }
            _ => {}
        }
    }
    if variables.is_empty() {
        Vec::new()
    } else {
        vec![Event::database("", text)]
    }
}
