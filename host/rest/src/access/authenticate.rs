//! The layer that finds out who asks.
//!
//! Without an authentication file everybody is the tenant `default` and an operator of the host. Invariant: with one, no
//! request passes without credentials that it knows, and a refusal does not say which part was wrong.

use super::credentials::Credentials;
use crate::error::RestError;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use host_core::id::TenantId;
use host_runtime::tenant::{AuthError, Principal, Role, Tenants};
use std::sync::Arc;

/// Whoever asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) principal: Principal,
    /// Whether it may use `/admin` and `/metrics`, which show all tenants.
    pub(crate) operates_host: bool,
}

impl Caller {
    fn anonymous() -> Self {
        let principal = Principal {
            tenant: Some(TenantId::default()),
            name: "anonymous".to_owned(),
            role: Role::Operator,
        };
        Self {
            principal,
            operates_host: true,
        }
    }
}

/// The layer: leaves a [`Caller`] with the request, or answers 401.
pub(crate) async fn authenticate(
    State(tenants): State<Option<Arc<Tenants>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match tenants {
        None => Caller::anonymous(),
        Some(tenants) => match identify(&tenants, request.headers()).await {
            Ok(caller) => caller,
            Err(refused) => return refused.into_response(),
        },
    };
    let span = tracing::Span::current();
    let tenant = caller.principal.tenant.as_ref();
    span.record("tenant", tenant.map_or("-", TenantId::as_str));
    span.record("user", caller.principal.name.as_str());
    request.extensions_mut().insert(caller);
    next.run(request).await
}

async fn identify(tenants: &Tenants, headers: &HeaderMap) -> Result<Caller, RestError> {
    let checked = match Credentials::of(headers) {
        None => {
            return Err(unauthorized(
                "User cannot access the resource: send basic credentials or a bearer token",
            ));
        }
        Some(Credentials::Basic(user, password)) => {
            tenants.authenticate(&user, password.expose()).await
        }
        Some(Credentials::Bearer(token)) => tenants.authenticate_token(token.expose()).await,
    };
    let principal = checked.map_err(|e| match e {
        AuthError::Denied => {
            unauthorized("User cannot access the resource: unknown user or wrong secret")
        }
        AuthError::Busy => RestError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many passwords are being checked; try again",
        ),
    })?;
    let operates_host = principal.tenant.is_none();
    Ok(Caller {
        principal,
        operates_host,
    })
}

fn unauthorized(message: &str) -> RestError {
    RestError::new(StatusCode::UNAUTHORIZED, message)
}
