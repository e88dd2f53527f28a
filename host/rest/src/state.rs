//! What all routes share.
//!
//! Invariant: it is built once, before the first request, and cloned by counting.

use crate::loggers::Loggers;
use crate::uploads::UploadSlots;
use axum::extract::FromRef;
use host_runtime::herder::HerderHandle;
use host_runtime::tenant::Tenants;
use std::sync::Arc;

/// The herder and what else the interface needs.
#[derive(Clone)]
pub struct RestState {
    pub(crate) herder: HerderHandle,
    pub(crate) tenants: Option<Arc<Tenants>>,
    pub(crate) loggers: Arc<Loggers>,
    pub(crate) uploads: Arc<UploadSlots>,
    pub(crate) commit: Arc<str>,
}

impl RestState {
    /// The interface of this herder. `tenants` is the authentication file, `None` for one tenant and no passwords;
    /// `commit` names the build in `GET /`.
    pub fn new(
        herder: HerderHandle,
        tenants: Option<Arc<Tenants>>,
        loggers: Loggers,
        commit: &str,
    ) -> Self {
        Self {
            herder,
            tenants,
            loggers: Arc::new(loggers),
            uploads: Arc::default(),
            commit: commit.into(),
        }
    }
}

impl FromRef<RestState> for Arc<Loggers> {
    fn from_ref(state: &RestState) -> Self {
        Arc::clone(&state.loggers)
    }
}
