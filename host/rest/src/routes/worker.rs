//! The worker itself: `GET /`, `/health` (KIP-1017), `/metrics`, and what it says while it is starting.
//!
//! It measures nothing. Invariant: before the stores have been read no request sees their contents, because an empty
//! list would be a lie.

use crate::error::RestError;
use crate::state::RestState;
use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// The version of Kafka Connect that this interface is, which clients read to know what they may call.
const CONNECT_VERSION: &str = "4.3.1";

/// `GET /`: Connect's `ServerInfo`.
#[derive(Debug, Serialize)]
pub(crate) struct ServerInfo {
    version: &'static str,
    commit: String,
    kafka_cluster_id: Option<String>,
}

/// `GET /`.
pub(crate) async fn info(State(state): State<RestState>) -> Json<ServerInfo> {
    Json(ServerInfo {
        version: CONNECT_VERSION,
        commit: state.commit.to_string(),
        kafka_cluster_id: state.herder.kafka_cluster_id().await,
    })
}

/// `GET /health`: Connect's `WorkerStatus`.
#[derive(Debug, Serialize)]
pub(crate) struct WorkerStatus {
    status: &'static str,
    message: &'static str,
}

/// `GET /health`: 200 when ready, 503 while starting.
pub(crate) async fn health(State(state): State<RestState>) -> (StatusCode, Json<WorkerStatus>) {
    let (code, status, message) = if state.herder.is_ready() {
        let message = "Worker has completed startup and is ready to handle requests.";
        (StatusCode::OK, "healthy", message)
    } else {
        let message = "Worker is still starting up.";
        (StatusCode::SERVICE_UNAVAILABLE, "starting", message)
    };
    (code, Json(WorkerStatus { status, message }))
}

/// `GET /metrics`: Prometheus text.
pub(crate) async fn metrics(State(state): State<RestState>) -> Response {
    let text = state.herder.render_metrics();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// The layer of routes that read stores: 503 until they have been read.
pub(crate) async fn when_ready(
    State(state): State<RestState>,
    request: Request,
    next: Next,
) -> Response {
    if state.herder.is_ready() {
        return next.run(request).await;
    }
    let message = "Worker is still starting up: try again when /health answers 200";
    RestError::new(StatusCode::SERVICE_UNAVAILABLE, message).into_response()
}
