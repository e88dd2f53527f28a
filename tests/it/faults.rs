//! Crashes and restarts at the worst instants: nothing lost, order per key kept (promises 1, 2, 3).

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::host::Host;
use tests::ledger::{self, Ledger};
use tests::mysql::Session;
use tests::writer::{Committed, Writer, prepare};
use tests::{kafka, services, until};

/// Limit for a step that waits for a crash or for all rows to arrive.
const STEP: Duration = Duration::from_secs(90);

/// Pause between two transactions of the load.
const SHORT: Duration = Duration::from_millis(5);

/// Seeds of one crash window; `cargo x test long` runs more.
const SEEDS: u64 = 3;

/// A killed worker's place in its group is free again soon, so that a seed does not wait for it for most of its time.
const CRASHING: [(&str, &str); 2] = [
    ("offset.flush.interval.ms", "200"),
    ("session.timeout.ms", "3000"),
];

/// A connector for one database, under one name, with an own history topic.
pub(crate) fn connector(database: &str) -> Value {
    let mut config = json!({
        "database.server.id": (20_000 + std::process::id() % 10_000).to_string(),
        "database.include.list": database,
        "topic.prefix": database,
        "schema.history.internal.kafka.topic": format!("{database}-history"),
        "schema.history.internal.kafka.bootstrap.servers": services::kafka().unwrap(),
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    });
    for (k, v) in Session::connector_keys().unwrap() {
        config[k] = v.into();
    }
    config
}

/// Waits until every committed row has arrived in a connector's topic, then compares.
pub(crate) fn settle(host: &Host, database: &str, committed: &Committed) -> Ledger {
    settle_topic(host, &format!("{database}.{database}.t"), committed)
}

/// A worker that is killed when this many records have been acknowledged, and stores offsets at this interval.
pub(crate) fn killed_after(name: &str, acknowledged: u64, flush_ms: &str) -> Host {
    let mut host = Host::prepare(name, &[("offset.flush.interval.ms", flush_ms)]).unwrap();
    host.environment = vec![(
        "TIDEGATE_FAILPOINT".to_owned(),
        format!("after_ack:{acknowledged}"),
    )];
    host.run(&[]).unwrap();
    host
}

/// Waits until the rows with ids from 1 to `rows` have arrived; how many records came more than once.
pub(crate) fn repeated_of(host: &Host, topic: &str, rows: u64, limit: Duration) -> u64 {
    let arrived = until::until("every row", limit, || {
        let records = kafka::read(topic)?;
        let ids: anyhow::Result<BTreeSet<u64>> = records
            .iter()
            .map(|r| Ok(r.json()?["after"]["id"].as_u64().unwrap_or(0)))
            .collect();
        Ok(Some((ids?, records.len() as u64)).filter(|(ids, _)| ids.len() as u64 >= rows))
    });
    let (ids, records) = arrived.unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    assert_eq!(ids, (1..=rows).collect());
    records - rows
}

/// Waits until every committed row has arrived in this topic, then compares.
pub(crate) fn settle_topic(host: &Host, topic: &str, committed: &Committed) -> Ledger {
    let wanted: u64 = committed.values().sum();
    let arrived = until::until("all committed rows to arrive", STEP, || {
        let records = kafka::read(topic)?;
        Ok((ledger::distinct(&records)? >= wanted).then_some(records))
    });
    let records = arrived.unwrap_or_else(|e| {
        let now = kafka::read(topic).map(|r| ledger::compare(committed, &r));
        panic!("{e:#}\n{now:?}\n{}", host.log_tail(40))
    });
    ledger::compare(committed, &records).unwrap()
}

/// Kills the host at a failpoint while rows are written, starts it again, and holds the ledger.
pub(crate) fn crash_at(failpoint: &str, rows_before: u64, alter: bool, seeds: u64) {
    let _servers = tests::servers();
    for seed in 1..=seeds {
        let database = format!("crash_{failpoint}_{seed}");
        kafka::delete_topics(&|t| t.starts_with(&database)).unwrap();
        let before = prepare(&database, rows_before).unwrap();
        let mut host = Host::prepare(&database, &CRASHING).unwrap();
        // Neighbouring seeds crash at different passages, none at the very first.
        let passage = 2 + seed % 3;
        host.environment = vec![(
            "TIDEGATE_FAILPOINT".to_owned(),
            format!("{failpoint}:{passage}"),
        )];
        host.run(&[]).unwrap();
        let writer =
            Writer::start(&database, seed, before, Duration::from_millis(5), alter).unwrap();
        host.create("ledger", &connector(&database)).unwrap();
        host.wait_exit(STEP).unwrap();
        assert!(
            host.log().contains("failpoint reached"),
            "{}",
            host.log_tail(20)
        );
        host.environment.clear();
        host.run(&[]).unwrap();
        host.wait_state("ledger", "RUNNING", STEP).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        let committed = writer.finish().unwrap();
        let ledger = settle(&host, &database, &committed);
        println!("kill -9 at {failpoint}:{passage}, seed {seed}: {ledger}");
        assert_eq!(ledger.lost, 0);
        assert!(host.stop().unwrap().success(), "{}", host.log_tail(20));
    }
}

#[test]
fn crash_after_send() {
    crash_at("after_send", 0, false, SEEDS);
}

#[test]
fn crash_after_ack() {
    crash_at("after_ack", 0, false, SEEDS);
}

#[test]
fn crash_before_offset_commit() {
    crash_at("before_offset_commit", 0, false, SEEDS);
}

#[test]
fn crash_after_offset_commit() {
    crash_at("after_offset_commit", 0, false, SEEDS);
}

#[test]
fn crash_in_the_middle_of_a_snapshot() {
    crash_at("mid_snapshot", 3000, false, SEEDS);
}

#[test]
fn crash_between_a_ddl_and_its_history_record() {
    crash_at("after_ddl_before_history", 0, true, SEEDS);
}

/// Runs `cargo x services …` the way a person would.
pub(crate) fn services_do(words: &[&str]) {
    let status = std::process::Command::new(services::xtask().unwrap())
        .arg("services")
        .args(words)
        .status()
        .unwrap();
    assert!(status.success(), "services {words:?}: {status}");
}

/// A server goes away for a while as rows are written; the host goes on by itself.
fn away(service: &str, database: &str, properties: &[(&str, &str)], pause: Duration) {
    let _servers = tests::servers();
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let before = prepare(database, 10).unwrap();
    let host = Host::start(database, properties).unwrap();
    let mut config = connector(database);
    config["retriable.restart.connector.wait.ms"] = "500".into();
    host.create("ledger", &config).unwrap();
    host.wait_streaming("ledger", STEP).unwrap();
    let mut writer = Writer::start(database, 1, before, SHORT, false).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    if service == "mysql" {
        // A killed server would fail the writer in the middle of a commit whose outcome nobody knows.
        let first = writer.finish().unwrap();
        services_do(&["kill", service]);
        services_do(&["up", service]);
        writer = Writer::start(database, 2, first, SHORT, false).unwrap();
    } else {
        services_do(&["kill", service]);
        std::thread::sleep(pause);
        services_do(&["up", service]);
    }
    std::thread::sleep(Duration::from_millis(700));
    let ledger = settle(&host, database, &writer.finish().unwrap());
    println!("{service} killed and away for {pause:?} and its start: {ledger}");
    assert_eq!(ledger.lost, 0);
    host.wait_state("ledger", "RUNNING", STEP).unwrap();
}

#[test]
fn mysql_killed() {
    away("mysql", "restart_mysql", &[], Duration::ZERO);
}

#[test]
fn kafka_killed() {
    away(
        "kafka",
        "restart_kafka",
        &[("offset.flush.interval.ms", "200")],
        Duration::from_secs(1),
    );
}

/// The broker forgets the worker's place in its group meanwhile; the worker takes it again.
#[test]
fn kafka_away_for_longer_than_the_session() {
    away(
        "kafka",
        "away_kafka",
        &[("session.timeout.ms", "6000")],
        Duration::from_secs(12),
    );
}
