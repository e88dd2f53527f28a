//! `/admin/loggers`: levels of the log, while the host runs.
//!
//! With one worker, `?scope=cluster` is this worker; its answer is Connect's 204. Invariant: only operators of the host
//! come here, because the log is everybody's.

use super::Answer;
use crate::access::Params;
use crate::body::{ConfigJson, Json as Body};
use crate::error::RestError;
use crate::loggers::{LoggerLevel, Loggers};
use crate::query::Pairs;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GET /admin/loggers`.
pub(crate) async fn list(
    State(loggers): State<Arc<Loggers>>,
) -> Json<BTreeMap<String, LoggerLevel>> {
    Json(loggers.all())
}

/// `GET /admin/loggers/{l}`.
pub(crate) async fn get(
    State(loggers): State<Arc<Loggers>>,
    params: Params,
) -> Answer<LoggerLevel> {
    Ok(Json(loggers.get(params.get("logger"))?))
}

/// `PUT /admin/loggers/{l}`: the names that changed; nothing with `?scope=cluster`.
pub(crate) async fn set(
    State(loggers): State<Arc<Loggers>>,
    params: Params,
    query: Pairs,
    Body(body): Body<ConfigJson>,
) -> Result<Response, RestError> {
    let level = body
        .get("level")
        .ok_or_else(|| RestError::bad("Desired 'level' parameter was not specified in request."))?;
    let name = params.get("logger");
    let changed = loggers.set(name, level)?;
    tracing::info!(logger = name, level, "changed a log level");
    let cluster = query
        .first("scope")
        .is_some_and(|s| s.eq_ignore_ascii_case("cluster"));
    if cluster {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(changed).into_response())
}
