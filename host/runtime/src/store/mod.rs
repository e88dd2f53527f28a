//! Where the worker keeps its state: Connect's three topics, plugins, tenants' quotas.
//!
//! Every store keeps what it knows in memory and writes through a [`KeyLog`], in Kafka or in files; keys and values are
//! Kafka Connect's own, byte for byte, so that its workers and tools can read them. Nothing here decides what is stored.
//! Invariant: memory never shows what is not durable.

mod config;
pub mod conformance;
mod file_log;
mod kafka_log;
mod log;
mod offset;
mod plugin;
mod status;

pub use config::{ConfigStore, StoredConnector};
pub use file_log::FileLog;
pub use kafka_log::KafkaLog;
pub use log::{KeyEntry, KeyLog, KeyValues};
pub use offset::OffsetStore;
pub use plugin::{PluginStore, StoredPlugin};
pub use status::{StatusRecord, StatusStore};
