//! MySQL and MariaDB to change records.
//!
//! [`MysqlKind`] is the source connector: it takes a consistent snapshot, then follows the binlog, and fills batches with
//! records as Debezium 3.6 makes them. Kafka, transforms and storage of offsets are the runtime's.
//! Invariant: a row is decoded with the structure in force at its position (promise 5), and no offset is ahead of its row.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod bytes;
pub mod config;
pub mod connection;
pub mod ddl;
pub mod decode;
mod dump;
pub mod event;
pub mod gtid;
pub mod history;
pub mod kind;
mod notification;
pub mod position;
mod reader;
pub mod schema_history;
mod snapshot;
mod stream;
mod structure;
pub mod table;

pub use kind::{MysqlKind, MysqlSource};
