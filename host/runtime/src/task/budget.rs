//! Room between a source and its task's thread, in bytes and rows.
//!
//! A batch takes room before it enters the channel and gives it back when the thread is done with it; a full channel
//! stops the source. Invariant: what is queued is at most the budget, or one batch if that alone is larger.

use host_core::batch::Batch;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that may be queued between a source and its thread: some of the source's batches of about a MiB, so that a short
/// stop of either side does not stop the other.
pub(super) const QUEUE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Rows that may be queued between a source and its thread.
pub(super) const QUEUE_ROWS_MAX: u32 = 65_536;
/// Batches that may be queued.
pub(super) const QUEUE_BATCHES_MAX: usize = 64;
const KIB: usize = 1024;

/// Room of one task.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    kbytes: Arc<Semaphore>,
    rows: Arc<Semaphore>,
}

/// Room taken by a batch, given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    _kbytes: OwnedSemaphorePermit,
    _rows: OwnedSemaphorePermit,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            kbytes: Arc::new(Semaphore::new(QUEUE_BYTES_MAX / KIB)),
            rows: Arc::new(Semaphore::new(QUEUE_ROWS_MAX as usize)),
        }
    }
}

impl Budget {
    /// Waits for room for a batch; `None` when the task is over.
    pub(super) async fn take(&self, batch: &Batch) -> Option<Room> {
        let kbytes = (batch.weight_bytes() / KIB + 1).min(QUEUE_BYTES_MAX / KIB);
        let rows = batch.source_records().clamp(1, QUEUE_ROWS_MAX);
        Some(Room {
            _kbytes: Arc::clone(&self.kbytes)
                .acquire_many_owned(kbytes as u32)
                .await
                .ok()?,
            _rows: Arc::clone(&self.rows).acquire_many_owned(rows).await.ok()?,
        })
    }
}
