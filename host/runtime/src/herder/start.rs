//! Starting a worker: its stores, its plugins, its connectors.
//!
//! A Kafka that is away is waited for (promise 8: the worker answers, and says that it is not ready); what cannot heal
//! ends the start with a reason. Invariant: no connector runs before all stores have been read to their end.

use super::handle::{CHANGES_QUEUED_MAX, Change, HerderHandle};
use super::runner::Runner;
use super::{Herder, Stores};
use crate::kafka::{AckProducer, GroupGuard, GroupPlace, TopicSpec, Topics};
use crate::metrics::Metrics;
use crate::store::{
    ConfigStore, FileLog, KafkaLog, KeyLog, OffsetStore, PluginStore, StatusStore, StoredPlugin,
};
use crate::tenant::{Quotas, Tenants};
use crate::worker_config::{Storage, WorkerConfig};
use host_core::error::{Disposition, TaskError};
use host_core::source::SourceKind;
use host_wasm::{Catalog, Limits, Upload};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

type Log = Box<dyn KeyLog>;

const RETRY: Duration = Duration::from_secs(2);

/// What a worker is made from.
pub struct Setup {
    /// Its configuration.
    pub config: WorkerConfig,
    /// The kinds of connectors it can run.
    pub kinds: Vec<Arc<dyn SourceKind>>,
    /// The plugins; uploads are added from the plugin store.
    pub catalog: Arc<Catalog>,
    /// Limits of each guest, before tenants' quotas.
    pub limits: Limits,
    /// The authentication file; `None` for one tenant, `default`.
    pub tenants: Option<Arc<Tenants>>,
}

/// How far a start has come.
#[derive(Debug, Clone, Default)]
pub(super) enum Startup {
    /// Stores are being read.
    #[default]
    Starting,
    /// Connectors have been started.
    Ready,
    /// It cannot start.
    Failed(TaskError),
}

impl HerderHandle {
    /// Starts a worker in the background; the handle answers at once (503 where it needs the stores).
    pub fn start(setup: Setup) -> Result<Self, TaskError> {
        let metrics = Metrics::new().map_err(|e| TaskError::fail("BUG", e))?;
        let topics = Topics::new(&setup.config.clients.admin)?;
        let herder = Arc::new(Herder::new(setup, metrics, topics));
        let (changes, mut queue) = mpsc::channel::<Change>(CHANGES_QUEUED_MAX);
        let worker = Arc::clone(&herder);
        tokio::spawn(async move {
            worker.open().await;
            while let Some(change) = queue.recv().await {
                change(Arc::clone(&worker)).await;
            }
        });
        Ok(Self::new(herder, changes))
    }
    /// Waits until the worker is ready; the error is why it cannot start.
    pub async fn started(&self) -> Result<(), TaskError> {
        let mut startup = self.herder().startup.subscribe();
        let known = startup.wait_for(|s| !matches!(s, Startup::Starting)).await;
        match known.as_deref() {
            Ok(Startup::Failed(e)) => Err(e.clone()),
            _ => Ok(()),
        }
    }
}

impl Herder {
    async fn open(self: &Arc<Self>) {
        loop {
            match self.open_stores().await {
                Ok((stores, plugins)) => {
                    self.load_plugins(plugins).await;
                    self.load_quotas(&stores);
                    // Set once: this is the only place, and it is left after it.
                    let stores = self.stores.get_or_init(|| stores);
                    self.start_runners(stores);
                    self.startup.send_replace(Startup::Ready);
                    tokio::spawn(Arc::clone(self).watch_place());
                    return;
                }
                Err(e) if e.disposition == Disposition::Retry => {
                    tracing::warn!("starting the worker, will try again: {e}");
                    tokio::time::sleep(RETRY).await;
                }
                Err(e) => {
                    tracing::error!("the worker cannot start: {e}");
                    self.startup.send_replace(Startup::Failed(e));
                    return;
                }
            }
        }
    }

    async fn open_stores(&self) -> Result<(Stores, Vec<StoredPlugin>), TaskError> {
        let worker_id = &self.config.worker_id;
        let (config, offset, status, plugin): (Log, Log, Log, Log) = match &self.config.storage {
            Storage::Kafka {
                config,
                offset,
                status,
                plugin,
                ..
            } => {
                let producer = AckProducer::new(&self.config.clients.producer)?;
                let log = |spec: &TopicSpec, key| -> Box<dyn KeyLog> {
                    let consumer = self.config.clients.consumer.clone();
                    Box::new(KafkaLog::new(
                        spec.clone(),
                        key,
                        self.topics.clone(),
                        producer.clone(),
                        consumer,
                    ))
                };
                (
                    log(config, "config.storage.topic"),
                    log(offset, "offset.storage.topic"),
                    log(status, "status.storage.topic"),
                    log(plugin, "plugin.storage.topic"),
                )
            }
            Storage::Files { offsets, plugins } => (
                Box::new(FileLog::memory()),
                Box::new(FileLog::file(offsets)),
                Box::new(FileLog::memory()),
                Box::new(FileLog::file(plugins.join("plugins.jsonl"))),
            ),
        };
        // The group's one partition is the config topic's, so that comes first; nothing is read or written before the
        // place is taken.
        config.open().await?;
        self.take_place().await?;
        let configs = ConfigStore::open(config).await?;
        let offsets = OffsetStore::open(offset).await?;
        let mut statuses = StatusStore::open(status, worker_id).await?;
        statuses.track_topics(self.config.topic_tracking);
        let (plugins, stored) = PluginStore::open(plugin).await?;
        let stores = Stores {
            configs,
            offsets: Arc::new(offsets),
            statuses: Arc::new(statuses),
            plugins,
        };
        Ok((stores, stored))
    }

    /// Takes the worker's place in its group, unless it has it already.
    async fn take_place(&self) -> Result<(), TaskError> {
        let Storage::Kafka {
            group_id,
            config,
            session_timeout,
            ..
        } = &self.config.storage
        else {
            return Ok(());
        };
        if self
            .place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
        {
            return Ok(());
        }
        let place = GroupPlace {
            group: group_id.clone(),
            topic: config.name.clone(),
            worker_id: self.config.worker_id.clone(),
            session_timeout: *session_timeout,
        };
        let (topics, consumer) = (self.topics.clone(), self.config.clients.consumer.clone());
        let taking =
            tokio::task::spawn_blocking(move || GroupGuard::take(&place, &topics, &consumer));
        let guard = taking
            .await
            .map_err(|e| TaskError::fail("BUG", format!("joining the group: {e}")))??;
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
        Ok(())
    }

    /// A worker without its place must not go on, for another may have it: its tasks stop until it has the place again
    /// (a broker that was away for longer than the session time-out gives it up).
    async fn watch_place(self: Arc<Self>) {
        loop {
            let lost = self
                .place
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
                .map(GroupGuard::lost);
            let Some(lost) = lost else { return };
            lost.notified().await;
            tracing::warn!(
                "the broker has given up this worker's place in its group; all tasks stop until it is taken again"
            );
            self.startup.send_replace(Startup::Starting);
            self.shutdown().await;
            if let Err(e) = self.regain_place().await {
                tracing::error!("the worker cannot go on: {e}");
                self.startup.send_replace(Startup::Failed(e));
                return;
            }
            self.startup.send_replace(Startup::Ready);
        }
    }

    /// Takes the place again, reads what others may have changed, and starts the connectors; as often as it takes.
    async fn regain_place(self: &Arc<Self>) -> Result<(), TaskError> {
        loop {
            match self.try_regain_place().await {
                // A broker that has just started may still count this worker's own earlier membership.
                Err(e) if e.disposition == Disposition::Retry || e.code == "GROUP-IN-USE" => {
                    tracing::warn!("taking the worker's place again, will try again: {e}");
                    tokio::time::sleep(RETRY).await;
                }
                done => return done,
            }
        }
    }

    async fn try_regain_place(self: &Arc<Self>) -> Result<(), TaskError> {
        self.take_place().await?;
        let Some(stores) = self.stores.get() else {
            return Err(TaskError::fail(
                "BUG",
                "a worker without stores had a place",
            ));
        };
        stores.configs.reread().await?;
        stores.offsets.reread().await?;
        self.load_quotas(stores);
        self.start_runners(stores);
        Ok(())
    }

    fn start_runners(self: &Arc<Self>, stores: &Stores) {
        for (id, c) in stores.configs.connectors() {
            let runner = Runner::start(Arc::clone(self), id.clone(), c.config, c.target);
            self.with_runners(|r| r.insert(id, runner));
        }
    }

    async fn load_plugins(&self, plugins: Vec<StoredPlugin>) {
        for p in plugins {
            let catalog = Arc::clone(&self.catalog);
            let shown = format!("{}/{}/{}", p.tenant, p.name, p.version);
            let loading = tokio::task::spawn_blocking(move || {
                let upload = Upload {
                    tenant: &p.tenant,
                    name: &p.name,
                    version: &p.version,
                    bytes: &p.bytes,
                    memory_bytes: 0,
                };
                catalog.upload(upload).map(drop).map_err(|e| e.to_string())
            });
            if let Ok(Err(e)) = loading.await {
                tracing::error!(
                    plugin = shown,
                    "loading a stored plugin: {e}; connectors that use it will fail"
                );
            }
        }
    }

    fn load_quotas(&self, stores: &Stores) {
        for (tenant, document) in stores.configs.quotas() {
            match serde_json::from_value::<Quotas>(document) {
                Ok(q) => self.apply_quotas(&tenant, q),
                // What cannot be read must not become "no limit".
                Err(e) => {
                    tracing::error!(%tenant, "reading a tenant's quotas, nothing is allowed until they are set again: {e}");
                    self.apply_quotas(&tenant, Quotas::closed());
                }
            }
        }
    }
}
