//! The table of URLs.
//!
//! From the outside in: [`edge`], authentication, role, content types, handler. Paths and methods that are not here are
//! Jersey's 404 and 405, after authentication. Invariant: only `/health` is outside authentication, and only what is
//! under `host` shows more than one tenant.

use crate::access::{authenticate, operator_only, tenant_role};
use crate::edge::edge;
use crate::error::RestError;
use crate::loggers::Loggers;
use crate::negotiate::json_only;
use crate::routes::{
    config, connector_plugins, connectors, lifecycle, loggers, offsets, plugins, status, tenants,
    worker,
};
use crate::state::RestState;
use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use host_runtime::tenant::Tenants;
use std::sync::Arc;
use tower::Layer;

/// The whole interface.
pub fn router(state: RestState) -> Router {
    let metrics = Router::new().route("/metrics", get(worker::metrics));
    let host = log_levels().merge(tenant_quotas(&state)).merge(metrics);
    let connectors = connector_routes().merge(plugin_class_routes());
    let of_tenant = connectors
        .route_layer(from_fn(json_only))
        .merge(upload_routes())
        .route_layer(from_fn_with_state(state.clone(), worker::when_ready))
        .route_layer(from_fn(tenant_role));
    let info = Router::new().route("/", get(worker::info));
    let health = Router::new().route("/health", get(worker::health));
    let closed = of_tenant
        .merge(host.route_layer(from_fn(operator_only)))
        .merge(info.route_layer(from_fn(json_only)));
    let open = health.route_layer(from_fn(json_only));
    shell(closed, open, state.tenants.clone(), state)
}

/// Closes `closed` to strangers, and puts around everything what every request meets.
fn shell<S: Clone + Send + Sync + 'static>(
    closed: Router<S>,
    open: Router<S>,
    tenants: Option<Arc<Tenants>>,
    state: S,
) -> Router {
    let refused = |status| async move { RestError::bare(status) };
    let closed = closed
        .fallback(move || refused(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(move || refused(StatusCode::METHOD_NOT_ALLOWED))
        .layer(from_fn_with_state(tenants, authenticate));
    let open = open.method_not_allowed_fallback(move || refused(StatusCode::METHOD_NOT_ALLOWED));
    let all = closed.merge(open).with_state(state);
    // As a service, so that it sees paths before they are matched and answers after methods were.
    Router::new().fallback_service(from_fn(edge).layer(all))
}

fn connector_routes() -> Router<RestState> {
    Router::new()
        .route(
            "/connectors",
            get(connectors::list).post(connectors::create),
        )
        .route(
            "/connectors/{connector}",
            get(connectors::get).delete(connectors::delete),
        )
        .route(
            "/connectors/{connector}/config",
            get(config::get).put(config::put).patch(config::patch),
        )
        .route("/connectors/{connector}/status", get(status::connector))
        .route("/connectors/{connector}/pause", put(lifecycle::pause))
        .route("/connectors/{connector}/resume", put(lifecycle::resume))
        .route("/connectors/{connector}/stop", put(lifecycle::stop))
        .route("/connectors/{connector}/restart", post(lifecycle::restart))
        .route("/connectors/{connector}/tasks", get(status::tasks))
        .route(
            "/connectors/{connector}/tasks/{task}/status",
            get(status::task),
        )
        .route(
            "/connectors/{connector}/tasks/{task}/restart",
            post(lifecycle::restart_task),
        )
        .route("/connectors/{connector}/topics", get(status::topics))
        .route(
            "/connectors/{connector}/topics/reset",
            put(status::reset_topics),
        )
        .route(
            "/connectors/{connector}/offsets",
            get(offsets::get)
                .patch(offsets::alter)
                .delete(offsets::reset),
        )
}

fn plugin_class_routes() -> Router<RestState> {
    Router::new()
        .route("/connector-plugins", get(connector_plugins::list))
        .route(
            "/connector-plugins/{plugin}/config",
            get(connector_plugins::config),
        )
        .route(
            "/connector-plugins/{plugin}/config/validate",
            put(connector_plugins::validate),
        )
}

fn upload_routes() -> Router<RestState> {
    let json = from_fn(json_only);
    let upload = put(plugins::upload);
    let others = get(plugins::version).delete(plugins::delete);
    Router::new()
        .route("/plugins", get(plugins::list).route_layer(json.clone()))
        .route(
            "/plugins/{plugin}",
            get(plugins::versions).route_layer(json.clone()),
        )
        .route(
            "/plugins/{plugin}/versions/{version}",
            upload.merge(others.route_layer(json)),
        )
}

fn log_levels<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Arc<Loggers>: FromRef<S>,
{
    Router::new()
        .route("/admin/loggers", get(loggers::list))
        .route(
            "/admin/loggers/{logger}",
            get(loggers::get).put(loggers::set),
        )
        .route_layer(from_fn(json_only))
}

fn tenant_quotas(state: &RestState) -> Router<RestState> {
    Router::new()
        .route("/admin/tenants", get(tenants::list))
        .route(
            "/admin/tenants/{tenant}",
            get(tenants::quotas).put(tenants::put_quotas),
        )
        .route("/admin/tenants/{tenant}/usage", get(tenants::usage))
        .route_layer(from_fn(json_only))
        .route_layer(from_fn_with_state(state.clone(), worker::when_ready))
}

#[cfg(test)]
mod tests;
