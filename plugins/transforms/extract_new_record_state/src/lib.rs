//! `io.debezium.transforms.ExtractNewRecordState` of Debezium 3.6: a change event becomes its row.
//!
//! All of its options. Records that are not change events pass unchanged; a truncate is dropped. As in Debezium a row
//! passes through `addFields` even with nothing to add, so its schema loses `optional`, and a deleted row's null keeps
//! the row's schema: it is not a tombstone (`delete-to-tombstone` makes one).
//! Invariant: rows are referred to, not copied, unless a field is added or dropped.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

mod definition;
mod drop_fields;
mod reference;
mod row;

use drop_fields::DropFields;
use reference::{FieldReference, references};
use row::Rows;
use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Error, NewSchema, Record, Result, SchemaType, Slot,
    Transform, Value, export_transform,
};

/// `delete.tombstone.handling.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Drop,
    Tombstone,
    Rewrite,
    RewriteWithTombstone,
    DeleteToTombstone,
}

impl Mode {
    fn rewrites(self) -> bool {
        matches!(self, Self::Rewrite | Self::RewriteWithTombstone)
    }
}

/// The transform.
#[derive(Debug)]
pub struct ExtractNewRecordState {
    mode: Mode,
    route_by: Option<String>,
    headers: Vec<FieldReference>,
    drop: Option<DropFields>,
    rows: Rows,
}

impl Transform for ExtractNewRecordState {
    fn config() -> ConfigDef {
        definition::definition()
    }

    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        let mode = definition::mode(config.string(definition::MODE));
        let mode = mode.ok_or_else(Vec::new)?;
        let text = |key| Some(config.string(key).to_owned()).filter(|s| !s.is_empty());
        // Not among the keys Debezium shows, but read by it.
        let defaults = config.get("replace.null.with.default").unwrap_or("true");
        let deleted = mode.rewrites();
        let refs = |key, prefix| references(config, key, prefix);
        Ok(Self {
            mode,
            route_by: text("route.by.field"),
            headers: refs("add.headers", "add.headers.prefix")?,
            drop: text("drop.fields.header.name").map(|header| DropFields {
                header,
                from_key: config.boolean("drop.fields.from.key"),
                keep_compatible: config.boolean("drop.fields.keep.schema.compatible"),
            }),
            rows: Rows::new(
                refs("add.fields", "add.fields.prefix")?,
                deleted,
                defaults.trim().eq_ignore_ascii_case("true"),
            ),
        })
    }

    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        let Some(envelope) = record.value() else {
            return self.tombstone(record);
        };
        let name = envelope.schema().and_then(|s| s.name());
        if !name.is_some_and(|n| n.ends_with(".Envelope")) {
            return Ok(());
        }
        self.add_headers(record, Some(envelope))?;
        let image = |name| envelope.field(name).filter(|v| !v.is_null());
        match (image("before"), image("after")) {
            (_, Some(after)) => self.row(record, envelope, after, false),
            (Some(before), None) => self.delete(record, envelope, before),
            (None, None) => {
                record.drop_record();
                Ok(())
            }
        }
    }
}

impl ExtractNewRecordState {
    fn tombstone(&mut self, record: &mut Record<'_>) -> Result<()> {
        if self.mode == Mode::RewriteWithTombstone {
            return self.add_headers(record, None);
        }
        record.drop_record();
        Ok(())
    }

    fn delete(&mut self, r: &mut Record<'_>, envelope: Value<'_>, before: Value<'_>) -> Result<()> {
        match self.mode {
            Mode::Drop => {
                r.drop_record();
                return Ok(());
            }
            Mode::Tombstone => {
                let after = envelope.field("after").and_then(|v| v.schema());
                r.set_value(after, Slot::NULL);
            }
            Mode::DeleteToTombstone => r.set_value(None, Slot::NULL),
            Mode::Rewrite | Mode::RewriteWithTombstone => {
                return self.row(r, envelope, before, true);
            }
        }
        self.route(r, before)?;
        match &self.drop {
            Some(drop) => drop.shorten_key(r),
            None => Ok(()),
        }
    }

    /// The record's value becomes this row.
    fn row(
        &mut self,
        r: &mut Record<'_>,
        envelope: Value<'_>,
        row: Value<'_>,
        deleted: bool,
    ) -> Result<()> {
        self.route(r, row)?;
        let dropped = match &self.drop {
            Some(drop) => {
                drop.shorten_key(r)?;
                drop.names(r)?
            }
            None => Vec::new(),
        };
        let compatible = self.drop.as_ref().is_some_and(|d| d.keep_compatible);
        self.rows
            .set(r, envelope, row, deleted, (&dropped, compatible))
    }

    fn route(&self, r: &mut Record<'_>, row: Value<'_>) -> Result<()> {
        let Some(field) = &self.route_by else {
            return Ok(());
        };
        let value = row.field(field);
        let value =
            value.ok_or_else(|| Error::record(format!("{field} is not a valid field name")))?;
        if let Some(topic) = value.or_default().as_str().filter(|t| !t.trim().is_empty()) {
            r.set_topic(topic);
        }
        Ok(())
    }

    /// A tombstone only gets the operation, which for it is a delete.
    fn add_headers(&self, record: &mut Record<'_>, envelope: Option<Value<'_>>) -> Result<()> {
        for h in &self.headers {
            let Some(envelope) = envelope else {
                if h.field == "op" {
                    let text = record
                        .schemas()
                        .intern(NewSchema::new(SchemaType::String))?;
                    let d = record.text("d");
                    record.add_header(&h.new_name, Some(text), d)?;
                }
                continue;
            };
            let Some(found) = h.find(envelope) else {
                continue;
            };
            let schema = record
                .schemas()
                .intern(reference::basics(found.schema, true))?;
            record.add_header(&h.new_name, Some(schema), found.slot)?;
        }
        Ok(())
    }
}

export_transform!(ExtractNewRecordState);
