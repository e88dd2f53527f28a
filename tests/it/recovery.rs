//! A schema history that is gone: said so, and made anew with `snapshot.mode=recovery`, with no row read again or lost.

use crate::faults::connector;
use serde_json::{Value, json};
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);
const NAME: &str = "recovery";

/// Ids and operations in the topic, once there are so many.
fn rows(host: &Host, count: usize) -> Vec<(i64, String)> {
    let topic = format!("{NAME}.{NAME}.t");
    let arrived = until::until(&format!("{count} records"), STEP, || {
        let records = kafka::read(&topic)?;
        Ok((records.len() >= count).then_some(records))
    });
    let records = arrived.unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    let row = |value: Value| {
        let id = value["after"]["id"].as_i64().unwrap();
        (id, value["op"].as_str().unwrap().to_owned())
    };
    records.iter().map(|r| row(r.json().unwrap())).collect()
}

fn put(host: &Host, path: &str) {
    let answer = host.rest.bare("PUT", path).unwrap();
    assert!(answer.status < 300, "{} {}", answer.status, answer.body);
}

fn patch(host: &Host, mode: &str) {
    let path = format!("/connectors/{NAME}/config");
    let patched = host
        .rest
        .send("PATCH", &path, &json!({"snapshot.mode": mode}));
    assert_eq!(patched.unwrap().status, 200);
}

/// No topics, and a table with a row.
fn one_row() -> Session {
    kafka::delete_topics(&|t| t.starts_with(NAME)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .script(&format!(
            "DROP DATABASE IF EXISTS {NAME}; CREATE DATABASE {NAME}; \
             CREATE TABLE {NAME}.t (id INT PRIMARY KEY, a VARCHAR(10)); INSERT INTO {NAME}.t VALUES (1, 'a')"
        ))
        .unwrap();
    session
}

#[test]
fn of_a_deleted_history_topic() {
    let _servers = tests::servers();
    let mut session = one_row();
    let host = Host::start(NAME, &[("offset.flush.interval.ms", "200")]).unwrap();
    host.create(NAME, &connector(NAME)).unwrap();
    host.wait_streaming(NAME, STEP).unwrap();
    session
        .run(&format!("INSERT INTO {NAME}.t VALUES (2, 'b')"))
        .unwrap();
    assert_eq!(rows(&host, 2), [(1, "r".into()), (2, "c".into())]);
    // A statement by itself is no transaction of rows: the stored offset stays before it, and the stream meets it again.
    session
        .run(&format!("ALTER TABLE {NAME}.t RENAME COLUMN a TO c"))
        .unwrap();
    until::until("the statement to be recorded", STEP, || {
        let records = kafka::read(&format!("{NAME}-history"))?;
        let told = |r: &kafka::Record| {
            String::from_utf8_lossy(r.value.as_deref().unwrap_or_default())
                .contains("RENAME COLUMN")
        };
        Ok(records.iter().any(told).then_some(()))
    })
    .unwrap();

    put(&host, &format!("/connectors/{NAME}/stop"));
    host_stopped(&host);
    kafka::delete_topics(&|t| t == format!("{NAME}-history")).unwrap();
    session
        .run(&format!("INSERT INTO {NAME}.t VALUES (3, 'c')"))
        .unwrap();
    put(&host, &format!("/connectors/{NAME}/resume"));
    let status = host.wait_state(NAME, "FAILED", STEP).unwrap();
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains("recovery"), "{trace}");

    patch(&host, "recovery");
    let mut expected = vec![(1, "r".into()), (2, "c".into()), (3, "c".into())];
    assert_eq!(rows(&host, 3), expected);
    // The history that was made anew serves the next start, and statements go on in it.
    patch(&host, "initial");
    session
        .script(&format!(
            "ALTER TABLE {NAME}.t ADD COLUMN b INT DEFAULT 7 FIRST; INSERT INTO {NAME}.t VALUES (8, 4, 'd')"
        ))
        .unwrap();
    expected.push((4, "c".into()));
    assert_eq!(rows(&host, 4), expected, "{}", host.log_tail(30));
}

/// Waits until the connector is at rest.
fn host_stopped(host: &Host) {
    until::until("the connector to stop", STEP, || {
        let status = host
            .rest
            .get(&format!("/connectors/{NAME}/status"))?
            .json()?;
        Ok((status["connector"]["state"] == "STOPPED").then_some(()))
    })
    .unwrap();
}

#[test]
fn of_a_connector_that_never_streamed() {
    let _servers = tests::servers();
    one_row();
    let host = Host::start(NAME, &[]).unwrap();
    let mut config = connector(NAME);
    config["snapshot.mode"] = "recovery".into();
    host.create(NAME, &config).unwrap();
    let status = host.wait_state(NAME, "FAILED", STEP).unwrap();
    let trace = status["tasks"][0]["trace"].as_str().unwrap_or_default();
    assert!(trace.contains("set it to initial"), "{trace}");
}
