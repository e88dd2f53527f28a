//! Tenants: who they are, what they may do, what they use.
//!
//! Without an authentication file there is one tenant, `default`, which may do everything. It decides who somebody is;
//! what a role may do at which URL is the REST layer's table. Invariant: a principal names exactly one tenant, or none
//! if it is an operator of the host.

mod auth;
mod quota;

pub use auth::{AuthError, Tenants, hash_password};
pub use quota::{Level, Meter, Quotas, Usage};

use host_core::id::TenantId;
use serde::{Deserialize, Serialize};

/// What somebody may do within a tenant; each role includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Creates and changes connectors, uploads plugins.
    Author,
    /// Everything; as an operator of the host (no tenant), also tenants and their quotas.
    Operator,
}

/// Somebody who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Their tenant; `None` for an operator of the host.
    pub tenant: Option<TenantId>,
    /// Their name, for the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
}
