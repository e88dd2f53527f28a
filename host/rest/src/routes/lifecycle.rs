//! Pausing, resuming, stopping and restarting.
//!
//! Status codes are Connect's: 202 for what goes on after the answer, 204 for what is done. Invariant: none has a body
//! but a restart with flags.

use crate::access::{OfConnector, OfTask};
use crate::error::RestError;
use crate::query::Pairs;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use host_runtime::herder::entity::TargetState;

/// `PUT …/pause`.
pub(crate) async fn pause(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Result<StatusCode, RestError> {
    state
        .herder
        .set_target_state(&id, TargetState::Paused)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// `PUT …/resume`.
pub(crate) async fn resume(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Result<StatusCode, RestError> {
    state
        .herder
        .set_target_state(&id, TargetState::Started)
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// `PUT …/stop` (KIP-875).
pub(crate) async fn stop(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Result<StatusCode, RestError> {
    state
        .herder
        .set_target_state(&id, TargetState::Stopped)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST …/restart` (KIP-745): 204 for the connector alone, 202 with the status where tasks are restarted too.
pub(crate) async fn restart(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
    query: Pairs,
) -> Result<Response, RestError> {
    let include_tasks = query.flag("includeTasks", false);
    let only_failed = query.flag("onlyFailed", false);
    let status = state
        .herder
        .restart(&id, include_tasks, only_failed)
        .await?;
    if include_tasks || only_failed {
        return Ok((StatusCode::ACCEPTED, Json(status)).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `POST …/tasks/{t}/restart`.
pub(crate) async fn restart_task(
    State(state): State<RestState>,
    OfTask(id, task): OfTask,
) -> Result<StatusCode, RestError> {
    state.herder.restart_task(&id, task).await?;
    Ok(StatusCode::NO_CONTENT)
}
