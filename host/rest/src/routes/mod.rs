//! What each URL does: a call of the herder, and its answer in Connect's form.
//!
//! Who may call is decided in `access`, what bodies look like in `body`. Invariant: a handler names things only through
//! the extractors of `access`, so it cannot reach another tenant's.

pub(crate) mod config;
pub(crate) mod connector_plugins;
pub(crate) mod connectors;
pub(crate) mod lifecycle;
pub(crate) mod loggers;
pub(crate) mod offsets;
pub(crate) mod plugins;
pub(crate) mod status;
pub(crate) mod tenants;
pub(crate) mod worker;

use crate::error::RestError;
use axum::Json;

/// A JSON answer or a refusal.
pub(crate) type Answer<T> = Result<Json<T>, RestError>;
