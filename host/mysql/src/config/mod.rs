//! The connector's configuration: Debezium's keys as data, and what they mean as types.
//!
//! `keys.json` is the table Debezium 3.6 publishes at `GET /connector-plugins/…/config` without the keys every
//! connector has, plus a mark on those not built yet. [`MysqlConfig::parse`] reads it; nothing here connects.
//! Invariant: `validate` and start read the same table with the same code, so they cannot disagree.

mod aliases;
mod converters;
mod filter;
mod modes;
mod naming;
mod read;
mod rules;

pub use aliases::{normalise, understands, warnings};
pub use converters::{Converters, Custom};
pub(crate) use filter::is_system_database;
pub use filter::{ColumnFilter, KeyColumns, TableFilter};
pub use modes::{
    BigintUnsigned, Binary, Decimal, FailureHandling, HistoryStore, Locking, SkippedOperations,
    SnapshotMode, SnapshotOrder, SslMode, TimePrecision,
};
pub use naming::{Adjustment, Escape, TopicNaming};
pub use rules::{ColumnRules, HashAlgorithm, HashForm, Treatment};

use crate::gtid::SourceFilter;
use host_core::config::ConfigDef;
use host_core::secret::Secret;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

/// All keys of the connector itself.
pub static DEFINITION: LazyLock<ConfigDef> = LazyLock::new(|| {
    // The file is part of the program; a test reads it.
    serde_json::from_str(include_str!("keys.json")).unwrap_or_default()
});

/// Where and how to reach the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// `database.hostname`.
    pub host: String,
    /// `database.port`.
    pub port: u16,
    /// `database.user`.
    pub user: String,
    /// `database.password`.
    pub password: Secret,
    /// `database.ssl.mode`.
    pub ssl_mode: SslMode,
    /// `database.ssl.truststore`: a PEM file of certificate authorities.
    pub ssl_roots: Option<String>,
    /// `database.ssl.keystore`: a PEM file with certificate and key.
    pub ssl_identity: Option<String>,
    /// `connect.timeout.ms`.
    pub connect_timeout: Duration,
    /// `connect.keep.alive.interval.ms`, where `connect.keep.alive`.
    pub keep_alive: Option<Duration>,
    /// `database.initial.statements`.
    pub initial_statements: Vec<String>,
    /// `binlog.net.read.timeout` and `binlog.net.write.timeout` in seconds, 0 for the server's own.
    pub net_timeouts_s: (u64, u64),
}

/// How values become Connect values.
#[derive(Debug, Clone, Copy)]
pub struct ValueConfig {
    /// `decimal.handling.mode`.
    pub decimal: Decimal,
    /// `time.precision.mode`.
    pub time: TimePrecision,
    /// `bigint.unsigned.handling.mode`.
    pub bigint_unsigned: BigintUnsigned,
    /// `binary.handling.mode`.
    pub binary: Binary,
    /// `enable.time.adjuster`: two-digit years are years of 1970 to 2069.
    pub adjust_years: bool,
    /// `include.schema.comments`.
    pub comments: bool,
}

/// Where notifications go.
#[derive(Debug, Clone, Default)]
pub struct Notifications {
    /// `sink`: a topic.
    pub topic: Option<String>,
    /// `log`.
    pub log: bool,
}

/// Where the schema history lives.
#[derive(Debug, Clone)]
pub struct HistoryConfig {
    /// Topic, file or memory.
    pub store: HistoryStore,
    /// `…skip.unparseable.ddl`.
    pub skip_unparseable: bool,
    /// `…store.only.captured.tables.ddl`.
    pub only_captured_tables: bool,
    /// `…store.only.captured.databases.ddl`.
    pub only_captured_databases: bool,
    /// `…producer.*` over `…consumer.*`, without their prefix.
    pub client: BTreeMap<String, String>,
}

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct MysqlConfig {
    /// Where the server is.
    pub server: ServerConfig,
    /// `database.server.id`.
    pub server_id: u32,
    /// `topic.prefix`.
    pub prefix: String,
    /// Topics of change events: `topic.naming.strategy`.
    pub topics: TopicNaming,
    /// `schema.name.adjustment.mode`.
    pub schema_names: Adjustment,
    /// `field.name.adjustment.mode`.
    pub field_names: Adjustment,
    /// Topic of transaction metadata, where `provide.transaction.metadata`.
    pub transaction_topic: Option<String>,
    /// Heartbeat topic and interval, where `heartbeat.interval.ms` is above 0.
    pub heartbeat: Option<(String, Duration)>,
    /// `heartbeat.action.query`: a statement run with every heartbeat.
    pub heartbeat_query: Option<String>,
    /// Which tables' rows are captured.
    pub tables: TableFilter,
    /// Which columns are captured.
    pub columns: ColumnFilter,
    /// Masks, hashes, truncation, types told in schemas.
    pub rules: ColumnRules,
    /// `converters`.
    pub converters: Converters,
    /// `message.key.columns`.
    pub key_columns: KeyColumns,
    /// `snapshot.include.collection.list`, `None` for all captured tables.
    pub snapshot_tables: Option<TableFilter>,
    /// `snapshot.tables.order.by.row.count`.
    pub snapshot_order: SnapshotOrder,
    /// `snapshot.select.statement.overrides`: statement by `db.table`.
    pub snapshot_selects: BTreeMap<String, String>,
    /// `snapshot.mode`.
    pub snapshot_mode: SnapshotMode,
    /// `snapshot.locking.mode`.
    pub locking: Locking,
    /// `snapshot.lock.timeout.ms`.
    pub lock_timeout: Duration,
    /// `snapshot.delay.ms`.
    pub snapshot_delay: Duration,
    /// `streaming.delay.ms`.
    pub streaming_delay: Duration,
    /// `max.batch.size` in rows, less where `max.queue.size` has no room for three batches of it.
    pub batch_rows_max: usize,
    /// Bytes at which a batch is handed on, a third of `max.queue.size.in.bytes` or 1 MiB, whichever is less.
    pub batch_bytes_max: usize,
    /// How values are converted.
    pub values: ValueConfig,
    /// `skipped.operations`.
    pub skipped: SkippedOperations,
    /// `skip.messages.without.change`.
    pub skip_unchanged: bool,
    /// `tombstones.on.delete`.
    pub tombstones: bool,
    /// `include.schema.changes`.
    pub schema_changes: bool,
    /// `include.query`.
    pub include_query: bool,
    /// `extended.headers.enabled`.
    pub context_headers: bool,
    /// `event.converting.failure.handling.mode`: values that their column's form cannot express.
    pub inexpressible: FailureHandling,
    /// `event.processing.failure.handling.mode`.
    pub failures: FailureHandling,
    /// `inconsistent.schema.handling.mode`.
    pub inconsistent: FailureHandling,
    /// `notification.enabled.channels`.
    pub notifications: Notifications,
    /// `gtid.source.includes` or `gtid.source.excludes`.
    pub gtid_sources: Option<SourceFilter>,
    /// `gtid.source.filter.dml.events`.
    pub gtid_filters_rows: bool,
    /// `gtid.ignore.on.recovery`.
    pub ignore_gtids: bool,
    /// `guardrail.collections.max` (0 for none) and whether going over it fails.
    pub guardrail: (usize, bool),
    /// Where the schema history lives.
    pub history: HistoryConfig,
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
