//! What runners need of the herder: task configurations, what tasks are made from, and reporting states.
//!
//! Invariant: everything a task gets is its own tenant's: access, quotas, meter, plugins.

use super::entity::State;
use super::{Herder, classes};
use crate::chain::ChainBuilder;
use crate::kafka::{ClientRole, KafkaLogs, translate};
use crate::task::{TaskSpec, default_props};
use crate::topic_creation::CreationRules;
use host_core::config::Config;
use host_core::error::TaskError;
use host_core::id::{ConnectorId, TaskId, TenantId};
use host_wasm::Limits;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Herder {
    /// Configurations of a connector's tasks, stored when they are new.
    pub(super) async fn task_configs(
        &self,
        id: &ConnectorId,
        config: &Config,
    ) -> Result<Vec<Config>, TaskError> {
        let stores = self
            .stores()
            .map_err(|e| TaskError::retry("STARTING", e.message))?;
        let class = config.get("connector.class").unwrap_or_default();
        let kind = classes::find(&self.kinds, class).ok_or_else(|| {
            TaskError::fail(
                "CLASS-MISSING",
                format!("starting {id}: no connector class {class} here"),
            )
        })?;
        let max = config
            .get("tasks.max")
            .and_then(|v| v.trim().parse().ok())
            .unwrap_or(1);
        let mut configs = kind.task_configs(config, max);
        for task in &mut configs {
            task.set("task.class", kind.task_class());
        }
        let stored = stores.configs.get(id).map(|c| c.tasks);
        if stored.as_ref() != Some(&configs) {
            stores.configs.put_tasks(id, &configs).await?;
        }
        Ok(configs)
    }

    /// Limits of a tenant's guests: the host's, lowered or raised by its quotas.
    pub(super) fn limits_of(&self, tenant: &TenantId) -> Limits {
        let mut limits = self.limits;
        if let Some(bytes) = self.quotas(tenant).instance_memory_bytes {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            limits.memory_bytes = bytes.min(limits.memory_bytes_max);
            limits.memory_bytes_max = limits.memory_bytes_max.min(bytes);
        }
        limits
    }

    pub(super) fn builder(&self, id: &ConnectorId) -> ChainBuilder {
        ChainBuilder {
            catalog: Arc::clone(&self.catalog),
            id: id.clone(),
            worker: Arc::new(self.config.converters.clone()),
            limits: self.limits_of(&id.tenant),
            quotas: self.quotas(&id.tenant),
            meter: self.meter(&id.tenant),
        }
    }

    /// All that a task is made from.
    pub(super) fn task_spec(
        &self,
        id: &TaskId,
        own: Config,
        connector: &Config,
    ) -> Result<TaskSpec, TaskError> {
        let stores = self
            .stores()
            .map_err(|e| TaskError::retry("STARTING", e.message))?;
        let class = connector.get("connector.class").unwrap_or_default();
        let kind = classes::find(&self.kinds, class).ok_or_else(|| {
            TaskError::fail(
                "CLASS-MISSING",
                format!("starting {id}: no connector class {class} here"),
            )
        })?;
        let access = Arc::new(self.quotas(&id.connector.tenant).access());
        let overrides = connector.with_prefix("producer.override.");
        let java = overrides
            .iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        let (overrides, wrong) = translate(
            &java,
            ClientRole::Producer,
            "producer.override.",
            access.files_denied,
        );
        let (rules, more) = CreationRules::new(connector, self.config.topic_creation);
        if let Some(f) = wrong.into_iter().chain(more).next() {
            return Err(TaskError::fail(
                "CONFIG",
                format!("starting {id}: {}", f.message),
            ));
        }
        Ok(TaskSpec {
            id: id.clone(),
            kind,
            config: own,
            connector: connector.clone(),
            builder: self.builder(&id.connector),
            producer: default_props()
                .overridden_by(&self.config.clients.producer)
                .overridden_by(&overrides),
            topics: self.topics.clone(),
            rules,
            logs: Arc::new(KafkaLogs::new(Arc::clone(&access), -1)),
            access,
            offsets: Arc::clone(&stores.offsets),
            statuses: Arc::clone(&stores.statuses),
            meter: self.meter(&id.connector.tenant),
            metrics: Arc::clone(&self.metrics),
            timing: self.config.timing,
            leases: Arc::clone(&self.leases),
            generation: self.generation(),
        })
    }

    fn version_of(&self, id: &ConnectorId) -> Option<String> {
        let config = self.stored(id).ok()?.config;
        let kind = classes::find(&self.kinds, config.get("connector.class")?)?;
        Some(kind.version().to_owned())
    }
    pub(super) fn show_connector(&self, id: &ConnectorId, state: State, trace: Option<String>) {
        if let Ok(stores) = self.stores() {
            let version = self.version_of(id);
            stores
                .statuses
                .set_connector(id, state, trace, self.generation(), version);
        }
    }
    pub(super) fn show_task(&self, id: &TaskId, state: State, trace: Option<String>) {
        if let Ok(stores) = self.stores() {
            let version = self.version_of(&id.connector);
            stores
                .statuses
                .set_task(id, state, trace, self.generation(), version);
        }
    }
    pub(super) fn show_paused(&self, id: &ConnectorId) {
        let tasks = self.stored(id).map_or(0, |c| c.tasks.len()) as u32;
        for task in 0..tasks {
            let of = TaskId {
                connector: id.clone(),
                task,
            };
            self.show_task(&of, State::Paused, None);
        }
        self.show_connector(id, State::Paused, None);
    }
    /// A stopped connector has no tasks, neither shown nor stored.
    pub(super) async fn show_stopped(&self, id: &ConnectorId) {
        let Ok(stores) = self.stores() else { return };
        for (task, _) in stores.statuses.tasks(id) {
            stores.statuses.forget_task(&TaskId {
                connector: id.clone(),
                task,
            });
        }
        if let Err(e) = stores.configs.put_tasks(id, &[]).await {
            tracing::warn!(connector = %id, "storing that a stopped connector has no tasks: {e}");
        }
        self.show_connector(id, State::Stopped, None);
    }
    pub(super) fn statuses_of_deleted(&self, id: &ConnectorId) {
        if let Ok(stores) = self.stores() {
            stores.statuses.delete(id, self.generation());
        }
    }
    /// Takes back requests to start tasks anew that are being carried out.
    pub(super) fn forget_restarts(&self, id: &ConnectorId, done: &BTreeSet<u32>) {
        if done.is_empty() {
            return;
        }
        self.with_runners(|r| {
            if let Some(r) = r.get(id) {
                r.forget_restarts(done);
            }
        });
    }
}
