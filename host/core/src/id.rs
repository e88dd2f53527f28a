//! Who a thing belongs to: tenant, connector, task.
//!
//! Past the REST layer nothing is named by a bare string. Names are checked where they enter.
//! Invariant: a [`ConnectorId`] is unique in the host; two tenants' connectors of one name are two connectors.

use std::fmt;
use std::sync::Arc;

/// The tenant without authentication, which owns the root URL.
pub const DEFAULT_TENANT: &str = "default";

/// A tenant's name: 1 to 63 of `[a-z0-9-]`, beginning with a letter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Checks a tenant's name.
    pub fn new(name: &str) -> Option<Self> {
        let good = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.len() <= 63
            && name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        good.then(|| Self(name.into()))
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Whether this is the tenant that owns the root URL without authentication.
    pub fn is_default(&self) -> bool {
        &*self.0 == DEFAULT_TENANT
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self(DEFAULT_TENANT.into())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A connector of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectorId {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name, as in the URL.
    pub name: Arc<str>,
}

impl ConnectorId {
    /// The connector of this name.
    pub fn new(tenant: TenantId, name: &str) -> Self {
        Self {
            tenant,
            name: name.into(),
        }
    }
    /// Name under which the host stores it in Connect's topics: the bare name for the default tenant, so that
    /// Connect's own workers can read it, `<tenant>/<name>` for others (names cannot hold a slash).
    pub fn stored_name(&self) -> String {
        if self.tenant.is_default() {
            self.name.to_string()
        } else {
            format!("{}/{}", self.tenant, self.name)
        }
    }
    /// The connector stored under this name.
    pub fn from_stored_name(stored: &str) -> Option<Self> {
        match stored.split_once('/') {
            None => Some(Self::new(TenantId::default(), stored)),
            Some((tenant, name)) => TenantId::new(tenant).map(|t| Self::new(t, name)),
        }
    }
}

impl fmt::Display for ConnectorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stored_name())
    }
}

/// A task of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// Its connector.
    pub connector: ConnectorId,
    /// Its number, from 0.
    pub task: u32,
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.connector, self.task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_names_are_checked() {
        for (name, good) in [
            ("acme", true),
            ("a-1", true),
            ("", false),
            ("1a", false),
            ("A", false),
            ("a/b", false),
        ] {
            assert_eq!(TenantId::new(name).is_some(), good, "{name}");
        }
    }

    #[test]
    fn stored_names_come_back() {
        for id in [
            ConnectorId::new(TenantId::default(), "c"),
            ConnectorId::new(TenantId::new("acme").unwrap(), "c"),
        ] {
            assert_eq!(ConnectorId::from_stored_name(&id.stored_name()), Some(id));
        }
    }
}
