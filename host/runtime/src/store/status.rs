//! What became of every connector and task: Connect's status topic.
//!
//! `status-connector-<c>`, `status-task-<c>-<n>`: `{"state","trace","worker_id","generation","version"}`;
//! `status-topic-<topic>:connector-<c>`: `{"topic":{"name","connector","task","discoverTimestamp"}}`. Memory has the
//! truth; the log is for readers outside and for the topics a connector has used. Nothing is decided by it, and whoever
//! reports never waits. Invariant: records are written in the order in which they were reported, one writer at a time;
//! at most `QUEUED_ENTRIES_MAX` wait, and one that finds no room is dropped with a warning (a lost status is cosmetic).

use super::log::{KeyEntry, KeyLog, text};
use crate::herder::entity::State;
use host_core::error::TaskError;
use host_core::id::{ConnectorId, TaskId};
use serde::Serialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// Reports that may wait for the log.
pub(super) const QUEUED_ENTRIES_MAX: usize = 4096;

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

#[derive(Debug, Default)]
struct Known {
    connectors: BTreeMap<ConnectorId, StatusRecord>,
    tasks: BTreeMap<TaskId, StatusRecord>,
    /// Topics by stored name of the connector.
    topics: BTreeMap<String, BTreeSet<String>>,
}

/// Statuses and used topics.
pub struct StatusStore {
    worker_id: String,
    known: RwLock<Known>,
    tracks_topics: bool,
    queue: mpsc::Sender<KeyEntry>,
}

fn connector_key(id: &ConnectorId) -> Vec<u8> {
    format!("status-connector-{}", id.stored_name()).into_bytes()
}

fn task_key(id: &TaskId) -> Vec<u8> {
    format!("status-task-{}-{}", id.connector.stored_name(), id.task).into_bytes()
}

fn topic_key(topic: &str, connector: &str) -> Vec<u8> {
    format!("status-topic-{topic}:connector-{connector}").into_bytes()
}

/// Writes what is queued, everything that waits at once. The slots of `queue` are free again only when it is written.
async fn write_queue(log: Box<dyn KeyLog>, mut queue: mpsc::Receiver<KeyEntry>) {
    let mut entries = Vec::new();
    while queue.recv_many(&mut entries, QUEUED_ENTRIES_MAX).await > 0 {
        if let Err(e) = log.write(std::mem::take(&mut entries)).await {
            tracing::warn!(
                "writing status records: {e}; others see an old status until the next change"
            );
        }
    }
}

impl StatusStore {
    /// Reads the topics that connectors have used, and starts the writer. Statuses of an earlier run are not taken over:
    /// nothing runs yet.
    pub async fn open(log: Box<dyn KeyLog>, worker_id: &str) -> Result<Self, TaskError> {
        log.open().await?;
        let mut known = Known::default();
        for (key, _) in log.read().await? {
            let key = text(key);
            let of = key.strip_prefix("status-topic-");
            if let Some((topic, connector)) = of.and_then(|k| k.split_once(":connector-")) {
                let used = known.topics.entry(connector.to_owned()).or_default();
                used.insert(topic.to_owned());
            }
        }
        let (queue, queued) = mpsc::channel(QUEUED_ENTRIES_MAX);
        tokio::spawn(write_queue(log, queued));
        Ok(Self {
            worker_id: worker_id.to_owned(),
            known: RwLock::new(known),
            tracks_topics: true,
            queue,
        })
    }
    /// Whether topics are noted that connectors use: the worker's `topic.tracking.enable` (KIP-558), true unless said.
    pub fn track_topics(&mut self, tracks: bool) {
        self.tracks_topics = tracks;
    }
    fn put(&self, key: Vec<u8>, value: Option<Vec<u8>>) {
        if self.queue.try_send((key, value)).is_err() {
            tracing::warn!("too many status records wait for Kafka; one is dropped");
        }
    }
    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner))
    }
    fn look<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }
    fn record(
        &self,
        state: State,
        trace: Option<String>,
        generation: u64,
        version: Option<String>,
    ) -> StatusRecord {
        StatusRecord {
            state,
            trace,
            worker_id: self.worker_id.clone(),
            generation,
            version,
        }
    }
    /// Reports a connector's state.
    pub fn set_connector(
        &self,
        id: &ConnectorId,
        state: State,
        trace: Option<String>,
        generation: u64,
        version: Option<String>,
    ) {
        let record = self.record(state, trace, generation, version);
        self.put(connector_key(id), serde_json::to_vec(&record).ok());
        self.change(|k| k.connectors.insert(id.clone(), record));
    }
    /// Reports a task's state.
    pub fn set_task(
        &self,
        id: &TaskId,
        state: State,
        trace: Option<String>,
        generation: u64,
        version: Option<String>,
    ) {
        let record = self.record(state, trace, generation, version);
        self.put(task_key(id), serde_json::to_vec(&record).ok());
        self.change(|k| k.tasks.insert(id.clone(), record));
    }
    /// A connector's status, once it has been reported.
    pub fn connector(&self, id: &ConnectorId) -> Option<StatusRecord> {
        self.look(|k| k.connectors.get(id).cloned())
    }
    /// A task's status, once it has been reported.
    pub fn task(&self, id: &TaskId) -> Option<StatusRecord> {
        self.look(|k| k.tasks.get(id).cloned())
    }
    /// Statuses of all tasks of a connector, by number.
    pub fn tasks(&self, id: &ConnectorId) -> Vec<(u32, StatusRecord)> {
        let own = |k: &Known| {
            let all = k.tasks.iter().filter(|(t, _)| t.connector == *id);
            all.map(|(t, r)| (t.task, r.clone())).collect()
        };
        self.look(own)
    }
    /// A task that is no more (a stopped connector has none).
    pub fn forget_task(&self, id: &TaskId) {
        if self.change(|k| k.tasks.remove(id)).is_some() {
            self.put(task_key(id), None);
        }
    }
    /// Topics a connector has used, sorted.
    pub fn topics(&self, id: &ConnectorId) -> Vec<String> {
        let name = id.stored_name();
        self.look(|k| k.topics.get(&name).into_iter().flatten().cloned().collect())
    }
    /// A task has written to a topic; one that is known already costs nothing.
    pub fn topic_used(&self, id: &TaskId, topic: &str) {
        let name = id.connector.stored_name();
        let new = |k: &mut Known| {
            let used = k.topics.entry(name.clone()).or_default();
            used.insert(topic.to_owned())
        };
        if !self.tracks_topics || !self.change(new) {
            return;
        }
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as u64);
        let value = json!({"topic": {"name": topic, "connector": name, "task": id.task, "discoverTimestamp": now_ms}});
        self.put(
            topic_key(topic, &name),
            Some(value.to_string().into_bytes()),
        );
    }
    /// Forgets the topics of a connector.
    pub fn reset_topics(&self, id: &ConnectorId) {
        let name = id.stored_name();
        let used = self.change(|k| k.topics.remove(&name));
        for topic in used.into_iter().flatten() {
            self.put(topic_key(&topic, &name), None);
        }
    }
    /// A deleted connector: UNASSIGNED, then topics and statuses forgotten, as Connect writes it.
    pub fn delete(&self, id: &ConnectorId, generation: u64) {
        let gone = serde_json::to_vec(&self.record(State::Unassigned, None, generation, None)).ok();
        let own = |k: &Known| {
            k.tasks
                .keys()
                .filter(|t| t.connector == *id)
                .cloned()
                .collect()
        };
        let tasks: Vec<TaskId> = self.look(own);
        let keys: Vec<Vec<u8>> = tasks
            .iter()
            .map(task_key)
            .chain([connector_key(id)])
            .collect();
        for key in &keys {
            self.put(key.clone(), gone.clone());
        }
        self.reset_topics(id);
        for key in keys {
            self.put(key, None);
        }
        self.change(|k| {
            k.connectors.remove(id);
            k.tasks.retain(|t, _| t.connector != *id);
        });
    }
    /// Waits until what has been reported is on its way to the log, at most `timeout`.
    pub async fn flush(&self, timeout: Duration) {
        // All slots free: the writer has taken everything. What is not written in time is only cosmetic.
        let all = self.queue.reserve_many(QUEUED_ENTRIES_MAX);
        drop(tokio::time::timeout(timeout, all).await);
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileLog;
    use super::*;
    use host_core::id::TenantId;
    use std::sync::Arc;

    async fn stored(log: &FileLog, count: usize) -> Vec<(String, String)> {
        for _ in 0..500 {
            let all = log.read().await.unwrap();
            if all.len() == count {
                return all.into_iter().map(|(k, v)| (text(k), text(v))).collect();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!(
            "waited in vain for {count} entries: {:?}",
            log.read().await.unwrap()
        );
    }

    #[tokio::test]
    async fn records_are_connects_own() {
        let log = Arc::new(FileLog::memory());
        let store = StatusStore::open(Box::new(Arc::clone(&log)), "127.0.0.1:8083")
            .await
            .unwrap();
        let id = ConnectorId::new(TenantId::default(), "mysql-connector");
        let task = TaskId {
            connector: id.clone(),
            task: 0,
        };
        store.set_connector(&id, State::Running, None, 2, Some("3.6.1.Final".into()));
        store.set_task(&task, State::Unassigned, None, 3, None);
        store.topic_used(&task, "dbserver1.t");
        store.topic_used(&task, "dbserver1.t");
        let all = stored(&log, 3).await;
        let value = |key: &str| {
            all.iter()
                .find(|(k, _)| k == key)
                .map(|(_, v)| v.as_str())
                .unwrap()
        };
        // As recorded from Kafka Connect 4.3.1.
        assert_eq!(
            value("status-connector-mysql-connector"),
            "{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"127.0.0.1:8083\",\"generation\":2,\"version\":\"3.6.1.Final\"}"
        );
        assert_eq!(
            value("status-task-mysql-connector-0"),
            "{\"state\":\"UNASSIGNED\",\"trace\":null,\"worker_id\":\"127.0.0.1:8083\",\"generation\":3,\"version\":null}"
        );
        let start = "{\"topic\":{\"name\":\"dbserver1.t\",\"connector\":\"mysql-connector\",\"task\":0,\"discoverTimestamp\":";
        assert!(value("status-topic-dbserver1.t:connector-mysql-connector").starts_with(start));
        let again = StatusStore::open(Box::new(Arc::clone(&log)), "w")
            .await
            .unwrap();
        assert_eq!(again.topics(&id), ["dbserver1.t"]);
        assert_eq!(again.connector(&id), None, "nothing runs yet");
        store.delete(&id, 3);
        stored(&log, 0).await;
        assert_eq!(
            (
                store.topics(&id).len(),
                store.connector(&id),
                store.tasks(&id).len()
            ),
            (0, None, 0)
        );
    }
}
