//! The worker's own configuration: Kafka Connect's worker keys, and ours under `tidegate.`.
//!
//! With `group.id` state lives in Kafka, as in Connect's distributed mode; without it in files and memory, as in its
//! standalone mode. It reads text and opens nothing. Invariant: what is wrong is collected, and no finding shows a secret.

use crate::kafka::{ClientProps, ClientRole, TopicSpec, WorkerClients, base_props, translate};
use crate::task::Timing;
use host_core::config::{Config, ConfigDef, Finding, Parser, duration_ms};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Keys whose values are copied to every client, without prefix.
const SHARED_PREFIXES: [&str; 2] = ["ssl.", "sasl."];
const SHARED: [&str; 2] = ["security.protocol", "client.dns.lookup"];

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one for each worker")]
pub enum Storage {
    /// In Kafka: Connect's three topics and one for plugins.
    Kafka {
        /// `group.id`.
        group_id: String,
        /// `config.storage.topic`.
        config: TopicSpec,
        /// `offset.storage.topic`.
        offset: TopicSpec,
        /// `status.storage.topic`.
        status: TopicSpec,
        /// `plugin.storage.topic`.
        plugin: TopicSpec,
        /// `session.timeout.ms`.
        session_timeout: Duration,
    },
    /// In files; configurations and status only in memory.
    Files {
        /// `offset.storage.file.filename`.
        offsets: PathBuf,
        /// `plugin.storage.directory`.
        plugins: PathBuf,
    },
}

/// A worker's configuration.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Where state is kept.
    pub storage: Storage,
    /// Properties of its Kafka clients.
    pub clients: WorkerClients,
    /// `key.converter`, `value.converter`, `header.converter` and their own keys.
    pub converters: Config,
    /// Times that bound its tasks.
    pub timing: Timing,
    /// `topic.creation.enable`.
    pub topic_creation: bool,
    /// `topic.tracking.enable`.
    pub topic_tracking: bool,
    /// `topic.tracking.allow.reset`.
    pub topic_reset: bool,
    /// `listeners`: where REST is served, e.g. `http://:8083`.
    pub listeners: Vec<String>,
    /// Its address for others, `host:port`: `rest.advertised.*`, or else the first listener.
    pub worker_id: String,
    /// `tidegate.cache.directory`: compiled plugins.
    pub cache: PathBuf,
    /// `tidegate.auth.file`.
    pub auth_file: Option<PathBuf>,
}

impl WorkerConfig {
    /// Reads `worker.properties`.
    pub fn parse(raw: &Config) -> Result<Self, Vec<Finding>> {
        let def = ConfigDef::default();
        let mut p = Parser::new(&def, raw);
        let bootstrap: Option<String> = p.required("bootstrap.servers");
        for key in ["key.converter", "value.converter"] {
            let _given: Option<String> = p.required(key);
        }
        let timing = Timing {
            flush_interval: duration_ms(p.or("offset.flush.interval.ms", 60_000)),
            flush_timeout: duration_ms(p.or("offset.flush.timeout.ms", 5_000)),
            graceful: duration_ms(p.or("task.shutdown.graceful.timeout.ms", 5_000)),
        };
        let storage = storage(&mut p);
        let listeners = match p.get::<Vec<String>>("listeners") {
            Some(all) if !all.is_empty() => all,
            _ => vec!["http://:8083".to_owned()],
        };
        let worker_id = advertised(&mut p, &listeners);
        let (topic_creation, topic_tracking, topic_reset) = (
            p.or("topic.creation.enable", true),
            p.or("topic.tracking.enable", true),
            p.or("topic.tracking.allow.reset", true),
        );
        let cache: Option<String> = p.get("tidegate.cache.directory");
        let auth_file: Option<String> = p.get("tidegate.auth.file");
        let mut findings = p.findings;
        let clients = clients(raw, bootstrap.as_deref().unwrap_or_default(), &mut findings);
        let converters = raw.iter().filter(|(k, _)| {
            ["key.converter", "value.converter", "header.converter"]
                .iter()
                .any(|c| k.starts_with(c))
        });
        match storage {
            Some(storage) if findings.is_empty() => Ok(Self {
                storage,
                clients,
                converters: converters.collect(),
                timing,
                topic_creation,
                topic_tracking,
                topic_reset,
                listeners,
                worker_id,
                cache: cache.map_or_else(default_cache, PathBuf::from),
                auth_file: auth_file.filter(|f| !f.is_empty()).map(PathBuf::from),
            }),
            _ => Err(findings),
        }
    }
}

fn default_cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("tidegate")
}

fn storage(p: &mut Parser<'_>) -> Option<Storage> {
    let Some(group_id) = p.get::<String>("group.id").filter(|g| !g.is_empty()) else {
        let offsets: Option<String> = p.required("offset.storage.file.filename");
        let offsets = PathBuf::from(offsets?);
        let plugins = p
            .get::<String>("plugin.storage.directory")
            .map(PathBuf::from);
        let beside = || offsets.with_extension("plugins");
        return Some(Storage::Files {
            plugins: plugins.unwrap_or_else(beside),
            offsets,
        });
    };
    let config = topic(p, "config", None, 1);
    let offset = topic(p, "offset", None, 25);
    let status = topic(p, "status", None, 5);
    let plugin = topic(p, "plugin", Some("tidegate-plugins"), 1);
    let session_timeout = duration_ms(p.or("session.timeout.ms", 10_000));
    Some(Storage::Kafka {
        group_id,
        config: config?,
        offset: offset?,
        status: status?,
        plugin: plugin?,
        session_timeout,
    })
}

/// `<kind>.storage.topic|partitions|replication.factor` and further settings under `<kind>.storage.`.
fn topic(
    p: &mut Parser<'_>,
    kind: &str,
    default: Option<&str>,
    partitions: i32,
) -> Option<TopicSpec> {
    let prefix = format!("{kind}.storage.");
    let name = match default {
        Some(d) => Some(p.or(&format!("{prefix}topic"), d.to_owned())),
        None => p.required(&format!("{prefix}topic")),
    };
    let one = matches!(kind, "config" | "plugin");
    let partitions = if one {
        1
    } else {
        p.or(&format!("{prefix}partitions"), partitions)
    };
    // Connect's default of 3 replicas fails on one broker; the broker's own default does not.
    let replication = p.or(&format!("{prefix}replication.factor"), -1);
    Some(TopicSpec {
        name: name?,
        partitions,
        replication,
        configs: [("cleanup.policy".to_owned(), "compact".to_owned())].into(),
    })
}

fn advertised(p: &mut Parser<'_>, listeners: &[String]) -> String {
    let first = listeners.first().map_or("", String::as_str);
    let address = first.split_once("://").map_or(first, |(_, a)| a);
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "8083"));
    let host = p
        .get::<String>("rest.advertised.host.name")
        .filter(|h| !h.is_empty())
        .unwrap_or_else(|| {
            if host.is_empty() || host == "0.0.0.0" {
                "127.0.0.1".to_owned()
            } else {
                host.to_owned()
            }
        });
    let port = p
        .get::<String>("rest.advertised.port")
        .unwrap_or_else(|| port.to_owned());
    format!("{host}:{port}")
}

fn clients(raw: &Config, bootstrap: &str, findings: &mut Vec<Finding>) -> WorkerClients {
    let shared: BTreeMap<String, String> = raw
        .iter()
        .filter(|(k, _)| SHARED.contains(k) || SHARED_PREFIXES.iter().any(|p| k.starts_with(p)))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect();
    let mut make = |role, prefix: &str| -> ClientProps {
        let mut java = shared.clone();
        let own = raw.with_prefix(prefix);
        java.extend(own.iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
        let (props, wrong) = translate(&java, role, prefix, false);
        findings.extend(wrong);
        let mut base = base_props();
        base.set("bootstrap.servers", bootstrap);
        base.overridden_by(&props)
    };
    WorkerClients {
        producer: make(ClientRole::Producer, "producer."),
        consumer: make(ClientRole::Consumer, "consumer."),
        admin: make(ClientRole::Admin, "admin."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Config {
        let base = [
            ("bootstrap.servers", "b:9092"),
            ("key.converter", "K"),
            ("value.converter", "V"),
        ];
        base.iter().chain(pairs).copied().collect()
    }

    #[test]
    fn connects_worker_keys_are_read() {
        let c = WorkerConfig::parse(&config(&[
            ("group.id", "g"),
            ("config.storage.topic", "c"),
            ("offset.storage.topic", "o"),
            ("offset.storage.partitions", "5"),
            ("status.storage.topic", "s"),
            ("status.storage.replication.factor", "1"),
            ("offset.flush.interval.ms", "5000"),
            ("listeners", "http://0.0.0.0:9999"),
            ("value.converter.schemas.enable", "false"),
            ("producer.linger.ms", "7"),
            ("security.protocol", "SSL"),
        ]))
        .unwrap();
        let Storage::Kafka {
            config,
            offset,
            status,
            plugin,
            ..
        } = &c.storage
        else {
            panic!("in files")
        };
        let of = |t: &TopicSpec| (t.name.clone(), t.partitions, t.replication);
        assert_eq!(of(config), ("c".into(), 1, -1));
        assert_eq!(of(offset), ("o".into(), 5, -1));
        assert_eq!(of(status), ("s".into(), 5, 1));
        assert_eq!(plugin.name, "tidegate-plugins");
        assert_eq!(c.worker_id, "127.0.0.1:9999");
        assert_eq!(c.timing.flush_interval, Duration::from_secs(5));
        assert_eq!(
            c.converters.get("value.converter.schemas.enable"),
            Some("false")
        );
        assert_eq!(c.clients.producer.get("linger.ms"), Some("7"));
        assert_eq!(c.clients.consumer.get("security.protocol"), Some("ssl"));
    }

    #[test]
    fn what_is_missing_or_wrong_is_collected() {
        let missing = WorkerConfig::parse(&Config::default()).unwrap_err();
        let keys: Vec<_> = missing.iter().map(|f| f.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "bootstrap.servers",
                "key.converter",
                "value.converter",
                "offset.storage.file.filename"
            ]
        );
        let wrong = WorkerConfig::parse(&config(&[
            ("offset.storage.file.filename", "/x"),
            ("offset.flush.interval.ms", "soon"),
            ("producer.lingr.ms", "1"),
        ]));
        let keys: Vec<_> = wrong.unwrap_err().into_iter().map(|f| f.key).collect();
        assert_eq!(keys, ["offset.flush.interval.ms", "producer.lingr.ms"]);
    }
}
