//! Plugins of a tenant: listing, definitions, upload, deletion.
//!
//! Checking and compiling are `host_wasm`'s, keeping the bytes is the plugin store's; quotas and what uses a plugin are
//! decided here. Invariant: a plugin that has been answered as stored is durable, and one in use is not deleted.

use super::common_keys::common_keys;
use super::entity::{PluginInfo, PluginVersion};
use super::{Answer, ErrorKind, Herder, HerderError, classes, internal};
use crate::store::StoredPlugin;
use host_core::config::{Config, ConfigKey};
use host_core::id::TenantId;
use host_core::source::SourceKind;
use host_wasm::compile::CompileError;
use host_wasm::{DeleteError, Plugin, Upload, UploadError, World};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Connect's names for what a plugin is.
fn kinds_of(world: World) -> &'static [&'static str] {
    match world {
        World::Transform => &["transformation"],
        World::Predicate => &["predicate"],
        World::Format => &["converter", "header_converter"],
    }
}

impl Herder {
    pub(super) fn connector_plugins(
        &self,
        tenant: &TenantId,
        connectors_only: bool,
    ) -> Vec<PluginInfo> {
        let mut all: Vec<PluginInfo> = self
            .kinds
            .iter()
            .map(|k| PluginInfo {
                class: k.class().to_owned(),
                kind: "source",
                version: Some(k.version().to_owned()),
            })
            .collect();
        if connectors_only {
            return all;
        }
        for plugin in self.catalog.list(tenant) {
            for class in plugin.classes() {
                all.extend(kinds_of(plugin.world()).iter().map(|kind| PluginInfo {
                    class: class.to_string(),
                    kind,
                    version: Some(plugin.version().to_owned()),
                }));
            }
        }
        all
    }

    pub(super) fn plugin_config(
        &self,
        tenant: &TenantId,
        name: &str,
        version: Option<&str>,
    ) -> Answer<Vec<ConfigKey>> {
        if let Some(kind) = classes::find(&self.kinds, name) {
            return Ok(connector_keys(kind.as_ref()));
        }
        let mut wrong_version = None;
        for world in World::ALL {
            match self.catalog.resolve(tenant, name, version, world) {
                Ok((plugin, _)) => return Ok(plugin.definition().keys.clone()),
                Err(e) if e.is_about_version() => {
                    wrong_version = Some(HerderError::bad(e.to_string()));
                }
                Err(_) => {}
            }
        }
        Err(wrong_version
            .unwrap_or_else(|| HerderError::not_found(format!("Unknown plugin {name}."))))
    }

    pub(super) fn plugins(&self, tenant: &TenantId) -> Vec<PluginVersion> {
        let all = self.catalog.uploads(tenant).into_iter();
        all.flat_map(|(name, versions)| {
            let name = name.to_string();
            versions
                .into_iter()
                .map(move |p| self.describe(tenant, &name, &p))
        })
        .collect()
    }

    pub(super) async fn upload_plugin(
        &self,
        tenant: &TenantId,
        name: &str,
        version: &str,
        component: Vec<u8>,
    ) -> Answer<(PluginVersion, bool)> {
        let stores = self.stores()?;
        let known = self
            .plugins(tenant)
            .iter()
            .any(|p| p.name == name && p.version == version);
        if !known {
            self.check_plugin_quotas(tenant, component.len() as u64)?;
        }
        let (catalog, of) = (Arc::clone(&self.catalog), tenant.clone());
        let (plugin_name, plugin_version) = (name.to_owned(), version.to_owned());
        let compiling = tokio::task::spawn_blocking(move || {
            let uploaded = catalog.upload(Upload {
                tenant: &of,
                name: &plugin_name,
                version: &plugin_version,
                bytes: &component,
                memory_bytes: 0,
            });
            (uploaded, component)
        });
        let (uploaded, bytes) = compiling
            .await
            .map_err(|e| HerderError::internal(format!("compiling a plugin: {e}")))?;
        let uploaded = uploaded.map_err(|e| refused(&e))?;
        if uploaded.created {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let stored = StoredPlugin {
                tenant: tenant.clone(),
                name: name.to_owned(),
                version: version.to_owned(),
                bytes,
                created_ms: now.map_or(0, |d| d.as_millis() as u64),
            };
            if let Err(e) = stores.plugins.put(&stored).await {
                // Not durable, so not there.
                drop(self.catalog.delete(tenant, name, version, &[]));
                return Err(internal(&e));
            }
        }
        Ok((
            self.describe(tenant, name, &uploaded.plugin),
            uploaded.created,
        ))
    }

    fn describe(&self, tenant: &TenantId, name: &str, plugin: &Plugin) -> PluginVersion {
        let version = plugin.version();
        let created_ms = self
            .stores()
            .ok()
            .and_then(|s| s.plugins.created_ms(tenant, name, version));
        PluginVersion {
            name: name.to_owned(),
            version: version.to_owned(),
            class: plugin.class().to_owned(),
            kind: kinds_of(plugin.world())
                .first()
                .copied()
                .unwrap_or_default()
                .to_owned(),
            sha256: plugin.digest().hex(),
            bytes: plugin.size_bytes() as u64,
            created_ms: created_ms.unwrap_or_default(),
        }
    }

    fn check_plugin_quotas(&self, tenant: &TenantId, bytes: u64) -> Answer<()> {
        let (quotas, usage) = (self.quotas(tenant), self.usage(tenant));
        let over = if quotas.plugins.is_some_and(|max| usage.plugins >= max) {
            format!(
                "{} plugin versions and its quota 'plugins' allows no more",
                usage.plugins
            )
        } else if quotas
            .plugin_bytes
            .is_some_and(|max| usage.plugin_bytes.saturating_add(bytes) > max)
        {
            format!(
                "{} bytes of plugins and its quota 'plugin_bytes' has no room for {bytes} more",
                usage.plugin_bytes
            )
        } else {
            return Ok(());
        };
        Err(HerderError::forbidden(format!(
            "Tenant {tenant} has {over}; delete a version or ask an operator for more"
        )))
    }

    pub(super) async fn delete_plugin(
        &self,
        tenant: &TenantId,
        name: &str,
        version: &str,
    ) -> Answer<()> {
        let stores = self.stores()?;
        let users = self.users_of(tenant, name, version);
        let gone = self
            .catalog
            .delete(tenant, name, version, &users)
            .map_err(|e| match e {
                DeleteError::NotFound { .. } => HerderError::not_found(e.to_string()),
                DeleteError::InUse { .. } => HerderError::conflict(e.to_string()),
            })?;
        stores
            .plugins
            .delete(tenant, name, version, gone.size_bytes())
            .await
            .map_err(|e| internal(&e))
    }

    /// Connectors of the tenant whose configuration means this version.
    fn users_of(&self, tenant: &TenantId, name: &str, version: &str) -> Vec<String> {
        let Ok(stores) = self.stores() else {
            return Vec::new();
        };
        let class = format!("wasm.{name}");
        let connectors = stores.configs.connectors();
        let own = connectors
            .into_iter()
            .filter(|(id, _)| id.tenant == *tenant);
        own.filter(|(_, c)| self.uses(tenant, &c.config, &class, version))
            .map(|(id, _)| id.name.to_string())
            .collect()
    }

    fn uses(&self, tenant: &TenantId, config: &Config, class: &str, version: &str) -> bool {
        config
            .iter()
            .filter(|(_, v)| v.trim() == class)
            .any(|(key, _)| {
                let version_key = format!(
                    "{}.plugin.version",
                    key.strip_suffix(".type").unwrap_or(key)
                );
                let asked = config.get(&version_key);
                World::ALL.into_iter().any(|world| {
                    let found = self.catalog.resolve(tenant, class, asked, world);
                    found.is_ok_and(|(p, _)| p.version() == version)
                })
            })
    }
}

/// A connector's own keys and then those of every connector, as Connect lists them: without the worker's converters.
fn connector_keys(kind: &dyn SourceKind) -> Vec<ConfigKey> {
    let mut common = common_keys();
    for key in &mut common {
        if key.name.contains("converter") {
            key.default_value = None;
        } else if key.name == "connector.plugin.version" {
            key.default_value = Some(kind.version().to_owned());
        }
    }
    let mut keys = kind.definition().keys.clone();
    keys.extend(common);
    keys
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
