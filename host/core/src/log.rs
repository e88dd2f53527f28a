//! A small append-only log of text records, as schema history needs it.
//!
//! The seam between a source, which knows what its history means, and the worker, which knows how to reach Kafka.
//! A Kafka topic (in `host-runtime`) and a file (in `host-mysql`) implement it.
//! Invariant: [`RecordLog::append`] returns only when the records are durable.

use crate::error::TaskError;
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;

/// An append-only log of text records.
pub trait RecordLog: Send + Sync {
    /// Whether the log exists; a missing one is not created by asking.
    fn exists(&self) -> BoxFuture<'_, Result<bool, TaskError>>;
    /// Creates the log if it is missing.
    fn create(&self) -> BoxFuture<'_, Result<(), TaskError>>;
    /// Appends records in order and waits until they are durable.
    fn append(&self, records: Vec<String>) -> BoxFuture<'_, Result<(), TaskError>>;
    /// Hands every record, oldest first, to `each`; stops at its first error.
    fn read<'a>(
        &'a self,
        each: &'a mut (dyn FnMut(&str) -> Result<(), TaskError> + Send),
    ) -> BoxFuture<'a, Result<(), TaskError>>;
}

/// Opens Kafka topics as logs for a source, within its tenant's limits.
pub trait LogProvider: Send + Sync {
    /// A single-partition topic on the brokers at `bootstrap`. `client` holds further Java client keys
    /// (`security.protocol`, `ssl.*`, `sasl.*`), as in `schema.history.internal.producer.*`.
    fn topic(
        &self,
        bootstrap: &str,
        topic: &str,
        client: &BTreeMap<String, String>,
    ) -> Result<Box<dyn RecordLog>, TaskError>;
}
