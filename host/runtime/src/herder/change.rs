//! Changes to connectors: written first, then followed by their runners.
//!
//! Called one at a time by the handle's queue. Configurations have been validated by then.
//! Invariant: a change that could not be written has no effect.

use super::entity::*;
use super::runner::Runner;
use super::{Answer, Herder, HerderError, internal};
use host_core::config::Config;
use host_core::id::ConnectorId;
use std::sync::Arc;

fn unknown(id: &ConnectorId) -> HerderError {
    HerderError::not_found(format!("Unknown connector {}", id.name))
}
fn unknown_for_restart(id: &ConnectorId) -> HerderError {
    HerderError::not_found(format!("Unknown connector: {}", id.name))
}

impl Herder {
    /// What can be said of a new connector before its configuration is looked at.
    pub(super) fn check_new(&self, id: &ConnectorId, config: &Config) -> Answer<()> {
        if self.stores()?.configs.get(id).is_some() {
            return Err(HerderError::conflict(format!(
                "Connector {} already exists",
                id.name
            )));
        }
        if id.name.contains('/') {
            // Connect takes such a name and can never address the connector again.
            return Err(HerderError::bad(format!(
                "Connector name {} contains a slash, so no URL could address it; choose another name",
                id.name
            )));
        }
        if let Some(name) = config.get("name").filter(|n| **n != *id.name) {
            return Err(name_mismatch(name, id));
        }
        Ok(())
    }

    pub(super) async fn create(
        self: Arc<Self>,
        id: ConnectorId,
        config: Config,
        initial: TargetState,
    ) -> Answer<ConnectorInfo> {
        // Somebody may have been quicker since the first check.
        self.check_new(&id, &config)?;
        if self.with_leaving(|l| l.contains(&id)) {
            return Err(HerderError::conflict(format!(
                "Connector {} is being deleted and its tasks are still stopping; try again",
                id.name
            )));
        }
        let quotas = self.quotas(&id.tenant);
        let have = self.connectors(&id.tenant).len() as u64;
        if let Some(max) = quotas.connectors.filter(|max| have >= *max) {
            return Err(HerderError::forbidden(format!(
                "Tenant {} has {have} connectors and its quota 'connectors' is {max}; delete one or ask an operator for \
                 more",
                id.tenant
            )));
        }
        let stores = self.stores()?;
        if initial != TargetState::Started {
            stores
                .configs
                .put_target(&id, initial)
                .await
                .map_err(|e| internal(&e))?;
        }
        if let Err(e) = stores.configs.put_connector(&id, &config).await {
            if let Err(e) = stores.configs.delete(&id).await {
                tracing::warn!(connector = %id, "taking back a half-written connector: {e}");
            }
            return Err(internal(&e));
        }
        self.next_generation();
        let info = ConnectorInfo {
            name: id.name.to_string(),
            config: config.clone(),
            tasks: Vec::new(),
            kind: "source",
        };
        let runner = Runner::start(Arc::clone(&self), id.clone(), config, initial);
        self.with_runners(|r| r.insert(id, runner));
        Ok(info)
    }

    pub(super) async fn put_config(
        self: Arc<Self>,
        id: ConnectorId,
        config: Config,
    ) -> Answer<PutOutcome> {
        if self.stores()?.configs.get(&id).is_none() {
            let info = self.create(id, config, TargetState::Started).await?;
            return Ok(PutOutcome {
                created: true,
                info,
            });
        }
        self.stores()?
            .configs
            .put_connector(&id, &config)
            .await
            .map_err(|e| internal(&e))?;
        self.next_generation();
        self.with_runners(|r| {
            if let Some(r) = r.get(&id) {
                r.change(|d| d.config = config);
            }
        });
        Ok(PutOutcome {
            created: false,
            info: self.connector_info(&id)?,
        })
    }

    /// Replaces a configuration if it is still the one that was `read`; `None` where somebody else was quicker.
    pub(super) async fn replace_config(
        self: Arc<Self>,
        id: ConnectorId,
        read: &Config,
        config: Config,
    ) -> Answer<Option<ConnectorInfo>> {
        if self.stored(&id)?.config != *read {
            return Ok(None);
        }
        Ok(Some(self.put_config(id, config).await?.info))
    }

    /// Deletes a connector; its tasks stop meanwhile, and nobody else's change waits for them.
    pub(super) async fn delete(self: Arc<Self>, id: &ConnectorId) -> Answer<()> {
        self.stored(id)?;
        self.stores()?
            .configs
            .delete(id)
            .await
            .map_err(|e| internal(&e))?;
        self.next_generation();
        let ended = self.with_runners(|r| {
            r.remove(id).map(|r| {
                r.change(|d| d.gone = true);
                r.ended()
            })
        });
        if let Some(ended) = ended {
            // A connector of the same name must not meet the old one's tasks.
            self.with_leaving(|l| l.insert(id.clone()));
            let (herder, id) = (Arc::clone(&self), id.clone());
            tokio::spawn(async move {
                ended.await;
                herder.with_leaving(|l| l.remove(&id));
                herder.left.notify_waiters();
            });
        }
        Ok(())
    }

    pub(super) async fn set_target_state(
        &self,
        id: &ConnectorId,
        target: TargetState,
    ) -> Answer<()> {
        let stored = self.stores()?.configs.get(id).ok_or_else(|| unknown(id))?;
        if stored.target != target {
            self.stores()?
                .configs
                .put_target(id, target)
                .await
                .map_err(|e| internal(&e))?;
        }
        self.with_runners(|r| {
            if let Some(r) = r.get(id) {
                r.change(|d| d.target = target);
            }
        });
        Ok(())
    }

    pub(super) fn restart(
        &self,
        id: &ConnectorId,
        include_tasks: bool,
        only_failed: bool,
    ) -> Answer<ConnectorStatus> {
        self.stores()?
            .configs
            .get(id)
            .ok_or_else(|| unknown_for_restart(id))?;
        let mut plan = self.status(id)?;
        let wanted = |state: State| !only_failed || state == State::Failed;
        let connector = wanted(plan.connector.state);
        let tasks: Vec<u32> = plan
            .tasks
            .iter()
            .filter(|t| include_tasks && wanted(t.state))
            .map(|t| t.id)
            .collect();
        if connector || !tasks.is_empty() {
            self.with_runners(|r| {
                if let Some(r) = r.get(id) {
                    r.change(|d| d.restart.extend(tasks.iter().copied()));
                }
            });
        }
        if connector {
            plan.connector.state = State::Restarting;
        }
        for t in &mut plan.tasks {
            if tasks.contains(&t.id) {
                t.state = State::Restarting;
            }
        }
        Ok(plan)
    }

    pub(super) fn restart_task(&self, id: &ConnectorId, task: u32) -> Answer<()> {
        let stored = self
            .stores()?
            .configs
            .get(id)
            .ok_or_else(|| unknown_for_restart(id))?;
        if task as usize >= stored.tasks.len() {
            return Err(HerderError::not_found(format!(
                "Unknown task: {}-{task}",
                id.name
            )));
        }
        self.with_runners(|r| {
            if let Some(r) = r.get(id) {
                r.change(|d| d.restart.extend([task]));
            }
        });
        Ok(())
    }

    pub(super) fn reset_topics(&self, id: &ConnectorId) -> Answer<()> {
        self.check_topics_tracked()?;
        if !self.config.topic_reset {
            return Err(HerderError::forbidden("Topic tracking reset is disabled."));
        }
        self.stores()?.statuses.reset_topics(id);
        Ok(())
    }
}

pub(super) fn name_mismatch(in_config: &str, id: &ConnectorId) -> HerderError {
    HerderError::bad(format!(
        "Connector name configuration ({in_config}) doesn't match connector name in the URL ({})",
        id.name
    ))
}
