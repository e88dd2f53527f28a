//! Kafka Connect's REST interface, plugins and tenants on axum.
//!
//! It turns requests into calls of a [`host_runtime::herder::HerderHandle`] and its answers into Connect's JSON: status
//! codes and texts as recorded from Connect 4.3, except that a user's mistake is answered 400 where Connect says 500.
//! It decides nothing about connectors, keeps no state but upload slots and log levels, and speaks plain HTTP: TLS is a
//! proxy's work. Invariant: every request is somebody's ([`access`]) before it reaches a route, every body has a limit,
//! and neither bodies nor credentials are ever logged.
//!
//! Without an authentication file everybody is the tenant `default` and an operator. With one, `/health` alone is open;
//! `/metrics` and `/admin/*` are for operators of the host, because they show every tenant.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

mod access;
mod body;
mod edge;
mod error;
mod listener;
mod loggers;
mod negotiate;
mod query;
mod router;
mod routes;
mod serve;
mod state;
mod uploads;

pub use loggers::{LOGGERS_MAX, LoggerLevels, Loggers};
pub use router::router;
pub use serve::serve;
pub use state::RestState;
