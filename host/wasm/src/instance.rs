//! One live instance of a plugin and the calls into it.
//!
//! Every call into a guest passes [`limited`], which sets time and answer limits and classifies what comes back. It does not retry: that is
//! `isolate`'s work. Invariant: after any trap the [`Live`] instance must be dropped; [`Guest`] does so on every
//! fault, because a trapped component refuses further calls.

use crate::bindings::types as wit;
use crate::bindings::{format, predicate, transform};
use crate::context::Context;
use crate::convert;
use crate::cpu::{CallClock, Pace};
use crate::fault::PluginFault;
use crate::guest_schemas::{Known, Ledger};
use crate::host_log::{HostLog, LogSink, Owner};
use crate::limits::Limits;
use crate::plugin::{Lease, Plugin, Pre};
use crate::stats::PluginStats;
use crate::store::{Limiter, State};
use crate::text::{GUEST_TEXT_BYTES_MAX, clean};
use host_core::config::{Config, Finding};
use host_core::id::TenantId;
use host_core::schema::SharedSchemas;
use std::sync::Arc;
use wasmtime::Store;

/// Bytes that may be lifted from `describe`, `validate` and `configure`, and added to every answer for its frame.
const SMALL_ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// All that a transform, predicate or format is made of.
#[derive(Clone)]
pub struct Setup {
    /// The plugin, from [`Catalog::resolve`](crate::Catalog::resolve).
    pub plugin: Arc<Plugin>,
    /// What it is configured as.
    pub context: Context,
    /// Its own keys, without prefix and without the host's (`type`, `predicate`, `negate`, `plugin.version`).
    pub config: Config,
    /// What it may use.
    pub limits: Limits,
    /// The task's schemas.
    pub schemas: SharedSchemas,
    /// Whose it is, for its log lines.
    pub owner: Owner,
    /// Where its log lines go; see [`tracing_sink`](crate::tracing_sink).
    pub sink: LogSink,
    /// Its tenant's share of CPU time, and its task's wish to stop.
    pub pace: Pace,
}

/// A plugin that did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Its configuration is wrong; findings name its keys without prefix.
    #[error("configuring {class}: {}", list(findings))]
    Config {
        /// The class.
        class: String,
        /// What is wrong.
        findings: Vec<Finding>,
    },
    /// It failed.
    #[error("starting {class}: {fault}")]
    Fault {
        /// The class.
        class: String,
        /// How.
        fault: PluginFault,
    },
}

fn list(findings: &[Finding]) -> String {
    let all: Vec<String> = findings
        .iter()
        .map(|f| format!("{}: {}", f.key, f.message))
        .collect();
    all.join("; ")
}

/// The bindings of an instance, by world.
pub(crate) enum Bindings {
    Transform(transform::Transform),
    Predicate(predicate::Predicate),
    Format(format::Format),
}

/// Calls a function of `lifecycle`, which all worlds export.
macro_rules! lifecycle {
    ($live:expr, $limits:expr, $call:ident ( $($arg:expr),* )) => {
        $live.call($limits.start_deadline_ms, 0, |bindings, store| match bindings {
            Bindings::Transform(b) => b.tidegate_plugin_lifecycle().$call(store, $($arg),*),
            Bindings::Predicate(b) => b.tidegate_plugin_lifecycle().$call(store, $($arg),*),
            Bindings::Format(b) => b.tidegate_plugin_lifecycle().$call(store, $($arg),*),
        })
    };
}

/// A store with an instance in it.
pub(crate) struct Live {
    store: Store<State>,
    bindings: Bindings,
    pub(crate) known: Known,
}

impl Live {
    fn new(
        plugin: &Plugin,
        limits: &Limits,
        log: HostLog,
        (pace, stats): (Pace, Arc<PluginStats>),
    ) -> Result<Self, PluginFault> {
        let state = State {
            limiter: Limiter::new(limits.memory_for(plugin.memory_bytes())),
            clock: CallClock::new(pace, plugin.engine().clock()),
            stats,
            log,
        };
        let mut store = Store::new(plugin.engine().wasmtime(), state);
        store.limiter(|s| &mut s.limiter);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().clock.tick()));
        let bindings = limited(
            &mut store,
            limits.start_deadline_ms,
            0,
            |store| match plugin.pre() {
                Pre::Transform(p) => p.instantiate(store).map(Bindings::Transform),
                Pre::Predicate(p) => p.instantiate(store).map(Bindings::Predicate),
                Pre::Format(p) => p.instantiate(store).map(Bindings::Format),
            },
        )?;
        Ok(Self {
            store,
            bindings,
            known: Known::default(),
        })
    }
    /// For calls that are not a connector's (`describe`, `validate`): log lines are dropped.
    fn alone(plugin: &Plugin, limits: &Limits, pace: &Pace) -> Result<Self, PluginFault> {
        let owner = Owner {
            tenant: TenantId::default(),
            connector: "".into(),
            role: "".into(),
            class: plugin.class().into(),
        };
        let stats = Arc::<PluginStats>::default();
        let log = HostLog::new(owner, Arc::new(|_| {}), Arc::clone(&stats), limits);
        Self::new(plugin, limits, log, (pace.clone(), stats))
    }
    /// Makes one call, which may take CPU time and answer bytes up to these limits.
    pub(crate) fn call<T>(
        &mut self,
        deadline_ms: u64,
        answer_bytes: u64,
        call: impl FnOnce(&Bindings, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, PluginFault> {
        let bindings = &self.bindings;
        limited(&mut self.store, deadline_ms, answer_bytes, |store| {
            call(bindings, store)
        })
    }
}

/// Runs guest code within limits, counts what it cost, and classifies what it ended with.
fn limited<T>(
    store: &mut Store<State>,
    deadline_ms: u64,
    answer_bytes: u64,
    run: impl FnOnce(&mut Store<State>) -> wasmtime::Result<T>,
) -> Result<T, PluginFault> {
    let fuel = answer_bytes.saturating_add(SMALL_ANSWER_BYTES_MAX);
    store.set_hostcall_fuel(usize::try_from(fuel).unwrap_or(usize::MAX));
    if !store.data_mut().clock.begin(deadline_ms) {
        return Err(PluginFault::Stopped);
    }
    store.set_epoch_deadline(1);
    store.data().clock.ask();
    let answer = run(store);
    let state = store.data_mut();
    state.stats.spent(state.clock.end());
    state.stats.holds_memory(state.limiter.used_bytes());
    answer.map_err(|e| state.fault(&e, deadline_ms))
}

/// An instance's bindings are of the world it was linked for; this is a mistake of the host.
pub(crate) fn wrong_world() -> wasmtime::Error {
    wasmtime::Error::msg("the instance is of another world")
}

/// A configured plugin, with or without a live instance.
pub(crate) struct Guest {
    lease: Lease,
    pub(crate) context: Context,
    entries: Vec<wit::ConfigEntry>,
    pub(crate) limits: Limits,
    pub(crate) schemas: SharedSchemas,
    owner: Owner,
    sink: LogSink,
    pace: Pace,
    pub(crate) stats: Arc<PluginStats>,
    pub(crate) ledger: Ledger,
    live: Option<Live>,
}

impl Guest {
    /// Makes the first instance, so that errors of the configuration show at start.
    pub(crate) fn new(setup: Setup) -> Result<Self, StartError> {
        let entries =
            convert::config_entries(setup.plugin.definition(), &setup.config, setup.context.part);
        let mut guest = Self {
            lease: setup.plugin.lease(),
            context: setup.context,
            entries,
            limits: setup.limits,
            schemas: setup.schemas,
            owner: setup.owner,
            sink: setup.sink,
            pace: setup.pace,
            stats: Arc::new(PluginStats::default()),
            ledger: Ledger::default(),
            live: None,
        };
        guest.revive()?;
        Ok(guest)
    }
    pub(crate) fn plugin(&self) -> &Arc<Plugin> {
        self.lease.plugin()
    }
    pub(crate) fn class(&self) -> &str {
        &self.context.class
    }
    /// Drops the instance; the next call gets a fresh one.
    pub(crate) fn kill(&mut self) {
        let live = self.live.take();
        self.pace.share.unsliced(|| drop(live));
        self.stats.holds_memory(0);
    }
    /// The instance, and what it needs beside it.
    pub(crate) fn live(&mut self) -> Option<(&mut Live, &mut Ledger, &Limits, &SharedSchemas)> {
        let live = self.live.as_mut()?;
        Some((live, &mut self.ledger, &self.limits, &self.schemas))
    }

    /// Makes sure that there is a configured instance.
    pub(crate) fn revive(&mut self) -> Result<(), StartError> {
        if self.live.is_some() {
            return Ok(());
        }
        let made = self.configured();
        if let Err(StartError::Fault { fault, .. }) = &made {
            self.stats.faulted(fault);
        }
        self.live = Some(made?);
        Ok(())
    }

    fn configured(&self) -> Result<Live, StartError> {
        let class = || self.context.class.clone();
        let fault = |fault| StartError::Fault {
            class: class(),
            fault,
        };
        let log = HostLog::new(
            self.owner.clone(),
            Arc::clone(&self.sink),
            Arc::clone(&self.stats),
            &self.limits,
        );
        let counted = (self.pace.clone(), Arc::clone(&self.stats));
        let mut live = Live::new(self.plugin(), &self.limits, log, counted).map_err(fault)?;
        self.stats.instantiated();
        let context = self.context.to_wit();
        match lifecycle!(live, self.limits, call_configure(&context, &self.entries)) {
            Ok(Ok(())) => Ok(live),
            Ok(Err(errors)) => Err(StartError::Config {
                class: class(),
                findings: convert::findings(errors),
            }),
            Err(e) => Err(fault(e)),
        }
    }

    /// Sends the schemas that the instance has not seen yet.
    pub(crate) fn define(&mut self) -> Result<(), PluginFault> {
        let (limits, schemas) = (self.limits, self.schemas.clone());
        let Some(live) = self.live.as_mut() else {
            return Ok(());
        };
        while let Some((to, new)) = live.known.next_to_send(&schemas) {
            match lifecycle!(live, limits, call_define(&new))? {
                Ok(()) => live.known.sent(to),
                Err(why) => {
                    return Err(PluginFault::Rejected(clean(&why, GUEST_TEXT_BYTES_MAX)));
                }
            }
        }
        Ok(())
    }
}

/// Asks a linked plugin for its version and configuration keys, on an instance of its own.
pub(crate) fn describe(plugin: Plugin, limits: &Limits) -> Result<Plugin, PluginFault> {
    let mut live = Live::alone(&plugin, limits, &Pace::default())?;
    let answer = lifecycle!(live, limits, call_describe())?;
    let (version, definition) = convert::definition(answer)?;
    Ok(plugin.described(version, definition))
}

/// Asks a plugin about a configuration, on an instance of its own.
pub(crate) fn ask_validate(
    plugin: &Plugin,
    context: &Context,
    config: &Config,
    limits: &Limits,
    pace: &Pace,
) -> Result<Vec<Finding>, PluginFault> {
    let mut live = Live::alone(plugin, limits, pace)?;
    let entries = convert::config_entries(plugin.definition(), config, context.part);
    let answer = lifecycle!(live, limits, call_validate(&context.to_wit(), &entries))?;
    Ok(convert::findings(answer))
}
