//! A plugin: a compiled component with its definition, ready to be instantiated.
//!
//! It is immutable and shared by all tasks that use it. Bytes are checked in `check` and compiled in `compile`;
//! instances are made in `instance`. Invariant: a `Plugin` exists only if its component fits one world, links against
//! the host, and has answered `describe` within its limits.

use crate::bindings::{format, log, predicate, transform};
use crate::engine::Engine;
use crate::fault::PluginFault;
use crate::store::State;
use host_core::config::ConfigDef;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::component::{Component, HasSelf, Linker};

/// What a plugin does: its world in `wit/worlds.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum World {
    /// Connect's `Transformation`.
    Transform,
    /// Connect's `Predicate`.
    Predicate,
    /// Connect's `Converter` and `HeaderConverter`.
    Format,
}

impl World {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Transform, Self::Predicate, Self::Format];
    /// Its name in WIT.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transform => "transform",
            Self::Predicate => "predicate",
            Self::Format => "format",
        }
    }
    /// The interface that only this world exports.
    pub(crate) fn own_export(self) -> &'static str {
        match self {
            Self::Transform => "tidegate:plugin/transformer@0.1.0",
            Self::Predicate => "tidegate:plugin/predicate-tester@0.1.0",
            Self::Format => "tidegate:plugin/formatter@0.1.0",
        }
    }
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// sha256 of a plugin's bytes as they were uploaded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(bytes).into())
    }
    /// 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        let nibbles = self.0.iter().flat_map(|b| [b >> 4, b & 15]);
        nibbles
            .filter_map(|n| char::from_digit(n.into(), 16))
            .collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A component that has been linked against the host's imports.
pub(crate) enum Pre {
    Transform(transform::TransformPre<State>),
    Predicate(predicate::PredicatePre<State>),
    Format(format::FormatPre<State>),
}

/// A compiled, described component.
pub struct Plugin {
    classes: Vec<Arc<str>>,
    version: Arc<str>,
    world: World,
    digest: Digest,
    size_bytes: usize,
    memory_bytes: usize,
    definition: ConfigDef,
    engine: Engine,
    pre: Pre,
    /// Live instances, each holding a lease.
    instances: AtomicUsize,
}

/// What the catalog knows of a component before it is described.
pub(crate) struct Origin {
    pub(crate) classes: Vec<Arc<str>>,
    /// `None` for built-ins: the version that `describe` answers.
    pub(crate) version: Option<Arc<str>>,
    pub(crate) world: World,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: usize,
    /// Memory the upload asked for; 0 for the tenant's default.
    pub(crate) memory_bytes: usize,
}

impl Plugin {
    /// Links a component, which `instance::describe` has still to ask for its definition.
    pub(crate) fn link(
        engine: &Engine,
        component: &Component,
        origin: Origin,
    ) -> Result<Self, PluginFault> {
        let pre = link(engine, component, origin.world)
            .map_err(|e| PluginFault::BadAnswer(format!("linking it: {e:#}")))?;
        Ok(Self {
            classes: origin.classes,
            version: origin.version.unwrap_or_default(),
            world: origin.world,
            digest: origin.digest,
            size_bytes: origin.size_bytes,
            memory_bytes: origin.memory_bytes,
            definition: ConfigDef::default(),
            engine: engine.clone(),
            pre,
            instances: AtomicUsize::new(0),
        })
    }
    /// Notes its answer to `describe`; the version only where it was not uploaded under one.
    pub(crate) fn described(mut self, version: String, definition: ConfigDef) -> Self {
        if self.version.is_empty() {
            self.version = version.into();
        }
        self.definition = definition;
        self
    }
    /// The classes it may be configured as, its main one first; uploads have one, `wasm.<namespace>.<Name>`.
    pub fn classes(&self) -> &[Arc<str>] {
        &self.classes
    }
    /// Its main class.
    pub fn class(&self) -> &str {
        self.classes.first().map_or("", |c| c)
    }
    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }
    /// What it does.
    pub fn world(&self) -> World {
        self.world
    }
    /// Digest of its bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// Bytes as uploaded.
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }
    /// Its configuration keys, without prefix.
    pub fn definition(&self) -> &ConfigDef {
        &self.definition
    }
    /// Instances alive now.
    pub fn instances(&self) -> usize {
        self.instances.load(Ordering::Relaxed)
    }
    /// Memory its upload asked for; 0 for the tenant's default.
    pub fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
    pub(crate) fn pre(&self) -> &Pre {
        &self.pre
    }
    pub(crate) fn lease(self: &Arc<Self>) -> Lease {
        self.instances.fetch_add(1, Ordering::Relaxed);
        Lease(Arc::clone(self))
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Plugin({} {} {})",
            self.class(),
            self.version,
            self.digest
        )
    }
}

/// Counts a plugin as in use.
pub(crate) struct Lease(Arc<Plugin>);

impl Lease {
    pub(crate) fn plugin(&self) -> &Arc<Plugin> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.instances.fetch_sub(1, Ordering::Relaxed);
    }
}

fn link(engine: &Engine, component: &Component, world: World) -> wasmtime::Result<Pre> {
    let mut linker: Linker<State> = Linker::new(engine.wasmtime());
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |s: &mut State| &mut s.log)?;
    let pre = linker.instantiate_pre(component)?;
    Ok(match world {
        World::Transform => Pre::Transform(transform::TransformPre::new(pre)?),
        World::Predicate => Pre::Predicate(predicate::PredicatePre::new(pre)?),
        World::Format => Pre::Format(format::FormatPre::new(pre)?),
    })
}
