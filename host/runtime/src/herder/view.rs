//! What the herder answers without changing anything.
//!
//! Invariant: another tenant's connector is answered like one that does not exist.

use super::entity::*;
use super::{Answer, Herder};
use crate::herder::HerderError;
use crate::store::StatusRecord;
use host_core::id::{ConnectorId, TaskId, TenantId};

impl Herder {
    pub(super) fn connectors(&self, tenant: &TenantId) -> Vec<String> {
        let Ok(stores) = self.stores() else {
            return Vec::new();
        };
        let all = stores
            .configs
            .connectors()
            .into_keys()
            .filter(|id| id.tenant == *tenant);
        all.map(|id| id.name.to_string()).collect()
    }
    pub(super) fn connector_info(&self, id: &ConnectorId) -> Answer<ConnectorInfo> {
        let c = self.stored(id)?;
        let name = id.name.to_string();
        let task = |task| TaskRef {
            connector: name.clone(),
            task,
        };
        Ok(ConnectorInfo {
            tasks: (0..c.tasks.len() as u32).map(task).collect(),
            name: name.clone(),
            config: c.config,
            kind: "source",
        })
    }
    pub(super) fn status(&self, id: &ConnectorId) -> Answer<ConnectorStatus> {
        let missing =
            || HerderError::not_found(format!("No status found for connector {}", id.name));
        let stores = self.stores()?;
        stores.configs.get(id).ok_or_else(missing)?;
        let connector = stores.statuses.connector(id).ok_or_else(missing)?;
        let tasks = stores.statuses.tasks(id).into_iter();
        Ok(ConnectorStatus {
            name: id.name.to_string(),
            connector: ConnectorState {
                state: connector.state,
                worker_id: connector.worker_id,
                version: connector.version,
                trace: connector.trace,
            },
            tasks: tasks.map(|(n, r)| task_state(n, r)).collect(),
            kind: "source",
        })
    }
    pub(super) fn task_status(&self, id: &ConnectorId, task: u32) -> Answer<TaskState> {
        let of = TaskId {
            connector: id.clone(),
            task,
        };
        let found = self
            .stores()?
            .statuses
            .task(&of)
            .map(|r| task_state(task, r));
        found.ok_or_else(|| {
            HerderError::not_found(format!("No status found for task {}-{task}", id.name))
        })
    }
    pub(super) fn tasks(&self, id: &ConnectorId) -> Answer<Vec<TaskInfo>> {
        let configs = self.stored(id)?.tasks.into_iter().enumerate();
        let info = |(n, config)| TaskInfo {
            id: TaskRef {
                connector: id.name.to_string(),
                task: n as u32,
            },
            config,
        };
        Ok(configs.map(info).collect())
    }
    pub(super) fn topics(&self, id: &ConnectorId) -> Answer<Vec<String>> {
        self.check_topics_tracked()?;
        Ok(self
            .stores()
            .map_or_else(|_| Vec::new(), |s| s.statuses.topics(id)))
    }
    /// `topic.tracking.enable` (KIP-558).
    pub(super) fn check_topics_tracked(&self) -> Answer<()> {
        if self.config.topic_tracking {
            return Ok(());
        }
        Err(HerderError::forbidden("Topic tracking is disabled."))
    }
}

fn task_state(id: u32, r: StatusRecord) -> TaskState {
    TaskState {
        id,
        state: r.state,
        worker_id: r.worker_id,
        version: r.version,
        trace: r.trace,
    }
}
