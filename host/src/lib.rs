//! The only place that knows every crate: it puts kinds, guests, runtime and REST together.
//!
//! A library beside the executable so that its parts have tests of their own. It holds no logic of records or
//! connectors. Invariant: deleting `host-mysql` and its lines here and in `kinds` leaves a working host.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

pub mod auth;
pub mod file_stream;
pub mod kinds;
pub mod logging;
pub mod memory;
pub mod properties;
pub mod tail;
pub mod worker;
