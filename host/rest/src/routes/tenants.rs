//! `/admin/tenants`: quotas and usage, for operators of the host.
//!
//! Who is a tenant is said in the authentication file, not here; a quota document may be written before its tenant
//! appears there. Invariant: nothing here shows a tenant's configurations.

use super::Answer;
use crate::access::Params;
use crate::body::Json as Body;
use crate::error::RestError;
use crate::state::RestState;
use axum::Json;
use axum::extract::State;
use host_core::id::TenantId;
use host_runtime::tenant::{Quotas, Usage};

/// `GET /admin/tenants`: their names.
pub(crate) async fn list(State(state): State<RestState>) -> Json<Vec<String>> {
    let all = state.herder.tenants();
    Json(all.iter().map(ToString::to_string).collect())
}

/// `GET /admin/tenants/{t}`: its quotas.
pub(crate) async fn quotas(State(state): State<RestState>, params: Params) -> Answer<Quotas> {
    Ok(Json(state.herder.quotas(&known(&state, &params)?)))
}

/// `PUT /admin/tenants/{t}`: replaces its quotas; the answer is what is in force.
pub(crate) async fn put_quotas(
    State(state): State<RestState>,
    params: Params,
    Body(quotas): Body<Quotas>,
) -> Answer<Quotas> {
    let tenant = named(&params)?;
    state.herder.put_quotas(&tenant, quotas).await?;
    Ok(Json(state.herder.quotas(&tenant)))
}

/// `GET /admin/tenants/{t}/usage`.
pub(crate) async fn usage(State(state): State<RestState>, params: Params) -> Answer<Usage> {
    Ok(Json(state.herder.usage(&known(&state, &params)?)))
}

fn named(params: &Params) -> Result<TenantId, RestError> {
    let name = params.get("tenant");
    TenantId::new(name).ok_or_else(|| {
        RestError::bad(format!(
            "{name} is not a name of a tenant: it must be 1 to 63 of a-z, 0-9 and -, beginning with a letter"
        ))
    })
}

fn known(state: &RestState, params: &Params) -> Result<TenantId, RestError> {
    let tenant = named(params)?;
    if state.herder.tenants().contains(&tenant) {
        return Ok(tenant);
    }
    Err(RestError::not_found(format!("Tenant {tenant} not found")))
}
