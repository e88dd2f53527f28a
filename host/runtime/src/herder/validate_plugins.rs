//! Validation of what plugins are configured with: transforms, predicates, converters.
//!
//! Their keys come from their own definitions, under their prefix, as Connect's `ConnectorConfig.enrich` adds them; their
//! own findings come from the guests, on threads where blocking is allowed. Invariant: a class that is not there is a
//! finding about the key that names it.

use super::Herder;
use crate::chain::{converter_key, converter_of};
use host_core::config::{Config, ConfigKey, Finding, Importance, Type, Width};
use host_core::id::TenantId;
use host_wasm::{Context, Pace, Part, Plugin, ResolveError, World, validate_config};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A plugin that is to be asked about its configuration.
struct Question {
    plugin: Arc<Plugin>,
    class: String,
    part: Option<Part>,
    /// What its keys begin with in the connector's configuration.
    prefix: String,
    own: Config,
}

/// Who waits for the answers; when it has gone, nobody does, and the guests may stop.
#[derive(Default)]
struct Asker {
    gone: Arc<AtomicBool>,
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Gathered {
    keys: Vec<ConfigKey>,
    findings: Vec<Finding>,
    questions: Vec<Question>,
}

impl Herder {
    /// Keys of the configured plugins, and everything wrong with them.
    pub(super) async fn validate_plugins(
        &self,
        tenant: &TenantId,
        config: &Config,
    ) -> (Vec<ConfigKey>, Vec<Finding>) {
        let mut g = Gathered::default();
        let predicates = config.list("predicates");
        for alias in config.list("transforms") {
            self.one(tenant, config, &alias, World::Transform, &mut g);
            let key = format!("transforms.{alias}.predicate");
            if let Some(p) = config
                .get(&key)
                .map(str::trim)
                .filter(|p| !predicates.iter().any(|q| q == p))
            {
                let why = format!(
                    "Invalid value {p} for configuration {key}: No predicate of that name is in 'predicates'"
                );
                g.findings.push(Finding::new(key, why));
            }
        }
        for alias in &predicates {
            self.one(tenant, config, alias, World::Predicate, &mut g);
        }
        for part in [Part::Key, Part::Value, Part::Header] {
            self.converter(tenant, config, part, &mut g);
        }
        let limits = self.limits_of(tenant);
        let questions = std::mem::take(&mut g.questions);
        let meter = self.meter(tenant);
        // Guests run for a tenant's requests as for its connectors: within its share, and one request at a time.
        let turn = Arc::clone(&meter.asking).lock_owned().await;
        let asker = Asker::default();
        let pace = Pace {
            share: Arc::clone(&meter.cpu),
            stop: Arc::clone(&asker.gone),
        };
        let asking = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut all = Vec::new();
            for q in questions {
                let context = Context {
                    class: q.class,
                    part: q.part,
                };
                let found = validate_config(&q.plugin, &context, &q.own, &limits, &pace);
                all.extend(found.into_iter().map(|f| under(&q.prefix, f)));
            }
            all
        });
        match asking.await {
            Ok(found) => g.findings.extend(found),
            Err(e) => g.findings.push(Finding::new(
                "transforms",
                format!("Asking the plugins has failed: {e}"),
            )),
        }
        (g.keys, g.findings)
    }

    /// A transform or predicate of this alias.
    fn one(&self, tenant: &TenantId, config: &Config, alias: &str, world: World, g: &mut Gathered) {
        let (list, noun) = if world == World::Predicate {
            ("predicates", "predicate")
        } else {
            ("transforms", "transformation")
        };
        let mut title = noun.to_owned();
        title.replace_range(..1, &noun[..1].to_uppercase());
        let prefix = format!("{list}.{alias}.");
        let group = format!(
            "{}: {alias}",
            if world == World::Predicate {
                "Predicates"
            } else {
                "Transforms"
            }
        );
        let mut own = config.with_prefix(&prefix);
        let class = own.remove("type");
        let version = own.remove("plugin.version");
        if world == World::Transform {
            own.remove("predicate");
            own.remove("negate");
        }
        let key = |name: &str, kind, doc: &str, order, width, display: &str| {
            ConfigKey::new(&format!("{prefix}{name}"), kind, doc)
                .group(&group, order, width, display)
        };
        let mut type_key = key(
            "type",
            Type::Class,
            &format!("Class for the '{alias}' {noun}."),
            0,
            Width::Long,
            &format!("{title} type for {alias}"),
        )
        .importance(Importance::High)
        .required();
        let available = self
            .catalog
            .list(tenant)
            .into_iter()
            .filter(|p| p.world() == world);
        type_key.recommended_values = available
            .flat_map(|p| {
                p.classes()
                    .iter()
                    .map(|c| c.to_string())
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut version_key = key(
            "plugin.version",
            Type::String,
            &format!("Version of the '{alias}' {noun}."),
            1,
            Width::Long,
            &format!("{title} version for {alias}"),
        )
        .importance(Importance::High);
        let found = class.as_deref().map(|c| {
            self.catalog
                .resolve(tenant, c.trim(), version.as_deref(), world)
        });
        match found {
            None => {
                let missing = format!(
                    "Missing required configuration \"{prefix}type\" which has no default value."
                );
                g.findings
                    .push(Finding::new(format!("{prefix}type"), missing));
                g.keys.extend([type_key, version_key]);
            }
            Some(Err(e)) => {
                g.findings.push(unresolved(
                    &prefix,
                    "type",
                    class.as_deref().unwrap_or_default(),
                    &e,
                ));
                g.keys.extend([type_key, version_key]);
            }
            Some(Ok((plugin, class))) => {
                version_key.default_value = Some(plugin.version().to_owned());
                version_key.recommended_values = vec![plugin.version().to_owned()];
                g.keys.extend([type_key, version_key]);
                let mut order = 2;
                for k in &plugin.definition().keys {
                    g.keys.push(placed(k, &prefix, &group, order));
                    order += 1;
                }
                if world == World::Transform {
                    let negate = key(
                        "negate",
                        Type::Boolean,
                        "Whether the configured predicate should be negated.",
                        order,
                        Width::None,
                        "negate",
                    );
                    let doc = "The alias of a predicate used to determine whether to apply this transformation.";
                    g.keys.push(negate.default("false"));
                    g.keys.push(key(
                        "predicate",
                        Type::String,
                        doc,
                        order + 1,
                        Width::None,
                        "predicate",
                    ));
                }
                g.questions.push(Question {
                    plugin,
                    class,
                    part: None,
                    prefix,
                    own,
                });
            }
        }
    }

    /// The converter of a part; its own keys are checked and, as in Connect, not listed.
    fn converter(&self, tenant: &TenantId, config: &Config, part: Part, g: &mut Gathered) {
        let key = converter_key(part);
        if config.get(key).is_none() {
            return;
        }
        let (class, mut own) = converter_of(config, &self.config.converters, part);
        let version = own.remove("plugin.version");
        match self
            .catalog
            .resolve(tenant, &class, version.as_deref(), World::Format)
        {
            Ok((plugin, class)) => g.questions.push(Question {
                plugin,
                class,
                part: Some(part),
                prefix: format!("{key}."),
                own,
            }),
            Err(e) if e.is_about_version() => {
                g.findings
                    .push(unresolved(&format!("{key}."), "", &class, &e));
            }
            Err(e) => g
                .findings
                .push(Finding::new(key, missing_class(key, &class, &e))),
        }
    }

    /// Defaults and recommendations of the converter keys.
    pub(super) fn fill_in_converter(
        &self,
        key: &mut ConfigKey,
        tenant: &TenantId,
        config: &Config,
    ) {
        for part in [Part::Key, Part::Value, Part::Header] {
            let name = converter_key(part);
            let (class, _) = converter_of(config, &self.config.converters, part);
            if key.name == name {
                let formats = self
                    .catalog
                    .list(tenant)
                    .into_iter()
                    .filter(|p| p.world() == World::Format);
                key.recommended_values = formats
                    .flat_map(|p| {
                        p.classes()
                            .iter()
                            .map(|c| c.to_string())
                            .collect::<Vec<_>>()
                    })
                    .collect();
            } else if key.name == format!("{name}.plugin.version") {
                let found = self
                    .catalog
                    .resolve(tenant, &class, None, World::Format)
                    .ok();
                key.default_value = found.as_ref().map(|(p, _)| p.version().to_owned());
                key.recommended_values = key.default_value.clone().into_iter().collect();
            }
        }
    }
}

fn placed(k: &ConfigKey, prefix: &str, group: &str, order: i32) -> ConfigKey {
    let mut k = k.clone();
    k.name = format!("{prefix}{}", k.name);
    k.group = Some(group.to_owned());
    k.order_in_group = order;
    k
}

/// A plugin's finding about its own key, said of the connector's key.
fn under(prefix: &str, f: Finding) -> Finding {
    let key = format!("{prefix}{}", f.key);
    let message = f
        .message
        .replace(&format!("\"{}\"", f.key), &format!("\"{key}\""));
    Finding { key, message }
}

fn unresolved(prefix: &str, type_key: &str, class: &str, e: &ResolveError) -> Finding {
    let key = if e.is_about_version() {
        format!("{prefix}plugin.version")
    } else {
        format!("{prefix}{type_key}")
    };
    let message = missing_class(&key, class, e);
    Finding { key, message }
}

/// Connect's text for a class that is not there; the catalog's, which says what there is, for everything else.
fn missing_class(key: &str, class: &str, e: &ResolveError) -> String {
    match e {
        ResolveError::Class { .. } if !class.starts_with("wasm.") => {
            format!(
                "Invalid value {class} for configuration {key}: Class {class} could not be found."
            )
        }
        _ => format!("Invalid value {class} for configuration {key}: {e}"),
    }
}
