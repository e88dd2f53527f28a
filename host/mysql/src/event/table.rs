//! What one table's definition means for its records: topic, schemas, converters, key.
//!
//! Built once per version of the definition (`TableSchemaBuilder.create`) and shared. It holds no rows.
//! Invariant: `columns` has one entry for each column of the definition, in the order of row events.

use super::Fixed;
use super::mapping::{Mapping, describe};
use crate::config::{Escape, FailureHandling, MysqlConfig, Treatment};
use crate::decode::{ColumnError, Converter, DecodeError, Raw, converter, custom};
use crate::table::{Column, Table};
use host_core::layout::{Arena, Slot};
use host_core::schema::{Schema, SchemaId, SchemaType, SharedSchemas};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// One column of a row.
#[derive(Debug)]
pub struct ColumnPlan {
    /// How its values are read; `None` where nobody wants them.
    pub converter: Option<Converter>,
    /// Whether its integers are unsigned.
    pub unsigned: bool,
    /// Whether it is part of the value.
    pub in_value: bool,
    /// What is done to its values in the row; those in the key stay.
    pub mapping: Option<Mapping>,
    /// What is done about values that its form cannot express.
    inexpressible: FailureHandling,
    /// Whether one of those has been told.
    told: AtomicBool,
}

impl ColumnPlan {
    /// The slot of a value, NULL where nobody wants it, or where it cannot be expressed and
    /// `event.converting.failure.handling.mode` lets it go (`TableSchemaBuilder.createValueGenerator`).
    #[inline]
    pub fn slot(&self, raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
        match &self.converter {
            None => Ok(Slot::NULL),
            Some(c) => c.convert(raw, arena).or_else(|e| self.without(c, e)),
        }
    }

    #[cold]
    fn without(&self, converter: &Converter, e: DecodeError) -> Result<Slot, DecodeError> {
        let DecodeError::NotExpressible(why) = &e else {
            return Err(e);
        };
        if self.inexpressible == FailureHandling::Fail || !converter.optional {
            return Err(e);
        }
        // Once for each plan: a column may hold nothing else.
        if !self.told.swap(true, Ordering::Relaxed) {
            match self.inexpressible {
                FailureHandling::Skip => tracing::debug!("wrote null for {why}"),
                _ => tracing::warn!("wrote null for {why}; others like it are not told again"),
            }
        }
        Ok(Slot::NULL)
    }
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
    /// Value of the key's last field, where tables that share a topic are told apart by it.
    pub key_origin: Option<String>,
    /// Schema of the row.
    pub value_schema: SchemaId,
    /// Schema of the change event.
    pub envelope_schema: SchemaId,
    /// All columns.
    pub columns: Vec<ColumnPlan>,
    /// Whether one of them has a mapping.
    pub mapped: bool,
}

impl TableEvents {
    /// Plans a table's records.
    pub fn new(
        table: Arc<Table>,
        config: &MysqlConfig,
        fixed: &Fixed,
        schemas: &SharedSchemas,
    ) -> Result<Self, ColumnError> {
        let topic = config.topics.topic(&table.id);
        let schema_name = |part: &str| {
            let name = format!("{topic}.{part}");
            config
                .schema_names
                .map_or(name.clone(), |e| e.schema_name(&name))
        };
        let names = field_names(&table, config)?;
        let key = key_columns(&table, config);
        let mut value = Schema::new(SchemaType::Struct)
            .named(schema_name("Value"))
            .optional();
        let mut key_schema = Schema::new(SchemaType::Struct).named(schema_name("Key"));
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut ids = Vec::with_capacity(table.columns.len());
        for (index, (column, name)) in table.columns.iter().zip(&names).enumerate() {
            let in_value = config.columns.captures(&table.id, &column.name);
            let mut plan = ColumnPlan {
                converter: None,
                unsigned: column.unsigned,
                in_value,
                mapping: None,
                inexpressible: config.inexpressible,
                told: AtomicBool::new(false),
            };
            let mut id = SchemaId::NONE;
            if in_value || key.contains(&index) {
                let (mut schema, converter) = match config.converters.of(&table.id, column) {
                    None => converter(column, &config.values, schemas)?,
                    Some(what) => custom(column, what, &config.values, schemas)?,
                };
                id = schemas.intern(schema.clone())?;
                plan.converter = Some(converter);
                if in_value {
                    let rule = config.rules.of(&table.id, column);
                    if let Some(rule) = rule {
                        plan.mapping = mapping(rule, &table, column, &schema);
                        describe(rule, column, config.values.comments, &mut schema);
                    }
                    let own = rule.map_or(Ok(id), |_| schemas.intern(schema))?;
                    value = value.field(name.as_ref(), own);
                }
            }
            ids.push(id);
            columns.push(plan);
        }
        for index in &key {
            if let (Some(name), Some(id)) = (names.get(*index), ids.get(*index)) {
                key_schema = key_schema.field(name.as_ref(), *id);
            }
        }
        let key_field = config.topics.key_field(&table.id);
        if let Some((name, _)) = &key_field {
            key_schema = key_schema.field(*name, fixed.string);
        }
        let value_schema = schemas.intern(value)?;
        let envelope = Schema::new(SchemaType::Struct)
            .named(schema_name("Envelope"))
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
            key_schema: (!key_schema.fields.is_empty())
                .then(|| schemas.intern(key_schema))
                .transpose()?,
            key,
            key_origin: key_field.map(|(_, origin)| origin),
            value_schema,
            envelope_schema: schemas.intern(envelope)?,
            mapped: columns.iter().any(|c| c.mapping.is_some()),
            columns,
            topic,
            table,
        })
    }
}

fn key_columns(table: &Table, config: &MysqlConfig) -> Vec<usize> {
    let chosen = config.key_columns.of(table);
    if !chosen.is_empty() {
        return chosen;
    }
    table
        .key_columns()
        .iter()
        .filter_map(|name| table.index_of(name))
        .collect()
}

/// The columns' names in the event; two that become one are an error.
fn field_names<'t>(
    table: &'t Table,
    config: &MysqlConfig,
) -> Result<Vec<Cow<'t, str>>, ColumnError> {
    let Some(escape) = config.field_names else {
        let names = table.columns.iter().map(|c| c.name.as_str().into());
        return Ok(names.collect());
    };
    let mut names: Vec<Cow<'t, str>> = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let name = Escape::field_name(escape, &column.name);
        let same = names.iter().zip(&table.columns).find(|(n, _)| **n == name);
        if let Some((_, first)) = same {
            return Err(ColumnError::FieldName {
                first: first.name.clone(),
                second: column.name.clone(),
                field: name,
            });
        }
        names.push(name.into());
    }
    Ok(names)
}

fn mapping(rule: &Treatment, table: &Table, column: &Column, schema: &Schema) -> Option<Mapping> {
    let mapping = Mapping::new(rule, column, schema.kind);
    if mapping.is_none() && matches!(rule, Treatment::Mask(_) | Treatment::Hash(..)) {
        tracing::warn!(
            table = %table.id,
            column = column.name,
            "column.mask.* masks text only, as in Debezium: this column's {} goes out in clear; leave it out with \
             column.exclude.list",
            column.type_name
        );
    }
    mapping
}
