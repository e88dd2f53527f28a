//! The stored offset moves on where nothing is captured, without heartbeats.

use crate::faults::{connector, killed_after, repeated_of};
use serde_json::Value;
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);

fn offset(host: &Host) -> anyhow::Result<Value> {
    let answer = host.rest.get("/connectors/progress/offsets")?.json()?;
    Ok(answer["offsets"][0]["offset"].clone())
}

/// Another database is written to, and the offset of a connector that captures nothing of it follows: up to the server's
/// own position, with no record made. After a restart from there nothing is missed and nothing comes twice.
#[test]
fn through_a_filtered_database() {
    let _servers = tests::servers();
    let database = "progress";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .script(&format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; CREATE TABLE {database}.t (id INT PRIMARY KEY); \
             DROP DATABASE IF EXISTS elsewhere; CREATE DATABASE elsewhere; CREATE TABLE elsewhere.t (id INT PRIMARY KEY); \
             INSERT INTO {database}.t VALUES (1)"
        ))
        .unwrap();
    let mut host = Host::start(database, &[("offset.flush.interval.ms", "200")]).unwrap();
    host.create("progress", &connector(database)).unwrap();
    host.wait_streaming("progress", STEP).unwrap();
    session
        .script("INSERT INTO elsewhere.t VALUES (1); INSERT INTO elsewhere.t VALUES (2)")
        .unwrap();
    let status = session.query("SHOW BINARY LOG STATUS").unwrap();
    let at = |column: usize| status[0][column].clone().unwrap();
    let (file, pos): (String, u64) = (at(0), at(1).parse().unwrap());
    until::until("the offset to follow the server", STEP, || {
        let offset = offset(&host)?;
        Ok((offset["file"] == file.as_str() && offset["pos"] == pos).then_some(()))
    })
    .unwrap_or_else(|e| {
        panic!(
            "{e:#}: {:?} is not {pos}\n{}",
            offset(&host),
            host.log_tail(30)
        )
    });

    host.kill().unwrap();
    session
        .run(&format!("INSERT INTO {database}.t VALUES (2)"))
        .unwrap();
    host.run(&[]).unwrap();
    let topic = format!("{database}.{database}.t");
    let ids = until::until("the row after it", STEP, || {
        let records = kafka::read(&topic)?;
        let ids: anyhow::Result<Vec<Value>> = records
            .iter()
            .map(|r| Ok(r.json()?["after"]["id"].take()))
            .collect();
        Ok(Some(ids?).filter(|ids| ids.len() > 1))
    });
    let ids = ids.unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    assert_eq!(ids, [1, 2]);
}

/// Rows of an XA transaction, resumed by file and position in its middle.
#[test]
fn within_an_xa_transaction() {
    const ROWS: u64 = 20_000;
    let _servers = tests::servers();
    let database = "progress_xa";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .script(&format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; CREATE TABLE {database}.t (id INT PRIMARY KEY); \
             SET SESSION cte_max_recursion_depth = 1000000"
        ))
        .unwrap();
    let mut host = killed_after(database, ROWS / 2, "50");
    let mut config = connector(database);
    config["snapshot.mode"] = "no_data".into();
    config["gtid.ignore.on.recovery"] = "true".into();
    host.create("xa", &config).unwrap();
    host.wait_streaming("xa", STEP).unwrap();
    session
        .script(&format!(
            "XA START '{database}'; INSERT INTO {database}.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n \
             WHERE i < {ROWS}) SELECT i FROM n; XA END '{database}'; XA PREPARE '{database}'; XA COMMIT '{database}'"
        ))
        .unwrap();
    host.wait_exit(STEP).unwrap();
    host.environment.clear();
    host.run(&[]).unwrap();
    let topic = format!("{database}.{database}.t");
    let repeated = repeated_of(&host, &topic, ROWS, STEP);
    println!("XA transaction of {ROWS} rows killed in its middle: {repeated} repeated");
}
