//! Names in URLs, as the caller's tenant's.
//!
//! It looks nothing up. Invariant: no name that it lets pass holds a slash, because a slash separates a tenant from a
//! connector in the stores.

use super::Caller;
use crate::error::RestError;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use host_core::id::{ConnectorId, TenantId};

/// The tenant that asks; 403 for an operator of the host, who has none.
pub(crate) struct Tenant(pub(crate) TenantId);

impl<S: Send + Sync> FromRequestParts<S> for Tenant {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, RestError> {
        let caller = parts.extensions.get::<Caller>();
        let tenant = caller.and_then(|c| c.principal.tenant.clone());
        tenant
            .map(Self)
            .ok_or_else(|| RestError::jersey(StatusCode::FORBIDDEN))
    }
}

/// Parts of the path, decoded.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// A part by its name in the route; empty where the route has none.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(k, _)| k == name);
        found.map_or("", |(_, v)| v.as_str())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let raw = RawPathParams::from_request_parts(parts, state).await;
        let raw = raw.map_err(|_| RestError::bad("The path is not valid UTF-8"))?;
        let owned = |(k, v): (&str, &str)| (k.to_owned(), v.to_owned());
        Ok(Self(raw.iter().map(owned).collect()))
    }
}

/// The connector that the path names, of the tenant that asks.
pub(crate) struct OfConnector(pub(crate) ConnectorId);

impl<S: Send + Sync> FromRequestParts<S> for OfConnector {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let Tenant(tenant) = Tenant::from_request_parts(parts, state).await?;
        let params = Params::from_request_parts(parts, state).await?;
        let name = params.get("connector");
        check_name(name)?;
        Ok(Self(ConnectorId::new(tenant, name)))
    }
}

/// The connector and task that the path names; a number that is none is Jersey's 404.
pub(crate) struct OfTask(pub(crate) ConnectorId, pub(crate) u32);

impl<S: Send + Sync> FromRequestParts<S> for OfTask {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let OfConnector(id) = OfConnector::from_request_parts(parts, state).await?;
        let params = Params::from_request_parts(parts, state).await?;
        let task = params.get("task").parse();
        let task = task.map_err(|_| RestError::jersey(StatusCode::NOT_FOUND))?;
        Ok(Self(id, task))
    }
}

/// Refuses a connector's name with a slash. Connect takes one at `POST` and can never address it afterwards.
pub(crate) fn check_name(name: &str) -> Result<(), RestError> {
    if name.contains('/') {
        return Err(RestError::bad(format!(
            "Connector name {name} may not contain a slash, because no URL could address it: choose another name"
        )));
    }
    Ok(())
}
