//! What became of every connector and task: Connect's status topic.
//!
//! `status-connector-<c>`, `status-task-<c>-<n>`: `{"state","trace","worker_id","generation","version"}`;
//! `status-topic-<topic>:connector-<c>`: `{"topic":{"name","connector","task","discoverTimestamp"}}`. It is for readers
//! outside and for the topics a connector has used; nothing is decided by it.
//! Invariant: a lost status is cosmetic, so writing one never stops a task.

use super::log::{KeyEntry, KeyLog, text};
use crate::herder::entity::State;
use host_core::error::TaskError;
use host_core::id::ConnectorId;
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

/// One status record, in Connect's field order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusRecord {
    /// State of the connector or task.
    pub state: State,
    /// Why it failed or waits.
    pub trace: Option<String>,
    /// Address of the worker.
    pub worker_id: String,
    /// Counts up with each change of what runs where.
    pub generation: u64,
    /// Version of the class; null when unassigned.
    pub version: Option<String>,
}

/// Status records and used topics.
pub struct StatusStore {
    log: Box<dyn KeyLog>,
    topics: RwLock<BTreeMap<String, BTreeSet<String>>>,
}

fn topic_key(topic: &str, connector: &str) -> Vec<u8> {
    format!("status-topic-{topic}:connector-{connector}").into_bytes()
}

impl StatusStore {
    /// Reads the topics that connectors have used.
    pub async fn open(log: Box<dyn KeyLog>) -> Result<Self, TaskError> {
        let mut topics: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        log.open().await?;
        for (key, _) in log.read().await? {
            let key = text(key);
            let of = key.strip_prefix("status-topic-");
            if let Some((topic, connector)) = of.and_then(|k| k.split_once(":connector-")) {
                let used = topics.entry(connector.to_owned()).or_default();
                used.insert(topic.to_owned());
            }
        }
        Ok(Self {
            log,
            topics: RwLock::new(topics),
        })
    }
    async fn put(&self, entries: Vec<KeyEntry>) {
        if let Err(e) = self.log.write(entries).await {
            tracing::warn!(
                "writing status records: {e}; others see an old status until the next change"
            );
        }
    }
    fn record(status: &StatusRecord) -> Option<Vec<u8>> {
        serde_json::to_vec(status).ok()
    }
    /// Writes a connector's status.
    pub async fn put_connector(&self, id: &ConnectorId, status: &StatusRecord) {
        let key = format!("status-connector-{}", id.stored_name()).into_bytes();
        self.put(vec![(key, Self::record(status))]).await;
    }
    /// Writes a task's status.
    pub async fn put_task(&self, id: &ConnectorId, task: u32, status: &StatusRecord) {
        let key = format!("status-task-{}-{task}", id.stored_name()).into_bytes();
        self.put(vec![(key, Self::record(status))]).await;
    }
    /// Topics a connector has used.
    pub fn topics(&self, id: &ConnectorId) -> Vec<String> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics
            .get(&id.stored_name())
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
    /// Remembers that a task has written to a topic; one that is known already costs nothing.
    pub async fn add_topic(&self, id: &ConnectorId, task: u32, topic: &str) {
        let name = id.stored_name();
        {
            let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
            if !topics
                .entry(name.clone())
                .or_default()
                .insert(topic.to_owned())
            {
                return;
            }
        }
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        let value = json!({"topic": {"name": topic, "connector": name, "task": task, "discoverTimestamp": now_ms}});
        self.put(vec![(
            topic_key(topic, &name),
            Some(value.to_string().into_bytes()),
        )])
        .await;
    }
    /// Forgets the topics of a connector.
    pub async fn reset_topics(&self, id: &ConnectorId) {
        let name = id.stored_name();
        let used = self
            .topics
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&name);
        let entries: Vec<KeyEntry> = used
            .into_iter()
            .flatten()
            .map(|t| (topic_key(&t, &name), None))
            .collect();
        if !entries.is_empty() {
            self.put(entries).await;
        }
    }
    /// A deleted connector: UNASSIGNED, then topics and statuses forgotten, as Connect writes it.
    pub async fn delete(&self, id: &ConnectorId, tasks: u32, worker_id: &str, generation: u64) {
        let name = id.stored_name();
        let gone = StatusRecord {
            state: State::Unassigned,
            trace: None,
            worker_id: worker_id.to_owned(),
            generation,
            version: None,
        };
        let keys: Vec<Vec<u8>> = (0..tasks)
            .map(|n| format!("status-task-{name}-{n}").into_bytes())
            .chain([format!("status-connector-{name}").into_bytes()])
            .collect();
        self.put(
            keys.iter()
                .map(|k| (k.clone(), Self::record(&gone)))
                .collect(),
        )
        .await;
        self.reset_topics(id).await;
        self.put(keys.into_iter().map(|k| (k, None)).collect())
            .await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileLog;
    use super::*;
    use host_core::id::TenantId;
    use std::sync::Arc;

    #[tokio::test]
    async fn records_have_connects_fields_and_topics_are_remembered() {
        let log = Arc::new(FileLog::memory());
        let id = ConnectorId::new(TenantId::default(), "c");
        let store = StatusStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        let running = StatusRecord {
            state: State::Running,
            trace: None,
            worker_id: "h:1".to_owned(),
            generation: 3,
            version: Some("3.6.1.Final".to_owned()),
        };
        store.put_task(&id, 0, &running).await;
        store.add_topic(&id, 0, "p.db.t").await;
        let (key, value) = log.read().await.unwrap().remove(0);
        assert_eq!(text(key), "status-task-c-0");
        let expected = r#"{"state":"RUNNING","trace":null,"worker_id":"h:1","generation":3,"version":"3.6.1.Final"}"#;
        assert_eq!(text(value), expected);
        let again = StatusStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        assert_eq!(again.topics(&id), ["p.db.t"]);
        again.delete(&id, 1, "h:1", 3).await;
        assert_eq!(again.topics(&id), Vec::<String>::new());
        assert_eq!(log.read().await.unwrap(), Vec::new());
    }
}
