//! The herder: what is wanted of every connector, and every change to it.
//!
//! It owns desired state (configurations, target states, quotas), writes it to the config store before it takes effect,
//! and tells connectors' runners to follow. It runs no task itself and speaks no HTTP; the REST layer holds a
//! [`HerderHandle`]. Invariant: changes are made one at a time, and one that has been answered is durable.

mod change;
mod classes;
mod common_keys;
pub mod entity;
mod error;
mod handle;
mod offsets;
mod plugins;
mod runner;
mod show;
mod start;
mod uploads;
mod validate;
mod validate_plugins;
mod view;

pub use common_keys::common_keys;
pub use error::{ErrorKind, HerderError};
pub use handle::{CHANGES_QUEUED_MAX, HerderHandle};
pub use start::Setup;

use crate::kafka::{GroupGuard, Topics};
use crate::metrics::Metrics;
use crate::store::{ConfigStore, OffsetStore, PluginStore, StatusStore, StoredConnector};
use crate::task::Leases;
use crate::tenant::{Meter, Quotas, Tenants, Usage};
use crate::worker_config::WorkerConfig;
use host_core::error::TaskError;
use host_core::id::{ConnectorId, TenantId};
use host_core::source::SourceKind;
use host_wasm::{Catalog, Limits};
use runner::{Runner, SETTLE_TIMEOUT};
use start::Startup;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{Notify, watch};
use uploads::Uploading;

/// The stores, once they have been read.
struct Stores {
    configs: ConfigStore,
    offsets: Arc<OffsetStore>,
    statuses: Arc<StatusStore>,
    plugins: PluginStore,
}

/// The herder.
pub struct Herder {
    config: WorkerConfig,
    kinds: Vec<Arc<dyn SourceKind>>,
    catalog: Arc<Catalog>,
    limits: Limits,
    auth: Option<Arc<Tenants>>,
    metrics: Arc<Metrics>,
    topics: Topics,
    leases: Arc<Leases>,
    stores: OnceLock<Stores>,
    runners: Mutex<BTreeMap<ConnectorId, Runner>>,
    quotas: Mutex<BTreeMap<TenantId, Quotas>>,
    meters: Mutex<BTreeMap<TenantId, Arc<Meter>>>,
    /// Uploads of plugins on their way.
    uploading: Mutex<Uploading>,
    generation: AtomicU64,
    startup: watch::Sender<Startup>,
    /// Deleted connectors whose tasks are still stopping.
    leaving: Mutex<BTreeSet<ConnectorId>>,
    /// One of them has stopped.
    left: Notify,
    /// Its place in the group, where it has one.
    place: Mutex<Option<GroupGuard>>,
}

/// Tasks of a connector that a change of quotas starts anew; kinds have one or a few.
const RESTARTED_TASKS_MAX: u32 = 1024;

type Answer<T> = Result<T, HerderError>;

impl Herder {
    fn new(setup: Setup, metrics: Arc<Metrics>, topics: Topics) -> Self {
        Self {
            config: setup.config,
            kinds: setup.kinds,
            catalog: setup.catalog,
            limits: setup.limits,
            auth: setup.tenants,
            metrics,
            topics,
            leases: Arc::default(),
            stores: OnceLock::new(),
            runners: Mutex::default(),
            quotas: Mutex::default(),
            meters: Mutex::default(),
            uploading: Mutex::default(),
            generation: AtomicU64::new(1),
            startup: watch::Sender::new(Startup::Starting),
            place: Mutex::default(),
            leaving: Mutex::default(),
            left: Notify::new(),
        }
    }
    fn stores(&self) -> Answer<&Stores> {
        self.stores.get().ok_or_else(|| self.not_ready())
    }
    /// Why a change cannot be made now.
    fn not_ready(&self) -> HerderError {
        let why = match &*self.startup.borrow() {
            Startup::Failed(e) => format!("This worker cannot go on: {e}"),
            _ => "This worker is starting: it is reading its stores".to_owned(),
        };
        HerderError::new(ErrorKind::Unavailable, why)
    }
    fn stored(&self, id: &ConnectorId) -> Answer<StoredConnector> {
        let found = self.stores()?.configs.get(id);
        found.ok_or_else(|| HerderError::not_found(format!("Connector {} not found", id.name)))
    }
    fn with_runners<T>(&self, work: impl FnOnce(&mut BTreeMap<ConnectorId, Runner>) -> T) -> T {
        work(&mut self.runners.lock().unwrap_or_else(PoisonError::into_inner))
    }
    fn with_leaving<T>(&self, work: impl FnOnce(&mut BTreeSet<ConnectorId>) -> T) -> T {
        work(&mut self.leaving.lock().unwrap_or_else(PoisonError::into_inner))
    }
    fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::AcqRel) + 1
    }
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
    fn worker_id(&self) -> &str {
        &self.config.worker_id
    }
    async fn kafka_cluster_id(&self) -> Option<String> {
        self.topics.cluster_id().await
    }
    fn is_ready(&self) -> bool {
        matches!(&*self.startup.borrow(), Startup::Ready)
    }
    fn render_metrics(&self) -> String {
        self.metrics.render()
    }

    /// A tenant's quotas: its document, or, without one, nothing where tenants are told apart and everything where not.
    fn quotas(&self, tenant: &TenantId) -> Quotas {
        let all = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.auth.is_none();
        all.get(tenant).cloned().unwrap_or_else(|| {
            if open {
                Quotas::default()
            } else {
                Quotas::closed()
            }
        })
    }
    fn apply_quotas(&self, tenant: &TenantId, quotas: Quotas) {
        self.meter(tenant).cpu.set_limit(quotas.cpu_ms_per_s);
        self.quotas
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(tenant.clone(), quotas);
    }
    async fn put_quotas(&self, tenant: &TenantId, quotas: Quotas) -> Answer<()> {
        // Where tenants are told apart, a list that is not given allows nothing.
        let quotas = if self.auth.is_some() {
            quotas.closed_where_silent()
        } else {
            quotas
        };
        let document =
            serde_json::to_value(&quotas).map_err(|e| HerderError::internal(e.to_string()))?;
        self.stores()?.configs.put_quotas(tenant, &document).await?;
        let before = self.quotas(tenant);
        let narrows = before.access() != quotas.access()
            || before.instance_memory_bytes != quotas.instance_memory_bytes;
        self.apply_quotas(tenant, quotas);
        if narrows {
            // A running task holds what it was allowed at its start.
            self.with_runners(|r| {
                for (_, r) in r.iter().filter(|(id, _)| id.tenant == *tenant) {
                    r.change(|d| d.restart.extend(0..RESTARTED_TASKS_MAX));
                }
            });
        }
        Ok(())
    }
    fn meter(&self, tenant: &TenantId) -> Arc<Meter> {
        let mut all = self.meters.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(tenant.clone()).or_default())
    }
    fn usage(&self, tenant: &TenantId) -> Usage {
        let uploads = self.catalog.uploads(tenant);
        let versions = uploads.iter().flat_map(|(_, v)| v);
        let plugin_bytes = versions.clone().map(|p| p.size_bytes() as u64).sum();
        Usage {
            connectors: self.connectors(tenant).len() as u64,
            plugins: versions.count() as u64,
            plugin_bytes,
            ..self.meter(tenant).usage()
        }
    }
    fn tenants(&self) -> Vec<TenantId> {
        let quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: BTreeSet<TenantId> = quotas.keys().cloned().collect();
        drop(quotas);
        match &self.auth {
            Some(auth) => all.extend(auth.names()),
            None => {
                all.insert(TenantId::default());
            }
        }
        all.into_iter().collect()
    }

    /// Waits until a connector has followed its last change, for a bounded time.
    async fn settled(&self, id: &ConnectorId) {
        let wait = self.with_runners(|r| r.get(id).map(Runner::wait));
        if let Some(wait) = wait {
            wait.await;
        }
    }
    /// Waits until a deleted connector's tasks have stopped, for a bounded time.
    async fn gone(&self, id: &ConnectorId) {
        let gone = async {
            loop {
                let left = self.left.notified();
                if !self.with_leaving(|l| l.contains(id)) {
                    return;
                }
                left.await;
            }
        };
        // Slow tasks go on stopping without the caller; until they have, the name is taken.
        drop(tokio::time::timeout(SETTLE_TIMEOUT, gone).await);
    }
    /// Stops all tasks and waits for them, for a bounded time; nothing is written about what is wanted.
    async fn shutdown(&self) {
        let runners = self.with_runners(std::mem::take);
        let waits: Vec<_> = runners
            .values()
            .map(|r| {
                r.change(|d| d.leaving = true);
                r.wait()
            })
            .collect();
        // Each is bounded, and they are waited for side by side.
        futures_util::future::join_all(waits).await;
        if let Some(stores) = self.stores.get() {
            stores
                .statuses
                .flush(self.config.timing.flush_timeout)
                .await;
        }
        let place = self
            .place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Leaving the group asks the broker.
        if let Err(e) = tokio::task::spawn_blocking(move || drop(place)).await {
            tracing::error!("leaving the group: {e}");
        }
    }
}

fn internal(e: &TaskError) -> HerderError {
    HerderError::internal(e.to_string())
}
