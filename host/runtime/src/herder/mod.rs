//! The herder: what is wanted of every connector, and every change to it.
//!
//! It owns desired state (configurations, target states, quotas), writes it to the config store before it takes effect,
//! and tells connectors' runners to follow. It runs no task itself and speaks no HTTP; the REST layer holds a
//! [`HerderHandle`]. Invariant: changes are made one at a time, and one that has been answered is durable.

pub mod entity;
mod error;
mod handle;
mod pending;

pub use error::{ErrorKind, HerderError};
pub use handle::{CHANGES_QUEUED_MAX, HerderHandle};
pub use pending::Herder;
