//! Who owns a task's number: at most one run at a time, and everything it has left behind.
//!
//! A run takes the lease before it opens its source. Its thread and its commit on the way to the store hold it with it,
//! because both may outlive the run (a guest that is slow to stop, a Kafka that is away). So whatever replaces a task (a
//! restart, a connector deleted and created again, a worker that has its place again) reads stored offsets only when
//! nobody can move them or send any more. It decides nothing about which task is wanted.
//! Invariant: two runs of one number never send or store offsets at a time (promises 1 and 3).

use host_core::error::TaskError;
use host_core::id::TaskId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ownership of a task's number, until the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl From<OwnedSemaphorePermit> for Lease {
    fn from(permit: OwnedSemaphorePermit) -> Self {
        Self {
            _permit: Arc::new(permit),
        }
    }
}

/// The numbers that are taken, of one worker.
#[derive(Debug, Default)]
pub struct Leases {
    places: Mutex<HashMap<TaskId, Arc<Semaphore>>>,
}

impl Leases {
    fn place(&self, id: &TaskId) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds or waits for a place shares it.
        places.retain(|_, place| Arc::strong_count(place) > 1);
        let place = places.entry(id.clone());
        Arc::clone(place.or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
    /// The lease, if nobody has it.
    pub(super) fn try_take(&self, id: &TaskId) -> Option<Lease> {
        self.place(id).try_acquire_owned().ok().map(Lease::from)
    }
    /// Waits for the lease, at most `patience`.
    pub(super) async fn take(&self, id: &TaskId, patience: Duration) -> Result<Lease, TaskError> {
        let taking = tokio::time::timeout(patience, self.place(id).acquire_owned());
        match taking.await {
            Ok(Ok(permit)) => Ok(permit.into()),
            _ => Err(still_stopping(id)),
        }
    }
}

/// Why a run waits, or waited in vain.
pub(super) fn still_stopping(id: &TaskId) -> TaskError {
    let message = format!(
        "starting {id}: an earlier task of this number has not stopped yet (a guest that is slow to end, or a Kafka that \
         does not answer); waiting for it, so that nothing is written twice or out of order"
    );
    TaskError::retry("TASK-STILL-STOPPING", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::id::{ConnectorId, TenantId};

    fn id(task: u32) -> TaskId {
        TaskId {
            connector: ConnectorId::new(TenantId::default(), "c"),
            task,
        }
    }

    #[tokio::test]
    async fn a_number_is_free_when_the_last_part_of_its_run_has_gone() {
        let leases = Leases::default();
        let (run, thread) = {
            let lease = leases.try_take(&id(0)).unwrap();
            (lease.clone(), lease)
        };
        assert!(leases.try_take(&id(1)).is_some(), "another number");
        drop(run);
        assert!(
            leases.try_take(&id(0)).is_none(),
            "its thread is still there"
        );
        let in_vain = leases.take(&id(0), Duration::ZERO).await.unwrap_err();
        assert_eq!(in_vain.code, "TASK-STILL-STOPPING");
        let (zero, patience) = (id(0), Duration::from_secs(5));
        let (mine, (), next) = tokio::join!(
            leases.take(&zero, patience),
            async { drop(thread) },
            async { leases.try_take(&zero) }
        );
        assert!(mine.is_ok() && next.is_none(), "whoever waits is first");
        drop(mine);
        drop(leases.try_take(&id(0)).unwrap());
        leases.place(&id(7));
        assert_eq!(leases.places.lock().unwrap().len(), 1, "nothing is kept");
    }
}
