//! One life of an open source: from the stored offset until it ends, fails, or is told to stop.
//!
//! It begins when it owns its task's number (`lease`). The source is read on tokio; batches cross one bounded channel to
//! the task's thread. Offsets are committed at intervals and at the end. Invariant: a source hears of an offset only
//! between two reads, and only of one that the offset store has acknowledged.

use super::budget::{Budget, QUEUE_BATCHES_MAX};
use super::commit::{Committer, Entries};
use super::lease::{Lease, still_stopping};
use super::producer::{Deliveries, Producer};
use super::signals::Signals;
use super::thread::{Pipeline, Swap, THREAD_STACK_BYTES, Work};
use super::{Request, TaskSpec};
use crate::chain::Chain;
use crate::herder::entity::State;
use crate::metrics::TaskMetrics;
use crate::topic_creation::TopicGate;
use host_core::config::Config;
use host_core::error::TaskError;
use host_core::metrics::SourceMetrics;
use host_core::schema::SharedSchemas;
use host_core::source::{Source, TaskContext};
use host_wasm::Pace;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// Without an acknowledgement for this long, while records are outstanding, the task is not shown as RUNNING.
const STALLED_AFTER: Duration = Duration::from_secs(10);
/// How long a run waits for the one before it; then it has failed and is tried again.
const LEASE_WAIT_TIMEOUT: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_secs(1);

/// How a run ended.
pub(super) enum Ended {
    /// It was told to.
    Stopped,
    /// The source has no more records, and all are stored.
    Finished,
    /// An error ended it.
    Failed(TaskError),
}

/// One run.
pub(super) struct Run<'a> {
    spec: &'a mut TaskSpec,
    inbox: &'a mut mpsc::Receiver<Request>,
    metrics: Arc<TaskMetrics>,
    schemas: SharedSchemas,
    signals: Arc<Signals>,
    swap: Arc<Mutex<Option<Swap>>>,
    committer: Committer,
    lease: Lease,
    stalled: bool,
}

impl Drop for Run<'_> {
    /// A run that is cut off takes its thread with it; one that has ended has none any more.
    fn drop(&mut self) {
        self.signals.stop();
        self.signals.abandon();
    }
}

/// Waits for the ownership of the task's number, or for a stop; shown as UNASSIGNED meanwhile.
pub(super) async fn own(
    spec: &TaskSpec,
    inbox: &mut mpsc::Receiver<Request>,
) -> Result<Lease, Ended> {
    if let Some(lease) = spec.leases.try_take(&spec.id) {
        return Ok(lease);
    }
    let why = still_stopping(&spec.id);
    tracing::warn!(task = %spec.id, "{why}");
    spec.show(State::Unassigned, Some(why.to_string()));
    tokio::select! {
        taken = spec.leases.take(&spec.id, LEASE_WAIT_TIMEOUT) => taken.map_err(Ended::Failed),
        ended = stop(inbox) => Err(ended),
    }
}

type Joined = (Pipeline, Result<(), TaskError>);

impl<'a> Run<'a> {
    pub(super) fn new(
        spec: &'a mut TaskSpec,
        inbox: &'a mut mpsc::Receiver<Request>,
        metrics: Arc<TaskMetrics>,
        lease: Lease,
    ) -> Self {
        let (offsets, of) = (Arc::clone(&spec.offsets), spec.id.connector.clone());
        let committer = Committer::new(offsets, of, lease.clone());
        Self {
            spec,
            inbox,
            metrics,
            schemas: SharedSchemas::default(),
            signals: Arc::default(),
            swap: Arc::default(),
            committer,
            lease,
            stalled: false,
        }
    }

    /// Lives it. `progressed` is set when an offset has been stored.
    pub(super) async fn live(mut self, progressed: &mut bool) -> Ended {
        let pace = self.signals.pace(&self.spec.meter.cpu);
        let opened = tokio::select! {
            opened = open(self.spec, &self.schemas, pace) => opened,
            ended = stop(self.inbox) => {
                // What is being built may be waiting for its share.
                self.signals.stop();
                return ended;
            }
        };
        let (chain, source) = match opened {
            Ok(opened) => opened,
            Err(e) => return Ended::Failed(e),
        };
        let deliveries = Arc::new(Deliveries::new(Arc::clone(&self.signals)));
        let producer = match Producer::new(&self.spec.producer, Arc::clone(&deliveries)) {
            Ok(producer) => producer,
            Err(e) => return Ended::Failed(e),
        };
        let (to_thread, work) = mpsc::channel(QUEUE_BATCHES_MAX);
        let thread = match self.spawn(chain, producer, work) {
            Ok(thread) => thread,
            Err(e) => return Ended::Failed(e),
        };
        self.spec.show(State::Running, None);
        self.metrics.running(true);
        self.attend(source, to_thread, thread, &deliveries, progressed)
            .await
    }

    fn spawn(
        &self,
        chain: Chain,
        producer: Producer,
        work: mpsc::Receiver<Work>,
    ) -> Result<oneshot::Receiver<Joined>, TaskError> {
        let spec = &self.spec;
        let pipeline = Pipeline {
            id: spec.id.clone(),
            chain: Box::new(chain),
            producer,
            props: spec.producer.clone(),
            gate: TopicGate::new(
                spec.topics.clone(),
                Arc::clone(&spec.access),
                spec.rules.clone(),
            ),
            statuses: Arc::clone(&spec.statuses),
            meter: Arc::clone(&spec.meter),
            metrics: Arc::clone(&self.metrics),
            signals: Arc::clone(&self.signals),
            swap: Arc::clone(&self.swap),
            runtime: tokio::runtime::Handle::current(),
            shown: Instant::now(),
            used: HashSet::new(),
            _lease: self.lease.clone(),
        };
        let (tell, told) = oneshot::channel();
        std::thread::Builder::new()
            .name(format!("task-{}", spec.id.task))
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || drop(tell.send(pipeline.run(work))))
            .map_err(|e| {
                TaskError::retry(
                    "HOST-THREADS",
                    format!("starting the thread of {}: {e}", spec.id),
                )
            })?;
        Ok(told)
    }

    /// Watches over reader, thread and requests until one of them ends the run.
    async fn attend(
        &mut self,
        source: Box<dyn Source>,
        to_thread: mpsc::Sender<Work>,
        mut thread: oneshot::Receiver<Joined>,
        deliveries: &Arc<Deliveries>,
        progressed: &mut bool,
    ) -> Ended {
        let (committed, stored) = watch::channel(Vec::new());
        let mut reader = Box::pin(read(source, to_thread.clone(), stored));
        let mut flush = tokio::time::interval(
            self.spec
                .timing
                .flush_interval
                .max(Duration::from_millis(10)),
        );
        flush.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut tick = tokio::time::interval(TICK);
        let ended = loop {
            tokio::select! {
                biased;
                request = self.inbox.recv() => match request {
                    Some(Request::Swap { connector, done }) => self.begin_swap(*connector, done, &to_thread).await,
                    Some(Request::Stop) | None => break Ended::Stopped,
                },
                () = self.signals.failed.notified() => {
                    if let Some(e) = deliveries.failure() {
                        break Ended::Failed(e);
                    }
                }
                () = self.signals.rejected.notified() => wake(&to_thread),
                joined = &mut thread => {
                    // The thread leaves by itself only with an error: the channel is still open.
                    break match joined {
                        Ok((pipeline, Err(e))) => {
                            let graceful = self.spec.timing.graceful;
                            self.flush(pipeline, Ended::Failed(e), graceful).await
                        }
                        Ok((_, Ok(()))) => Ended::Failed(TaskError::fail("BUG", "the task's thread has left")),
                        Err(_) => Ended::Failed(TaskError::fail("BUG", "the task's thread has panicked; see the log")),
                    };
                }
                _ = flush.tick() => {
                    let patience = self.spec.timing.flush_timeout;
                    self.commit(deliveries, &committed, progressed, patience).await;
                }
                _ = tick.tick() => self.watch(deliveries),
                read = &mut reader => break match read {
                    Ok(()) => Ended::Finished,
                    Err(e) => Ended::Failed(e),
                },
            }
        };
        // The source goes first; what it has not handed over is read again.
        drop(reader);
        self.close(ended, to_thread, thread, deliveries, &committed, progressed)
            .await
    }

    /// The end of a run: let the thread finish, flush, and commit the prefix.
    async fn close(
        &mut self,
        ended: Ended,
        to_thread: mpsc::Sender<Work>,
        mut thread: oneshot::Receiver<Joined>,
        deliveries: &Arc<Deliveries>,
        committed: &watch::Sender<Entries>,
        progressed: &mut bool,
    ) -> Ended {
        drop(to_thread);
        let mut ended = ended;
        let graceful = self.spec.timing.graceful;
        if !matches!(ended, Ended::Finished) {
            self.signals.stop();
        }
        let joined = if thread.is_terminated() {
            None
        } else if matches!(ended, Ended::Finished) {
            // All that was read is to be delivered, however long that takes, unless a stop comes.
            tokio::select! {
                joined = &mut thread => joined.ok(),
                stopped = stop(self.inbox) => {
                    self.signals.stop();
                    ended = stopped;
                    tokio::time::timeout(graceful, &mut thread).await.ok().and_then(Result::ok)
                }
            }
        } else {
            tokio::time::timeout(graceful, &mut thread)
                .await
                .ok()
                .and_then(Result::ok)
        };
        if joined.is_none() {
            self.signals.abandon();
        }
        if let Some((pipeline, result)) = joined {
            if let Err(e) = result
                && !matches!(ended, Ended::Failed(_))
            {
                ended = Ended::Failed(e);
            }
            self.metrics.plugins(pipeline.chain.stats());
            ended = self.flush(pipeline, ended, graceful).await;
        } else if !matches!(ended, Ended::Failed(_)) {
            tracing::warn!(task = %self.spec.id, "the task's thread did not finish in time; its batch will be read again");
        }
        // The next run begins at the stored offset: where the answer takes longer, the commit keeps the lease until then.
        let patience = self.spec.timing.flush_timeout;
        self.commit(deliveries, committed, progressed, patience)
            .await;
        ended
    }

    async fn flush(&mut self, mut pipeline: Pipeline, ended: Ended, graceful: Duration) -> Ended {
        let deadline = match ended {
            // Records before the one at fault are delivered, as Connect does.
            Ended::Failed(_) | Ended::Stopped => Some(Instant::now() + graceful),
            Ended::Finished => None,
        };
        let task = self.spec.id.clone();
        let mut flushing = tokio::task::spawn_blocking(move || pipeline.finish(deadline));
        let (done, ended) = tokio::select! {
            done = &mut flushing => (done, ended),
            stopped = stop(self.inbox), if deadline.is_none() => {
                self.signals.stop();
                (flushing.await, stopped)
            }
        };
        match done {
            Ok(Ok(true)) => ended,
            Ok(Ok(false)) => {
                tracing::warn!(%task, "left without all acknowledgements; those records will be sent again");
                ended
            }
            Ok(Err(e)) if matches!(ended, Ended::Finished) => Ended::Failed(e),
            Ok(Err(e)) => {
                tracing::warn!(%task, "stopping: {e}");
                ended
            }
            Err(e) => Ended::Failed(TaskError::fail(
                "BUG",
                format!("the task's last flush has panicked: {e}"),
            )),
        }
    }

    /// Stores what has been acknowledged, for at most `patience`; the source hears of it with its next read.
    async fn commit(
        &mut self,
        deliveries: &Deliveries,
        committed: &watch::Sender<Entries>,
        progressed: &mut bool,
        patience: Duration,
    ) {
        self.committer
            .add(deliveries.inflight(|f| f.take_committable()));
        match self.committer.store(patience).await {
            Ok(Some((stored, took))) => {
                *progressed = true;
                self.metrics.committed(took);
                committed.send_replace(stored);
            }
            Ok(None) => {}
            Err(e) => tracing::warn!(task = %self.spec.id, "will try again: {e}"),
        }
    }

    /// Shows a task without progress as such, and as RUNNING again when acknowledgements come.
    fn watch(&mut self, deliveries: &Deliveries) {
        self.metrics.inflight_bytes(deliveries.inflight_bytes());
        let stalled_for = deliveries.stalled_for();
        if stalled_for > STALLED_AFTER && !self.stalled {
            self.stalled = true;
            let trace = format!(
                "KAFKA-NO-PROGRESS: sending to Kafka: no acknowledgement for {} s ({}); records are kept and sent when \
                 the brokers answer; check that they are up and reachable",
                stalled_for.as_secs(),
                deliveries
                    .last_error
                    .get()
                    .unwrap_or_else(|| "no error reported".to_owned())
            );
            self.spec.show(State::Restarting, Some(trace));
            self.metrics.running(false);
        } else if stalled_for < STALLED_AFTER && self.stalled {
            self.stalled = false;
            self.spec.show(State::Running, None);
            self.metrics.running(true);
        }
    }

    /// Makes the new chain beside the old one, so that only the exchange itself holds records up.
    async fn begin_swap(
        &mut self,
        connector: Config,
        done: oneshot::Sender<Result<Duration, TaskError>>,
        to_thread: &mpsc::Sender<Work>,
    ) {
        let (builder, schemas, config) = (
            self.spec.builder.clone(),
            self.schemas.clone(),
            connector.clone(),
        );
        let pace = self.signals.pace(&self.spec.meter.cpu);
        let built =
            tokio::task::spawn_blocking(move || builder.build(&config, &schemas, &pace)).await;
        let chain = match built {
            Ok(Ok(chain)) => chain,
            Ok(Err(e)) => return drop(done.send(Err(e))),
            Err(e) => {
                return drop(done.send(Err(TaskError::fail(
                    "BUG",
                    format!("starting a chain: {e}"),
                ))));
            }
        };
        self.spec.connector = connector;
        let (tell, told) = oneshot::channel();
        let swap = Swap {
            chain: Box::new(chain),
            asked: Instant::now(),
            done: tell,
        };
        *self.swap.lock().unwrap_or_else(PoisonError::into_inner) = Some(swap);
        wake(to_thread);
        tokio::spawn(async move {
            let gone = |_| {
                TaskError::retry(
                    "TASK-RESTARTED",
                    "exchanging transforms: the task has started anew with them",
                )
            };
            drop(done.send(told.await.map_err(gone)));
        });
    }
}

/// Wakes an idle thread; a busy one looks by itself after its batch.
fn wake(to_thread: &mpsc::Sender<Work>) {
    // A full channel means that the thread is about to look anyway.
    drop(to_thread.try_send(Work::Wake));
}

/// Waits for a stop. A swap meanwhile is answered with a restart: the chain is being made or is going.
async fn stop(inbox: &mut mpsc::Receiver<Request>) -> Ended {
    loop {
        match inbox.recv().await {
            Some(Request::Swap { done, .. }) => {
                let e = TaskError::retry(
                    "TASK-RESTARTED",
                    "exchanging transforms: the task is starting; it is restarted",
                );
                drop(done.send(Err(e)));
            }
            Some(Request::Stop) | None => return Ended::Stopped,
        }
    }
}

async fn open(
    spec: &TaskSpec,
    schemas: &SharedSchemas,
    pace: Pace,
) -> Result<(Chain, Box<dyn Source>), TaskError> {
    let (builder, own, config) = (
        spec.builder.clone(),
        schemas.clone(),
        spec.connector.clone(),
    );
    let chain = tokio::task::spawn_blocking(move || builder.build(&config, &own, &pace))
        .await
        .map_err(|e| TaskError::fail("BUG", format!("starting a chain: {e}")))??;
    let numbers = Arc::new(SourceMetrics::default());
    spec.metrics.show_source(&spec.id, &numbers);
    let context = TaskContext {
        id: spec.id.clone(),
        offsets: spec.offsets.get(&spec.id.connector),
        schemas: schemas.clone(),
        logs: Arc::clone(&spec.logs),
        access: Arc::clone(&spec.access),
        metrics: numbers,
    };
    let source = spec.kind.open(context, spec.config.clone()).await?;
    Ok((chain, source))
}

/// Reads the source to its end, into the channel.
async fn read(
    mut source: Box<dyn Source>,
    to_thread: mpsc::Sender<Work>,
    mut stored: watch::Receiver<Entries>,
) -> Result<(), TaskError> {
    let budget = Budget::default();
    loop {
        if stored.has_changed().unwrap_or(false) {
            let offsets = stored.borrow_and_update().clone();
            for (_, offset) in offsets {
                source.committed(&offset).await?;
            }
        }
        let Some(batch) = source.next_batch().await? else {
            return Ok(());
        };
        let Some(room) = budget.take(&batch).await else {
            return Ok(());
        };
        if to_thread
            .send(Work::Batch(Box::new(batch), room))
            .await
            .is_err()
        {
            // The thread has gone; whoever watches it knows why.
            std::future::pending::<()>().await;
        }
    }
}
