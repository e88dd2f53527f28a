//! The one wasmtime engine of the process and its clock.
//!
//! It fixes how guests are compiled and interrupted; limits of single instances are set in `instance`. Memories are
//! allocated on demand and not from a pool: an instance lives as long as its task, so instantiation (20 µs) is rare; a
//! pool would save 3 µs of it, and cost a fixed number of slots, address space for all of them at start, and memory
//! that passes from one tenant to the next.
//! Invariant: the settings are the same in the process that compiles and in the one that runs (both use [`config`]),
//! and nothing here enables WASI, threads, async or the garbage collector.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;
use wasmtime::{Config, Strategy, WasmBacktraceDetails};

/// One tick of the clock at which calls are looked at: a call may overrun its deadline by this much.
pub const EPOCH_TICK_MS: u64 = 10;
/// Stack of a guest: 512 KiB does for Rust and C; the JavaScript and Python engines were measured with 1 MiB. Threads
/// that call plugins need at least twice this.
pub const WASM_STACK_BYTES: usize = 1024 * 1024;

/// A handle on the engine; clones share it. The clock stops when the last one is gone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
#[error("starting the webassembly engine: {0}")]
pub struct EngineError(String);

impl Engine {
    /// Starts the engine and the thread of its clock.
    pub fn new() -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(&config()).map_err(|e| EngineError(format!("{e:#}")))?;
        let weak = inner.weak();
        std::thread::Builder::new()
            .name("plugin-clock".into())
            .spawn(move || {
                while let Some(engine) = weak.upgrade() {
                    engine.increment_epoch();
                    drop(engine);
                    std::thread::sleep(Duration::from_millis(EPOCH_TICK_MS));
                }
            })
            .map_err(|e| EngineError(format!("starting its clock: {e}")))?;
        Ok(Self { inner })
    }
    /// An engine without a clock, for a process that only compiles.
    pub(crate) fn for_compiling() -> Result<Self, EngineError> {
        let inner = wasmtime::Engine::new(&config()).map_err(|e| EngineError(format!("{e:#}")))?;
        Ok(Self { inner })
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
