//! `/plugins`: uploading, showing and deleting a tenant's components.
//!
//! What is a good component, and whether one is in use, is the herder's question. Invariant: an upload is read only once
//! it has a place, so that uploads in memory are few.

use super::Answer;
use crate::access::{Params, Tenant};
use crate::body;
use crate::error::RestError;
use crate::negotiate::content_type;
use crate::state::RestState;
use crate::uploads::{self, UploadSlots};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use host_core::config::ConfigKey;
use host_core::id::TenantId;
use host_runtime::herder::entity::PluginVersion;
use serde::Serialize;

/// `GET /plugins`.
pub(crate) async fn list(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
) -> Json<Vec<PluginVersion>> {
    Json(state.herder.plugins(&tenant))
}

/// `GET /plugins/{name}`: its versions, oldest first.
pub(crate) async fn versions(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    params: Params,
) -> Answer<Vec<PluginVersion>> {
    Ok(Json(of_name(&state, &tenant, params.get("plugin"))?))
}

/// `GET /plugins/{name}/versions/{v}`.
#[derive(Debug, Serialize)]
pub(crate) struct VersionInfo {
    #[serde(flatten)]
    version: PluginVersion,
    /// The keys it declares.
    config: Vec<ConfigKey>,
    /// Connectors whose configuration uses this version.
    used_by: Vec<String>,
}

/// `GET /plugins/{name}/versions/{v}`: digest, size, keys and who uses it.
pub(crate) async fn version(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    params: Params,
) -> Answer<VersionInfo> {
    let (name, wanted) = (params.get("plugin"), params.get("version"));
    let versions = of_name(&state, &tenant, name)?;
    let found = versions.into_iter().find(|v| v.version == wanted);
    let version = found
        .ok_or_else(|| RestError::not_found(format!("Plugin {name} has no version {wanted}")))?;
    let herder = &state.herder;
    let config = herder.plugin_config(&tenant, &version.class, Some(wanted))?;
    Ok(Json(VersionInfo {
        used_by: herder.plugin_users(&tenant, name, wanted),
        version,
        config,
    }))
}

fn of_name(
    state: &RestState,
    tenant: &TenantId,
    name: &str,
) -> Result<Vec<PluginVersion>, RestError> {
    let mut all = state.herder.plugins(tenant);
    all.retain(|v| v.name == name);
    if all.is_empty() {
        return Err(RestError::not_found(format!("Plugin {name} not found")));
    }
    Ok(all)
}

/// `PUT /plugins/{name}/versions/{v}`: 201, or 200 where these bytes are there already.
pub(crate) async fn upload(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    params: Params,
    request: Request,
) -> Result<Response, RestError> {
    check_type(request.headers())?;
    let slot = UploadSlots::take(&state.uploads, &tenant)?;
    let bytes_max = uploads::bytes_max(&state.herder.quotas(&tenant));
    let bytes = body::read(request, bytes_max).await?;
    if bytes.is_empty() {
        return Err(RestError::bad(
            "The upload is empty: send the component's bytes, e.g. with curl --data-binary @plugin.wasm",
        ));
    }
    let (name, version) = (params.get("plugin"), params.get("version"));
    let (stored, new) = state
        .herder
        .upload_plugin(&tenant, name, version, bytes.into())
        .await?;
    drop(slot);
    tracing::info!(
        plugin = stored.name,
        version = stored.version,
        sha256 = stored.sha256,
        new,
        "uploaded"
    );
    let code = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((code, Json(stored)).into_response())
}

/// Refuses what is said to be something else than bytes; curl's own default for `--data-binary` is taken.
fn check_type(headers: &HeaderMap) -> Result<(), RestError> {
    let taken = [
        "application/octet-stream",
        "application/wasm",
        "application/x-www-form-urlencoded",
    ];
    match content_type(headers) {
        Some(given) if !taken.contains(&given.as_str()) => Err(RestError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("An upload is the component's bytes as application/wasm, not {given}"),
        )),
        _ => Ok(()),
    }
}

/// `DELETE /plugins/{name}/versions/{v}`: 409 where it is in use.
pub(crate) async fn delete(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    params: Params,
) -> Result<StatusCode, RestError> {
    let (name, version) = (params.get("plugin"), params.get("version"));
    state.herder.delete_plugin(&tenant, name, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::CONTENT_TYPE;

    #[test]
    fn types_of_uploads() {
        for (value, good) in [
            (None, true),
            (Some("application/wasm"), true),
            (Some("application/octet-stream"), true),
            (Some("application/x-www-form-urlencoded"), true),
            (Some("application/json"), false),
        ] {
            let value = value.map(|v| (CONTENT_TYPE, v.parse().unwrap()));
            let headers = value.into_iter().collect();
            assert_eq!(check_type(&headers).is_ok(), good);
        }
    }
}
