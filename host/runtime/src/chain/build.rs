//! A chain out of a connector's configuration.
//!
//! Classes, versions and keys follow Connect: `transforms`, `transforms.<a>.type|predicate|negate|plugin.version`,
//! `predicates.<p>.type`, `key|value|header.converter` with their own keys, falling back to the worker's converters.
//! Validation with findings is the herder's (`validate`); what passes there starts here.
//! Invariant: guests are counted against the tenant's quotas before they are instantiated, and given back when the chain
//! is dropped.

use super::{Chain, Step};
use crate::policy::ErrorPolicy;
use crate::tenant::{Meter, Quotas};
use host_core::config::Config;
use host_core::error::TaskError;
use host_core::id::ConnectorId;
use host_core::schema::SharedSchemas;
use host_wasm::{
    Catalog, Context, Format, Limits, Owner, Pace, Part, Plugin, Predicate, Setup, StartError,
    Transform, World, tracing_sink,
};
use std::sync::Arc;

/// Connect's default header converter.
pub const DEFAULT_HEADER_CONVERTER: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

/// All a chain is made from.
#[derive(Clone)]
pub struct ChainBuilder {
    /// The plugins.
    pub catalog: Arc<Catalog>,
    /// Whose chain it is.
    pub id: ConnectorId,
    /// The worker's own converters and their keys.
    pub worker: Arc<Config>,
    /// Limits of each guest, the tenant's quotas applied.
    pub limits: Limits,
    /// The tenant's quotas.
    pub quotas: Quotas,
    /// The tenant's counters.
    pub meter: Arc<Meter>,
}

/// A plugin as a configuration names it.
pub struct Named {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// Full name of its class.
    pub class: String,
    /// Its own keys, without prefix.
    pub config: Config,
}

/// Room for instances taken from a tenant's quotas; given back when dropped.
pub struct InstanceRoom {
    meter: Arc<Meter>,
    instances: u64,
    bytes: u64,
}

impl Drop for InstanceRoom {
    fn drop(&mut self) {
        self.meter.give_back_instances(self.instances, self.bytes);
    }
}

/// Which converter and keys apply to a part: the connector's, or else the worker's.
pub fn converter_of<'a>(config: &'a Config, worker: &'a Config, part: Part) -> (String, Config) {
    let key = converter_key(part);
    let source = if config.get(key).is_some() {
        config
    } else {
        worker
    };
    let class = source.get(key).map(str::trim).filter(|c| !c.is_empty());
    let class = class.unwrap_or(match part {
        Part::Header => DEFAULT_HEADER_CONVERTER,
        Part::Key | Part::Value => "org.apache.kafka.connect.json.JsonConverter",
    });
    let own = source.with_prefix(&format!("{key}."));
    (class.to_owned(), own)
}

/// `key.converter`, `value.converter` or `header.converter`.
pub fn converter_key(part: Part) -> &'static str {
    match part {
        Part::Key => "key.converter",
        Part::Value => "value.converter",
        Part::Header => "header.converter",
    }
}

impl ChainBuilder {
    /// Instantiates the chain of a configuration. Blocks while guests start.
    pub fn build(
        &self,
        config: &Config,
        schemas: &SharedSchemas,
        pace: &Pace,
    ) -> Result<Chain, TaskError> {
        let aliases = config.list("transforms");
        let mut wanted: Vec<Arc<Plugin>> = Vec::new();
        let mut transforms = Vec::new();
        for alias in aliases {
            let prefix = format!("transforms.{alias}.");
            let named = self.named(config, &prefix, World::Transform)?;
            wanted.push(Arc::clone(&named.plugin));
            let predicate = match config.get(&format!("{prefix}predicate")).map(str::trim) {
                Some(p) if !p.is_empty() => {
                    let named =
                        self.named(config, &format!("predicates.{p}."), World::Predicate)?;
                    wanted.push(Arc::clone(&named.plugin));
                    let negate = config.get(&format!("{prefix}negate"));
                    Some((
                        named,
                        negate.is_some_and(|n| n.trim().eq_ignore_ascii_case("true")),
                    ))
                }
                _ => None,
            };
            transforms.push((alias, named, predicate));
        }
        let mut formats = Vec::new();
        for part in [Part::Key, Part::Value, Part::Header] {
            let (class, own) = converter_of(config, &self.worker, part);
            let named = self.resolve(&class, own, World::Format, converter_key(part))?;
            wanted.push(Arc::clone(&named.plugin));
            formats.push((part, named));
        }
        let room = self.room(&wanted)?;
        let mut steps = Vec::new();
        for (alias, named, predicate) in transforms {
            let predicate = match predicate {
                Some((p, negate)) => {
                    let role = format!("transforms.{alias}.predicate");
                    Some((
                        Predicate::new(self.setup(p, &role, None, schemas, pace))
                            .map_err(start_error)?,
                        negate,
                    ))
                }
                None => None,
            };
            let role = format!("transforms.{alias}");
            let transform = Transform::new(self.setup(named, &role, None, schemas, pace))
                .map_err(start_error)?;
            steps.push(Step {
                alias,
                transform,
                predicate,
            });
        }
        let mut formats = formats.into_iter().map(|(part, named)| {
            Format::new(self.setup(named, converter_key(part), Some(part), schemas, pace))
                .map_err(start_error)
        });
        let mut next = || {
            formats
                .next()
                .unwrap_or_else(|| Err(TaskError::fail("BUG", "a format is missing")))
        };
        Ok(Chain {
            steps,
            key: next()?,
            value: next()?,
            header: next()?,
            policy: ErrorPolicy::new(config),
            room: Some(room),
        })
    }

    /// The plugin that `<prefix>type` names, with its own keys.
    fn named(&self, config: &Config, prefix: &str, world: World) -> Result<Named, TaskError> {
        let mut own = config.with_prefix(prefix);
        let class = own.remove("type").unwrap_or_default();
        if world == World::Transform {
            own.remove("predicate");
            own.remove("negate");
        }
        self.resolve(&class, own, world, prefix)
    }

    fn resolve(
        &self,
        class: &str,
        mut own: Config,
        world: World,
        key: &str,
    ) -> Result<Named, TaskError> {
        let version = own.remove("plugin.version");
        let found = self
            .catalog
            .resolve(&self.id.tenant, class.trim(), version.as_deref(), world);
        let (plugin, class) =
            found.map_err(|e| TaskError::fail("PLUGIN-MISSING", format!("starting {key}: {e}")))?;
        Ok(Named {
            plugin,
            class,
            config: own,
        })
    }

    fn room(&self, wanted: &[Arc<Plugin>]) -> Result<InstanceRoom, TaskError> {
        let bytes = wanted
            .iter()
            .map(|p| self.limits.memory_for(p.memory_bytes()) as u64)
            .sum();
        let instances = wanted.len() as u64;
        self.meter.take_instances(&self.quotas, instances, bytes).map_err(|why| {
            let message = format!(
                "starting the plugins of {}: the tenant would have {why}; stop other connectors or ask an operator for \
                 more",
                self.id
            );
            TaskError::fail("QUOTA-INSTANCES", message)
        })?;
        Ok(InstanceRoom {
            meter: Arc::clone(&self.meter),
            instances,
            bytes,
        })
    }

    fn setup(
        &self,
        named: Named,
        role: &str,
        part: Option<Part>,
        schemas: &SharedSchemas,
        pace: &Pace,
    ) -> Setup {
        Setup {
            context: Context {
                class: named.class.clone(),
                part,
            },
            plugin: named.plugin,
            config: named.config,
            limits: self.limits,
            schemas: schemas.clone(),
            owner: Owner {
                tenant: self.id.tenant.clone(),
                connector: Arc::clone(&self.id.name),
                role: role.into(),
                class: named.class.as_str().into(),
            },
            sink: tracing_sink(),
            pace: pace.clone(),
        }
    }
}

fn start_error(e: StartError) -> TaskError {
    let code = match e {
        StartError::Config { .. } => "PLUGIN-CONFIG",
        StartError::Fault { .. } => "PLUGIN-FAULT",
    };
    TaskError::fail(code, e.to_string())
}
