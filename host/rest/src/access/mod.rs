//! Who asks, and what they may do: authentication, roles, and the names in URLs as their tenant's.
//!
//! Passwords are checked by `host_runtime::tenant`, off these threads and remembered; here are the headers and the
//! rules. Invariant: a route sees a [`Caller`] that has proved who it is, and builds names only of that caller's tenant,
//! so another tenant's connector is simply not found.

mod authenticate;
mod credentials;
mod roles;
mod scope;

pub(crate) use authenticate::{Caller, authenticate};
pub(crate) use roles::{operator_only, tenant_role};
pub(crate) use scope::{OfConnector, OfTask, Params, Tenant, check_name};
