//! The one wasmtime engine of the process.
//!
//! It fixes how guests are compiled and interrupted; limits of single instances are set in `instance`. Memories are
//! allocated on demand and not from a pool: an instance lives as long as its task, so instantiation (20 µs) is rare; a
//! pool would save 3 µs of it, and cost a fixed number of slots, address space for all of them at start, and memory
//! that passes from one tenant to the next.
//! Invariant: the settings are the same in the process that compiles and in the one that runs (both use [`config`]),
//! and nothing here enables WASI, threads, async or the garbage collector.

use crate::clock::Clock;
use std::hash::{DefaultHasher, Hash, Hasher};
use wasmtime::{Config, Strategy, WasmBacktraceDetails};

/// Stack of a guest: 512 KiB does for Rust and C; the JavaScript and Python engines were measured with 1 MiB. Threads
/// that call plugins need at least twice this.
pub const WASM_STACK_BYTES: usize = 1024 * 1024;

/// A handle on the engine; clones share it. The clock stops when the last one is gone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    /// None in a process that only compiles.
    clock: Option<Clock>,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
#[error("starting the webassembly engine: {0}")]
pub struct EngineError(String);

impl Engine {
    /// Starts the engine and the thread of its clock.
    pub fn new() -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(&config()).map_err(|e| EngineError(format!("{e:#}")))?;
        let clock = Clock::start(inner.weak())
            .map_err(|e| EngineError(format!("starting its clock: {e}")))?;
        Ok(Self {
            inner,
            clock: Some(clock),
        })
    }
    /// An engine without a clock, for a process that only compiles.
    pub(crate) fn for_compiling() -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(&config()).map_err(|e| EngineError(format!("{e:#}")))?;
        Ok(Self { inner, clock: None })
    }
    pub(crate) fn clock(&self) -> Option<Clock> {
        self.clock.clone()
    }
    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }
    /// Identifies version and settings; compiled code of another one cannot run here.
    pub(crate) fn compatibility(&self) -> u64 {
        let mut h = DefaultHasher::new();
        self.inner.precompile_compatibility_hash().hash(&mut h);
        h.finish()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// The settings, each with its reason.
pub(crate) fn config() -> Config {
    let mut c = Config::new();
    c.strategy(Strategy::Cranelift); // Winch had several advisories in 2026
    c.wasm_component_model(true);
    c.epoch_interruption(true); // bounds CPU time (`cpu`); costs 8–19 % (measured), fuel costs as much
    c.consume_fuel(false);
    c.max_wasm_stack(WASM_STACK_BYTES);
    c.cranelift_nan_canonicalization(true); // a replay gives the same bytes on every CPU
    c.wasm_backtrace_details(WasmBacktraceDetails::Disable); // hostile DWARF is not parsed; names suffice
    // Proposals that guests of ours do not need, and that widen what an attacker can reach.
    c.wasm_memory64(false);
    c.wasm_multi_memory(false);
    c.wasm_relaxed_simd(false);
    c.wasm_tail_call(false);
    c
}
