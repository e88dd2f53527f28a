//! Connectors and their tasks: delivery, offsets, stores, Kafka, tenants.
//!
//! A source's batches go through a task's chain of guests to Kafka, and what Kafka has acknowledged becomes the stored
//! offset. It knows no database (sources come through `host_core::source`) and no HTTP (`host-rest` holds a
//! [`herder::HerderHandle`]). Invariant: no stored offset is ahead of what Kafka acknowledged (promise 1).
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

pub mod chain;
pub mod herder;
pub mod inflight;
pub mod kafka;
pub mod metrics;
pub mod policy;
pub mod store;
pub mod task;
pub mod tenant;
pub mod topic_creation;
pub mod worker_config;
