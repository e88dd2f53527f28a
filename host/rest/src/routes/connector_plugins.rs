//! `/connector-plugins`: which classes there are, which keys they have, and whether a configuration is good.
//!
//! Invariant: a tenant sees the built-in classes and its own uploads.

use super::Answer;
use crate::access::{Params, Tenant};
use crate::body::{ConfigJson, Json as Body};
use crate::query::Pairs;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use host_core::config::{ConfigInfos, ConfigKey};
use host_runtime::herder::entity::PluginInfo;

/// `GET /connector-plugins`; `?connectorsOnly=false` for all kinds of classes.
pub(crate) async fn list(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    query: Pairs,
) -> Json<Vec<PluginInfo>> {
    let connectors_only = query.flag("connectorsOnly", true);
    Json(state.herder.connector_plugins(&tenant, connectors_only))
}

/// `GET /connector-plugins/{p}/config`, of the version that `?version=` names.
pub(crate) async fn config(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    params: Params,
    query: Pairs,
) -> Answer<Vec<ConfigKey>> {
    let plugin = params.get("plugin");
    let keys = state
        .herder
        .plugin_config(&tenant, plugin, query.first("version"))?;
    Ok(Json(keys))
}

/// `PUT /connector-plugins/{p}/config/validate`.
pub(crate) async fn validate(
    State(state): State<RestState>,
    Tenant(tenant): Tenant,
    params: Params,
    Body(config): Body<ConfigJson>,
) -> Answer<ConfigInfos> {
    let (plugin, config) = (params.get("plugin"), config.into_config());
    Ok(Json(state.herder.validate(&tenant, plugin, &config).await?))
}
