//! Both products beside each other on one MySQL: many workloads in one run, each in a database of its own.
//!
//! A connector reads the databases of its group and one more, `zz_end`, whose row tells that a snapshot is over and later
//! that all has been read. Prefixes, which must differ, are replaced by one word before comparing.
//! Invariant: what is compared was read from Kafka.

use super::script::Script;
use super::value::Phase;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tests::capture::{self, Capture, Captured};
use tests::mysql::Session;
use tests::worker::{Product, Worker};
use tests::{compare, kafka, services, until};

/// Limit of a phase of a run.
const PHASE: Duration = Duration::from_secs(150);
/// Time without a new record after which nothing more is expected.
const QUIET: Duration = Duration::from_millis(1500);
const DIFFERENCES_MAX: usize = 40;
const END: &str = "zz_end";

/// Keys in which groups of workloads differ, by [`variant`].
pub(super) const VARIANTS: [&[(&str, &str)]; 4] = [
    &[],
    &[
        ("decimal.handling.mode", "string"),
        ("bigint.unsigned.handling.mode", "precise"),
        ("binary.handling.mode", "base64"),
        ("time.precision.mode", "isostring"),
        ("skipped.operations", "none"),
    ],
    &[
        ("decimal.handling.mode", "double"),
        ("binary.handling.mode", "hex"),
        ("time.precision.mode", "connect"),
        ("provide.transaction.metadata", "true"),
        ("tombstones.on.delete", "false"),
    ],
    &[
        ("binary.handling.mode", "base64-url-safe"),
        ("time.precision.mode", "microseconds"),
        ("include.schema.comments", "true"),
        ("include.query", "true"),
    ],
];

/// The configuration a seed's workload is read with.
pub(super) fn variant(seed: u64) -> usize {
    (seed % VARIANTS.len() as u64) as usize
}

/// A workload and how it is read.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) variant: usize,
    pub(super) script: Script,
}

/// What came of a group of workloads that one connector of each product read.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Differences by workload, in the group's order.
    Compared(Vec<Vec<String>>),
    /// One product's task, or both, failed: what it said.
    Failed(String),
}

/// Counts over the life of a pair.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) statements: usize,
    pub(super) refused: usize,
    pub(super) records: usize,
}

/// The two workers.
pub(super) struct Pair {
    workers: [(Product, Worker); 2],
    runs: usize,
    connectors: u32,
    pub(super) counts: Counts,
    refusals: BTreeMap<String, usize>,
}

/// A group's connectors.
struct Group {
    /// Names and topic prefixes: Debezium's, then Tidegate's.
    names: [String; 2],
    databases: Vec<String>,
    failed: Option<String>,
}

impl Pair {
    pub(super) fn start() -> Result<Self> {
        let id = std::process::id();
        let start = |product, name: &str| {
            let (worker, took) =
                Worker::start(product, "it", &format!("differential-{name}-{id}"))?;
            println!("{product:?} started in {:.1} s", took.as_secs_f64());
            anyhow::Ok((product, worker))
        };
        Ok(Self {
            workers: [
                start(Product::Debezium, "debezium")?,
                start(Product::Tidegate, "tidegate")?,
            ],
            runs: 0,
            connectors: 0,
            counts: Counts::default(),
            refusals: BTreeMap::new(),
        })
    }

    /// Runs these groups side by side.
    pub(super) fn run(&mut self, groups: &[Vec<Case>]) -> Result<Vec<Outcome>> {
        self.runs += 1;
        let mut admin = Session::open()?;
        admin.drop_user_databases()?;
        admin.run(&format!("CREATE DATABASE {END}"))?;
        admin.run(&format!("CREATE TABLE {END}.done (n INT PRIMARY KEY)"))?;
        admin.run(&format!("INSERT INTO {END}.done VALUES (1)"))?;
        let mut sessions = Vec::new();
        let mut made: Vec<Group> = groups
            .iter()
            .enumerate()
            .map(|(i, g)| self.group(i, g.len()))
            .collect();
        for (group, cases) in made.iter().zip(groups) {
            for (database, case) in group.databases.iter().zip(cases) {
                let mut session = Session::open()?;
                session.run(&format!(
                    "CREATE DATABASE {database} CHARACTER SET {}",
                    case.script.charset
                ))?;
                session.run(&format!("USE {database}"))?;
                case.script
                    .session
                    .iter()
                    .try_for_each(|sql| session.run(sql))?;
                self.play(&mut session, case.script.of(Phase::Snapshot));
                sessions.push((session, &case.script));
            }
        }
        for (group, cases) in made.iter().zip(groups) {
            self.create(group, cases.first().map_or(0, |c| c.variant))?;
        }
        self.wait(&mut made, 1)?;
        for (session, script) in &mut sessions {
            self.play(session, script.of(Phase::Streaming));
            // An open transaction would never be read.
            session.run("COMMIT")?;
        }
        admin.run(&format!("INSERT INTO {END}.done VALUES (2)"))?;
        self.wait(&mut made, 2)?;
        self.settle()?;
        let all = capture::from_kafka(&|t| self.owns(t))?;
        for group in &made {
            for ((_, worker), name) in self.workers.iter().zip(&group.names) {
                worker.order("DELETE", &format!("/connectors/{name}"), None)?;
            }
        }
        kafka::delete_topics(&|t| self.owns(t))?;
        Ok(made.into_iter().map(|g| self.outcome(g, &all)).collect())
    }

    fn prefix(&self) -> String {
        format!("differential-{}-{}-", std::process::id(), self.runs)
    }

    fn owns(&self, topic: &str) -> bool {
        topic.starts_with(&self.prefix())
    }

    fn group(&self, at: usize, cases: usize) -> Group {
        let prefix = self.prefix();
        Group {
            names: [format!("{prefix}{at}-peer"), format!("{prefix}{at}-host")],
            databases: (0..cases).map(|i| format!("d{at}_{i}_")).collect(),
            failed: None,
        }
    }

    /// Runs statements, passing over those the server refuses.
    fn play<'a>(&mut self, session: &mut Session, statements: impl Iterator<Item = &'a str>) {
        for sql in statements {
            self.counts.statements += 1;
            if let Err(e) = session.run(sql) {
                self.counts.refused += 1;
                let why: String = format!("{:#}", e.root_cause()).chars().take(60).collect();
                *self.refusals.entry(why).or_default() += 1;
            }
        }
    }

    /// Why statements were refused, the most frequent first.
    pub(super) fn refusals(&self) -> Vec<(&str, usize)> {
        let mut all: Vec<_> = self
            .refusals
            .iter()
            .map(|(why, n)| (why.as_str(), *n))
            .collect();
        all.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        all
    }

    fn create(&mut self, group: &Group, variant: usize) -> Result<()> {
        for ((_, worker), name) in self.workers.iter().zip(&group.names) {
            self.connectors += 1;
            let databases = [&group.databases[..], &[END.to_owned()]].concat().join(",");
            let mut config = json!({
                "database.server.id": (5000 + self.connectors).to_string(),
                "database.include.list": databases,
                "topic.prefix": name,
                "schema.history.internal.kafka.topic": format!("{name}-history"),
                "schema.history.internal.kafka.bootstrap.servers": services::kafka()?,
                "poll.interval.ms": "50",
                // A broker need not create topics by itself.
                "topic.creation.default.partitions": "1",
                "topic.creation.default.replication.factor": "1",
            });
            for (key, value) in Session::connector_keys()? {
                config[key] = value.into();
            }
            for (key, value) in VARIANTS[variant] {
                config[*key] = (*value).into();
            }
            worker.order(
                "POST",
                "/connectors",
                Some(&json!({"name": name, "config": config})),
            )?;
        }
        Ok(())
    }

    /// Waits until every connector has written so many rows of the table that marks the end, or has failed.
    fn wait(&self, groups: &mut [Group], rows: i64) -> Result<()> {
        let what = format!("{rows} rows of {END}.done from every connector");
        let mut asked = Instant::now();
        let waited = until::until(&what, PHASE, || {
            let ends = kafka::ends(&|t| t.ends_with(&format!(".{END}.done")) && self.owns(t))?;
            let arrived = |name: &str| {
                let topic = format!("{name}.{END}.done");
                ends.iter()
                    .filter(|((t, _), _)| *t == topic)
                    .map(|(_, end)| *end)
                    .sum::<i64>()
                    >= rows
            };
            if asked.elapsed() > Duration::from_secs(1) {
                asked = Instant::now();
                for group in &mut *groups {
                    self.ask(group)?;
                }
            }
            let done = |g: &Group| g.failed.is_some() || g.names.iter().all(|n| arrived(n));
            Ok(groups.iter().all(done).then_some(()))
        });
        waited.with_context(|| {
            let tails: Vec<String> = self.workers.iter().map(|(_, w)| w.log_tail()).collect();
            tails.join("\n")
        })
    }

    fn ask(&self, group: &mut Group) -> Result<()> {
        for ((product, worker), name) in self.workers.iter().zip(&group.names) {
            let answer = worker.rest.get(&format!("/connectors/{name}/status"))?;
            if answer.body.contains("FAILED") {
                let status: Value = answer.json()?;
                let trace = status["tasks"][0]["trace"].as_str().unwrap_or(&answer.body);
                let causes: Vec<&str> = trace
                    .lines()
                    .enumerate()
                    .filter(|(i, l)| *i == 0 || l.starts_with("Caused by"))
                    .map(|(_, l)| l)
                    .collect();
                group.failed = Some(format!("{product:?} failed: {}", causes.join(" / ")));
            }
        }
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        let (mut last, mut since) = (BTreeMap::new(), Instant::now());
        until::until("the topics to be quiet", PHASE, || {
            let now = kafka::ends(&|t| self.owns(t))?;
            if now != last {
                (last, since) = (now, Instant::now());
            }
            Ok((since.elapsed() > QUIET).then_some(()))
        })
    }

    fn outcome(&mut self, group: Group, all: &Capture) -> Outcome {
        if let Some(why) = group.failed {
            return Outcome::Failed(why);
        }
        let [peer, host] = group.names.each_ref().map(|name| neutral(all, name));
        let of = |database: &String| {
            let (expected, actual) = (about(&peer, database), about(&host, database));
            let records: usize = expected.values().map(Vec::len).sum();
            let mut found = compare::compare(&expected, &actual, DIFFERENCES_MAX);
            if records == 0 {
                found.push(format!("{database}: nothing was written"));
            }
            (records, found)
        };
        let found: Vec<_> = group.databases.iter().map(of).collect();
        self.counts.records += found.iter().map(|(n, _)| n).sum::<usize>();
        Outcome::Compared(found.into_iter().map(|(_, d)| d).collect())
    }
}

/// The records of one connector, its prefix replaced.
fn neutral(all: &Capture, name: &str) -> Capture {
    let plain = |text: &str| without_gtids(&text.replace(name, "prefix"));
    let own = |topic: &str| {
        topic
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    let record = |r: &Captured| Captured {
        partition: r.partition,
        key: r.key.as_deref().map(plain),
        value: r.value.as_deref().map(plain),
        headers: r
            .headers
            .iter()
            .map(|(k, v)| (k.clone(), v.as_deref().map(plain)))
            .collect(),
    };
    all.iter()
        .filter(|(topic, _)| own(topic))
        .map(|(topic, records)| (plain(topic), records.iter().map(record).collect()))
        .collect()
}

/// The history's positions without their sets of GTIDs: where others write too, the products begin at different ones.
fn without_gtids(text: &str) -> String {
    const MARK: &str = "\"gtids\" : \"";
    match text.split_once(MARK) {
        Some((before, after)) if before.contains("\"position\"") => {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            format!("{before}{MARK}\"{rest}")
        }
        _ => text.to_owned(),
    }
}

/// Those of one database: its own topics, and what others say about it.
fn about(records: &Capture, database: &str) -> Capture {
    let prefix = format!("prefix.{database}.");
    let mentions = |r: &Captured| {
        let told = |text: &Option<String>| text.as_deref().is_some_and(|t| t.contains(database));
        told(&r.key) || told(&r.value)
    };
    let mut out = Capture::new();
    for (topic, all) in records {
        let kept: Vec<Captured> = if topic.starts_with(&prefix) {
            all.clone()
        } else if ["prefix", "prefix-history", "prefix.transaction"].contains(&topic.as_str()) {
            all.iter().filter(|r| mentions(r)).cloned().collect()
        } else {
            continue;
        };
        out.insert(topic.clone(), kept);
    }
    out
}
