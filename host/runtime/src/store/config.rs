//! What is wanted of every connector: Connect's config topic, record for record.
//!
//! `connector-<c>` `{"properties":{…}}`, `task-<c>-<n>` likewise, `commit-<c>` `{"tasks":n}`, `target-state-<c>`
//! `{"state","state.v2"}` (version 1 knows no STOPPED and reads PAUSED). Deleting nulls connector and target state, as
//! Connect does. Quotas of tenants are ours: `tidegate-quotas-<tenant>`, which Connect's workers pass over.
//! Invariant: tasks count only if as many are there as the commit says, so half-written sets are never used.

use super::log::{KeyEntry, KeyLog, text};
use crate::herder::entity::TargetState;
use host_core::config::Config;
use host_core::error::TaskError;
use host_core::id::{ConnectorId, TenantId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// One connector as it is stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StoredConnector {
    /// Its configuration with its `name`.
    pub config: Config,
    /// What is wanted of it.
    pub target: TargetState,
    /// Configurations of its tasks.
    pub tasks: Vec<Config>,
}

/// All connectors and quotas.
pub struct ConfigStore {
    log: Box<dyn KeyLog>,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    connectors: BTreeMap<ConnectorId, StoredConnector>,
    quotas: BTreeMap<TenantId, Value>,
}

const CONNECTOR: &str = "connector-";
const TASK: &str = "task-";
const COMMIT: &str = "commit-";
const TARGET: &str = "target-state-";
const QUOTAS: &str = "tidegate-quotas-";

/// What was read so far, before it is put together.
#[derive(Default)]
struct Reading {
    configs: BTreeMap<String, Config>,
    tasks: BTreeMap<String, BTreeMap<u32, Config>>,
    commits: BTreeMap<String, u32>,
    targets: BTreeMap<String, TargetState>,
    quotas: BTreeMap<TenantId, Value>,
}

impl Reading {
    fn entry(&mut self, key: &str, value: &Value) -> Option<()> {
        if let Some(name) = key.strip_prefix(TARGET) {
            self.targets.insert(name.to_owned(), target(value)?);
        } else if let Some(name) = key.strip_prefix(CONNECTOR) {
            self.configs.insert(name.to_owned(), properties(value)?);
        } else if let Some(of) = key.strip_prefix(TASK) {
            let (name, n) = of.rsplit_once('-')?;
            let tasks = self.tasks.entry(name.to_owned()).or_default();
            tasks.insert(n.parse().ok()?, properties(value)?);
        } else if let Some(name) = key.strip_prefix(COMMIT) {
            let count = u32::try_from(value.get("tasks")?.as_u64()?).ok()?;
            self.commits.insert(name.to_owned(), count);
        } else if let Some(name) = key.strip_prefix(QUOTAS) {
            self.quotas.insert(TenantId::new(name)?, value.clone());
        }
        Some(())
    }
    fn finish(mut self) -> State {
        let mut connectors = BTreeMap::new();
        for (name, config) in self.configs {
            let Some(id) = ConnectorId::from_stored_name(&name) else {
                continue;
            };
            let target = self.targets.remove(&name).unwrap_or_default();
            let count = self.commits.remove(&name).unwrap_or_default();
            let mut written = self.tasks.remove(&name).unwrap_or_default();
            let tasks = (0..count)
                .map(|n| written.remove(&n))
                .collect::<Option<Vec<_>>>();
            let tasks = tasks.unwrap_or_default();
            connectors.insert(
                id,
                StoredConnector {
                    config,
                    target,
                    tasks,
                },
            );
        }
        State {
            connectors,
            quotas: self.quotas,
        }
    }
}

fn properties(v: &Value) -> Option<Config> {
    let map = v.get("properties")?.as_object()?;
    Some(
        map.iter()
            .filter_map(|(k, v)| Some((k.as_str(), v.as_str()?)))
            .collect(),
    )
}

fn target(v: &Value) -> Option<TargetState> {
    let state = v.get("state.v2").or_else(|| v.get("state"))?;
    serde_json::from_value(state.clone()).ok()
}

fn json_entry(key: String, value: &Value) -> KeyEntry {
    (key.into_bytes(), Some(value.to_string().into_bytes()))
}

async fn read_state(log: &dyn KeyLog) -> Result<State, TaskError> {
    let mut reading = Reading::default();
    for (key, value) in log.read().await? {
        let key = text(key);
        let parsed = serde_json::from_slice::<Value>(&value);
        let understood = parsed.ok().and_then(|v| reading.entry(&key, &v));
        if understood.is_none() {
            tracing::warn!(
                key,
                "passing over a configuration record that is not Connect's"
            );
        }
    }
    Ok(reading.finish())
}

impl ConfigStore {
    /// Reads the log. Entries that nobody here understands are passed over.
    pub async fn open(log: Box<dyn KeyLog>) -> Result<Self, TaskError> {
        log.open().await?;
        let state = RwLock::new(read_state(log.as_ref()).await?);
        Ok(Self { log, state })
    }
    /// Reads the log again: others may have written while this worker was not in its place.
    pub async fn reread(&self) -> Result<(), TaskError> {
        let state = read_state(self.log.as_ref()).await?;
        self.write(|s| *s = state);
        Ok(())
    }
    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }
    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
    /// All connectors.
    pub fn connectors(&self) -> BTreeMap<ConnectorId, StoredConnector> {
        self.read(|s| s.connectors.clone())
    }
    /// One connector.
    pub fn get(&self, id: &ConnectorId) -> Option<StoredConnector> {
        self.read(|s| s.connectors.get(id).cloned())
    }
    /// Stores a connector's configuration.
    pub async fn put_connector(&self, id: &ConnectorId, config: &Config) -> Result<(), TaskError> {
        let entry = json_entry(
            format!("{CONNECTOR}{}", id.stored_name()),
            &json!({"properties": config}),
        );
        self.log.write(vec![entry]).await?;
        self.write(|s| s.connectors.entry(id.clone()).or_default().config = config.clone());
        Ok(())
    }
    /// Stores the configurations of a connector's tasks, and then that they are complete.
    pub async fn put_tasks(&self, id: &ConnectorId, tasks: &[Config]) -> Result<(), TaskError> {
        let name = id.stored_name();
        let mut entries: Vec<KeyEntry> = Vec::new();
        for (n, config) in tasks.iter().enumerate() {
            entries.push(json_entry(
                format!("{TASK}{name}-{n}"),
                &json!({"properties": config}),
            ));
        }
        self.log.write(entries).await?;
        // In a call of its own: the tasks have to be durable before they are declared complete.
        let commit = json_entry(format!("{COMMIT}{name}"), &json!({"tasks": tasks.len()}));
        self.log.write(vec![commit]).await?;
        // One that was deleted meanwhile stays deleted.
        self.write(|s| {
            if let Some(c) = s.connectors.get_mut(id) {
                c.tasks = tasks.to_vec();
            }
        });
        Ok(())
    }
    /// Stores what is wanted of a connector.
    pub async fn put_target(&self, id: &ConnectorId, target: TargetState) -> Result<(), TaskError> {
        let v1 = if target == TargetState::Stopped {
            TargetState::Paused
        } else {
            target
        };
        let value = json!({"state": v1, "state.v2": target});
        self.log
            .write(vec![json_entry(
                format!("{TARGET}{}", id.stored_name()),
                &value,
            )])
            .await?;
        // A connector's wanted state may be stored just before the connector itself.
        self.write(|s| s.connectors.entry(id.clone()).or_default().target = target);
        Ok(())
    }
    /// Forgets a connector.
    pub async fn delete(&self, id: &ConnectorId) -> Result<(), TaskError> {
        let name = id.stored_name();
        let entries = vec![
            (format!("{CONNECTOR}{name}").into_bytes(), None),
            (format!("{TARGET}{name}").into_bytes(), None),
        ];
        self.log.write(entries).await?;
        self.write(|s| s.connectors.remove(id));
        Ok(())
    }
    /// Quota documents by tenant.
    pub fn quotas(&self) -> BTreeMap<TenantId, Value> {
        self.read(|s| s.quotas.clone())
    }
    /// Stores a tenant's quota document.
    pub async fn put_quotas(&self, tenant: &TenantId, quotas: &Value) -> Result<(), TaskError> {
        self.log
            .write(vec![json_entry(format!("{QUOTAS}{tenant}"), quotas)])
            .await?;
        self.write(|s| s.quotas.insert(tenant.clone(), quotas.clone()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileLog;
    use super::*;
    use std::sync::Arc;

    fn config(pairs: &[(&str, &str)]) -> Config {
        pairs.iter().copied().collect()
    }

    #[tokio::test]
    async fn connectors_come_back_as_connect_wrote_them() {
        let log = Arc::new(FileLog::memory());
        let id = ConnectorId::new(TenantId::new("acme").unwrap(), "my-c");
        let store = ConfigStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        store
            .put_connector(&id, &config(&[("name", "my-c"), ("a", "1")]))
            .await
            .unwrap();
        store
            .put_tasks(&id, &[config(&[("task", "0")])])
            .await
            .unwrap();
        store.put_target(&id, TargetState::Stopped).await.unwrap();
        let texts: Vec<(String, String)> = log
            .read()
            .await
            .unwrap()
            .into_iter()
            .map(|(k, v)| (text(k), text(v)))
            .collect();
        let stored = |key: &str| {
            texts
                .iter()
                .find(|(k, _)| k == key)
                .map(|(_, v)| v.as_str())
        };
        assert_eq!(
            stored("connector-acme/my-c"),
            Some(r#"{"properties":{"name":"my-c","a":"1"}}"#)
        );
        assert_eq!(
            stored("task-acme/my-c-0"),
            Some(r#"{"properties":{"task":"0"}}"#)
        );
        assert_eq!(stored("commit-acme/my-c"), Some(r#"{"tasks":1}"#));
        assert_eq!(
            stored("target-state-acme/my-c"),
            Some(r#"{"state":"PAUSED","state.v2":"STOPPED"}"#)
        );
        store.delete(&id).await.unwrap();
        assert_eq!(store.get(&id), None);
    }

    #[test]
    fn an_incomplete_set_of_tasks_does_not_count() {
        let mut r = Reading::default();
        r.entry("connector-c", &json!({"properties": {"a": "1"}}))
            .unwrap();
        r.entry("task-c-0", &json!({"properties": {"n": "0"}}))
            .unwrap();
        r.entry("commit-c", &json!({"tasks": 2})).unwrap();
        let unknown = r.entry("session-key", &json!({"key": "x"}));
        assert!(unknown.is_some(), "passed over in silence");
        assert!(r.entry("commit-c", &json!({"tasks": "two"})).is_none());
        let state = r.finish();
        let c = state.connectors.values().next().unwrap();
        assert_eq!(c.tasks, Vec::<Config>::new());
        assert_eq!(c.target, TargetState::Started);
    }
}
