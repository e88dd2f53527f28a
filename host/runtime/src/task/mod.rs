//! One task: reads its source, runs its chain, sends, and stores offsets; again and again until it is told to stop.
//!
//! [`Task`] is an actor: it starts runs, backs off after what may heal, and reports its state. A run (`run`) is one life
//! of an open source. It decides nothing about other tasks and writes no configuration.
//! Invariant: whatever ends a run, the next one begins at the stored offset, which is not ahead of what Kafka
//! acknowledged (promises 1 and 2), and the state shown is RUNNING only while that is so (promise 8).

mod budget;
mod commit;
mod lease;
mod producer;
mod run;
mod signals;
mod thread;

pub use lease::Leases;
pub use producer::{QUEUE_KBYTES_MAX, default_props};

use crate::chain::ChainBuilder;
use crate::herder::entity::State;
use crate::kafka::{ClientProps, Topics};
use crate::metrics::Metrics;
use crate::store::{OffsetStore, StatusStore};
use crate::tenant::Meter;
use crate::topic_creation::CreationRules;
use host_core::access::Access;
use host_core::config::Config;
use host_core::error::{Disposition, TaskError};
use host_core::id::TaskId;
use host_core::log::LogProvider;
use host_core::source::SourceKind;
use run::{Ended, Run, own};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Requests that may wait for a task.
const REQUESTS_MAX: usize = 8;
/// First wait before a new try.
const BACKOFF_FIRST: Duration = Duration::from_millis(300);
/// A run that has lived this long, and made progress, begins counting its tries anew.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// What a task's end may take beyond the worker's time-outs: making a chain that was asked for before the stop.
const STOP_SLACK: Duration = Duration::from_secs(30);

/// Times that bound a task, from the worker's configuration.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// `offset.flush.interval.ms`.
    pub flush_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub flush_timeout: Duration,
    /// `task.shutdown.graceful.timeout.ms`.
    pub graceful: Duration,
}

impl Timing {
    /// Longest that a task takes to stop: a commit in hand, its thread, its last records, the last commit.
    fn stop_timeout(&self) -> Duration {
        self.flush_timeout
            .saturating_add(self.graceful)
            .saturating_mul(2)
            .saturating_add(STOP_SLACK)
    }
}

/// All that a task is made from.
pub struct TaskSpec {
    /// Which task.
    pub id: TaskId,
    /// What opens its source.
    pub kind: Arc<dyn SourceKind>,
    /// Its own configuration.
    pub config: Config,
    /// Its connector's configuration, for chain and policy.
    pub connector: Config,
    /// Makes its chain.
    pub builder: ChainBuilder,
    /// Properties of its producer.
    pub producer: ClientProps,
    /// Asks about and makes topics.
    pub topics: Topics,
    /// How missing topics are made.
    pub rules: CreationRules,
    /// What its tenant may reach.
    pub access: Arc<Access>,
    /// Opens its schema history.
    pub logs: Arc<dyn LogProvider>,
    /// Where offsets are stored.
    pub offsets: Arc<OffsetStore>,
    /// Where status is shown.
    pub statuses: Arc<StatusStore>,
    /// The tenant's counters.
    pub meter: Arc<Meter>,
    /// The worker's metrics.
    pub metrics: Arc<Metrics>,
    /// Times that bound it.
    pub timing: Timing,
    /// Who owns which task's number.
    pub leases: Arc<Leases>,
    /// Counts changes of what runs where.
    pub generation: u64,
}

impl TaskSpec {
    fn show(&self, state: State, trace: Option<String>) {
        let version = Some(self.kind.version().to_owned());
        self.statuses
            .set_task(&self.id, state, trace, self.generation, version);
    }
}

pub(crate) enum Request {
    /// Use this connector configuration for chain and policy from the next batch on.
    Swap {
        connector: Box<Config>,
        done: oneshot::Sender<Result<Duration, TaskError>>,
    },
    Stop,
}

/// A running task; dropping it does not stop it.
pub struct Task {
    requests: mpsc::Sender<Request>,
    actor: JoinHandle<()>,
    stop_timeout: Duration,
}

impl Task {
    /// Starts it.
    pub fn start(spec: TaskSpec) -> Self {
        let (requests, inbox) = mpsc::channel(REQUESTS_MAX);
        let stop_timeout = spec.timing.stop_timeout();
        let actor = tokio::spawn(Actor { spec, inbox }.live());
        Self {
            requests,
            actor,
            stop_timeout,
        }
    }
    /// Exchanges transforms, formats and error policy in place; how long records were held up.
    pub async fn swap(&self, connector: Config) -> Result<Duration, TaskError> {
        let (done, told) = oneshot::channel();
        let request = Request::Swap {
            connector: Box::new(connector),
            done,
        };
        let gone = || {
            TaskError::fail(
                "TASK-STOPPED",
                "exchanging transforms: the task has stopped",
            )
        };
        // One that has no room for it has not come to those before it: it is as good as stopped.
        self.requests.try_send(request).map_err(|_| gone())?;
        told.await.map_err(|_| gone())?
    }
    /// Asks it to stop: finish the batch in hand, flush, commit. [`Task::join`] waits for it.
    pub fn stop(&self) {
        // One that has gone needs no asking, and one without room for it sees the end of requests in `join`.
        drop(self.requests.try_send(Request::Stop));
    }
    /// Waits until it has stopped, for a bounded time: one that does not is cut off. What it leaves behind sends and
    /// stores nothing that another task of its number could meet, which waits for its lease.
    pub async fn join(mut self) {
        drop(self.requests);
        match tokio::time::timeout(self.stop_timeout, &mut self.actor).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => tracing::error!("a task has panicked, which is a bug: {e}"),
            Err(_) => {
                let waited = self.stop_timeout;
                tracing::error!(?waited, "a task has not stopped in time and is cut off");
                self.actor.abort();
            }
        }
    }
}

struct Actor {
    spec: TaskSpec,
    inbox: mpsc::Receiver<Request>,
}

/// What a wait between runs ended with.
enum Waited {
    Over,
    Stop,
}

impl Actor {
    async fn live(mut self) {
        let metrics = self.spec.metrics.task(&self.spec.id);
        let mut tries = 0u32;
        loop {
            let (began, mut progressed) = (tokio::time::Instant::now(), false);
            let ended = match own(&self.spec, &mut self.inbox).await {
                Ok(lease) => {
                    Run::new(&mut self.spec, &mut self.inbox, Arc::clone(&metrics), lease)
                        .live(&mut progressed)
                        .await
                }
                Err(ended) => ended,
            };
            metrics.running(false);
            match ended {
                Ended::Stopped => break,
                Ended::Finished => {
                    tracing::info!(task = %self.spec.id, "the source has come to its end");
                    if let Waited::Stop = self.wait(None).await {
                        break;
                    }
                }
                Ended::Failed(e) => {
                    if progressed && began.elapsed() > HEALTHY_AFTER {
                        tries = 0;
                    }
                    tries = tries.saturating_add(1);
                    let pause = match self.pause_after(&e, tries) {
                        Some(pause) => {
                            tracing::warn!(task = %self.spec.id, tries, ?pause, "will try again: {e}");
                            self.spec.show(State::Restarting, Some(e.to_string()));
                            metrics.retried();
                            Some(pause)
                        }
                        None => {
                            tracing::error!(task = %self.spec.id, "the task has failed: {e}");
                            self.spec.show(State::Failed, Some(e.to_string()));
                            None
                        }
                    };
                    if let Waited::Stop = self.wait(pause).await {
                        break;
                    }
                }
            }
        }
        self.spec.metrics.forget(&self.spec.id);
    }

    /// How long to wait before the next try; `None` when there is to be none. Debezium's `errors.max.retries` (-1 for
    /// no end) and `retriable.restart.connector.wait.ms`, which the wait grows to.
    fn pause_after(&self, e: &TaskError, tries: u32) -> Option<Duration> {
        if e.disposition == Disposition::Fail {
            return None;
        }
        let number = |key: &str, default: i64| {
            let text = self.spec.connector.get(key).map(str::trim);
            text.and_then(|t| t.parse().ok()).unwrap_or(default)
        };
        let max = number("errors.max.retries", -1);
        if max >= 0 && i64::from(tries) > max {
            return None;
        }
        let longest =
            host_core::config::duration_ms(number("retriable.restart.connector.wait.ms", 10_000));
        Some(
            BACKOFF_FIRST
                .saturating_mul(1 << (tries - 1).min(10))
                .min(longest),
        )
    }

    /// Waits `pause`, or for ever, for a stop; a swap meanwhile counts from the next run on.
    async fn wait(&mut self, pause: Option<Duration>) -> Waited {
        let timer = async {
            match pause {
                Some(p) => tokio::time::sleep(p).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(timer);
        loop {
            tokio::select! {
                () = &mut timer => return Waited::Over,
                request = self.inbox.recv() => match request {
                    Some(Request::Swap { connector, done }) => {
                        self.spec.connector = *connector;
                        drop(done.send(Ok(Duration::ZERO)));
                        if pause.is_none() {
                            // A new chain may be the cure for what the task failed of.
                            return Waited::Over;
                        }
                    }
                    Some(Request::Stop) | None => return Waited::Stop,
                },
            }
        }
    }
}
