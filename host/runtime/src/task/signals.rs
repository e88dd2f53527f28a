//! How a task's parts wake each other.
//!
//! Flags and notifications only; what they mean is decided where they are seen. Invariant: a stop that has been asked
//! for is never taken back within a run.

use host_wasm::{CpuShare, Pace};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Wake-ups of one run.
#[derive(Debug, Default)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    abandoned: AtomicBool,
    /// The run has failed.
    pub(super) failed: Notify,
    /// Kafka has refused records.
    pub(super) rejected: Notify,
}

impl Signals {
    /// Asks the thread to finish the batch in hand and leave.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
    /// Whether it has been asked.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
    /// The pace of this run's guests: a tenant's share, not waited for once a stop has been asked for.
    pub(super) fn pace(&self, share: &Arc<CpuShare>) -> Pace {
        Pace {
            share: Arc::clone(share),
            stop: Arc::clone(&self.stop),
        }
    }
    /// The next run begins without the thread having left: whatever it still holds must not be sent, because the next run
    /// reads it again and may be further by then.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }
    /// Whether it has been given up.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }
}
