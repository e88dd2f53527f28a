//! Integration tests: the real host process between a real MySQL and a real Kafka.
//!
//! Every test takes the servers for itself (`tests::servers`), because tests drop databases, restart servers and
//! measure. `faults` holds crash and restart tests; `long` only runs with `cargo x test long`.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod faults;
mod golden;
mod long;
mod notebook;
mod swap;
