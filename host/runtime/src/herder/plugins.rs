//! Plugins of a tenant: listing, definitions, who uses one, deletion.
//!
//! Uploading is `uploads`', keeping the bytes is the plugin store's. Invariant: a plugin in use is not deleted, and one
//! whose deletion could not be stored is still there.

use super::common_keys::common_keys;
use super::entity::{PluginInfo, PluginVersion};
use super::{Answer, Herder, HerderError, classes, internal};
use host_core::config::{Config, ConfigKey};
use host_core::id::TenantId;
use host_core::source::SourceKind;
use host_wasm::{DeleteError, Plugin, World};

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

    pub(super) fn describe(&self, tenant: &TenantId, name: &str, plugin: &Plugin) -> PluginVersion {
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

    pub(super) async fn delete_plugin(
        &self,
        tenant: &TenantId,
        name: &str,
        version: &str,
    ) -> Answer<()> {
        let stores = self.stores()?;
        let users = self.plugin_users(tenant, name, version);
        let gone = self
            .catalog
            .delete(tenant, name, version, &users)
            .map_err(|e| match e {
                DeleteError::NotFound { .. } => HerderError::not_found(e.to_string()),
                DeleteError::InUse { .. } => HerderError::conflict(e.to_string()),
            })?;
        let size = gone.plugin().size_bytes();
        let deleted = stores.plugins.delete(tenant, name, version, size).await;
        deleted.map_err(|e| {
            // Still stored, so still there; nobody can have taken its place, for changes are made one at a time.
            drop(self.catalog.add(gone));
            internal(&e)
        })
    }

    /// Connectors of the tenant whose configuration means this version.
    pub(super) fn plugin_users(&self, tenant: &TenantId, name: &str, version: &str) -> Vec<String> {
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
