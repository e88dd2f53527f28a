//! Integration tests: the real host process between a real MySQL and a real Kafka.
//!
//! Every test takes the servers for itself (`tests::servers`), because tests drop databases, restart servers and
//! measure. `faults` holds crash and restart tests; `long` only runs with `cargo x test long`.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod bad_input;
mod binlog_off;
mod compressed;
mod differential;
mod dump_login;
mod faults;
mod golden;
mod kafka_away;
mod kafka_security;
mod long;
mod memory;
mod notebook;
mod progress;
mod recovery;
mod rest_errors;
mod rest_tenants;
mod rest_transcript;
mod rest_uploads;
mod standalone;
mod swap;
mod tail;
mod takeover;
mod tenants;
mod unreadable;
mod values;
