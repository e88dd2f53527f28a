//! Recorded scenarios: SQL, connector configuration, and what the real Debezium wrote.
//!
//! `tests/golden/<scenario>/setup.sql`, `streaming.sql` and `<variant>/{config.json,topics/}`. A scenario is replayed on
//! a server without other databases, because a snapshot records every database it sees.
//! Invariant: what is compared was read from Kafka.

use crate::capture::{self, Capture};
use crate::host::Host;
use crate::mysql::{Session, statements};
use crate::{compare, kafka, services, until};
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time without a new record after which a scenario is taken to be over, once all is there that was recorded.
const QUIET: Duration = Duration::from_secs(1);
/// Differences that are listed.
const DIFFERENCES_MAX: usize = 5000;
/// Limit of one step of a scenario.
const STEP: Duration = Duration::from_secs(90);

/// A scenario's folder.
pub fn folder(scenario: &str) -> PathBuf {
    services::checkout().join("tests/golden").join(scenario)
}

/// One replay: the recorded variants of a scenario side by side, as they were recorded.
pub struct Replay {
    scenario: String,
    variants: Vec<String>,
    /// What the real Debezium wrote, by variant.
    pub expected: BTreeMap<String, Capture>,
    /// What this host wrote, by variant.
    pub actual: BTreeMap<String, Capture>,
}

impl Replay {
    /// Replays a scenario with these variants on a worker of its own.
    pub fn run(scenario: &str, variants: &[&str]) -> Result<Self> {
        let mut replay = Self {
            scenario: scenario.to_owned(),
            variants: variants.iter().map(|v| (*v).to_owned()).collect(),
            expected: BTreeMap::new(),
            actual: BTreeMap::new(),
        };
        let mut session = Session::open()?;
        session.drop_user_databases()?;
        // Recorded on a fresh binlog: sets of GTIDs are then equal too.
        session.run("RESET BINARY LOGS AND GTIDS")?;
        session.script(&replay.sql("setup")?)?;
        let host = Host::start(&format!("golden-{scenario}"), &[])?;
        let mut prefixes = BTreeMap::new();
        for variant in &replay.variants {
            let (name, config) = replay.config(variant)?;
            let prefix = config["topic.prefix"]
                .as_str()
                .context("topic.prefix")?
                .to_owned();
            let of_prefix = prefix.clone();
            let history = config["schema.history.internal.kafka.topic"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            kafka::delete_topics(&|t| belongs(t, &of_prefix) || t == history)?;
            host.create(&name, &config)?;
            prefixes.insert(variant.clone(), (name, prefix, history));
        }
        for (name, _, _) in prefixes.values() {
            host.wait_streaming(name, STEP).or_else(|e| {
                host.wait_state(name, "FAILED", STEP)
                    .map(drop)
                    .map_err(|_| e)
            })?;
        }
        let ours = |t: &str| prefixes.values().any(|(_, p, h)| belongs(t, p) || t == h);
        let streaming = replay.sql("streaming")?;
        for statement in statements(&streaming) {
            // The recorder opened a session for each group of statements, and each group begins so.
            if statement.starts_with("USE ") {
                session = Session::open()?;
            }
            session.run(statement)?;
        }
        for variant in &replay.variants {
            let topics = folder(scenario).join(variant).join("topics");
            let recorded = capture::from_folder(&topics)?;
            replay.expected.insert(variant.clone(), recorded);
        }
        settle(&ours, &replay.expected)?;
        for (variant, (_, prefix, history)) in prefixes {
            let actual = capture::from_kafka(&|t| belongs(t, &prefix) || t == history)?;
            capture::to_folder(&actual, &host.folder.join(&variant))?;
            replay.actual.insert(variant, actual);
        }
        Ok(replay)
    }
    fn sql(&self, part: &str) -> Result<String> {
        let file = folder(&self.scenario).join(format!("{part}.sql"));
        std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))
    }
    /// Name and configuration of a variant, with the addresses of this run.
    fn config(&self, variant: &str) -> Result<(String, Value)> {
        let file = folder(&self.scenario).join(variant).join("config.json");
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let recorded: Value = serde_json::from_slice(&text)?;
        let name = recorded["name"].as_str().context("name")?.to_owned();
        let mut config = recorded["config"].clone();
        let (host, port) = services::mysql()?;
        config["database.hostname"] = host.into();
        config["database.port"] = port.to_string().into();
        config["schema.history.internal.kafka.bootstrap.servers"] = services::kafka()?.into();
        Ok((name, config))
    }
    /// Differences of one variant.
    pub fn differences(&self, variant: &str) -> Result<Vec<String>> {
        let expected = self.expected.get(variant).context("no such variant")?;
        let actual = self.actual.get(variant).context("no such variant")?;
        Ok(compare::compare(expected, actual, DIFFERENCES_MAX))
    }
    /// The `op` of a recorded change event; `None` for a tombstone or another kind of record.
    pub fn op(&self, variant: &str, topic: &str, index: usize) -> Option<String> {
        let value = self
            .expected
            .get(variant)?
            .get(topic)?
            .get(index)?
            .value
            .as_deref()?;
        let value: Value = serde_json::from_str(value).ok()?;
        let envelope = value.get("payload").unwrap_or(&value);
        envelope["op"].as_str().map(str::to_owned)
    }
}

/// Whether a topic belongs to a connector with this prefix, as the recorder decided it.
fn belongs(topic: &str, prefix: &str) -> bool {
    let topic = topic.strip_prefix("__debezium-heartbeat.").unwrap_or(topic);
    topic.strip_prefix(prefix).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(['.', '-']) || rest.starts_with("_inv")
    })
}

/// Waits until the topics hold what was recorded and have not grown for a while, or, where something is missing, until
/// they have not grown for long.
fn settle(ours: &dyn Fn(&str) -> bool, expected: &BTreeMap<String, Capture>) -> Result<()> {
    let (mut last, mut since) = (BTreeMap::new(), Instant::now());
    until::until("the topics to be quiet", STEP, || {
        let now = kafka::ends(ours)?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
        let held = |topic: &String| {
            let partitions = last.iter().filter(|((t, _), _)| t == topic);
            partitions.map(|(_, end)| *end).sum::<i64>()
        };
        let complete = expected
            .values()
            .flatten()
            .all(|(topic, records)| held(topic) >= records.len() as i64);
        let patience = if complete { QUIET } else { 8 * QUIET };
        Ok((since.elapsed() > patience).then_some(()))
    })
}
