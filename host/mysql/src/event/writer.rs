//! Filling batches: headers, source block, offsets, and when a batch is full.
//!
//! It knows where records come from ([`Origin`]) and puts it into every one of them; what a record says is told in
//! `change` and `other`. Nothing here waits.
//! Invariant: a batch never holds more than its bounds plus one row's records.

use super::Fixed;
use super::Place;
use super::fixed::{SOURCE_FIELDS, name_slot};
use crate::config::MysqlConfig;
use crate::position::{Base, Offsets, Orders, Position};
use host_core::batch::{Batch, BatchBuilder};
use host_core::error::TaskError;
use host_core::layout::{HeaderEntry, RecordEntry, Slot};
use host_core::schema::{SchemaId, SharedSchemas};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What `source.version` says: the release whose format this is.
pub(crate) const COMPATIBLE_VERSION: &str = "3.6.1.Final";
const CONTEXT: &str = "__debezium.context.";

/// `source.snapshot`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// Streaming: the schema's default shows.
    False,
    /// A row of a snapshot.
    True,
    /// The first of the first table.
    First,
    /// The first of a table.
    FirstInTable,
    /// The last of a table.
    LastInTable,
    /// The last of all.
    Last,
}

impl Marker {
    fn text(self) -> Option<&'static str> {
        match self {
            Self::False => None,
            Self::True => Some("true"),
            Self::First => Some("first"),
            Self::FirstInTable => Some("first_in_data_collection"),
            Self::LastInTable => Some("last_in_data_collection"),
            Self::Last => Some("last"),
        }
    }
}

/// Where records come from: the source block's values, but for the row's number.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Event time in nanoseconds since the epoch.
    pub ts_ns: i64,
    /// Snapshot marker.
    pub marker: Marker,
    /// Database.
    pub db: Arc<str>,
    /// Table, or tables of a statement.
    pub table: Option<Arc<str>>,
    /// Transaction's GTID.
    pub gtid: Option<Arc<str>>,
    /// File.
    pub file: Arc<str>,
    /// Start of the event.
    pub pos: u64,
    /// The server's id, 0 in a snapshot.
    pub server_id: u32,
    /// The session's thread.
    pub thread: Option<i64>,
    /// The statement, with `include.query`.
    pub query: Option<Arc<str>>,
}

/// Why a batch was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// There is room.
    No,
    /// It is full: hand it on.
    Full,
}

/// Fills one batch after the other.
#[derive(Debug)]
pub struct Writer {
    pub(super) config: Arc<MysqlConfig>,
    pub(super) fixed: Fixed,
    pub(super) schemas: SharedSchemas,
    pub(super) builder: BatchBuilder,
    offsets: Offsets,
    sequence: u64,
    context: Vec<(String, String)>,
    context_slots: Vec<HeaderEntry>,
    context_headers: (u32, u32),
    pub(super) source: Option<[Slot; SOURCE_FIELDS]>,
    base: Option<Base>,
    ts_sec: i64,
    pub(super) orders: Option<Orders>,
}

impl Writer {
    /// A writer for one run of a task; `run` is its id in the context headers.
    pub fn new(
        config: Arc<MysqlConfig>,
        fixed: Fixed,
        schemas: SharedSchemas,
        task: u32,
        run: &str,
    ) -> Self {
        let context = if config.context_headers {
            vec![
                (
                    format!("{CONTEXT}connectorLogicalName"),
                    config.prefix.clone(),
                ),
                (format!("{CONTEXT}taskId"), task.to_string()),
                (format!("{CONTEXT}connectorName"), "mysql".to_owned()),
                (format!("{CONTEXT}runId"), run.to_owned()),
            ]
        } else {
            Vec::new()
        };
        let mut writer = Self {
            offsets: Offsets::new(config.prefix.as_str().into()),
            builder: BatchBuilder::new(schemas.clone()),
            config,
            fixed,
            schemas,
            sequence: 0,
            context,
            context_slots: Vec::new(),
            context_headers: (0, 0),
            source: None,
            base: None,
            ts_sec: 0,
            orders: None,
        };
        writer.begin_batch();
        writer
    }

    fn begin_batch(&mut self) {
        self.context_slots.clear();
        for (name, value) in &self.context {
            let (name, name_len) = self.builder.name(name);
            let value = name_slot(self.builder.name(value));
            self.context_slots.push(HeaderEntry {
                name,
                name_len,
                schema: self.fixed.string.0,
                value,
            });
        }
        self.context_headers = write_headers(&mut self.builder, None, &self.context_slots);
    }

    /// Whether nothing waits to be handed on.
    pub fn is_empty(&self) -> bool {
        self.builder.is_empty()
    }
    /// Whether the batch has reached a bound.
    pub fn fullness(&self) -> Ended {
        if self.builder.len() >= self.config.batch_rows_max
            || self.builder.arena_bytes() >= self.config.batch_bytes_max
        {
            Ended::Full
        } else {
            Ended::No
        }
    }
    /// Ends the batch; `None` when it is empty.
    pub fn take(&mut self) -> Result<Option<Batch>, TaskError> {
        if self.builder.is_empty() {
            return Ok(None);
        }
        let builder = std::mem::replace(&mut self.builder, BatchBuilder::new(self.schemas.clone()));
        let next = Offsets::new(self.config.prefix.as_str().into());
        let offsets = std::mem::replace(&mut self.offsets, next);
        let sequence = self.sequence;
        self.sequence += 1;
        self.source = None;
        self.begin_batch();
        builder.finish(sequence, Arc::new(offsets)).map(Some)
    }

    /// The records that follow come from here; their offsets share `base`.
    pub fn at(&mut self, base: Base, ts_ns: i64) {
        self.base = Some(base);
        self.ts_sec = ts_ns.div_euclid(1_000_000_000);
        self.source = None;
    }

    /// Adds a record whose parts have been written.
    pub(super) fn push(&mut self, record: Record<'_>, place: Place) {
        let (topic, topic_len) = self.builder.name(record.topic);
        let (headers, headers_len) = match (record.context, record.header) {
            (false, _) => (0, 0),
            (true, None) => self.context_headers,
            (true, Some((name, schema, value))) => {
                let (name, name_len) = self.builder.name(name);
                let own = HeaderEntry {
                    name,
                    name_len,
                    schema: schema.0,
                    value,
                };
                write_headers(&mut self.builder, Some(own), &self.context_slots)
            }
        };
        self.builder.push_entry(RecordEntry {
            topic,
            topic_len,
            partition: record.partition,
            timestamp_ms: None,
            key_schema: record.key.0.0,
            value_schema: record.value.0.0,
            key: record.key.1,
            value: record.value.1,
            headers,
            headers_len,
        });
        self.push_offset(place);
    }

    /// Adds a record that may come before there is an offset.
    pub(super) fn push_without_offset(&mut self, record: Record<'_>) {
        let base = self.base.take();
        self.base = base
            .clone()
            .or_else(|| Some(Position::new("", 0, None).base(true)));
        self.push(record, Place::after_events(0).followed());
        self.base = base;
    }

    /// Adds an offset without a record: nothing up to it was for this connector.
    pub fn passed(&mut self, place: Place) {
        self.builder.push_nothing();
        self.push_offset(place);
    }

    fn push_offset(&mut self, place: Place) {
        if let Some(base) = &self.base {
            self.offsets
                .push(base.clone(), self.ts_sec, place, self.orders.clone());
        }
    }

    /// The source block with this row number; the rest of it is written once for an event.
    pub(super) fn source(&mut self, origin: &Origin, row: u32) -> Slot {
        let mut slots = match self.source {
            Some(slots) => slots,
            None => self.source_slots(origin),
        };
        slots[14] = Slot::int32(row as i32);
        self.source = Some(slots);
        self.builder.arena.structure(&slots)
    }

    fn source_slots(&mut self, o: &Origin) -> [Slot; SOURCE_FIELDS] {
        let ns = o.ts_ns;
        let prefix = Arc::clone(&self.config);
        let mut text = |t: &str| name_slot(self.builder.name(t));
        let version = text(COMPATIBLE_VERSION);
        let connector = text("mysql");
        let name = text(&prefix.prefix);
        let snapshot = o.marker.text().map_or(Slot::NULL, &mut text);
        let db = text(&o.db);
        let table = o.table.as_deref().map_or(Slot::NULL, &mut text);
        let gtid = o.gtid.as_deref().map_or(Slot::NULL, &mut text);
        let file = text(&o.file);
        let query = o
            .query
            .as_deref()
            .map_or(Slot::NULL, |q| self.builder.arena.string(q));
        [
            version,
            connector,
            name,
            Slot::int64(ns.div_euclid(1_000_000)),
            snapshot,
            db,
            Slot::NULL,
            Slot::int64(ns.div_euclid(1000)),
            Slot::int64(ns),
            table,
            Slot::int64(i64::from(o.server_id)),
            gtid,
            file,
            Slot::int64(o.pos as i64),
            Slot::int32(0),
            o.thread.map_or(Slot::NULL, Slot::int64),
            query,
        ]
    }

    /// Events of each table in the running transaction, for the offsets that follow.
    pub fn set_orders(&mut self, orders: Option<Orders>) {
        self.orders = orders;
    }

    /// The source block of the next row has other values than the last one's.
    pub fn new_origin(&mut self) {
        self.source = None;
    }
}

/// A record whose parts are in the arena.
pub(super) struct Record<'a> {
    pub topic: &'a str,
    pub partition: Option<u32>,
    pub key: (SchemaId, Slot),
    pub value: (SchemaId, Slot),
    /// Whether it carries the context headers.
    pub context: bool,
    /// A header before those.
    pub header: Option<(&'a str, SchemaId, Slot)>,
}

fn write_headers(
    builder: &mut BatchBuilder,
    first: Option<HeaderEntry>,
    rest: &[HeaderEntry],
) -> (u32, u32) {
    let at = builder.arena.end();
    let mut count = 0;
    for entry in first.iter().chain(rest) {
        builder.arena.raw(&entry.to_bytes());
        count += 1;
    }
    (at, count)
}

/// The clock, in nanoseconds since the epoch.
pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
