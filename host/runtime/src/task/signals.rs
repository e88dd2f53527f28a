//! How a task's parts wake each other.
//!
//! Flags and notifications only; what they mean is decided where they are seen. Invariant: a stop that has been asked
//! for is never taken back within a run.

use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// Wake-ups of one run.
#[derive(Debug, Default)]
pub(super) struct Signals {
    stop: AtomicBool,
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
