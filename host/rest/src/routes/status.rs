//! What a connector is doing: its status, tasks and topics.
//!
//! Invariant: reading changes nothing.

use super::Answer;
use crate::access::{OfConnector, OfTask};
use crate::error::RestError;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use host_runtime::herder::entity::{ConnectorStatus, TaskInfo, TaskState};
use serde::Serialize;
use std::collections::BTreeMap;

/// `GET …/status`.
pub(crate) async fn connector(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<ConnectorStatus> {
    Ok(Json(state.herder.status(&id)?))
}

/// `GET …/tasks`.
pub(crate) async fn tasks(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<Vec<TaskInfo>> {
    Ok(Json(state.herder.tasks(&id)?))
}

/// `GET …/tasks/{t}/status`.
pub(crate) async fn task(
    State(state): State<RestState>,
    OfTask(id, task): OfTask,
) -> Answer<TaskState> {
    Ok(Json(state.herder.task_status(&id, task)?))
}

/// Topics that a connector has used.
#[derive(Debug, Serialize)]
pub(crate) struct Topics {
    topics: Vec<String>,
}

/// `GET …/topics` (KIP-558): an object of one field, the connector's name.
pub(crate) async fn topics(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<BTreeMap<String, Topics>> {
    let topics = state.herder.topics(&id)?;
    let named = (id.name.to_string(), Topics { topics });
    Ok(Json(BTreeMap::from([named])))
}

/// `PUT …/topics/reset`.
pub(crate) async fn reset_topics(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Result<StatusCode, RestError> {
    state.herder.reset_topics(&id).await?;
    Ok(StatusCode::ACCEPTED)
}
