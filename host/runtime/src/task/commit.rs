//! Storing a run's offsets, one commit at a time.
//!
//! A commit that takes long is not given up but waited for later: were it forgotten, it could become durable behind the
//! back of a later, older one. It decides nothing about when to commit.
//! A commit on its way keeps the task's lease, so that no later run begins before it is stored or given up.
//! Invariant: commits of a run are stored in order, and none is started before the one before it has an answer, so that
//! stored offsets never move back (promise 1).

use super::lease::Lease;
use crate::store::OffsetStore;
use host_core::error::TaskError;
use host_core::failpoint;
use host_core::id::ConnectorId;
use host_core::offset::{Offset, SourcePartition};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Partitions with their newest offsets.
pub(super) type Entries = Vec<(SourcePartition, Offset)>;

struct Storing {
    entries: Entries,
    began: Instant,
    answer: JoinHandle<Result<(), TaskError>>,
}

/// Offsets on their way to the store.
pub(super) struct Committer {
    store: Arc<OffsetStore>,
    id: ConnectorId,
    lease: Lease,
    waiting: Entries,
    storing: Option<Storing>,
}

impl Committer {
    pub(super) fn new(store: Arc<OffsetStore>, id: ConnectorId, lease: Lease) -> Self {
        Self {
            store,
            id,
            lease,
            waiting: Vec::new(),
            storing: None,
        }
    }
    /// Adds offsets; the newest of each partition counts.
    pub(super) fn add(&mut self, offsets: Entries) {
        for (partition, offset) in offsets {
            match self.waiting.iter_mut().find(|(p, _)| *p == partition) {
                Some(entry) => entry.1 = offset,
                None => self.waiting.push((partition, offset)),
            }
        }
    }
    /// Stores what waits, for at most `patience`: what has been stored, and how long that took. An error is to be tried
    /// again later; nothing is lost by it.
    pub(super) async fn store(
        &mut self,
        patience: Duration,
    ) -> Result<Option<(Entries, Duration)>, TaskError> {
        let deadline = tokio::time::Instant::now() + patience;
        let mut stored = None;
        loop {
            let mut storing = match self.storing.take() {
                Some(storing) => storing,
                None if self.waiting.is_empty() => return Ok(stored),
                None => self.start(),
            };
            let Ok(answer) = tokio::time::timeout_at(deadline, &mut storing.answer).await else {
                self.storing = Some(storing);
                let message = "storing offsets: it takes longer than offset.flush.timeout.ms; still waiting for the answer";
                return Err(TaskError::retry("OFFSETS-SLOW", message));
            };
            match answer {
                Ok(Ok(())) => {
                    failpoint::hit("after_offset_commit");
                    stored = Some((storing.entries, storing.began.elapsed()));
                }
                Ok(Err(e)) => {
                    self.put_back(storing.entries);
                    return Err(e);
                }
                Err(e) => {
                    self.put_back(storing.entries);
                    return Err(TaskError::fail("BUG", format!("storing offsets: {e}")));
                }
            }
        }
    }
    fn start(&mut self) -> Storing {
        failpoint::hit("before_offset_commit");
        let entries = std::mem::take(&mut self.waiting);
        let (store, id, lease) = (Arc::clone(&self.store), self.id.clone(), self.lease.clone());
        let writes: Vec<_> = entries.iter().cloned().map(|(p, o)| (p, Some(o))).collect();
        Storing {
            entries,
            began: Instant::now(),
            answer: tokio::spawn(async move {
                let answer = store.commit(&id, &writes).await;
                drop(lease);
                answer
            }),
        }
    }
    /// Offsets that came meanwhile are newer than those that failed.
    fn put_back(&mut self, failed: Entries) {
        let newer = std::mem::replace(&mut self.waiting, failed);
        self.add(newer);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lease::Leases;
    use super::*;
    use crate::store::{KeyEntry, KeyLog, KeyValues};
    use futures_util::future::BoxFuture;
    use host_core::id::{TaskId, TenantId};
    use host_core::offset::JsonMap;
    use std::sync::Mutex;
    use tokio::sync::Semaphore;

    /// A log whose writes are let through, and may fail, one by one.
    struct Gate {
        through: Semaphore,
        fail: Mutex<bool>,
        written: Mutex<Vec<String>>,
    }

    impl KeyLog for Arc<Gate> {
        fn open(&self) -> BoxFuture<'_, Result<(), TaskError>> {
            Box::pin(async { Ok(()) })
        }
        fn read(&self) -> BoxFuture<'_, Result<KeyValues, TaskError>> {
            Box::pin(async { Ok(Vec::new()) })
        }
        fn write(&self, entries: Vec<KeyEntry>) -> BoxFuture<'_, Result<(), TaskError>> {
            Box::pin(async move {
                self.through.acquire().await.unwrap().forget();
                if std::mem::take(&mut *self.fail.lock().unwrap()) {
                    return Err(TaskError::retry("TEST", "writing: no"));
                }
                let values = entries
                    .into_iter()
                    .map(|(_, v)| String::from_utf8(v.unwrap()).unwrap());
                self.written.lock().unwrap().extend(values);
                Ok(())
            })
        }
    }

    fn at(n: u64) -> Entries {
        let mut o = JsonMap::new();
        o.insert("at".into(), n.into());
        vec![(SourcePartition(JsonMap::new()), Offset(o))]
    }

    #[tokio::test]
    async fn a_slow_commit_is_waited_for_and_a_failed_one_repeated() {
        let gate = Arc::new(Gate {
            through: Semaphore::new(0),
            fail: Mutex::new(false),
            written: Mutex::default(),
        });
        let store = OffsetStore::open(Box::new(Arc::clone(&gate)))
            .await
            .unwrap();
        let task = TaskId {
            connector: ConnectorId::new(TenantId::default(), "c"),
            task: 0,
        };
        let leases = Leases::default();
        let lease = leases.try_take(&task).unwrap();
        let mut c = Committer::new(Arc::new(store), task.connector.clone(), lease);
        c.add(at(1));
        assert_eq!(
            c.store(Duration::ZERO).await.unwrap_err().code,
            "OFFSETS-SLOW"
        );
        c.add(at(2));
        c.add(at(3));
        assert_eq!(
            c.store(Duration::ZERO).await.unwrap_err().code,
            "OFFSETS-SLOW",
            "the first is still on its way"
        );
        gate.through.add_permits(2);
        let patience = Duration::from_secs(5);
        assert_eq!(
            c.store(patience).await.unwrap().map(|(e, _)| e),
            Some(at(3))
        );
        assert_eq!(*gate.written.lock().unwrap(), ["{\"at\":1}", "{\"at\":3}"]);
        *gate.fail.lock().unwrap() = true;
        gate.through.add_permits(2);
        c.add(at(4));
        assert_eq!(c.store(patience).await.unwrap_err().code, "TEST");
        assert_eq!(
            c.store(patience).await.unwrap().map(|(e, _)| e),
            Some(at(4))
        );
        assert_eq!(c.store(patience).await, Ok(None));
        // A run that leaves a commit behind leaves its lease with it.
        c.add(at(5));
        assert!(c.store(Duration::ZERO).await.is_err());
        drop(c);
        assert!(leases.try_take(&task).is_none());
        gate.through.add_permits(1);
        leases.take(&task, patience).await.unwrap();
        assert_eq!(gate.written.lock().unwrap().last().unwrap(), "{\"at\":5}");
    }
}
