//! `/connectors`: list, create, read, delete.
//!
//! Invariant: a list holds the caller's tenant's connectors and no others.

use super::Answer;
use crate::access::{OfConnector, Tenant};
use crate::body::{CreateRequest, Json as Body};
use crate::error::RestError;
use crate::query::Pairs;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use axum::http::header::{HOST, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use host_core::id::ConnectorId;
use host_runtime::herder::HerderHandle;
use host_runtime::herder::entity::{ConnectorInfo, ConnectorStatus};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is listed of one connector with `?expand=`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Expanded {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<ConnectorStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    info: Option<ConnectorInfo>,
}

/// `GET /connectors`: names, or with `?expand=status&expand=info` what is known of each.
pub(crate) async fn list(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    query: Pairs,
) -> Response {
    let names = state.herder.connectors(&tenant);
    if query.all("expand").next().is_none() {
        return Json(names).into_response();
    }
    let wanted = |what| query.all("expand").any(|e| e == what);
    let (status, info) = (wanted("status"), wanted("info"));
    let mut all = BTreeMap::new();
    for name in names {
        let id = ConnectorId::new(tenant.clone(), &name);
        // One that is deleted while we look is left out, as Connect does.
        if let Ok(expanded) = expand(&state.herder, &id, status, info) {
            all.insert(name, expanded);
        }
    }
    Json(all).into_response()
}

fn expand(
    herder: &HerderHandle,
    id: &ConnectorId,
    status: bool,
    info: bool,
) -> Result<Expanded, RestError> {
    Ok(Expanded {
        status: status.then(|| herder.status(id)).transpose()?,
        info: info.then(|| herder.connector_info(id)).transpose()?,
    })
}

/// `POST /connectors`.
pub(crate) async fn create(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    headers: HeaderMap,
    Body(request): Body<CreateRequest>,
) -> Result<Response, RestError> {
    let (name, config, initial) = request.into_parts()?;
    let info = state
        .herder
        .create(&tenant, Some(&name), config, initial)
        .await?;
    Ok(created(&headers, state.herder.worker_id(), info))
}

/// `GET /connectors/{c}`.
pub(crate) async fn get(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Answer<ConnectorInfo> {
    Ok(Json(state.herder.connector_info(&id)?))
}

/// `DELETE /connectors/{c}`.
pub(crate) async fn delete(
    State(state): State<RestState>,
    OfConnector(id): OfConnector,
) -> Result<StatusCode, RestError> {
    state.herder.delete(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 201 with where the new connector is.
pub(crate) fn created(headers: &HeaderMap, worker_id: &str, info: ConnectorInfo) -> Response {
    let location = location(headers, worker_id, &info.name);
    let mut response = (StatusCode::CREATED, Json(info)).into_response();
    // A host that is not valid in a header came in one, so this cannot fail; without it the answer is still right.
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, value);
    }
    response
}

/// The address of a connector at the host name that the client used.
fn location(headers: &HeaderMap, worker_id: &str, name: &str) -> String {
    let host = headers.get(HOST).and_then(|v| v.to_str().ok());
    let mut location = format!("http://{}/connectors/", host.unwrap_or(worker_id));
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte);
        if plain {
            location.push(char::from(byte));
        } else {
            location.extend(format!("%{byte:02X}").chars());
        }
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let host = HeaderMap::from_iter([(HOST, "127.0.0.1:8083".parse().unwrap())]);
        for (headers, name, expected) in [
            (&host, "rest-a", "http://127.0.0.1:8083/connectors/rest-a"),
            (
                &host,
                "a b/ü%",
                "http://127.0.0.1:8083/connectors/a%20b%2F%C3%BC%25",
            ),
            (&HeaderMap::new(), "a", "http://w:1/connectors/a"),
        ] {
            assert_eq!(location(headers, "w:1", name), expected);
        }
    }

    #[test]
    fn an_unknown_expansion_is_an_empty_object() {
        let all = BTreeMap::from([("a", Expanded::default())]);
        assert_eq!(serde_json::to_string(&all).unwrap(), r#"{"a":{}}"#);
    }
}
