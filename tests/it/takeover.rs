//! One product on the topics of the other: the same connector, offsets and schema history, there and back again.
//!
//! `cargo x test takeover`. The real Debezium creates the connector; then workers of both products, under one `group.id`,
//! follow each other while rows are written. Nothing is told to a worker but its properties. Invariant: a worker ends
//! only after it has delivered something itself.

use crate::faults::connector;
use anyhow::{Context, Result, ensure};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use tests::mysql::Session;
use tests::worker::{Product, Worker};
use tests::writer::{Writer, prepare};
use tests::{kafka, ledger, until};

/// Limit of each step; Connect starts in half a minute on two busy cores.
const STEP: Duration = Duration::from_mins(3);
/// Records that each worker delivers at least.
const OWN_RECORDS: i64 = 500;
const NAME: &str = "same";

/// How a worker ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Asked,
    Killed,
}

/// The workers of one test, one at a time.
struct Place {
    group: String,
    topic: String,
    worker: Option<Worker>,
}

impl Place {
    /// Debezium with a connector for a database.
    fn new(database: &str, table: &str) -> Result<Self> {
        kafka::delete_topics(&|t| t.starts_with(database))?;
        let mut place = Self {
            group: format!("{database}-group-{}", std::process::id()),
            topic: format!("{database}.{database}.{table}"),
            worker: None,
        };
        place.start(Product::Debezium)?;
        let mut config = connector(database);
        // A broker need not create topics by itself.
        config["topic.creation.default.partitions"] = "1".into();
        config["topic.creation.default.replication.factor"] = "1".into();
        let body = json!({"name": NAME, "config": config});
        place.worker().order("POST", "/connectors", Some(&body))?;
        Ok(place)
    }

    fn worker(&self) -> &Worker {
        self.worker.as_ref().expect("a worker has been started")
    }

    fn start(&mut self, product: Product) -> Result<()> {
        if product == Product::Debezium {
            // Connect gives up where a member that was killed, and speaks another protocol, has not been missed yet.
            until::until("the group to be empty", STEP, || {
                Ok((kafka::members(&self.group)? == 0).then_some(()))
            })?;
        }
        let (worker, took) = Worker::start(product, "it", &self.group)?;
        println!("{product:?} answers after {:.1} s", took.as_secs_f64());
        self.worker = Some(worker);
        Ok(())
    }

    fn end(&mut self, end: End) -> Result<()> {
        let worker = self.worker.take().expect("a worker has been started");
        if end == End::Asked {
            return worker.stop();
        }
        drop(worker);
        Ok(())
    }

    fn delivered(&self) -> Result<i64> {
        Ok(kafka::ends(&|t| t == self.topic)?.values().sum())
    }

    /// Waits until the topic holds so many records.
    fn wait(&self, records: i64) -> Result<()> {
        let what = format!("{records} records in {}", self.topic);
        let waited = until::until(&what, STEP, || {
            if self.delivered()? >= records {
                return Ok(Some(()));
            }
            let status = self
                .worker()
                .rest
                .get(&format!("/connectors/{NAME}/status"))?;
            ensure!(!status.body.contains("FAILED"), "{}", status.body);
            Ok(None)
        });
        waited.with_context(|| self.worker().log_tail())
    }
}

/// Debezium, Tidegate, Debezium and Tidegate in turn, under a load that alters its table now and then.
fn in_turn(database: &str, end: End) -> ledger::Ledger {
    let _servers = tests::servers();
    let before = prepare(database, 100).unwrap();
    let mut place = Place::new(database, "t").unwrap();
    // Debezium's snapshot fails on a table that is altered meanwhile.
    place.wait(before.values().sum::<u64>() as i64).unwrap();
    let pause = Duration::from_millis(5);
    let writer = Writer::start(database, 1, before, pause, true).unwrap();
    for next in [Product::Tidegate, Product::Debezium, Product::Tidegate] {
        place
            .wait(place.delivered().unwrap() + OWN_RECORDS)
            .unwrap();
        place.end(end).unwrap();
        place.start(next).unwrap();
    }
    place
        .wait(place.delivered().unwrap() + OWN_RECORDS)
        .unwrap();
    let committed = writer.finish().unwrap();
    let wanted: u64 = committed.values().sum();
    let arrived = until::until("every committed row", STEP, || {
        let records = kafka::read(&place.topic)?;
        Ok((ledger::distinct(&records)? >= wanted).then_some(records))
    });
    let arrived = arrived.unwrap_or_else(|e| panic!("{e:#}\n{}", place.worker().log_tail()));
    place.end(End::Asked).unwrap();
    let ledger = ledger::compare(&committed, &arrived).unwrap();
    println!("{end:?} in turn: {ledger}");
    ledger
}

#[test]
fn workers_that_are_asked_to_end() {
    let ledger = in_turn("takeover_asked", End::Asked);
    assert_eq!((ledger.lost, ledger.repeated), (0, 0));
}

#[test]
fn workers_that_are_killed() {
    let ledger = in_turn("takeover_killed", End::Killed);
    assert_eq!(ledger.lost, 0);
    // Up to two seconds of offsets are lost with a worker, and much may be delivered in two seconds of catching up.
    assert!(ledger.repeated < ledger.committed, "{ledger}");
}

/// A transaction of many statements, long enough that a worker ends in its middle.
#[test]
fn in_the_middle_of_a_transaction() {
    const ROWS: u64 = 200_000;
    const STATEMENT_ROWS: u64 = 1_000;
    let _servers = tests::servers();
    let database = "takeover_middle";
    let mut s = Session::open().unwrap();
    s.run(&format!("DROP DATABASE IF EXISTS {database}"))
        .unwrap();
    s.run(&format!("CREATE DATABASE {database}")).unwrap();
    s.run(&format!(
        "CREATE TABLE {database}.big (id INT PRIMARY KEY, pad VARCHAR(100))"
    ))
    .unwrap();
    s.run(&format!(
        "INSERT INTO {database}.big VALUES (0, 'snapshot')"
    ))
    .unwrap();
    let mut place = Place::new(database, "big").unwrap();
    place.wait(1).unwrap();
    s.run("START TRANSACTION").unwrap();
    for from in (1..=ROWS).step_by(STATEMENT_ROWS as usize) {
        let pad = "p".repeat(60);
        let rows: Vec<String> = (from..from + STATEMENT_ROWS)
            .map(|id| format!("({id},'{pad}')"))
            .collect();
        s.run(&format!(
            "INSERT INTO {database}.big VALUES {}",
            rows.join(",")
        ))
        .unwrap();
    }
    s.run("COMMIT").unwrap();
    let mut ended = Vec::new();
    for next in [Product::Tidegate, Product::Debezium] {
        place
            .wait(place.delivered().unwrap() + OWN_RECORDS)
            .unwrap();
        place.end(End::Asked).unwrap();
        ended.push(place.delivered().unwrap());
        place.start(next).unwrap();
    }
    place.wait(ROWS as i64 + 1).unwrap();
    place.end(End::Asked).unwrap();
    println!("of {ROWS} rows and one, workers ended after {ended:?}");
    assert!(
        ended.iter().all(|n| *n <= ROWS as i64),
        "a worker was too quick to be ended in the middle: {ended:?}"
    );
    let ids: Vec<u64> = kafka::read(&place.topic)
        .unwrap()
        .iter()
        .map(|r| r.json().unwrap()["after"]["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids.len() as u64, ROWS + 1, "a record came twice");
    assert_eq!(
        ids.into_iter().collect::<BTreeSet<_>>(),
        (0..=ROWS).collect()
    );
}
