//! Uploading a plugin: room is reserved, then it is compiled beside everything else, then it is stored and added.
//!
//! Checking and compiling are `host_wasm`'s, which takes seconds and so happens outside the queue of changes; what is
//! kept changes only within it, as deletions do. Invariant: a plugin that can be used is durable, uploads that are on
//! their way never go over a quota together, and one that was not stored leaves nothing behind.

use super::entity::PluginVersion;
use super::{Answer, ErrorKind, Herder, HerderError, internal};
use crate::store::StoredPlugin;
use host_core::id::TenantId;
use host_wasm::compile::CompileError;
use host_wasm::{Entry, Upload, UploadError};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Tenant, name and version.
type Key = (TenantId, String, String);
/// Uploads on their way, with their bytes.
pub(super) type Uploading = BTreeMap<Key, u64>;

/// Room for one upload, until it is dropped.
struct Place {
    herder: Arc<Herder>,
    key: Key,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.herder.with_uploading(|u| u.remove(&self.key));
    }
}

/// A compiled upload with its room, to be committed in the queue of changes.
pub(super) struct Compiled {
    place: Place,
    entry: Entry,
    bytes: Vec<u8>,
}

impl Herder {
    fn with_uploading<T>(&self, work: impl FnOnce(&mut Uploading) -> T) -> T {
        work(
            &mut self
                .uploading
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Reserves room for an upload, checks and compiles it.
    pub(super) async fn compile_plugin(
        self: &Arc<Self>,
        tenant: &TenantId,
        name: &str,
        version: &str,
        component: Vec<u8>,
    ) -> Answer<Compiled> {
        self.stores()?;
        let key = (tenant.clone(), name.to_owned(), version.to_owned());
        let place = self.reserve(key, component.len() as u64)?;
        let compiling = tokio::task::spawn_blocking(move || {
            let (tenant, name, version) = &place.key;
            let entry = place.herder.catalog.prepare(Upload {
                tenant,
                name,
                version,
                bytes: &component,
                memory_bytes: 0,
            })?;
            Ok(Compiled {
                place,
                entry,
                bytes: component,
            })
        });
        let compiled = compiling
            .await
            .map_err(|e| HerderError::internal(format!("compiling a plugin: {e}")))?;
        compiled.map_err(|e| refused(&e))
    }

    /// Takes room for an upload within its tenant's quotas, other uploads on their way counted.
    fn reserve(self: &Arc<Self>, key: Key, bytes: u64) -> Answer<Place> {
        let (tenant, name, version) = &key;
        self.with_uploading(|uploading| {
            if uploading.contains_key(&key) {
                return Err(HerderError::conflict(format!(
                    "Plugin {name} {version} is being uploaded; try again"
                )));
            }
            let known = self.plugins(tenant);
            // The same bytes again take no more room, and others are refused.
            let again = known
                .iter()
                .any(|p| p.name == *name && p.version == *version);
            let bytes = if again { 0 } else { bytes };
            if !again {
                let own = uploading.iter().filter(|((t, _, _), _)| t == tenant);
                let (count, sum) = own.fold((0, 0u64), |(n, sum), (_, b)| (n + 1, sum + b));
                self.check_plugin_quotas(tenant, count, sum, bytes)?;
            }
            uploading.insert(key.clone(), bytes);
            Ok(())
        })?;
        Ok(Place {
            herder: Arc::clone(self),
            key,
        })
    }

    fn check_plugin_quotas(
        &self,
        tenant: &TenantId,
        uploading: u64,
        uploading_bytes: u64,
        bytes: u64,
    ) -> Answer<()> {
        let (quotas, usage) = (self.quotas(tenant), self.usage(tenant));
        let plugins = usage.plugins.saturating_add(uploading);
        let stored = usage.plugin_bytes.saturating_add(uploading_bytes);
        let over = if quotas.plugins.is_some_and(|max| plugins >= max) {
            format!("{plugins} plugin versions and its quota 'plugins' allows no more")
        } else if quotas
            .plugin_bytes
            .is_some_and(|max| stored.saturating_add(bytes) > max)
        {
            format!(
                "{stored} bytes of plugins and its quota 'plugin_bytes' has no room for {bytes} more"
            )
        } else {
            return Ok(());
        };
        Err(HerderError::forbidden(format!(
            "Tenant {tenant} has {over}; delete a version or ask an operator for more"
        )))
    }

    /// Stores a compiled upload, then adds it. Called in the queue of changes.
    pub(super) async fn commit_plugin(&self, compiled: Compiled) -> Answer<(PluginVersion, bool)> {
        let Compiled {
            place,
            entry,
            bytes,
        } = compiled;
        let (tenant, name, version) = &place.key;
        let created = self.catalog.is_new(&entry).map_err(|e| refused(&e))?;
        if created {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            self.store_plugin(&StoredPlugin {
                tenant: tenant.clone(),
                name: name.clone(),
                version: version.clone(),
                bytes,
                created_ms: now.map_or(0, |d| d.as_millis() as u64),
            })
            .await?;
        }
        let plugin = Arc::clone(entry.plugin());
        // Counted as on its way or as there, never as neither.
        self.catalog.add(entry).map_err(|e| refused(&e))?;
        Ok((self.describe(tenant, name, &plugin), created))
    }

    async fn store_plugin(&self, plugin: &StoredPlugin) -> Answer<()> {
        let store = &self.stores()?.plugins;
        let Err(e) = store.put(plugin).await else {
            return Ok(());
        };
        // It may be there in part, or arrive yet: whoever is told that it failed must not find it after a restart.
        let (tenant, name, version) = (&plugin.tenant, &plugin.name, &plugin.version);
        if let Err(e) = store
            .delete(tenant, name, version, plugin.bytes.len())
            .await
        {
            tracing::warn!(%tenant, name, version, "taking back a half-stored plugin: {e}");
        }
        Err(internal(&e))
    }
}

fn refused(e: &UploadError) -> HerderError {
    let kind = match e {
        UploadError::Name(_) | UploadError::Version(_) => ErrorKind::BadRequest,
        UploadError::Conflict { .. } => ErrorKind::Conflict,
        UploadError::Describe { .. } => ErrorKind::Unprocessable,
        UploadError::Compile { error, .. } => match error {
            CompileError::TooLarge { .. } => ErrorKind::TooLarge,
            CompileError::Rejected(_) | CompileError::Limit(_) => ErrorKind::Unprocessable,
            CompileError::Host(_) => ErrorKind::Internal,
        },
    };
    HerderError::new(kind, e.to_string())
}
