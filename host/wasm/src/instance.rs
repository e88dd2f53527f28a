//! One live instance of a plugin and the calls into it.
//!
//! It sets memory, time and answer limits before each call and classifies what comes back. It does not retry: that is
//! `isolate`'s work. Invariant: after any trap the [`Live`] instance must be dropped; [`Guest`] does so on every
//! fault, because a trapped component refuses further calls.

use crate::bindings::types as wit;
use crate::bindings::{format, predicate, transform};
use crate::convert;
use crate::engine::deadline_ticks;
use crate::fault::{GUEST_TEXT_BYTES_MAX, PluginFault, clean};
use crate::guest_schemas::{Known, Ledger};
use crate::host_log::{HostLog, LogSink, Owner};
use crate::limits::Limits;
use crate::plugin::{Lease, Plugin, Pre};
use crate::stats::PluginStats;
use crate::store::{Limiter, State};
use host_core::config::{Config, ConfigDef, Finding};
use host_core::id::TenantId;
use host_core::schema::SharedSchemas;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::Store;

/// Bytes that may be lifted from `describe`, `validate` and `configure`, and added to every answer for its frame.
const SMALL_ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Which of a record's parts a format encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
    /// All headers' values.
    Header,
}

impl Part {
    pub(crate) fn to_wit(self) -> wit::Part {
        match self {
            Self::Key => wit::Part::Key,
            Self::Value => wit::Part::Value,
            Self::Header => wit::Part::Header,
        }
    }
}

/// What a plugin is configured as: the context of `validate` and `configure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The class of the configuration, e.g. `org.apache.kafka.connect.transforms.MaskField$Value`.
    pub class: String,
    /// For a format, the part it is configured for.
    pub part: Option<Part>,
}

impl Context {
    fn to_wit(&self) -> wit::Context {
        wit::Context {
            class: self.class.clone(),
            part: self.part.map(Part::to_wit),
        }
    }
}

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
    ($live:expr, $call:ident ( $($arg:expr),* )) => {
        match &$live.bindings {
            Bindings::Transform(b) => b.tidegate_plugin_lifecycle().$call(&mut $live.store, $($arg),*),
            Bindings::Predicate(b) => b.tidegate_plugin_lifecycle().$call(&mut $live.store, $($arg),*),
            Bindings::Format(b) => b.tidegate_plugin_lifecycle().$call(&mut $live.store, $($arg),*),
        }
    };
}

/// A store with an instance in it.
pub(crate) struct Live {
    pub(crate) store: Store<State>,
    pub(crate) bindings: Bindings,
    pub(crate) known: Known,
}

impl Live {
    fn new(plugin: &Plugin, limits: &Limits, log: HostLog) -> Result<Self, PluginFault> {
        let state = State {
            limiter: Limiter::new(limits.memory_for(plugin.memory_bytes())),
            log,
        };
        let mut store = Store::new(plugin.engine().wasmtime(), state);
        store.limiter(|s| &mut s.limiter);
        prepare(&mut store, limits.start_deadline_ms, 0);
        let made = match plugin.pre() {
            Pre::Transform(p) => p.instantiate(&mut store).map(Bindings::Transform),
            Pre::Predicate(p) => p.instantiate(&mut store).map(Bindings::Predicate),
            Pre::Format(p) => p.instantiate(&mut store).map(Bindings::Format),
        };
        let bindings =
            made.map_err(|e| PluginFault::from_call(&e, store.data(), limits.start_deadline_ms))?;
        Ok(Self {
            store,
            bindings,
            known: Known::default(),
        })
    }
    fn fault(&self, e: &wasmtime::Error, limits: &Limits) -> PluginFault {
        PluginFault::from_call(e, self.store.data(), limits.start_deadline_ms)
    }
}

/// Sets deadline and answer limit for the next call.
pub(crate) fn prepare(store: &mut Store<State>, deadline_ms: u64, answer_bytes: u64) {
    store.set_epoch_deadline(deadline_ticks(deadline_ms));
    let fuel = answer_bytes.saturating_add(SMALL_ANSWER_BYTES_MAX);
    store.set_hostcall_fuel(usize::try_from(fuel).unwrap_or(usize::MAX));
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
        self.live = None;
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
        let began = cpu_time();
        let made = self.configured();
        self.stats.spent(cpu_time().saturating_sub(began));
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
        let mut live = Live::new(self.plugin(), &self.limits, log).map_err(fault)?;
        self.stats.instantiated();
        prepare(&mut live.store, self.limits.start_deadline_ms, 0);
        let context = self.context.to_wit();
        let answer = lifecycle!(live, call_configure(&context, &self.entries));
        match answer {
            Ok(Ok(())) => Ok(live),
            Ok(Err(errors)) => Err(StartError::Config {
                class: class(),
                findings: convert::findings(errors),
            }),
            Err(e) => Err(fault(live.fault(&e, &self.limits))),
        }
    }

    /// Sends the schemas that the instance has not seen yet.
    pub(crate) fn define(&mut self) -> Result<(), PluginFault> {
        let (limits, schemas) = (self.limits, self.schemas.clone());
        let Some(live) = self.live.as_mut() else {
            return Ok(());
        };
        while let Some((to, new)) = live.known.next_to_send(&schemas) {
            prepare(&mut live.store, limits.start_deadline_ms, 0);
            match lifecycle!(live, call_define(&new)) {
                Ok(Ok(())) => live.known.sent(to),
                Ok(Err(why)) => {
                    return Err(PluginFault::Rejected(clean(&why, GUEST_TEXT_BYTES_MAX)));
                }
                Err(e) => return Err(live.fault(&e, &limits)),
            }
        }
        Ok(())
    }
}

/// A log for calls that nobody's connector makes (`describe`, `validate`): lines are dropped.
fn silent_log(plugin: &Plugin, limits: &Limits) -> HostLog {
    let owner = Owner {
        tenant: TenantId::default(),
        connector: "".into(),
        role: "".into(),
        class: plugin.class().into(),
    };
    HostLog::new(
        owner,
        Arc::new(|_| {}),
        Arc::new(PluginStats::default()),
        limits,
    )
}

/// Asks a plugin for its version and configuration keys, on an instance of its own.
pub(crate) fn describe(
    plugin: &Plugin,
    limits: &Limits,
) -> Result<(String, ConfigDef), PluginFault> {
    let mut live = Live::new(plugin, limits, silent_log(plugin, limits))?;
    prepare(&mut live.store, limits.start_deadline_ms, 0);
    match lifecycle!(live, call_describe()) {
        Ok(d) => convert::definition(d),
        Err(e) => Err(live.fault(&e, limits)),
    }
}

/// Asks a plugin about a configuration, on an instance of its own.
pub(crate) fn ask_validate(
    plugin: &Plugin,
    context: &Context,
    config: &Config,
    limits: &Limits,
) -> Result<Vec<Finding>, PluginFault> {
    let mut live = Live::new(plugin, limits, silent_log(plugin, limits))?;
    prepare(&mut live.store, limits.start_deadline_ms, 0);
    let entries = convert::config_entries(plugin.definition(), config, context.part);
    match lifecycle!(live, call_validate(&context.to_wit(), &entries)) {
        Ok(errors) => Ok(convert::findings(errors)),
        Err(e) => Err(live.fault(&e, limits)),
    }
}

/// CPU time of this thread so far; calls run on it, so a difference is what a call cost.
pub(crate) fn cpu_time() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(t.tv_sec).unwrap_or(0),
        u32::try_from(t.tv_nsec).unwrap_or(0),
    )
}
