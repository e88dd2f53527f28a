//! `/connectors/{c}/config`: read, replace, change.
//!
//! It validates nothing itself. Invariant: the `name` in a stored configuration is the connector's.

use super::Answer;
use super::connectors::created;
use crate::access::OfConnector;
use crate::body::{ConfigJson, Json as Body, put_name};
use crate::error::RestError;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use host_core::config::Config;
use host_runtime::herder::entity::ConnectorInfo;

/// `GET`.
pub(crate) async fn get(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<Config> {
    Ok(Json(state.herder.connector_config(&id)?))
}

/// `PUT`: 201 where the connector is new, 200 where it was there.
pub(crate) async fn put(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
    headers: HeaderMap,
    Body(config): Body<ConfigJson>,
) -> Result<Response, RestError> {
    let mut config = config.into_config();
    put_name(&mut config, &id.name)?;
    let outcome = state.herder.put_config(&id, config).await?;
    if outcome.created {
        return Ok(created(&headers, state.herder.worker_id(), outcome.info));
    }
    Ok(Json(outcome.info).into_response())
}

/// `PATCH` (KIP-477): null removes a key.
pub(crate) async fn patch(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
    Body(patch): Body<ConfigJson>,
) -> Answer<ConnectorInfo> {
    let mut entries = patch.into_entries();
    if let Some((_, name)) = entries.iter().rev().find(|(k, _)| k == "name") {
        let mut named = Config::default();
        if let Some(name) = name {
            named.set("name", name);
        }
        put_name(&mut named, &id.name)?;
        // A connector cannot lose its name; Connect puts it back as well.
        entries.retain(|(k, _)| k != "name");
    }
    Ok(Json(state.herder.patch_config(&id, entries).await?))
}
