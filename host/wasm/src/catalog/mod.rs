//! All plugins of the host: the built-ins, which belong to nobody, and each tenant's uploads.
//!
//! It checks and compiles what is uploaded and finds classes by name and version. It stores nothing: whoever keeps the
//! bytes hands them to [`Catalog::upload`] again at start.
//! Invariant: a version is immutable (the same name and version always mean the same bytes), no tenant sees another's
//! plugins, and nobody can upload under a sealed name (uploads live under `wasm.`).

mod builtin;
mod name;
mod resolve;

pub use name::{PluginName, VersionSpec};
pub use resolve::ResolveError;

use crate::compile::{CompileError, Compiler};
use crate::fault::PluginFault;
use crate::instance::describe;
use crate::limits::Limits;
use crate::plugin::{Digest, Origin, Plugin};
use host_core::id::TenantId;
use semver::Version;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

type Versions = BTreeMap<Version, Arc<Plugin>>;

/// The plugins.
#[derive(Debug)]
pub struct Catalog {
    compiler: Arc<Compiler>,
    limits: Limits,
    builtins: Vec<Arc<Plugin>>,
    uploads: RwLock<BTreeMap<(TenantId, PluginName), Versions>>,
}

/// An upload, or stored bytes at start.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// Whose.
    pub tenant: &'a TenantId,
    /// `<namespace>.<Name>`.
    pub name: &'a str,
    /// A semantic version.
    pub version: &'a str,
    /// The component, or a core module with embedded WIT.
    pub bytes: &'a [u8],
    /// Memory its instances need, in bytes; 0 for the tenant's default.
    pub memory_bytes: usize,
}

/// A plugin with its name and version, in the catalog or on its way there.
#[derive(Debug, Clone)]
pub struct Entry {
    key: (TenantId, PluginName),
    version: Version,
    plugin: Arc<Plugin>,
}

impl Entry {
    /// The plugin.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }
}

/// What an upload led to.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// Whether it is new; false where the same bytes were there already.
    pub created: bool,
}

/// Why an upload was refused.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The name is not allowed (HTTP 400).
    #[error(
        "plugin name {0} is not allowed; use <namespace>.<Name>, namespace of a-z, 0-9 and -, name of letters and \
         digits, e.g. acme.MaskPii"
    )]
    Name(String),
    /// The version is not a semantic version (HTTP 400).
    #[error("plugin version {0} is not a semantic version; use e.g. 1.2.0")]
    Version(String),
    /// The version exists with other bytes (HTTP 409).
    #[error(
        "plugin {name} {version} exists with other bytes ({there}); versions are immutable, upload a new version"
    )]
    Conflict {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Digest of the bytes that are there.
        there: Digest,
    },
    /// It was refused or could not be compiled; the inner error has the status.
    #[error("plugin {name} {version}: {error}")]
    Compile {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Why.
        error: CompileError,
    },
    /// It does not link or does not answer `describe` (HTTP 422).
    #[error("plugin {name} {version}: asking it to describe itself: {fault}")]
    Describe {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// How it failed.
        fault: PluginFault,
    },
}

/// Why a plugin was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeleteError {
    /// There is none (HTTP 404).
    #[error("plugin {name} {version} does not exist")]
    NotFound {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
    },
    /// It is used (HTTP 409).
    #[error(
        "plugin {name} {version} is in use by {users}; change their configuration or delete them first"
    )]
    InUse {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// By whom.
        users: String,
    },
}

impl Catalog {
    /// Loads the built-ins, compiling those the cache does not hold.
    pub fn open(compiler: Arc<Compiler>, limits: Limits) -> Result<Self, UploadError> {
        let builtins = builtin::load(&compiler, &limits)?;
        Ok(Self {
            compiler,
            limits,
            builtins,
            uploads: RwLock::default(),
        })
    }

    /// Checks and adds a plugin. Blocks while it is compiled. The same bytes again change nothing.
    pub fn upload(&self, upload: Upload<'_>) -> Result<Uploaded, UploadError> {
        self.add(self.prepare(upload)?)
    }

    /// Checks and compiles an upload, and adds nothing. Blocks meanwhile.
    pub fn prepare(&self, upload: Upload<'_>) -> Result<Entry, UploadError> {
        let name =
            PluginName::new(upload.name).ok_or_else(|| UploadError::Name(shown(upload.name)))?;
        let version = Version::parse(upload.version)
            .map_err(|_| UploadError::Version(shown(upload.version)))?;
        let key = (upload.tenant.clone(), name);
        let plugin = match self.find(&key, &version) {
            Some(there) => again(&key.1, &version, there, Digest::of(upload.bytes))?.plugin,
            None => Arc::new(self.make(&key.1, &version, upload)?),
        };
        Ok(Entry {
            key,
            version,
            plugin,
        })
    }

    /// Whether [`Catalog::add`] would add it; false where the same bytes are there already.
    pub fn is_new(&self, entry: &Entry) -> Result<bool, UploadError> {
        match self.find(&entry.key, &entry.version) {
            Some(there) => again(&entry.key.1, &entry.version, there, entry.plugin.digest())
                .map(|known| known.created),
            None => Ok(true),
        }
    }

    /// Adds what has been prepared, or puts back what has been deleted.
    pub fn add(&self, entry: Entry) -> Result<Uploaded, UploadError> {
        let mut uploads = self.uploads.write().unwrap_or_else(PoisonError::into_inner);
        let Entry {
            key,
            version,
            plugin,
        } = entry;
        let versions = uploads.entry(key.clone()).or_default();
        // Another upload of the version may have been quicker.
        if let Some(there) = versions.get(&version) {
            return again(&key.1, &version, Arc::clone(there), plugin.digest());
        }
        versions.insert(version, Arc::clone(&plugin));
        Ok(Uploaded {
            plugin,
            created: true,
        })
    }

    fn make(
        &self,
        name: &PluginName,
        version: &Version,
        upload: Upload<'_>,
    ) -> Result<Plugin, UploadError> {
        let (name_text, version_text) = (name.to_string(), version.to_string());
        let compiled =
            self.compiler
                .compile(upload.bytes)
                .map_err(|error| UploadError::Compile {
                    name: name_text.clone(),
                    version: version_text.clone(),
                    error,
                })?;
        let origin = Origin {
            classes: vec![name.class().into()],
            version: Some(version_text.as_str().into()),
            world: compiled.world,
            digest: compiled.digest,
            size_bytes: upload.bytes.len(),
            memory_bytes: upload.memory_bytes.min(self.limits.memory_bytes_max),
        };
        let linked = Plugin::link(self.compiler.engine(), &compiled.component, origin);
        let described = linked.and_then(|p| describe(p, &self.limits));
        described.map_err(|fault| UploadError::Describe {
            name: name_text,
            version: version_text,
            fault,
        })
    }

    fn find(&self, key: &(TenantId, PluginName), version: &Version) -> Option<Arc<Plugin>> {
        let uploads = self.uploads.read().unwrap_or_else(PoisonError::into_inner);
        uploads.get(key)?.get(version).cloned()
    }

    /// Removes a version. `users` are the connectors that name it; live instances count as well.
    pub fn delete(
        &self,
        tenant: &TenantId,
        name: &str,
        version: &str,
        users: &[String],
    ) -> Result<Entry, DeleteError> {
        let none = || DeleteError::NotFound {
            name: shown(name),
            version: shown(version),
        };
        let key = (tenant.clone(), PluginName::new(name).ok_or_else(none)?);
        let parsed = Version::parse(version).map_err(|_| none())?;
        let mut uploads = self.uploads.write().unwrap_or_else(PoisonError::into_inner);
        let versions = uploads.get_mut(&key).ok_or_else(none)?;
        let plugin = versions.get(&parsed).ok_or_else(none)?;
        let live = plugin.instances();
        if !users.is_empty() || live > 0 {
            let users = if users.is_empty() {
                format!("{live} running instances")
            } else {
                users.join(", ")
            };
            return Err(DeleteError::InUse {
                name: shown(name),
                version: shown(version),
                users,
            });
        }
        let plugin = versions.remove(&parsed).ok_or_else(none)?;
        if versions.is_empty() {
            uploads.remove(&key);
        }
        Ok(Entry {
            key,
            version: parsed,
            plugin,
        })
    }

    /// The built-ins.
    pub fn builtins(&self) -> &[Arc<Plugin>] {
        &self.builtins
    }
    /// A tenant's uploads by name, all versions of each in ascending order.
    pub fn uploads(&self, tenant: &TenantId) -> Vec<(PluginName, Vec<Arc<Plugin>>)> {
        let uploads = self.uploads.read().unwrap_or_else(PoisonError::into_inner);
        uploads
            .iter()
            .filter(|((owner, _), _)| owner == tenant)
            .map(|((_, name), versions)| (name.clone(), versions.values().cloned().collect()))
            .collect()
    }
    /// Everything a tenant may configure: built-ins, then uploads.
    pub fn list(&self, tenant: &TenantId) -> Vec<Arc<Plugin>> {
        let uploads = self.uploads(tenant).into_iter().flat_map(|(_, v)| v);
        self.builtins.iter().cloned().chain(uploads).collect()
    }
}

fn again(
    name: &PluginName,
    version: &Version,
    plugin: Arc<Plugin>,
    digest: Digest,
) -> Result<Uploaded, UploadError> {
    if plugin.digest() == digest {
        return Ok(Uploaded {
            plugin,
            created: false,
        });
    }
    Err(UploadError::Conflict {
        name: name.to_string(),
        version: version.to_string(),
        there: plugin.digest(),
    })
}

/// A name that a user sent, safe to show.
fn shown(text: &str) -> String {
    crate::text::clean(text, 128)
}
