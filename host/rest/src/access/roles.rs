//! What a role may do.
//!
//! | who | may |
//! |---|---|
//! | viewer | `GET`, `HEAD` of its tenant's things |
//! | author | everything of its tenant: connectors, offsets, uploads |
//! | operator within a tenant | the same |
//! | operator of the host | `/admin/*`, `/metrics`; no tenant's things, because it has none |
//!
//! Invariant: what is not listed is refused.

use super::Caller;
use crate::error::RestError;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use host_runtime::tenant::Role;

/// The layer of a tenant's routes.
pub(crate) async fn tenant_role(request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(caller) => match check_tenant(caller, request.method()) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        },
        None => nobody(),
    }
}

/// The layer of routes that only operators of the host may use.
pub(crate) async fn operator_only(request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(caller) => match check_operator(caller) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        },
        None => nobody(),
    }
}

/// A route outside the authentication layer is a mistake of ours; it refuses rather than lets in.
fn nobody() -> Response {
    RestError::new(StatusCode::UNAUTHORIZED, "User cannot access the resource").into_response()
}

fn check_tenant(caller: &Caller, method: &Method) -> Result<(), RestError> {
    let who = &caller.principal;
    let Some(tenant) = &who.tenant else {
        return Err(forbidden(
            "An operator of the host has no connectors and plugins: use the credentials of a tenant".to_owned(),
        ));
    };
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    if reads || who.role >= Role::Author {
        return Ok(());
    }
    Err(forbidden(format!(
        "User {} is a viewer of tenant {tenant} and may only read: use an author's credentials",
        who.name
    )))
}

fn check_operator(caller: &Caller) -> Result<(), RestError> {
    if caller.operates_host {
        return Ok(());
    }
    Err(forbidden(format!(
        "User {} is not an operator of this host: use an operator's credentials",
        caller.principal.name
    )))
}

fn forbidden(message: String) -> RestError {
    RestError::new(StatusCode::FORBIDDEN, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::id::TenantId;
    use host_runtime::tenant::Principal;

    #[test]
    fn the_table_of_roles() {
        let caller = |tenant: Option<&str>, role| Caller {
            principal: Principal {
                tenant: tenant.and_then(TenantId::new),
                name: "u".to_owned(),
                role,
            },
            operates_host: tenant.is_none(),
        };
        let t = Some("acme");
        // who, may read, may write, may operate
        for (who, reads, writes, operates) in [
            (caller(t, Role::Viewer), true, false, false),
            (caller(t, Role::Author), true, true, false),
            (caller(t, Role::Operator), true, true, false),
            (caller(None, Role::Operator), false, false, true),
        ] {
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(check_tenant(&who, &method).is_ok(), reads, "{who:?}");
            }
            for method in [Method::PUT, Method::POST, Method::PATCH, Method::DELETE] {
                assert_eq!(check_tenant(&who, &method).is_ok(), writes, "{who:?}");
            }
            assert_eq!(check_operator(&who).is_ok(), operates, "{who:?}");
        }
    }
}
