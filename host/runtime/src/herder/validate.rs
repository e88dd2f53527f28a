//! Whether a configuration would run, key by key: Connect's `AbstractHerder.validateConnectorConfig`.
//!
//! Common keys, the class's own, those of its plugins, client overrides, topic creation; then what only the servers can
//! tell. The same code answers `validate` and refuses a wrong POST or PUT. Invariant: every error names its key, and a
//! configuration without errors starts.

use super::change::name_mismatch;
use super::common_keys::common_keys;
use super::{Answer, Herder, HerderError, classes};
use crate::kafka::{ClientRole, translate};
use crate::topic_creation::CreationRules;
use host_core::access::Access;
use host_core::config::{Config, ConfigDef, ConfigInfos, ConfigKey, Finding, Parser, suggest};
use host_core::id::{ConnectorId, TenantId};
use host_core::source::SourceKind;
use std::sync::Arc;
use std::time::Duration;

/// How long the servers may take to answer a validation.
const LIVE_TIMEOUT: Duration = Duration::from_secs(30);
/// Keys of ours and of Connect that no definition lists.
const FURTHER_KEYS: [&str; 6] = [
    "errors.deadletterqueue.",
    "producer.override.",
    "consumer.override.",
    "admin.override.",
    "topic.creation.",
    "errors.max.retries",
];

impl Herder {
    /// A configuration that may be stored: named as its connector, and valid.
    pub(super) async fn checked(&self, id: &ConnectorId, mut config: Config) -> Answer<Config> {
        self.stores()?;
        match config.get("name") {
            Some(name) if *name != *id.name => return Err(name_mismatch(name, id)),
            Some(_) => {}
            None => config.set("name", &*id.name),
        }
        let kind = self.kind_of(&config)?;
        let infos = self.validate(&id.tenant, &kind, &config).await;
        let errors: Vec<String> = infos
            .configs
            .iter()
            .flat_map(|c| c.value.errors.clone())
            .collect();
        if errors.is_empty() {
            return Ok(config);
        }
        Err(HerderError::bad(format!(
            "Connector configuration is invalid and contains the following {} error(s):\n{}\nYou can also find the above \
             list of errors at the endpoint `/connector-plugins/{{connectorType}}/config/validate`",
            errors.len(),
            errors.join("\n")
        )))
    }

    pub(super) async fn validate_for_url(
        &self,
        tenant: &TenantId,
        plugin: &str,
        config: &Config,
    ) -> Answer<ConfigInfos> {
        let kind = self.kind_of(config)?;
        if !classes::answers_to(kind.class(), plugin) {
            return Err(HerderError::bad(format!(
                "Included connector type {} does not match request type {plugin}",
                config.get("connector.class").unwrap_or_default()
            )));
        }
        Ok(self.validate(tenant, &kind, config).await)
    }

    fn kind_of(&self, config: &Config) -> Answer<Arc<dyn SourceKind>> {
        let Some(class) = config
            .get("connector.class")
            .map(str::trim)
            .filter(|c| !c.is_empty())
        else {
            // Connect shows the values too; any of them may be a secret.
            let shown: Vec<&str> = config.iter().map(|(k, _)| k).collect();
            return Err(HerderError::bad(format!(
                "Connector config {{{}}} contains no connector type; set connector.class",
                shown.join(", ")
            )));
        };
        classes::find(&self.kinds, class)
            .ok_or_else(|| HerderError::bad(classes::not_found(&self.kinds, class)))
    }

    async fn validate(
        &self,
        tenant: &TenantId,
        kind: &Arc<dyn SourceKind>,
        config: &Config,
    ) -> ConfigInfos {
        let mut def = ConfigDef::new(common_keys());
        self.fill_in(&mut def, kind.as_ref(), tenant, config);
        let mut common = Parser::new(&def, config);
        common.check_all();
        let mut findings = common.findings;
        common_rules(config, &mut findings);
        let quotas = self.quotas(tenant);
        let access = quotas.access();
        client_overrides(config, access.files_denied, &mut findings);
        findings.extend(CreationRules::new(config, true).1);
        if let Some(topic) = config
            .get("errors.deadletterqueue.topic.name")
            .map(str::trim)
            .filter(|t| !t.is_empty())
            && !access.allows_topic(topic)
        {
            let message = format!(
                "Invalid value {topic} for configuration errors.deadletterqueue.topic.name: this tenant may not touch \
                 that topic; choose a name with one of its prefixes"
            );
            findings.push(Finding::new("errors.deadletterqueue.topic.name", message));
        }
        let (plugin_keys, plugin_findings) = self.validate_plugins(tenant, config).await;
        def.keys.extend(plugin_keys);
        findings.extend(plugin_findings);
        let own = kind.definition();
        let mut parser = Parser::new(own, config);
        parser.check_all();
        let own_findings = parser.findings;
        let live = findings.is_empty() && own_findings.is_empty();
        let told = ask(kind.as_ref(), config, &access, live).await;
        // What the class itself says of a key is better than what its type says.
        let unsaid = |f: &Finding| !told.iter().any(|t| t.key == f.key);
        findings.extend(own_findings.into_iter().filter(unsaid));
        findings.extend(told);
        def.keys.extend(own.keys.iter().cloned());
        warn_unknown(kind.as_ref(), &def, config);
        warn_without_retries(config);
        ConfigInfos::new(kind.class(), &def, config, &findings)
    }

    /// Defaults and recommendations that depend on the class and the worker.
    fn fill_in(
        &self,
        def: &mut ConfigDef,
        kind: &dyn SourceKind,
        tenant: &TenantId,
        config: &Config,
    ) {
        for key in &mut def.keys {
            if key.name == "connector.plugin.version" {
                key.default_value = Some(kind.version().to_owned());
                key.recommended_values = vec![kind.version().to_owned()];
            } else {
                self.fill_in_converter(key, tenant, config);
            }
        }
    }
}

/// What the class itself says, its server included where `live`.
async fn ask(kind: &dyn SourceKind, config: &Config, access: &Access, live: bool) -> Vec<Finding> {
    let asked = kind.validate(config, access, live);
    tokio::time::timeout(LIVE_TIMEOUT, asked)
        .await
        .unwrap_or_else(|_| {
            let seconds = LIVE_TIMEOUT.as_secs();
            let message = format!("The server did not answer within {seconds} s");
            vec![Finding::new("connector.class", message)]
        })
}

/// Client settings that cannot be translated, or that this tenant may not give.
fn client_overrides(config: &Config, files_denied: bool, findings: &mut Vec<Finding>) {
    for (prefix, role) in [
        ("producer.override.", ClientRole::Producer),
        ("consumer.override.", ClientRole::Consumer),
        ("admin.override.", ClientRole::Admin),
    ] {
        let own = config.with_prefix(prefix);
        let java = own
            .iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        findings.extend(translate(&java, role, prefix, files_denied).1);
    }
}

/// Rules of Connect's own keys that types do not say, with its texts.
fn common_rules(config: &Config, findings: &mut Vec<Finding>) {
    let invalid = |key: &str, value: &str, why: &str| {
        Finding::new(
            key,
            format!("Invalid value {value} for configuration {key}: {why}"),
        )
    };
    if let Some(name) = config.get("name") {
        let control: Vec<String> = name
            .chars()
            .filter(|c| c.is_control())
            .map(|c| (c as u32).to_string())
            .collect();
        if name.trim().is_empty() {
            findings.push(invalid("name", name, "String may not be empty"));
        } else if !control.is_empty() {
            let why = format!(
                "String may not contain control sequences but had the following ASCII chars: {}",
                control.join(", ")
            );
            findings.push(invalid("name", name, &why));
        }
    }
    if let Some(text) = config.get("tasks.max") {
        match text.trim().parse::<i32>() {
            Ok(n) if n < 1 => findings.push(invalid("tasks.max", text, "Value must be at least 1")),
            Ok(_) => {}
            Err(_) => findings.push(invalid("tasks.max", "null", "Value must be non-null")),
        }
    }
    for (key, words) in [
        ("errors.tolerance", &["none", "all"][..]),
        ("config.action.reload", &["none", "restart"]),
        ("exactly.once.support", &["requested", "required"]),
        ("transaction.boundary", &["poll", "interval", "connector"]),
    ] {
        if let Some(v) = config.get(key)
            && !words.iter().any(|w| w.eq_ignore_ascii_case(v.trim()))
        {
            let why = format!(
                "String must be one of (case insensitive): {}",
                words.join(", ").to_uppercase()
            );
            findings.push(invalid(key, v, &why));
        }
    }
    if config
        .get("exactly.once.support")
        .is_some_and(|v| v.trim().eq_ignore_ascii_case("required"))
    {
        let message = "This worker does not have exactly-once source support enabled; remove exactly.once.support or set \
                       it to requested";
        findings.push(Finding::new("exactly.once.support", message));
    }
    if config
        .get("errors.deadletterqueue.topic.name")
        .is_some_and(|t| !t.trim().is_empty())
        && !config
            .get("errors.tolerance")
            .is_some_and(|t| t.trim().eq_ignore_ascii_case("all"))
    {
        let message = "Invalid combination: errors.deadletterqueue.topic.name keeps failed records only with \
                       errors.tolerance=all; set it, or remove the topic";
        findings.push(Finding::new("errors.deadletterqueue.topic.name", message));
    }
}

/// KIP-298 repeats transforms and converters that fail with a retriable error (`RetryWithToleranceOperator`). A guest is a
/// pure function, its limits are in CPU time: no failure of one is retriable, and none is repeated by these keys.
fn warn_without_retries(config: &Config) {
    let timeout = config.get("errors.retry.timeout").map_or("0", str::trim);
    if timeout != "0" {
        tracing::warn!(
            "errors.retry.timeout={timeout} repeats nothing: no failure of a transform or converter here is one that \
             may heal; errors.max.retries is for servers that are away"
        );
    }
}

/// Unknown keys are accepted, as Connect does, with a hint in the log.
fn warn_unknown(kind: &dyn SourceKind, def: &ConfigDef, config: &Config) {
    for (key, _) in config.iter() {
        let known = def.get(key).is_some()
            || kind.understands(key)
            || FURTHER_KEYS.iter().any(|k| key.starts_with(k))
            || [
                "key.converter.",
                "value.converter.",
                "header.converter.",
                "transforms.",
                "predicates.",
            ]
            .iter()
            .any(|p| key.starts_with(p));
        if !known {
            let hint = suggest(key, def.keys.iter().map(|k: &ConfigKey| k.name.as_str()));
            match hint {
                Some(near) => tracing::warn!(
                    key,
                    "a configuration names a key that nobody knows; did you mean {near}?"
                ),
                None => tracing::warn!(key, "a configuration names a key that nobody knows"),
            }
        }
    }
}
