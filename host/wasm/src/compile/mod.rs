//! Compiling components: at upload, in a process of its own, once for each engine.
//!
//! [`Compiler`] starts the program given to it as `tidegate compile` ([`run_child`] is its other end), with limits on
//! CPU time, memory and wall time, and keeps the result in a cache directory. It never loads compiled code that it did
//! not write itself. Invariant: at most [`Settings::compiles_max`] compilations run at once, and hostile bytes are
//! parsed in the child only.

mod cache;
mod child;
mod process;

pub use child::run_child;

use crate::check::{self, CheckError};
use crate::engine::Engine;
use crate::plugin::{Digest, World};
use cache::Cache;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use wasmtime::component::Component;

/// How components are compiled.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Directory of compiled code; only this host may write there.
    pub cache_dir: PathBuf,
    /// Program to run, with its first arguments; `None` for this program with `compile`.
    pub command: Option<(PathBuf, Vec<OsString>)>,
    /// Compilations at once.
    pub compiles_max: usize,
    /// Wall time of one; its CPU time is bounded by the child itself.
    pub wall_seconds_max: u64,
    /// Bytes of an upload.
    pub upload_bytes_max: usize,
    /// Bytes of compiled code.
    pub compiled_bytes_max: usize,
    /// Bytes of all files in the cache; the oldest are removed, which costs compile time when they are asked for.
    pub cache_bytes_max: u64,
}

impl Settings {
    /// The defaults, with the cache in this directory.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self {
            cache_dir: cache_dir.into(),
            command: None,
            compiles_max: 1,
            wall_seconds_max: 180,
            upload_bytes_max: 32 * 1024 * 1024,
            compiled_bytes_max: 64 * 1024 * 1024,
            cache_bytes_max: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The upload is too large (HTTP 413).
    #[error(
        "the file is {bytes} bytes and may be {bytes_max}; strip it (wasm-tools strip) or optimise for size"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// It is no plugin, or not a valid one (HTTP 422).
    #[error("{0}")]
    Rejected(String),
    /// Compiling it took too much time, memory or space (HTTP 422).
    #[error("compiling the plugin: {0}")]
    Limit(String),
    /// The host failed (HTTP 500).
    #[error("compiling the plugin: {0}")]
    Host(String),
}

impl From<CheckError> for CompileError {
    fn from(e: CheckError) -> Self {
        Self::Rejected(e.to_string())
    }
}

/// A compiled component.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    pub(crate) world: World,
    pub(crate) digest: Digest,
}

/// Compiles components and keeps them.
#[derive(Debug)]
pub struct Compiler {
    engine: Engine,
    settings: Settings,
    cache: Cache,
    running: Mutex<usize>,
    freed: Condvar,
}

impl Compiler {
    /// Opens (or makes) the cache directory.
    pub fn new(engine: Engine, settings: Settings) -> Result<Self, CompileError> {
        let (dir, bytes_max) = (&settings.cache_dir, settings.cache_bytes_max);
        let cache = Cache::open(dir, engine.compatibility(), bytes_max)
            .map_err(|e| CompileError::Host(format!("opening {}: {e}", dir.display())))?;
        Ok(Self {
            engine,
            settings,
            cache,
            running: Mutex::new(0),
            freed: Condvar::new(),
        })
    }
    /// The engine that runs what is compiled here.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
    /// Compiles an upload in a process of its own, or takes it from the cache. Blocks, for up to a minute or more.
    pub(crate) fn compile(&self, bytes: &[u8]) -> Result<Compiled, CompileError> {
        if bytes.len() > self.settings.upload_bytes_max {
            return Err(CompileError::TooLarge {
                bytes: bytes.len(),
                bytes_max: self.settings.upload_bytes_max,
            });
        }
        self.cached(bytes, || {
            let _slot = self.slot();
            process::run(&self.settings, bytes)
        })
    }
    /// Compiles one of our own components here: they are part of this program, so there is nothing to guard against.
    pub(crate) fn compile_builtin(&self, bytes: &[u8]) -> Result<Compiled, CompileError> {
        self.cached(bytes, || check_and_compile(&self.engine, bytes))
    }

    fn cached(
        &self,
        bytes: &[u8],
        make: impl FnOnce() -> Result<(World, Vec<u8>), CompileError>,
    ) -> Result<Compiled, CompileError> {
        let digest = Digest::of(bytes);
        let (world, code) = match self.cache.get(digest) {
            Some(found) => found,
            None => {
                let (world, code) = make()?;
                if let Err(e) = self.cache.put(digest, world, &code) {
                    tracing::warn!(%digest, error = %e, "storing compiled plugin failed; it will be compiled again");
                }
                (world, code)
            }
        };
        let component = load(&self.engine, &code)?;
        Ok(Compiled {
            component,
            world,
            digest,
        })
    }

    fn slot(&self) -> Slot<'_> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while *running >= self.settings.compiles_max.max(1) {
            running = self
                .freed
                .wait(running)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Slot(self)
    }
}

/// Makes a component of compiled code.
#[allow(
    unsafe_code,
    reason = "wasmtime cannot check compiled code; this is only called with code that this process has just \
              received from its own compiler, or read from its own cache after checking the MAC that only this host \
              can make"
)]
fn load(engine: &Engine, code: &[u8]) -> Result<Component, CompileError> {
    // SAFETY: see the reason above; nothing that a user sends reaches this function.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
        .map_err(|e| CompileError::Host(format!("loading compiled code: {e:#}")))
}

/// One of the allowed compilations.
struct Slot<'a>(&'a Compiler);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *self
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.freed.notify_one();
    }
}

/// Checks and compiles in this process, for [`run_child`].
pub(crate) fn check_and_compile(
    engine: &Engine,
    bytes: &[u8],
) -> Result<(World, Vec<u8>), CompileError> {
    let checked = check::check(bytes)?;
    let code = engine
        .wasmtime()
        .precompile_component(&checked.component)
        .map_err(|e| CompileError::Rejected(format!("the file is not a valid component: {e:#}")))?;
    Ok((checked.world, code))
}
