//! What one table's definition means for its records: topic, schemas, converters, key.
//!
//! Built once per version of the definition (`TableSchemaBuilder.create`) and shared. It holds no rows.
//! Invariant: `columns` has one entry for each column of the definition, in the order of row events.

use super::Fixed;
use crate::config::MysqlConfig;
use crate::decode::{ColumnError, Converter, converter};
use crate::table::{Table, TableId};
use host_core::schema::{Schema, SchemaId, SchemaType, SharedSchemas};
use std::sync::Arc;

/// One column of a row.
#[derive(Debug)]
pub struct ColumnPlan {
    /// How its values are read; `None` where nobody wants them.
    pub converter: Option<Converter>,
    /// Whether its integers are unsigned.
    pub unsigned: bool,
    /// Whether it is part of the value.
    pub in_value: bool,
}

/// A table's records.
#[derive(Debug)]
pub struct TableEvents {
    /// The definition.
    pub table: Arc<Table>,
    /// `db.table`, as transaction metadata names it.
    pub name: Arc<str>,
    /// Topic of its change events.
    pub topic: String,
    /// Schema of the key, where it has one.
    pub key_schema: Option<SchemaId>,
    /// Columns of the key, as indexes.
    pub key: Vec<usize>,
    /// Schema of the row.
    pub value_schema: SchemaId,
    /// Schema of the change event.
    pub envelope_schema: SchemaId,
    /// All columns.
    pub columns: Vec<ColumnPlan>,
}

impl TableEvents {
    /// Plans a table's records.
    pub fn new(
        table: Arc<Table>,
        config: &MysqlConfig,
        fixed: &Fixed,
        schemas: &SharedSchemas,
    ) -> Result<Self, ColumnError> {
        let topic = topic_of(&table.id, config);
        let key = key_columns(&table, config);
        let mut value = Schema::new(SchemaType::Struct)
            .named(format!("{topic}.Value"))
            .optional();
        let mut key_schema = Schema::new(SchemaType::Struct).named(format!("{topic}.Key"));
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut ids = Vec::with_capacity(table.columns.len());
        for (index, column) in table.columns.iter().enumerate() {
            let in_value = config.columns.captures(&table.id, &column.name);
            let mut plan = ColumnPlan {
                converter: None,
                unsigned: column.unsigned,
                in_value,
            };
            let mut id = SchemaId::NONE;
            if in_value || key.contains(&index) {
                let (schema, converter) = converter(column, &config.values, schemas)?;
                id = schemas.intern(schema)?;
                plan.converter = Some(converter);
            }
            if in_value {
                value = value.field(column.name.as_str(), id);
            }
            ids.push(id);
            columns.push(plan);
        }
        for index in &key {
            if let (Some(column), Some(id)) = (table.columns.get(*index), ids.get(*index)) {
                key_schema = key_schema.field(column.name.as_str(), *id);
            }
        }
        let value_schema = schemas.intern(value)?;
        let envelope = Schema::new(SchemaType::Struct)
            .named(format!("{topic}.Envelope"))
            .version(2)
            .field("before", value_schema)
            .field("after", value_schema)
            .field("source", fixed.source)
            .field("transaction", fixed.block)
            .field("op", fixed.string)
            .field("ts_ms", fixed.int64_optional)
            .field("ts_us", fixed.int64_optional)
            .field("ts_ns", fixed.int64_optional);
        Ok(Self {
            name: table.id.to_string().into(),
            topic,
            key_schema: (!key.is_empty())
                .then(|| schemas.intern(key_schema))
                .transpose()?,
            key,
            value_schema,
            envelope_schema: schemas.intern(envelope)?,
            columns,
            table,
        })
    }
}

fn key_columns(table: &Table, config: &MysqlConfig) -> Vec<usize> {
    let chosen: Vec<usize> = config
        .key_columns
        .of(&table.id)
        .into_iter()
        .flatten()
        .filter_map(|name| table.index_of(name))
        .collect();
    if !chosen.is_empty() {
        return chosen;
    }
    table
        .key_columns()
        .iter()
        .filter_map(|name| table.index_of(name))
        .collect()
}

fn topic_of(id: &TableId, config: &MysqlConfig) -> String {
    let d = &config.delimiter;
    sanitise(&format!(
        "{}{d}{}{d}{}",
        config.prefix, id.database, id.table
    ))
}

/// A topic's name: characters Kafka does not take become `_` (`TopicNamingStrategy.sanitizedTopicName`).
pub fn sanitise(name: &str) -> String {
    const TOPIC_CHARS_MAX: usize = 249;
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(TOPIC_CHARS_MAX)
        .collect()
}
