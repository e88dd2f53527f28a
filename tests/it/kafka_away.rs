//! What a user does while Kafka is away: deletes a connector and creates it again, or changes its transforms.
//!
//! Servers that go away under an untouched connector are in `faults`. Invariant of each test: nothing is lost, order per
//! key is kept, and the connector runs when Kafka is back.

use crate::faults::{connector, services_do, settle};
use serde_json::Value;
use std::time::{Duration, Instant};
use tests::host::Host;
use tests::writer::{Writer, prepare};
use tests::{kafka, until};

const STEP: Duration = Duration::from_secs(90);
const SHORT: Duration = Duration::from_millis(5);

/// A worker without a group keeps its configurations itself, so that they can be changed without Kafka.
fn standalone(name: &str) -> Host {
    let none = ["group.id", "config.storage.topic", "offset.storage.topic"];
    let none = none
        .into_iter()
        .chain(["status.storage.topic", "plugin.storage.topic"]);
    let mut properties: Vec<(&str, &str)> = none.map(|key| (key, "")).collect();
    properties.push(("offset.flush.interval.ms", "200"));
    let mut host = Host::prepare(name, &properties).unwrap();
    let file = host.folder.join("worker.properties");
    let more = format!(
        "{}offset.storage.file.filename={}\n",
        std::fs::read_to_string(&file).unwrap(),
        host.folder.join("offsets").display(),
    );
    std::fs::write(&file, more).unwrap();
    host.run(&[]).unwrap();
    host
}

/// A worker whose connector `ledger` was streaming under load when Kafka was killed; the load goes on.
fn without_kafka(database: &str) -> (Host, Value, Writer) {
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let before = prepare(database, 10).unwrap();
    let host = standalone(database);
    let mut config = connector(database);
    config["retriable.restart.connector.wait.ms"] = "500".into();
    host.create("ledger", &config).unwrap();
    host.wait_streaming("ledger", STEP).unwrap();
    let writer = Writer::start(database, 1, before, SHORT, false).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    services_do(&["kill", "kafka"]);
    (host, config, writer)
}

#[test]
fn a_connector_is_deleted_and_created_again() {
    let _servers = tests::servers();
    let database = "away_again";
    let (host, config, writer) = without_kafka(database);
    let began = Instant::now();
    let deleted = host.rest.bare("DELETE", "/connectors/ledger").unwrap();
    assert_eq!(deleted.status, 204, "{}", deleted.body);
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let made = serde_json::json!({"name": "ledger", "config": config});
    until::until("the name to be free", STEP, || {
        let answer = host.rest.send("POST", "/connectors", &made)?;
        assert!([201, 409].contains(&answer.status), "{}", answer.body);
        Ok((answer.status == 201).then_some(()))
    })
    .unwrap();
    let away = began.elapsed();
    services_do(&["up", "kafka"]);
    host.wait_streaming("ledger", STEP).unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let ledger = settle(&host, database, &writer.finish().unwrap());
    println!("deleted and created again within {away:?} without Kafka: {ledger}");
    assert_eq!(ledger.lost, 0);
    host.wait_state("ledger", "RUNNING", STEP).unwrap();
}

#[test]
fn transforms_are_exchanged() {
    let _servers = tests::servers();
    let database = "away_swap";
    let (host, mut config, writer) = without_kafka(database);
    config["transforms"] = "mask".into();
    config["transforms.mask.type"] = "org.apache.kafka.connect.transforms.MaskField$Value".into();
    config["transforms.mask.fields"] = "ts_ms".into();
    let began = Instant::now();
    let changed = host
        .rest
        .send("PUT", "/connectors/ledger/config", &config)
        .unwrap();
    let waited = began.elapsed();
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert!(waited < Duration::from_secs(20), "{waited:?}");
    services_do(&["up", "kafka"]);
    let topic = format!("{database}.{database}.t");
    until::until("a masked event", STEP, || {
        let last = kafka::last(&topic)?.map(|r| r.json()).transpose()?;
        Ok(last.filter(|event| event["ts_ms"] == 0).map(drop))
    })
    .unwrap();
    let ledger = settle(&host, database, &writer.finish().unwrap());
    println!("exchanged in {waited:?} without Kafka: {ledger}");
    assert_eq!(ledger.lost, 0);
    host.wait_state("ledger", "RUNNING", STEP).unwrap();
}
