//! Uploaded plugins: bytes in chunks, made visible by a manifest.
//!
//! `plugin-<tenant>/<name>/<version>` holds `{"size","sha256","chunks","created_ms"}`, `chunk-<…>-<i>` the bytes. The chunks
//! are written first, so a version is there whole or not at all. It does not look into components.
//! Invariant: bytes are handed out only if their sha256 is the manifest's (ADR 9).

use super::log::{KeyEntry, KeyLog, text};
use host_core::error::TaskError;
use host_core::id::TenantId;
use host_wasm::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a chunk: well below a broker's default `message.max.bytes`.
const CHUNK_BYTES: usize = 512 * 1024;
/// Chunks of a plugin; with their size it bounds what a manifest can make a reader hold.
const CHUNKS_MAX: usize = 128;

/// A stored version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPlugin {
    /// Whose it is.
    pub tenant: TenantId,
    /// `<namespace>.<Name>`.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// The component.
    pub bytes: Vec<u8>,
    /// When it was uploaded, in milliseconds since the epoch.
    pub created_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    size: usize,
    sha256: String,
    chunks: usize,
    created_ms: u64,
}

/// All uploaded plugins.
pub struct PluginStore {
    log: Box<dyn KeyLog>,
    /// When each version was uploaded, by tenant/name/version, in milliseconds since the epoch.
    created_ms: Mutex<BTreeMap<String, u64>>,
}

fn sha256(bytes: &[u8]) -> String {
    Digest::of(bytes).hex()
}

fn id_of(tenant: &TenantId, name: &str, version: &str) -> String {
    format!("{tenant}/{name}/{version}")
}

fn chunk_key(id: &str, n: usize) -> String {
    format!("chunk-{id}-{n}")
}

impl PluginStore {
    /// The store on this log, and every plugin that is whole; one that is not is passed over with an error in the log.
    pub async fn open(log: Box<dyn KeyLog>) -> Result<(Self, Vec<StoredPlugin>), TaskError> {
        log.open().await?;
        let all = log.read().await?;
        let values: BTreeMap<String, Vec<u8>> =
            all.into_iter().map(|(k, v)| (text(k), v)).collect();
        let mut plugins = Vec::new();
        for (key, value) in &values {
            let Some(id) = key.strip_prefix("plugin-") else {
                continue;
            };
            match assemble(id, value, &values) {
                Ok(plugin) => plugins.push(plugin),
                Err(why) => tracing::error!(
                    plugin = id,
                    "passing over a stored plugin: {why}; upload it again"
                ),
            }
        }
        let created_ms = plugins
            .iter()
            .map(|p| (id_of(&p.tenant, &p.name, &p.version), p.created_ms))
            .collect();
        let store = Self {
            log,
            created_ms: Mutex::new(created_ms),
        };
        Ok((store, plugins))
    }
    fn created(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.created_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
    /// When a stored version was uploaded, in milliseconds since the epoch.
    pub fn created_ms(&self, tenant: &TenantId, name: &str, version: &str) -> Option<u64> {
        self.created().get(&id_of(tenant, name, version)).copied()
    }
    /// Stores a version and waits until it is durable.
    pub async fn put(&self, plugin: &StoredPlugin) -> Result<(), TaskError> {
        let id = id_of(&plugin.tenant, &plugin.name, &plugin.version);
        let chunks: Vec<KeyEntry> = plugin
            .bytes
            .chunks(CHUNK_BYTES)
            .enumerate()
            .map(|(n, c)| (chunk_key(&id, n).into_bytes(), Some(c.to_vec())))
            .collect();
        if chunks.len() > CHUNKS_MAX {
            let message = format!(
                "storing plugin {id}: more than {} bytes",
                CHUNKS_MAX * CHUNK_BYTES
            );
            return Err(TaskError::fail("PLUGIN-TOO-LARGE", message));
        }
        let manifest = Manifest {
            size: plugin.bytes.len(),
            sha256: sha256(&plugin.bytes),
            chunks: chunks.len(),
            created_ms: plugin.created_ms,
        };
        let manifest =
            serde_json::to_vec(&manifest).map_err(|e| TaskError::fail("BUG", e.to_string()))?;
        self.log.write(chunks).await?;
        self.log
            .write(vec![(format!("plugin-{id}").into_bytes(), Some(manifest))])
            .await?;
        self.created().insert(id, plugin.created_ms);
        Ok(())
    }
    /// Forgets a version of `size` bytes: first the manifest, so that it is never half there.
    pub async fn delete(
        &self,
        tenant: &TenantId,
        name: &str,
        version: &str,
        size: usize,
    ) -> Result<(), TaskError> {
        let id = id_of(tenant, name, version);
        self.log
            .write(vec![(format!("plugin-{id}").into_bytes(), None)])
            .await?;
        self.created().remove(&id);
        let chunks = (0..size.div_ceil(CHUNK_BYTES))
            .map(|n| (chunk_key(&id, n).into_bytes(), None))
            .collect();
        self.log.write(chunks).await
    }
}

fn assemble(
    id: &str,
    manifest: &[u8],
    values: &BTreeMap<String, Vec<u8>>,
) -> Result<StoredPlugin, String> {
    let manifest: Manifest =
        serde_json::from_slice(manifest).map_err(|e| format!("its manifest: {e}"))?;
    let mut parts = id.splitn(3, '/');
    let tenant = parts
        .next()
        .and_then(TenantId::new)
        .ok_or("its key names no tenant")?;
    let (name, version) = parts
        .next()
        .zip(parts.next())
        .ok_or("its key names no version")?;
    if manifest.chunks > CHUNKS_MAX {
        return Err(format!("it claims {} chunks", manifest.chunks));
    }
    let mut bytes = Vec::new();
    for n in 0..manifest.chunks {
        let chunk = values
            .get(&chunk_key(id, n))
            .ok_or_else(|| format!("chunk {n} is missing"))?;
        bytes.extend_from_slice(chunk);
    }
    if bytes.len() != manifest.size || sha256(&bytes) != manifest.sha256 {
        return Err("its bytes do not have the digest they were stored with".to_owned());
    }
    let (name, version) = (name.to_owned(), version.to_owned());
    Ok(StoredPlugin {
        tenant,
        name,
        version,
        bytes,
        created_ms: manifest.created_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::super::FileLog;
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn whole_versions_come_back_and_damaged_ones_do_not() {
        let log = Arc::new(FileLog::memory());
        let (store, none) = PluginStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        assert_eq!(none, []);
        let plugin = StoredPlugin {
            tenant: TenantId::default(),
            name: "acme.MaskPii".to_owned(),
            version: "1.0.0".to_owned(),
            bytes: (0..CHUNK_BYTES + 7).map(|i| i as u8).collect(),
            created_ms: 5,
        };
        store.put(&plugin).await.unwrap();
        let (store, all) = PluginStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        assert_eq!(all, std::slice::from_ref(&plugin));
        let created = |s: &PluginStore| s.created_ms(&plugin.tenant, "acme.MaskPii", "1.0.0");
        assert_eq!(created(&store), Some(5));
        let second = b"chunk-default/acme.MaskPii/1.0.0-1".to_vec();
        log.write(vec![(second, Some(vec![0; 7]))]).await.unwrap();
        let (_, damaged) = PluginStore::open(Box::new(Arc::clone(&log))).await.unwrap();
        assert_eq!(damaged, []);
        store
            .delete(
                &plugin.tenant,
                &plugin.name,
                &plugin.version,
                plugin.bytes.len(),
            )
            .await
            .unwrap();
        assert_eq!(log.read().await.unwrap(), []);
        assert_eq!(created(&store), None);
    }
}
