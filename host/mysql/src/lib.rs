//! MySQL and MariaDB to change records.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod config;
pub mod decode;
pub mod ddl;
pub mod gtid;
pub mod schema_history;
pub mod table;
pub mod connection;
pub mod event;
pub mod history;
pub mod kind;
pub mod position;
mod reader;
mod snapshot;
mod stream;
mod structure;

pub use kind::{MysqlKind, MysqlSource};
