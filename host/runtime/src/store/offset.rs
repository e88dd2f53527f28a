//! Stored source offsets: Connect's offset topic, or a standalone worker's file.
//!
//! Keys are `["<connector>",{<partition>}]`, values the source's own JSON, both compact, as Connect writes them.
//! Invariant: what [`OffsetStore::get`] yields has been acknowledged by the log (promise 1).

use super::log::{KeyLog, text};
use host_core::error::TaskError;
use host_core::id::ConnectorId;
use host_core::offset::{JsonMap, Offset, SourcePartition};
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// Offsets of all connectors.
pub struct OffsetStore {
    log: Box<dyn KeyLog>,
    /// By key, so that one partition is one entry.
    stored: RwLock<BTreeMap<String, Offset>>,
}

/// Connect's key of a partition.
fn key(connector: &ConnectorId, partition: &JsonMap) -> String {
    serde_json::json!([connector.stored_name(), partition]).to_string()
}

fn parse_key(key: &str) -> Option<(String, JsonMap)> {
    serde_json::from_str(key).ok()
}

async fn read_stored(log: &dyn KeyLog) -> Result<BTreeMap<String, Offset>, TaskError> {
    let mut stored = BTreeMap::new();
    for (key, value) in log.read().await? {
        let key = text(key);
        let Some((name, partition)) = parse_key(&key) else {
            tracing::warn!(key, "passing over an offset whose key is not Connect's");
            continue;
        };
        // Spelled again, so that white space in a foreign writer's key does not make another partition.
        let key = serde_json::json!([name, partition]).to_string();
        match serde_json::from_slice::<JsonMap>(&value) {
            Ok(offset) => drop(stored.insert(key, Offset(offset))),
            Err(e) => {
                tracing::warn!(key, "passing over an offset that is not a JSON object: {e}");
            }
        }
    }
    Ok(stored)
}

impl OffsetStore {
    /// Reads the log. Entries that are not Connect's are passed over, with a warning.
    pub async fn open(log: Box<dyn KeyLog>) -> Result<Self, TaskError> {
        log.open().await?;
        let stored = RwLock::new(read_stored(log.as_ref()).await?);
        Ok(Self { log, stored })
    }
    /// Reads the log again: others may have written while this worker was not in its place, and a write whose answer was
    /// never heard may have arrived.
    pub async fn reread(&self) -> Result<(), TaskError> {
        let stored = read_stored(self.log.as_ref()).await?;
        *self.stored.write().unwrap_or_else(PoisonError::into_inner) = stored;
        Ok(())
    }
    /// All offsets of a connector.
    pub fn get(&self, connector: &ConnectorId) -> Vec<(SourcePartition, Offset)> {
        let name = connector.stored_name();
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner);
        let own = stored.iter().filter_map(|(k, o)| {
            let (of, partition) = parse_key(k)?;
            (of == name).then(|| (SourcePartition(partition), o.clone()))
        });
        own.collect()
    }
    /// Stores offsets of a connector, and waits until they are durable; `None` forgets a partition.
    pub async fn commit(
        &self,
        connector: &ConnectorId,
        offsets: &[(SourcePartition, Option<Offset>)],
    ) -> Result<(), TaskError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let keyed: Vec<(String, Option<&Offset>)> = offsets
            .iter()
            .map(|(p, o)| (key(connector, &p.0), o.as_ref()))
            .collect();
        let json = |o: &Offset| {
            serde_json::Value::Object(o.0.clone())
                .to_string()
                .into_bytes()
        };
        let entries = keyed
            .iter()
            .map(|(k, o)| (k.clone().into_bytes(), o.map(json)))
            .collect();
        self.log.write(entries).await?;
        let mut stored = self.stored.write().unwrap_or_else(PoisonError::into_inner);
        for (k, o) in keyed {
            match o {
                Some(o) => drop(stored.insert(k, o.clone())),
                None => drop(stored.remove(&k)),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::FileLog;
    use super::*;
    use host_core::id::TenantId;
    use serde_json::json;
    use std::sync::Arc;

    fn map(v: serde_json::Value) -> JsonMap {
        v.as_object().unwrap().clone()
    }

    #[tokio::test]
    async fn connects_own_entries() {
        let log = Arc::new(FileLog::memory());
        let id = ConnectorId::new(TenantId::default(), "c");
        let partition = SourcePartition(map(json!({"server": "dbserver1"})));
        let offset = Offset(map(json!({"ts_sec": 1, "file": "f", "pos": 4})));
        let store = OffsetStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        store
            .commit(&id, &[(partition.clone(), Some(offset.clone()))])
            .await
            .unwrap();
        let entries = log.read().await.unwrap();
        assert_eq!(
            text(entries[0].0.clone()),
            r#"["c",{"server":"dbserver1"}]"#
        );
        assert_eq!(
            text(entries[0].1.clone()),
            r#"{"ts_sec":1,"file":"f","pos":4}"#
        );
        let again = OffsetStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        assert_eq!(again.get(&id), [(partition.clone(), offset)]);
        assert_eq!(
            again.get(&ConnectorId::new(TenantId::new("t").unwrap(), "c")),
            []
        );
        again.commit(&id, &[(partition, None)]).await.unwrap();
        assert_eq!(again.get(&id), []);
    }
}
