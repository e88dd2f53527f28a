//! One connector's runner: brings its tasks to what is wanted, again and again.
//!
//! The herder says what is wanted and answers its caller; stopping and starting tasks, which takes seconds, happens here,
//! so that no connector waits for another's. A change of nothing but transforms, predicates, converters and error policy
//! is exchanged inside the running task. Waits for a task are bounded, so that the next change always gets its turn.
//! Invariant: a task is started when the one before it of its number has been told to stop; that it has also ended is
//! what the new one waits for (`task::Leases`).

use super::Herder;
use super::entity::{State, TargetState};
use crate::task::Task;
use host_core::config::Config;
use host_core::error::{Disposition, TaskError};
use host_core::id::{ConnectorId, TaskId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a caller waits for a change to take effect.
pub(super) const SETTLE_TIMEOUT: Duration = Duration::from_secs(12);
/// How long an exchange is waited for: a task that can send nothing comes to it with its next batch.
const SWAP_TIMEOUT: Duration = Duration::from_secs(5);
/// Wait before a connector that could not be started for a while is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What is wanted of a connector.
#[derive(Debug, Clone, Default)]
pub(super) struct Desired {
    /// Counts changes.
    pub(super) version: u64,
    pub(super) config: Config,
    pub(super) target: TargetState,
    /// Tasks to be started anew.
    pub(super) restart: BTreeSet<u32>,
    /// It has been deleted.
    pub(super) gone: bool,
    /// The worker is leaving: stop, and write nothing.
    pub(super) leaving: bool,
}

/// The herder's end of a runner.
pub(super) struct Runner {
    desired: watch::Sender<Desired>,
    settled: watch::Receiver<u64>,
}

impl Runner {
    pub(super) fn start(
        herder: Arc<Herder>,
        id: ConnectorId,
        config: Config,
        target: TargetState,
    ) -> Self {
        let first = Desired {
            version: 1,
            config,
            target,
            ..Desired::default()
        };
        let (desired, wanted) = watch::channel(first);
        let (done, settled) = watch::channel(0);
        let actor = Actor {
            herder,
            id,
            tasks: Vec::new(),
            applied: None,
            restart: BTreeSet::new(),
        };
        tokio::spawn(actor.live(wanted, done));
        Self { desired, settled }
    }
    pub(super) fn change(&self, change: impl FnOnce(&mut Desired)) {
        self.desired.send_modify(|d| {
            change(d);
            d.version += 1;
        });
    }
    /// Takes back requests that are being carried out; no change of its own.
    pub(super) fn forget_restarts(&self, done: &BTreeSet<u32>) {
        self.desired.send_if_modified(|d| {
            d.restart.retain(|n| !done.contains(n));
            false
        });
    }
    /// Waits until everything wanted so far has taken effect.
    pub(super) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let (version, mut settled) = (self.desired.borrow().version, self.settled.clone());
        async move {
            let wait = settled.wait_for(|v| *v >= version);
            // Slow tasks go on without the caller.
            drop(tokio::time::timeout(SETTLE_TIMEOUT, wait).await);
        }
    }
    /// Waits until it is no more, tasks and all; bounded by what its tasks may take to stop.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut settled = self.settled.clone();
        async move { while settled.changed().await.is_ok() {} }
    }
}

/// What comes after following a change.
enum Followed {
    /// The next change.
    Done,
    /// The next change, or another try.
    TryAgain,
}

struct Actor {
    herder: Arc<Herder>,
    id: ConnectorId,
    tasks: Vec<(TaskId, Task)>,
    /// The configuration that all its tasks run with.
    applied: Option<Config>,
    /// Tasks that are still to be started anew.
    restart: BTreeSet<u32>,
}

/// Whether a key concerns only the chain and the error policy, which are exchanged in place.
fn is_chain_key(key: &str) -> bool {
    let whole = [
        "transforms",
        "predicates",
        "key.converter",
        "value.converter",
        "header.converter",
    ];
    let under = |p: &str| {
        key.strip_prefix(p)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    whole.into_iter().any(under) || key.starts_with("errors.")
}

/// Whether two configurations differ in nothing but their chains.
pub(super) fn differs_in_chain_only(old: &Config, new: &Config) -> bool {
    let rest = |c: &Config| -> std::collections::BTreeMap<String, String> {
        let all = c.iter().filter(|(k, _)| !is_chain_key(k));
        all.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    rest(old) == rest(new)
}

impl Actor {
    async fn live(mut self, mut wanted: watch::Receiver<Desired>, done: watch::Sender<u64>) {
        loop {
            let desired = wanted.borrow_and_update().clone();
            let version = desired.version;
            let gone = desired.gone || desired.leaving;
            let followed = self.follow(desired).await;
            done.send_replace(version);
            if gone {
                return;
            }
            let changed = match followed {
                Followed::Done => wanted.changed().await,
                Followed::TryAgain => tokio::time::timeout(RETRY, wanted.changed())
                    .await
                    .unwrap_or(Ok(())),
            };
            if changed.is_err() {
                return;
            }
        }
    }

    async fn follow(&mut self, mut desired: Desired) -> Followed {
        if desired.leaving || desired.gone {
            self.stop_all().await;
            if desired.gone {
                self.herder.statuses_of_deleted(&self.id);
            }
            return Followed::Done;
        }
        // Asked for once: a later change must not do it again.
        self.herder.forget_restarts(&self.id, &desired.restart);
        self.restart.append(&mut desired.restart);
        match desired.target {
            TargetState::Paused => {
                self.stop_all().await;
                self.herder.show_paused(&self.id);
            }
            TargetState::Stopped => {
                self.stop_all().await;
                self.herder.show_stopped(&self.id).await;
            }
            TargetState::Started => {
                if let Err(e) = self.started(desired.config).await {
                    return self.not_started(&e);
                }
            }
        }
        Followed::Done
    }

    /// Says why a connector has not started, and whether time may heal it.
    fn not_started(&self, e: &TaskError) -> Followed {
        let (state, followed) = match e.disposition {
            Disposition::Retry => (State::Restarting, Followed::TryAgain),
            Disposition::Fail => (State::Failed, Followed::Done),
        };
        tracing::error!(connector = %self.id, "the connector has not started: {e}");
        self.herder
            .show_connector(&self.id, state, Some(e.to_string()));
        followed
    }

    async fn started(&mut self, config: Config) -> Result<(), TaskError> {
        let unchanged = self.applied.as_ref() == Some(&config);
        if unchanged && self.restart.is_empty() && !self.tasks.is_empty() {
            self.herder.show_connector(&self.id, State::Running, None);
            return Ok(());
        }
        let configs = self.herder.task_configs(&self.id, &config).await?;
        self.herder.show_connector(&self.id, State::Running, None);
        // Until all of its tasks have the new one.
        let applied = self.applied.take();
        let chain_only = applied.is_some_and(|old| differs_in_chain_only(&old, &config));
        if !unchanged && chain_only && self.tasks.len() == configs.len() {
            self.exchange_chains(&config).await;
        } else if !unchanged || self.tasks.is_empty() {
            self.stop_all().await;
        }
        for (n, own) in configs.into_iter().enumerate() {
            let id = TaskId {
                connector: self.id.clone(),
                task: n as u32,
            };
            let at = self.tasks.iter().position(|(t, _)| *t == id);
            match at {
                Some(_) if !self.restart.contains(&id.task) => continue,
                Some(i) => {
                    let (_, old) = self.tasks.remove(i);
                    old.stop();
                    old.join().await;
                }
                None => {}
            }
            let spec = self.herder.task_spec(&id, own, &config)?;
            self.herder.show_task(&id, State::Restarting, None);
            self.tasks.push((id, Task::start(spec)));
        }
        self.restart.clear();
        self.applied = Some(config);
        Ok(())
    }

    /// Hands a new chain to every running task; one that cannot take it is started anew.
    async fn exchange_chains(&mut self, config: &Config) {
        for (id, task) in &self.tasks {
            if self.restart.contains(&id.task) {
                continue;
            }
            match tokio::time::timeout(SWAP_TIMEOUT, task.swap(config.clone())).await {
                Ok(Ok(_)) => {}
                Ok(Err(e)) => {
                    tracing::info!(task = %id, "starting the task anew: {e}");
                    self.restart.insert(id.task);
                }
                Err(_) => tracing::warn!(
                    task = %id,
                    "the task is held up; transforms and formats are exchanged before its next batch"
                ),
            }
        }
    }

    async fn stop_all(&mut self) {
        for (_, task) in &self.tasks {
            task.stop();
        }
        for (_, task) in self.tasks.drain(..) {
            task.join().await;
        }
        self.restart.clear();
        self.applied = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_told_from_the_rest() {
        let base: Config = [("a", "1"), ("value.converter", "x"), ("transforms", "t")]
            .into_iter()
            .collect();
        for (key, value, chain_only) in [
            ("transforms.t.type", "y", true),
            ("value.converter.schemas.enable", "false", true),
            ("errors.tolerance", "all", true),
            ("predicates", "p", true),
            ("a", "2", false),
            ("transforms_like", "x", false),
            ("topic.creation.default.partitions", "2", false),
        ] {
            let mut new = base.clone();
            new.set(key, value);
            assert_eq!(differs_in_chain_only(&base, &new), chain_only, "{key}");
        }
    }
}
