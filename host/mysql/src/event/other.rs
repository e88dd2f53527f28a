//! Records that are no change of a row: schema changes, transaction metadata, heartbeats.
//!
//! Source: `SchemaChangeEvent`/`JsonTableChangeSerializer` in their Connect form, `TransactionMonitor`, `HeartbeatImpl`.
//! Invariant: schema changes and heartbeats go to partition 0, whose order they share.

use super::Place;
use super::fixed::name_slot;
use super::writer::{Origin, Record, Writer, now_ns};
use crate::ddl::SchemaChange;
use crate::notification::Notification;
use crate::schema_history::record::{TableChangeKind, table_changes};
use crate::table::{Column, Table};
use host_core::layout::Slot;
use host_core::schema::{Schema, SchemaError, SchemaType};
use std::sync::Arc;

impl Writer {
    /// A schema change on the topic named like the prefix.
    pub fn schema_change(
        &mut self,
        change: &SchemaChange,
        origin: &Origin,
        ts_ms: i64,
        place: Place,
    ) {
        self.new_origin();
        let source = self.source(origin, place.row);
        let database = self.builder.arena.string(&change.database);
        let ddl = self.builder.arena.string(&change.ddl);
        let changes: Vec<Slot> = table_changes(change)
            .iter()
            .map(|c| {
                let kind = match c.kind {
                    TableChangeKind::Create => "CREATE",
                    TableChangeKind::Alter => "ALTER",
                    TableChangeKind::Drop => "DROP",
                };
                let kind = name_slot(self.builder.name(kind));
                let id = self.builder.arena.string(&c.id.to_double_quoted());
                let table = c.table.as_ref().map_or(Slot::NULL, |t| self.table(t));
                self.builder.arena.structure(&[kind, id, table])
            })
            .collect();
        let changes = self.builder.arena.array(&changes);
        let value = self.builder.arena.structure(&[
            source,
            Slot::int64(ts_ms),
            database,
            Slot::NULL,
            ddl,
            changes,
        ]);
        let key = self.builder.arena.structure(&[database]);
        let config = Arc::clone(&self.config);
        let record = Record {
            topic: &config.prefix,
            partition: Some(0),
            key: (self.fixed.change_key, key),
            value: (self.fixed.change_value, value),
            context: true,
            header: None,
        };
        self.push(record, place);
        self.new_origin();
    }

    fn optional(&mut self, text: Option<&str>) -> Slot {
        text.map_or(Slot::NULL, |t| self.builder.arena.string(t))
    }

    fn strings(&mut self, all: &[String]) -> Slot {
        let slots: Vec<Slot> = all.iter().map(|s| self.builder.arena.string(s)).collect();
        self.builder.arena.array(&slots)
    }

    fn table(&mut self, table: &Table) -> Slot {
        let charset = self.optional(table.default_charset.as_deref());
        let key = self.strings(&table.key_columns());
        let columns: Vec<Slot> = table.columns.iter().map(|c| self.column(c)).collect();
        let columns = self.builder.arena.array(&columns);
        let comment = table
            .comment
            .as_deref()
            .filter(|_| self.config.values.comments)
            .map(str::to_owned);
        let comment = self.optional(comment.as_deref());
        self.builder
            .arena
            .structure(&[charset, key, columns, comment])
    }

    fn column(&mut self, c: &Column) -> Slot {
        let int = |n: Option<i32>| n.map_or(Slot::NULL, Slot::int32);
        let comments = self.config.values.comments;
        let name = self.builder.arena.string(&c.name);
        let ty = self.builder.arena.string(&c.type_name);
        let expression = self.builder.arena.string(&c.type_expression);
        let charset = self.optional(c.charset.as_deref());
        let comment = self.optional(c.comment.as_deref().filter(|_| comments));
        let default = self.optional(c.default.expression());
        let members = if c.enum_values.is_empty() {
            Slot::NULL
        } else {
            self.strings(&c.enum_values)
        };
        self.builder.arena.structure(&[
            name,
            Slot::int32(c.jdbc_type),
            int(c.native_type),
            ty,
            expression,
            charset,
            int(c.length),
            int(c.scale),
            Slot::int32(c.position as i32),
            Slot::boolean(c.optional),
            Slot::boolean(c.auto_incremented),
            Slot::boolean(c.generated),
            comment,
            default,
            members,
        ])
    }

    /// BEGIN of a transaction, or its END with the number of events by table.
    pub fn transaction(
        &mut self,
        topic: &str,
        id: &str,
        ts_ms: i64,
        end: Option<&[(Arc<str>, u64)]>,
        event: u64,
    ) {
        let id = name_slot(self.builder.name(id));
        let status = name_slot(
            self.builder
                .name(if end.is_some() { "END" } else { "BEGIN" }),
        );
        let (count, collections) = match end {
            None => (Slot::NULL, Slot::NULL),
            Some(tables) => {
                let slots: Vec<Slot> = tables
                    .iter()
                    .map(|(name, n)| {
                        let name = name_slot(self.builder.name(name));
                        self.builder
                            .arena
                            .structure(&[name, Slot::int64(*n as i64)])
                    })
                    .collect();
                let all: u64 = tables.iter().map(|(_, n)| n).sum();
                (Slot::int64(all as i64), self.builder.arena.array(&slots))
            }
        };
        let value =
            self.builder
                .arena
                .structure(&[status, id, count, collections, Slot::int64(ts_ms)]);
        let key = self.builder.arena.structure(&[id]);
        let record = Record {
            topic,
            partition: Some(0),
            key: (self.fixed.transaction_key, key),
            value: (self.fixed.transaction_value, value),
            context: false,
            header: None,
        };
        self.push(record, Place::after_events(event));
    }

    /// A notification: without an offset, for it may come before there is one.
    pub(crate) fn notification(
        &mut self,
        topic: &str,
        n: &Notification,
    ) -> Result<(), SchemaError> {
        let (string, int64) = (self.fixed.string, self.fixed.int64);
        let named = |name: &str| Schema::new(SchemaType::Struct).named(name).version(1);
        let key_schema = named("io.debezium.connector.common.NotificationKey").field("id", string);
        let data = self
            .schemas
            .intern(Schema::map(string, string).optional())?;
        let value_schema = named("io.debezium.connector.common.Notification")
            .field("id", string)
            .field("type", string)
            .field("aggregate_type", string)
            .field("additional_data", data)
            .field("timestamp", int64);
        let schemas = (
            self.schemas.intern(key_schema)?,
            self.schemas.intern(value_schema)?,
        );
        let id = self.builder.arena.string(&n.id);
        let texts = [n.kind, n.aggregate].map(|t| name_slot(self.builder.name(t)));
        let mut pairs = Vec::with_capacity(n.data.len() * 2);
        for (key, value) in &n.data {
            pairs.push(name_slot(self.builder.name(key)));
            pairs.push(self.builder.arena.string(value));
        }
        let data = self.builder.arena.map(&pairs);
        let [kind, aggregate] = texts;
        let value = [id, kind, aggregate, data, Slot::int64(n.ts_ms)];
        let value = self.builder.arena.structure(&value);
        let key = self.builder.arena.structure(&[id]);
        let record = Record {
            topic,
            partition: None,
            key: (schemas.0, key),
            value: (schemas.1, value),
            context: false,
            header: None,
        };
        self.push_without_offset(record);
        Ok(())
    }

    /// A heartbeat: it carries the offset where nothing else does.
    pub fn heartbeat(&mut self, topic: &str, event: u64) {
        let prefix = Arc::clone(&self.config);
        let name = name_slot(self.builder.name(&prefix.prefix));
        let key = self.builder.arena.structure(&[name]);
        let value = self
            .builder
            .arena
            .structure(&[Slot::int64(now_ns().div_euclid(1_000_000))]);
        let record = Record {
            topic,
            partition: Some(0),
            key: (self.fixed.heartbeat_key, key),
            value: (self.fixed.heartbeat_value, value),
            context: false,
            header: None,
        };
        self.push(record, Place::after_events(event));
    }
}
