//! What integration tests and the demo share: real services, the real host process, captures and their comparison.
//!
//! Addresses come from the environment that `cargo x test` and `cargo x demo` set; a missing one is an error, never a
//! skip. Nothing here is a stand-in for a real part. Invariant: whatever waits has a limit and says what it waited for.

pub mod capture;
pub mod compare;
pub mod golden;
pub mod host;
pub mod http;
pub mod json;
pub mod kafka;
pub mod ledger;
pub mod mysql;
pub mod mysqld;
pub mod peer;
pub mod secure_kafka;
pub mod services;
pub mod until;
pub mod watch;
pub mod worker;
pub mod writer;

use std::sync::{Mutex, MutexGuard, PoisonError};

static SERVERS: Mutex<()> = Mutex::new(());

/// The servers, for one test at a time: tests drop databases, restart servers and measure.
pub fn servers() -> MutexGuard<'static, ()> {
    SERVERS.lock().unwrap_or_else(PoisonError::into_inner)
}
