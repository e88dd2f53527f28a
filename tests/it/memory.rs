//! Memory does not grow with the data: big statements pass through a worker of the size of a small one (promise 6).

use crate::faults::connector;
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::{kafka, until};

/// Resident memory a worker may take while a million rows pass: its producer queue, batches and guests.
const RESIDENT_KIB_MAX: u64 = 220 * 1024;

/// Fills `<database>.t` with `rows` rows.
fn fill(session: &mut Session, database: &str, rows: u64) {
    session
        .run(&format!("DROP DATABASE IF EXISTS {database}"))
        .unwrap();
    session.run(&format!("CREATE DATABASE {database}")).unwrap();
    session
        .run(&format!(
            "CREATE TABLE {database}.t (id INT PRIMARY KEY AUTO_INCREMENT, pad VARCHAR(64))"
        ))
        .unwrap();
    session
        .run("SET cte_max_recursion_depth = 100000000")
        .unwrap();
    let from =
        format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < {rows})");
    session
        .run(&format!(
            "INSERT INTO {database}.t (pad) {from} SELECT CONCAT('row ', i) FROM n"
        ))
        .unwrap();
}

/// One statement deletes all rows: every delete and tombstone arrives and memory stays bounded (promise 6).
pub(crate) fn delete_all(database: &str, rows: u64) {
    let _servers = tests::servers();
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    fill(&mut session, database, rows);
    let host = Host::start(database, &[]).unwrap();
    let mut config = connector(database);
    config["snapshot.mode"] = "no_data".into();
    host.create("big", &config).unwrap();
    host.wait_streaming("big", Duration::from_mins(1)).unwrap();
    session.run(&format!("DELETE FROM {database}.t")).unwrap();
    let topic = format!("{database}.{database}.t");
    until::until(
        "a delete and a tombstone of every row",
        Duration::from_mins(5),
        || {
            let end: i64 = kafka::ends(&|t| t == topic)?.values().sum();
            Ok((end as u64 >= 2 * rows).then_some(()))
        },
    )
    .unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    let (resident, peak) = host.resident_kib().unwrap();
    println!("DELETE of {rows} rows in one statement: resident {resident} KiB, peak {peak} KiB");
    assert!(peak < RESIDENT_KIB_MAX, "peak {peak} KiB");
    let end: i64 = kafka::ends(&|t| t == topic).unwrap().values().sum();
    assert_eq!(end as u64, 2 * rows, "no repeats without a fault");
}

/// The size the issue of memory is held to in every run.
#[test]
fn a_million_rows_deleted() {
    delete_all("big_delete", 1_000_000);
}
