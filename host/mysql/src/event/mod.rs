//! Records as Debezium 3.6 makes them: change events, schema changes, transaction metadata, heartbeats.
//!
//! [`Writer`] fills batches; [`TableEvents`] is what one table's definition means for its records; [`Fixed`] holds the
//! schemas that never change. Nothing here reads the server.
//! Invariant: field order, names, versions and defaults are those of the recorded Debezium.

mod change;
mod fixed;
mod mapping;
mod other;
mod table;
#[cfg(test)]
mod tests;
mod writer;

pub use change::{Block, Images, Place, Row};
pub use fixed::Fixed;
pub use mapping::Mapping;
pub use table::{ColumnPlan, TableEvents};
pub(crate) use writer::{COMPATIBLE_VERSION, now_ns};
pub use writer::{Ended, Marker, Origin, Writer};
