//! Topics a connector writes to: may it, do they exist, and as what they are created.
//!
//! Connect's `topic.creation.*` (KIP-158). Where a connector says nothing, a missing topic is created with the broker's
//! defaults, rather than by the broker's automatic creation. Invariant: no record is sent to a topic that has not passed
//! [`TopicGate::pass`], whoever named it (source, transform, dead letters) (section 7: allow-lists are never widened).

use crate::kafka::{TopicSpec, Topics};
use fancy_regex::Regex;
use host_core::access::Access;
use host_core::config::{Config, Finding};
use host_core::error::TaskError;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One group of `topic.creation.groups`, or the default.
#[derive(Debug, Clone)]
struct Group {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    partitions: i32,
    replication: i32,
    configs: BTreeMap<String, String>,
}

/// `topic.creation.*` of a connector.
#[derive(Debug, Clone)]
pub struct CreationRules {
    enabled: bool,
    groups: Vec<Group>,
    default: Group,
}

impl CreationRules {
    /// Reads the keys; findings name what is wrong. `enabled` is the worker's `topic.creation.enable`.
    pub fn new(config: &Config, enabled: bool) -> (Self, Vec<Finding>) {
        let mut findings = Vec::new();
        let default = group("default", config, &mut findings);
        let names = config.list("topic.creation.groups");
        let groups = names
            .iter()
            .map(|n| group(n, config, &mut findings))
            .collect();
        (
            Self {
                enabled,
                groups,
                default,
            },
            findings,
        )
    }
    /// How a topic is to be made: the first group that includes and does not exclude it, or the default.
    pub fn spec(&self, topic: &str) -> TopicSpec {
        let matches = |all: &[Regex]| all.iter().any(|r| r.is_match(topic).unwrap_or(false));
        let group = self
            .groups
            .iter()
            .find(|g| matches(&g.include) && !matches(&g.exclude));
        let g = group.unwrap_or(&self.default);
        TopicSpec {
            name: topic.to_owned(),
            partitions: g.partitions,
            replication: g.replication,
            configs: g.configs.clone(),
        }
    }
}

fn group(name: &str, config: &Config, findings: &mut Vec<Finding>) -> Group {
    let prefix = format!("topic.creation.{name}.");
    let own = config.with_prefix(&prefix);
    let mut number = |key: &str| {
        let Some(text) = own.get(key) else { return -1 };
        let n = text
            .trim()
            .parse::<i32>()
            .ok()
            .filter(|n| *n == -1 || *n > 0);
        if n.is_none() {
            let message = format!(
                "Invalid value {text} for configuration {prefix}{key}: it must be -1 or at least 1"
            );
            findings.push(Finding::new(format!("{prefix}{key}"), message));
        }
        n.unwrap_or(-1)
    };
    let (partitions, replication) = (number("partitions"), number("replication.factor"));
    let mut patterns = |key: &str| {
        let mut all = Vec::new();
        for text in own.list(key) {
            // Connect matches the whole name (`Pattern.matcher(topic).matches()`).
            match Regex::new(&format!("^(?:{text})$")) {
                Ok(r) => all.push(r),
                Err(e) => {
                    let message =
                        format!("Invalid value {text} for configuration {prefix}{key}: {e}");
                    findings.push(Finding::new(format!("{prefix}{key}"), message));
                }
            }
        }
        all
    };
    let (include, exclude) = (patterns("include"), patterns("exclude"));
    let ours = ["partitions", "replication.factor", "include", "exclude"];
    let configs = own.iter().filter(|(k, _)| !ours.contains(k));
    Group {
        include,
        exclude,
        partitions,
        replication,
        configs: configs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
    }
}

/// What a task's topics have to pass once each.
pub struct TopicGate {
    topics: Topics,
    access: Arc<Access>,
    rules: CreationRules,
    /// Topics that have passed, with their `max.message.bytes` where it is known.
    passed: HashMap<String, Option<usize>>,
    /// Partitions of the topics of which some record named one, and when they were counted.
    counted: HashMap<String, (usize, Instant)>,
}

/// How long a partition is taken to be missing before it is asked for again; partitions can be added.
const COUNTED_FOR: Duration = Duration::from_secs(5);

/// Topics that one task may write to; a guest that invents names would otherwise fill memory and cluster.
pub const TOPICS_PER_TASK_MAX: usize = 10_000;

impl TopicGate {
    /// A gate that has let nothing through yet.
    pub fn new(topics: Topics, access: Arc<Access>, rules: CreationRules) -> Self {
        Self {
            topics,
            access,
            rules,
            passed: HashMap::new(),
            counted: HashMap::new(),
        }
    }
    /// Whether a topic has passed already.
    pub fn has_passed(&self, topic: &str) -> bool {
        self.passed.contains_key(topic)
    }
    /// Checks and, if it is missing, creates a topic; its `max.message.bytes` in bytes, where it may be asked for.
    pub async fn pass(&mut self, topic: &str) -> Result<Option<usize>, TaskError> {
        if let Some(limit) = self.passed.get(topic) {
            return Ok(*limit);
        }
        if !is_topic_name(topic) {
            let message = format!(
                "writing to the topic {topic:?}: a name has 1 to 249 of [a-zA-Z0-9._-]; correct the transform that made it"
            );
            return Err(TaskError::fail("TOPIC-NAME", message));
        }
        if !self.access.allows_topic(topic) {
            let message = format!(
                "writing to the topic {topic}: this tenant may not touch it; ask an operator to add its prefix to the \
                 quota 'topic_prefixes', or route the records elsewhere"
            );
            return Err(TaskError::fail("TOPIC-NOT-ALLOWED", message));
        }
        if self.passed.len() >= TOPICS_PER_TASK_MAX {
            let message = format!(
                "writing to the topic {topic}: a task may write to at most {TOPICS_PER_TASK_MAX} topics; route the \
                 records to fewer"
            );
            return Err(TaskError::fail("TOPICS-TOO-MANY", message));
        }
        if self.rules.enabled && self.topics.partitions(topic).await?.is_none() {
            let spec = self.rules.spec(topic);
            if self.topics.ensure(&spec).await? {
                tracing::info!(
                    topic,
                    partitions = spec.partitions,
                    replication = spec.replication,
                    "created the topic"
                );
            }
        }
        let configs = self.topics.configs(topic).await;
        let limit = configs.and_then(|c| c.get("max.message.bytes")?.parse().ok());
        self.passed.insert(topic.to_owned(), limit);
        Ok(limit)
    }
    /// How many partitions a topic that has passed has, if this one is not among them. What is wrong with a topic that is
    /// not there any more is Kafka's to say.
    pub async fn lacks_partition(
        &mut self,
        topic: &str,
        partition: u32,
    ) -> Result<Option<usize>, TaskError> {
        let wanted = partition as usize;
        if let Some((count, asked)) = self.counted.get(topic)
            && (wanted < *count || asked.elapsed() < COUNTED_FOR)
        {
            return Ok((wanted >= *count).then_some(*count));
        }
        let Some(count) = self.topics.partitions(topic).await? else {
            return Ok(None);
        };
        self.counted
            .insert(topic.to_owned(), (count, Instant::now()));
        Ok((wanted >= count).then_some(count))
    }
}

/// Kafka's own rule (`Topic.validate`); names can be set by guests.
fn is_topic_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=249).contains(&name.len()) && name.chars().all(good) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_names_are_kafkas() {
        for (name, good) in [
            ("a.b_c-1", true),
            ("", false),
            (".", false),
            ("a b", false),
            ("a\0", false),
            ("é", false),
        ] {
            assert_eq!(is_topic_name(name), good, "{name:?}");
        }
        assert!(!is_topic_name(&"x".repeat(250)));
    }

    #[test]
    fn the_first_matching_group_decides() {
        let config: Config = [
            ("topic.creation.default.partitions", "3"),
            ("topic.creation.default.cleanup.policy", "compact"),
            ("topic.creation.groups", "big, small"),
            ("topic.creation.big.include", "db\\.big.*, x"),
            ("topic.creation.big.exclude", "db\\.bigger"),
            ("topic.creation.big.partitions", "12"),
            ("topic.creation.big.replication.factor", "1"),
            ("topic.creation.small.include", "db\\..*"),
        ]
        .into_iter()
        .collect();
        let (rules, findings) = CreationRules::new(&config, true);
        assert!(findings.is_empty(), "{findings:?}");
        for (topic, partitions, replication, configs) in [
            ("db.big1", 12, 1, 0),
            ("db.bigger", -1, -1, 0),
            ("db.t", -1, -1, 0),
            ("other", 3, -1, 1),
            ("prefix.x", 3, -1, 1),
        ] {
            let s = rules.spec(topic);
            assert_eq!(
                (s.partitions, s.replication, s.configs.len()),
                (partitions, replication, configs),
                "{topic}"
            );
        }
    }

    #[test]
    fn wrong_rules_are_findings() {
        let config: Config = [
            ("topic.creation.groups", "a"),
            ("topic.creation.a.include", "("),
            ("topic.creation.default.partitions", "0"),
        ]
        .into_iter()
        .collect();
        let (_, findings) = CreationRules::new(&config, true);
        let keys: Vec<_> = findings.iter().map(|f| f.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "topic.creation.default.partitions",
                "topic.creation.a.include"
            ]
        );
    }
}
