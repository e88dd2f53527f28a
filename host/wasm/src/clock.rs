//! The clock at whose ticks calls are looked at.
//!
//! It advances the engine's epoch; what a call does at a tick is `cpu`'s. Ticks come often enough for deadlines, and
//! soon after they have been asked for: a guest whose tenant has used up its share must not keep a core from others for
//! long, and a clock that always ticked so fast would cost every idle host two percent of a core.
//! Invariant: a tick comes within [`EPOCH_TICK_MS`], and within [`SHORT_TICK`] of being asked for, as far as threads are
//! scheduled in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, Thread};
use std::time::Duration;
use wasmtime::EngineWeak;

/// Longest time between two ticks: a call may overrun its deadline by this much.
pub const EPOCH_TICK_MS: u64 = 10;
/// Time to a tick that was asked for.
pub(crate) const SHORT_TICK: Duration = Duration::from_millis(1);

/// A handle on the clock, to ask it for ticks.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    soon: Arc<AtomicBool>,
    thread: Thread,
}

impl Clock {
    /// Starts the clock of an engine; it stops with the engine.
    pub(crate) fn start(engine: EngineWeak) -> std::io::Result<Self> {
        let soon = Arc::<AtomicBool>::default();
        let asked = Arc::clone(&soon);
        let run = move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::park_timeout(Duration::from_millis(EPOCH_TICK_MS));
                if asked.swap(false, Ordering::Acquire) {
                    std::thread::sleep(SHORT_TICK);
                }
            }
        };
        let thread = Builder::new().name("plugin-clock".into()).spawn(run)?;
        Ok(Self {
            soon,
            thread: thread.thread().clone(),
        })
    }
    /// Asks for a tick within [`SHORT_TICK`].
    pub(crate) fn tick_soon(&self) {
        // Who finds it set knows that another has woken the clock.
        if !self.soon.swap(true, Ordering::Release) {
            self.thread.unpark();
        }
    }
    #[cfg(test)]
    pub(crate) fn has_been_asked(&self) -> bool {
        self.soon.load(Ordering::Relaxed)
    }
    /// A clock that does not run.
    #[cfg(test)]
    pub(crate) fn stopped() -> Self {
        Self {
            soon: Arc::default(),
            thread: std::thread::current(),
        }
    }
}
