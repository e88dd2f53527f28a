//! The seam between the runtime and a kind of source connector.
//!
//! Two small traits, implemented by MySQL (`host-mysql`) and by the file source (`host`). A kind says what it is and
//! opens sources; an open source yields batches and hears which offset was stored. It is Connect's
//! `SourceConnector`/`SourceTask` without inheritance. Sinks will get a seam of their own.
//! Invariant: a source hears of an offset only after the offset store has acknowledged it (promise 1).

use crate::access::Access;
use crate::batch::Batch;
use crate::config::{Config, ConfigDef, Finding};
use crate::error::TaskError;
use crate::id::TaskId;
use crate::log::LogProvider;
use crate::metrics::SourceMetrics;
use crate::offset::{JsonMap, Offset, SourcePartition};
use crate::schema::SharedSchemas;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// A kind of source connector: one `connector.class`.
pub trait SourceKind: Send + Sync {
    /// Its class, as in `connector.class`.
    fn class(&self) -> &'static str;
    /// Class of its tasks, as Connect's worker stores it beside their configuration (`task.class`); Debezium names it
    /// after the connector's.
    fn task_class(&self) -> String {
        format!("{}Task", self.class())
    }
    /// Its version, as in `GET /connector-plugins`.
    fn version(&self) -> &'static str;
    /// Its own keys (those every connector has are the runtime's).
    fn definition(&self) -> &ConfigDef;
    /// Whether it reads a key that its definition does not list: a legacy name, or one with a variable part. Keys nobody
    /// reads are accepted with a warning.
    fn understands(&self, key: &str) -> bool;
    /// Rules across keys, and, where `live`, what only the server can tell (reachable, privileges, binlog settings).
    /// Types and required keys of the definition have been checked by the caller.
    fn validate<'a>(
        &'a self,
        config: &'a Config,
        access: &'a Access,
        live: bool,
    ) -> BoxFuture<'a, Vec<Finding>>;
    /// Configurations of its tasks, at most `tasks_max` of them; Connect stores them beside the connector's.
    fn task_configs(&self, config: &Config, tasks_max: u32) -> Vec<Config>;
    /// Starts reading where the stored offsets say.
    fn open(
        &self,
        context: TaskContext,
        config: Config,
    ) -> BoxFuture<'_, Result<Box<dyn Source>, TaskError>>;
    /// Checks offsets a user wants to store (`PATCH /connectors/{c}/offsets`); the error is shown to the user.
    fn check_offset(&self, partition: &JsonMap, offset: Option<&JsonMap>) -> Result<(), String>;
}

/// What a source is given to work with.
#[derive(Clone)]
pub struct TaskContext {
    /// Whose it is.
    pub id: TaskId,
    /// All offsets stored for its connector.
    pub offsets: Vec<(SourcePartition, Offset)>,
    /// Where it registers its schemas.
    pub schemas: SharedSchemas,
    /// Opens its schema history.
    pub logs: Arc<dyn LogProvider>,
    /// What its tenant may reach.
    pub access: Arc<Access>,
    /// Where it shows its numbers.
    pub metrics: Arc<SourceMetrics>,
}

/// An open source.
pub trait Source: Send {
    /// The next records; `None` when there will be no more (a snapshot-only connector). A batch holds at least one source
    /// record, which may be one without a record for Kafka: the source has come this far and found nothing. Waits as long
    /// as there is nothing; the caller drops the future, and then the source, to stop it.
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Option<Batch>, TaskError>>;
    /// This offset has been stored: the source may tell its server.
    fn committed<'a>(&'a mut self, offset: &'a Offset) -> BoxFuture<'a, Result<(), TaskError>>;
}
