//! What a record, a schema, an offset and a connector configuration are.
//!
//! The base of the host: no I/O, no async runtime, no wasmtime, no rdkafka. Everything else depends on it and it
//! depends on nothing of ours but the batch layout. Invariant: nothing here waits, and nothing here panics on input.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

pub mod access;
pub mod batch;
pub mod config;
pub mod error;
pub mod failpoint;
pub mod id;
pub mod log;
pub mod metrics;
pub mod offset;
pub mod secret;
pub mod source;

pub mod schema;
pub use tidegate_layout as layout;
