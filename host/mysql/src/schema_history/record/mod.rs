//! Debezium's schema-history record (`HistoryRecord`, `JsonTableChangeSerializer`): to and from
//! JSON, in Jackson's pretty form (Kafka topic) and compact (file).
//!
//! It reads what Debezium wrote and writes what Debezium reads, byte for byte. No storage, no
//! comparison of positions.
//!
//! Invariant: writing what was read from Debezium's pretty form gives the same bytes.

mod pretty;
mod replay;
mod table_json;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use pretty::to_pretty;
pub use replay::replay;
pub use table_json::{TableChange, TableChangeKind};

use crate::ddl::{SchemaChange, SchemaChangeKind};

/// Why a record could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not JSON, or longer than [`HistoryRecord::MAX_BYTES`].
    #[error("reading a schema history record: {0}; the topic holds something else than a history")]
    Json(String),
    /// A field is missing or of another type.
    #[error("reading a schema history record: {field} is not {expected}")]
    Field {
        /// Path of the field.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A column's `typeName` is no type known here.
    #[error(
        "reading a schema history record: column {column} of {table} has unknown type {name:?}"
    )]
    UnknownType {
        /// `db.table`.
        table: String,
        /// The column.
        column: String,
        /// Its `typeName`.
        name: String,
    },
}

/// One record. Field order in JSON is that of the fields here.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryRecord {
    /// Source partition: `{"server": prefix}`.
    pub source: Map<String, Value>,
    /// Source offset the statement was read at.
    pub position: Map<String, Value>,
    /// Milliseconds since the epoch when it was recorded.
    pub ts_ms: Option<i64>,
    /// Database of the statement, empty for SET.
    pub database_name: Option<String>,
    /// Never written by MySQL, carried through.
    pub schema_name: Option<String>,
    /// The statement.
    pub ddl: Option<String>,
    /// Definitions after it.
    pub table_changes: Option<Vec<TableChange>>,
}

impl HistoryRecord {
    /// Longest record read, in bytes.
    pub const MAX_BYTES: usize = 64 << 20;

    /// A record of a change.
    pub fn new(
        source: Map<String, Value>,
        position: Map<String, Value>,
        ts_ms: i64,
        change: &SchemaChange,
    ) -> Self {
        Self {
            source,
            position,
            ts_ms: Some(ts_ms),
            database_name: Some(change.database.clone()),
            schema_name: None,
            ddl: Some(change.ddl.clone()),
            table_changes: Some(table_changes(change)),
        }
    }

    /// The record as JSON; column and table comments only when `comments`
    /// (`include.schema.comments`).
    pub fn to_json(&self, comments: bool) -> Value {
        let mut doc = Map::new();
        doc.insert("source".into(), Value::Object(self.source.clone()));
        doc.insert("position".into(), Value::Object(self.position.clone()));
        if let Some(ts_ms) = self.ts_ms {
            doc.insert("ts_ms".into(), ts_ms.into());
        }
        for (key, value) in [
            ("databaseName", &self.database_name),
            ("schemaName", &self.schema_name),
            ("ddl", &self.ddl),
        ] {
            if let Some(value) = value {
                doc.insert(key.into(), Value::String(value.clone()));
            }
        }
        if let Some(changes) = &self.table_changes {
            let changes = changes
                .iter()
                .map(|change| change.to_json(comments))
                .collect();
            doc.insert("tableChanges".into(), Value::Array(changes));
        }
        Value::Object(doc)
    }

    /// Pretty form, as Debezium writes to Kafka.
    pub fn to_pretty(&self, comments: bool) -> String {
        to_pretty(&self.to_json(comments))
    }

    /// Reads a record in any JSON form.
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(RecordError::Json(format!(
                "longer than {} bytes",
                Self::MAX_BYTES
            )));
        }
        let value: Value =
            serde_json::from_slice(bytes).map_err(|error| RecordError::Json(error.to_string()))?;
        let Value::Object(mut doc) = value else {
            return Err(table_json::field("record", "an object"));
        };
        let mut object = |key: &str| match doc.remove(key) {
            Some(Value::Object(map)) => Ok(map),
            _ => Err(table_json::field(key, "an object")),
        };
        let source = object("source")?;
        let position = object("position")?;
        let text = |key: &str| match doc.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(table_json::field(key, "a string")),
        };
        let table_changes = match doc.get("tableChanges") {
            None | Some(Value::Null) => None,
            Some(Value::Array(changes)) => Some(
                changes
                    .iter()
                    .map(TableChange::parse)
                    .collect::<Result<_, _>>()?,
            ),
            Some(_) => return Err(table_json::field("tableChanges", "an array")),
        };
        Ok(Self {
            source,
            position,
            ts_ms: doc.get("ts_ms").and_then(Value::as_i64),
            database_name: text("databaseName")?,
            schema_name: text("schemaName")?,
            ddl: text("ddl")?,
            table_changes,
        })
    }
}

/// The `tableChanges` of a change: none for databases and for tables that are not known.
pub fn table_changes(change: &SchemaChange) -> Vec<TableChange> {
    let Some(id) = &change.id else {
        return Vec::new();
    };
    let (kind, table) = match (change.kind, &change.table) {
        (SchemaChangeKind::Create, Some(table)) => (TableChangeKind::Create, Some(table.clone())),
        (SchemaChangeKind::Alter, Some(table)) => (TableChangeKind::Alter, Some(table.clone())),
        (SchemaChangeKind::Drop, _) => (TableChangeKind::Drop, None),
        _ => return Vec::new(),
    };
    vec![TableChange {
        kind,
        id: id.clone(),
        previous_id: change.previous_id.clone(),
        table,
    }]
}
