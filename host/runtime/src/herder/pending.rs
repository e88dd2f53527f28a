//! Signatures of the herder while its parts are being written; replaced by the real ones.

use super::entity::*;
use super::error::{ErrorKind, HerderError};
use crate::tenant::{Quotas, Usage};
use host_core::config::{Config, ConfigInfos, ConfigKey};
use host_core::id::{ConnectorId, TenantId};

type Answer<T> = Result<T, HerderError>;

/// The herder.
pub struct Herder {
    worker_id: String,
}

fn pending<T>() -> Answer<T> {
    Err(HerderError::new(
        ErrorKind::Unavailable,
        "This worker is starting",
    ))
}

#[rustfmt::skip]
#[allow(clippy::unused_async, clippy::unused_self, missing_docs, unused_variables, reason = "signatures only")]
impl Herder {
    pub(super) fn worker_id(&self) -> &str { &self.worker_id }
    pub(super) async fn kafka_cluster_id(&self) -> Option<String> { None }
    pub(super) fn is_ready(&self) -> bool { false }
    pub(super) fn render_metrics(&self) -> String { String::new() }
    pub(super) fn connectors(&self, tenant: &TenantId) -> Vec<String> { Vec::new() }
    pub(super) fn connector_info(&self, id: &ConnectorId) -> Answer<ConnectorInfo> { pending() }
    pub(super) fn status(&self, id: &ConnectorId) -> Answer<ConnectorStatus> { pending() }
    pub(super) fn task_status(&self, id: &ConnectorId, task: u32) -> Answer<TaskState> { pending() }
    pub(super) fn tasks(&self, id: &ConnectorId) -> Answer<Vec<TaskInfo>> { pending() }
    pub(super) fn topics(&self, id: &ConnectorId) -> Vec<String> { Vec::new() }
    pub(super) fn check_new(&self, id: &ConnectorId, config: &Config) -> Answer<()> { pending() }
    pub(super) async fn checked(&self, id: &ConnectorId, config: Config) -> Answer<Config> { pending() }
    pub(super) async fn create(&self, id: ConnectorId, config: Config, initial: TargetState) -> Answer<ConnectorInfo> { pending() }
    pub(super) async fn put_config(&self, id: ConnectorId, config: Config) -> Answer<PutOutcome> { pending() }
    pub(super) async fn settled(&self, id: &ConnectorId) {}
    pub(super) async fn delete(&self, id: &ConnectorId) -> Answer<()> { pending() }
    pub(super) async fn set_target_state(&self, id: &ConnectorId, target: TargetState) -> Answer<()> { pending() }
    pub(super) async fn restart(&self, id: &ConnectorId, include_tasks: bool, only_failed: bool) -> Answer<ConnectorStatus> { pending() }
    pub(super) async fn restart_task(&self, id: &ConnectorId, task: u32) -> Answer<()> { pending() }
    pub(super) async fn reset_topics(&self, id: &ConnectorId) -> Answer<()> { pending() }
    pub(super) fn offsets(&self, id: &ConnectorId) -> Answer<ConnectorOffsets> { pending() }
    pub(super) async fn alter_offsets(&self, id: &ConnectorId, offsets: ConnectorOffsets) -> Answer<String> { pending() }
    pub(super) async fn reset_offsets(&self, id: &ConnectorId) -> Answer<String> { pending() }
    pub(super) async fn validate_for_url(&self, tenant: &TenantId, plugin: &str, config: &Config) -> Answer<ConfigInfos> { pending() }
    pub(super) fn connector_plugins(&self, tenant: &TenantId, connectors_only: bool) -> Vec<PluginInfo> { Vec::new() }
    pub(super) fn plugin_config(&self, tenant: &TenantId, plugin: &str, version: Option<&str>) -> Answer<Vec<ConfigKey>> { pending() }
    pub(super) async fn upload_plugin(&self, tenant: &TenantId, name: &str, version: &str, component: Vec<u8>) -> Answer<(PluginVersion, bool)> { pending() }
    pub(super) fn plugins(&self, tenant: &TenantId) -> Vec<PluginVersion> { Vec::new() }
    pub(super) async fn delete_plugin(&self, tenant: &TenantId, name: &str, version: &str) -> Answer<()> { pending() }
    pub(super) fn tenants(&self) -> Vec<TenantId> { Vec::new() }
    pub(super) fn quotas(&self, tenant: &TenantId) -> Quotas { Quotas::default() }
    pub(super) async fn put_quotas(&self, tenant: &TenantId, quotas: Quotas) -> Answer<()> { pending() }
    pub(super) fn usage(&self, tenant: &TenantId) -> Usage { Usage::default() }
    pub(super) async fn shutdown(&self) {}
}
