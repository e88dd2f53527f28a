//! Rows that cannot be decoded, and what `event.processing.failure.handling.mode` does about them.

use crate::faults::connector;
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);

/// The table changes unseen (`sql_log_bin=0`), so that the history's structure does not fit its rows. By default that
/// fails the task; with `warn` each such row is skipped, logged with its position, and counted.
#[test]
fn rows_that_do_not_fit() {
    let _servers = tests::servers();
    let database = "unreadable";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .script(&format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; USE {database}; \
             CREATE TABLE t (id INT PRIMARY KEY, v INT)"
        ))
        .unwrap();
    let host = Host::start(database, &[]).unwrap();
    let mut config = connector(database);
    host.create("unreadable", &config).unwrap();
    host.wait_streaming("unreadable", STEP).unwrap();
    // Without an offset the snapshot would be taken again, and the rows be read by it.
    until::until("the snapshot's offset to be stored", STEP, || {
        let offsets = host.rest.get("/connectors/unreadable/offsets")?.json()?;
        let offset = &offsets["offsets"][0]["offset"];
        Ok((offset["pos"].is_u64() && offset["snapshot"].is_null()).then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    session
        .script(
            "SET sql_log_bin=0; ALTER TABLE t MODIFY v VARCHAR(9); SET sql_log_bin=1; \
             INSERT INTO t VALUES (1, NULL), (2, 'two'), (3, NULL); \
             SET sql_log_bin=0; ALTER TABLE t ADD w INT; SET sql_log_bin=1; INSERT INTO t VALUES (4, NULL, 4); \
             SET sql_log_bin=0; ALTER TABLE t DROP w; SET sql_log_bin=1; INSERT INTO t VALUES (5, NULL)",
        )
        .unwrap();
    let failed = host.wait_state("unreadable", "FAILED", STEP).unwrap();
    let trace = failed["tasks"][0]["trace"].as_str().unwrap();
    for word in [
        "column v of",
        "at position",
        "event.processing.failure.handling.mode",
    ] {
        assert!(trace.contains(word), "no {word} in {trace}");
    }

    config["event.processing.failure.handling.mode"] = "warn".into();
    let answer = host
        .rest
        .send("PUT", "/connectors/unreadable/config", &config)
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let topic = format!("{database}.{database}.t");
    let ids = until::until("the rows that fit", STEP, || {
        let records = kafka::read(&topic)?;
        let ids: Result<Vec<u64>, anyhow::Error> = records
            .iter()
            .map(|r| Ok(r.json()?["after"]["id"].as_u64().unwrap_or(0)))
            .collect();
        Ok(Some(ids?).filter(|ids| ids.contains(&5)))
    });
    let mut ids = ids.unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    // The first may have been sent before the failure, too.
    ids.dedup();
    assert_eq!(ids, [1, 3, 5]);
    let metrics = host.rest.get("/metrics").unwrap().body;
    let counted = metrics
        .lines()
        .any(|l| l.starts_with("debezium_mysql_number_of_erroneous_events{") && l.ends_with(" 2"));
    assert!(counted, "{metrics}");
    let log = host.log();
    for word in ["skipped: ", "has 3 columns here and 2", "column v of"] {
        assert!(log.contains(word), "no {word} in {}", host.log_tail(30));
    }
}
