//! What the REST layer holds: a cheap, cloneable handle on the herder.
//!
//! Reads look at shared state; changes are queued to the one task that makes them, in order, so that two requests
//! cannot interleave, and a request that is given up half-way does not leave half a change.
//! Invariant: the queue of changes is bounded ([`CHANGES_QUEUED_MAX`]); a full one is 503.

use super::Herder;
use super::entity::*;
use super::error::{ErrorKind, HerderError};
use crate::tenant::{Quotas, Usage};
use futures_util::future::BoxFuture;
use host_core::config::{Config, ConfigInfos, ConfigKey};
use host_core::id::{ConnectorId, TenantId};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Changes that may wait for their turn.
pub const CHANGES_QUEUED_MAX: usize = 64;

/// How often a patch is made anew because somebody else was quicker.
const PATCH_TRIES_MAX: u32 = 16;

pub(super) type Change = Box<dyn FnOnce(Arc<Herder>) -> BoxFuture<'static, ()> + Send>;
type Answer<T> = Result<T, HerderError>;

/// A handle on the herder; clones share it.
#[derive(Clone)]
pub struct HerderHandle {
    herder: Arc<Herder>,
    changes: mpsc::Sender<Change>,
}

impl HerderHandle {
    pub(super) fn new(herder: Arc<Herder>, changes: mpsc::Sender<Change>) -> Self {
        Self { herder, changes }
    }

    pub(super) fn herder(&self) -> &Arc<Herder> {
        &self.herder
    }

    /// Runs a change after those before it and waits for its answer.
    async fn change<T, F, Fut>(&self, change: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Herder>) -> Fut + Send + 'static,
        Fut: Future<Output = Answer<T>> + Send + 'static,
    {
        if !self.herder.is_ready() {
            return Err(self.herder.not_ready());
        }
        let (answer, answered) = oneshot::channel();
        let boxed: Change = Box::new(move |herder| {
            Box::pin(async move {
                // Whoever asked may have gone; the change stands all the same.
                drop(answer.send(change(herder).await));
            })
        });
        self.changes.try_send(boxed).map_err(|e| match e {
            mpsc::error::TrySendError::Full(_) => HerderError::new(
                ErrorKind::Unavailable,
                "Too many changes are waiting for this worker; try again",
            ),
            mpsc::error::TrySendError::Closed(_) => {
                HerderError::new(ErrorKind::Unavailable, "This worker is shutting down")
            }
        })?;
        answered.await.map_err(|_| {
            HerderError::internal("The change was given up: this worker is shutting down")
        })?
    }

    /// Address of this worker, `host:port`, as in `worker_id`.
    pub fn worker_id(&self) -> &str {
        self.herder.worker_id()
    }
    /// Id of the Kafka cluster, for `GET /`; `None` when Kafka has not answered yet.
    pub async fn kafka_cluster_id(&self) -> Option<String> {
        self.herder.kafka_cluster_id().await
    }
    /// Whether the worker has read its stores and serves requests, for `GET /health`.
    pub fn is_ready(&self) -> bool {
        self.herder.is_ready()
    }
    /// Prometheus text of all metrics.
    pub fn render_metrics(&self) -> String {
        self.herder.render_metrics()
    }

    /// Names of a tenant's connectors.
    pub fn connectors(&self, tenant: &TenantId) -> Vec<String> {
        self.herder.connectors(tenant)
    }
    /// A connector; 404 `Connector {c} not found`.
    pub fn connector_info(&self, id: &ConnectorId) -> Answer<ConnectorInfo> {
        self.herder.connector_info(id)
    }
    /// A connector's configuration.
    pub fn connector_config(&self, id: &ConnectorId) -> Answer<Config> {
        self.herder.connector_info(id).map(|i| i.config)
    }
    /// Status of a connector and its tasks; 404 `No status found for connector {c}`.
    pub fn status(&self, id: &ConnectorId) -> Answer<ConnectorStatus> {
        self.herder.status(id)
    }
    /// Status of a task; 404 `No status found for task {c}-{t}`.
    pub fn task_status(&self, id: &ConnectorId, task: u32) -> Answer<TaskState> {
        self.herder.task_status(id, task)
    }
    /// Tasks with their configurations.
    pub fn tasks(&self, id: &ConnectorId) -> Answer<Vec<TaskInfo>> {
        self.herder.tasks(id)
    }
    /// Topics a connector has used; empty for an unknown one, as Connect answers; 403 where they are not tracked.
    pub fn topics(&self, id: &ConnectorId) -> Answer<Vec<String>> {
        self.herder.topics(id)
    }

    /// Creates a connector (`POST /connectors`). `name` is the body's, trimmed; the configuration is validated.
    pub async fn create(
        &self,
        tenant: &TenantId,
        name: Option<&str>,
        config: Config,
        initial: TargetState,
    ) -> Answer<ConnectorInfo> {
        let id = ConnectorId::new(tenant.clone(), name.unwrap_or_default().trim());
        self.herder.check_new(&id, &config)?;
        let config = self.herder.checked(&id, config).await?;
        self.change(move |h| async move { h.create(id, config, initial).await })
            .await
    }
    /// Creates or changes a connector (`PUT …/config`). Returns when the change has taken effect in its running tasks,
    /// or after a few seconds if they are slow.
    pub async fn put_config(&self, id: &ConnectorId, config: Config) -> Answer<PutOutcome> {
        let config = self.herder.checked(id, config).await?;
        let (id, herder) = (id.clone(), Arc::clone(&self.herder));
        let applied = id.clone();
        let outcome = self
            .change(move |h| async move { h.put_config(id, config).await })
            .await?;
        if !outcome.created {
            herder.settled(&applied).await;
        }
        Ok(outcome)
    }
    /// Changes some keys (`PATCH …/config`); `None` removes a key. What was read, changed and checked is stored only if it
    /// is still what is there; otherwise it is done again, so that of two patches none undoes the other.
    pub async fn patch_config(
        &self,
        id: &ConnectorId,
        patch: Vec<(String, Option<String>)>,
    ) -> Answer<ConnectorInfo> {
        for _ in 0..PATCH_TRIES_MAX {
            let read = self.connector_config(id)?;
            let mut config = read.clone();
            for (key, value) in &patch {
                match value {
                    Some(v) => config.set(key, v),
                    None => drop(config.remove(key)),
                }
            }
            let config = self.herder.checked(id, config).await?;
            let of = id.clone();
            let replaced =
                self.change(move |h| async move { h.replace_config(of, &read, config).await });
            if let Some(info) = replaced.await? {
                self.herder.settled(id).await;
                return Ok(info);
            }
        }
        Err(HerderError::conflict(format!(
            "Connector {} was changed {PATCH_TRIES_MAX} times while this change of it was being checked; try again",
            id.name
        )))
    }
    /// Deletes a connector; its offsets stay, as in Connect. Returns when its tasks have stopped, or after a few seconds.
    pub async fn delete(&self, id: &ConnectorId) -> Answer<()> {
        let of = id.clone();
        self.change(move |h| async move { h.delete(&of).await })
            .await?;
        self.herder.gone(id).await;
        Ok(())
    }
    /// `PUT …/pause`, `/resume`, `/stop`. Returns when the tasks have followed, or after a few seconds.
    pub async fn set_target_state(&self, id: &ConnectorId, target: TargetState) -> Answer<()> {
        let of = id.clone();
        self.change(move |h| async move { h.set_target_state(&of, target).await })
            .await?;
        if target != TargetState::Started {
            self.herder.settled(id).await;
        }
        Ok(())
    }
    /// `POST …/restart`; the answer is the body of the 202 form.
    pub async fn restart(
        &self,
        id: &ConnectorId,
        include_tasks: bool,
        only_failed: bool,
    ) -> Answer<ConnectorStatus> {
        let id = id.clone();
        self.change(move |h| async move { h.restart(&id, include_tasks, only_failed) })
            .await
    }
    /// `POST …/tasks/{t}/restart`; 404 `Unknown task: {c}-{t}`.
    pub async fn restart_task(&self, id: &ConnectorId, task: u32) -> Answer<()> {
        let id = id.clone();
        self.change(move |h| async move { h.restart_task(&id, task) })
            .await
    }
    /// Forgets the topics a connector has used.
    pub async fn reset_topics(&self, id: &ConnectorId) -> Answer<()> {
        let id = id.clone();
        self.change(move |h| async move { h.reset_topics(&id) })
            .await
    }

    /// `GET …/offsets`.
    pub fn offsets(&self, id: &ConnectorId) -> Answer<ConnectorOffsets> {
        self.herder.offsets(id)
    }
    /// `PATCH …/offsets`; the answer is Connect's message. 400 unless STOPPED.
    pub async fn alter_offsets(
        &self,
        id: &ConnectorId,
        offsets: ConnectorOffsets,
    ) -> Answer<String> {
        let id = id.clone();
        self.change(move |h| async move { h.alter_offsets(&id, offsets).await })
            .await
    }
    /// `DELETE …/offsets`; the answer is Connect's message. 400 unless STOPPED.
    pub async fn reset_offsets(&self, id: &ConnectorId) -> Answer<String> {
        let id = id.clone();
        self.change(move |h| async move { h.reset_offsets(&id).await })
            .await
    }

    /// Validates a configuration (`PUT /connector-plugins/{p}/config/validate`). 400 where the class is missing,
    /// unknown or not the one of the URL; everything else is in the answer.
    pub async fn validate(
        &self,
        tenant: &TenantId,
        plugin: &str,
        config: &Config,
    ) -> Answer<ConfigInfos> {
        self.herder.validate_for_url(tenant, plugin, config).await
    }
    /// `GET /connector-plugins`: built-in classes and the tenant's uploads.
    pub fn connector_plugins(&self, tenant: &TenantId, connectors_only: bool) -> Vec<PluginInfo> {
        self.herder.connector_plugins(tenant, connectors_only)
    }
    /// `GET /connector-plugins/{p}/config`; 404 `Unknown plugin {p}.`
    pub fn plugin_config(
        &self,
        tenant: &TenantId,
        plugin: &str,
        version: Option<&str>,
    ) -> Answer<Vec<ConfigKey>> {
        self.herder.plugin_config(tenant, plugin, version)
    }

    /// `PUT /plugins/{name}/versions/{semver}`. The same bytes again are accepted (`false`), others are 409.
    pub async fn upload_plugin(
        &self,
        tenant: &TenantId,
        name: &str,
        version: &str,
        component: Vec<u8>,
    ) -> Answer<(PluginVersion, bool)> {
        let compiling = self.herder.compile_plugin(tenant, name, version, component);
        let compiled = compiling.await?;
        self.change(move |h| async move { h.commit_plugin(compiled).await })
            .await
    }
    /// Connectors whose configuration means this version of a plugin.
    pub fn plugin_users(&self, tenant: &TenantId, name: &str, version: &str) -> Vec<String> {
        self.herder.plugin_users(tenant, name, version)
    }
    /// `GET /plugins`: the tenant's uploads, by name and version.
    pub fn plugins(&self, tenant: &TenantId) -> Vec<PluginVersion> {
        self.herder.plugins(tenant)
    }
    /// `DELETE /plugins/{name}/versions/{semver}`; 409 names the connectors that use it.
    pub async fn delete_plugin(&self, tenant: &TenantId, name: &str, version: &str) -> Answer<()> {
        let (tenant, name, version) = (tenant.clone(), name.to_owned(), version.to_owned());
        self.change(move |h| async move { h.delete_plugin(&tenant, &name, &version).await })
            .await
    }

    /// All tenants that the authentication file or a quota document names, for operators.
    pub fn tenants(&self) -> Vec<TenantId> {
        self.herder.tenants()
    }
    /// A tenant's quotas.
    pub fn quotas(&self, tenant: &TenantId) -> Quotas {
        self.herder.quotas(tenant)
    }
    /// Replaces a tenant's quotas (operators only; REST checks the role).
    pub async fn put_quotas(&self, tenant: &TenantId, quotas: Quotas) -> Answer<()> {
        let tenant = tenant.clone();
        self.change(move |h| async move { h.put_quotas(&tenant, quotas).await })
            .await
    }
    /// What a tenant uses.
    pub fn usage(&self, tenant: &TenantId) -> Usage {
        self.herder.usage(tenant)
    }

    /// Stops all tasks, commits their offsets and leaves the group; returns within the graceful time-out.
    pub async fn shutdown(&self) {
        self.herder.shutdown().await;
    }
}
