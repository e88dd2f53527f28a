//! Transactions that the server compressed (`binlog_transaction_compression`): decompressed as they arrive, never whole.

use crate::faults::{connector, killed_after, repeated_of};
use std::time::Duration;
use tests::mysql::Session;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(3);
/// Rows of the one transaction: 480 MB in the binlog's form.
const ROWS: u64 = 60_000;
const PAD_BYTES: u64 = 8000;
/// What a worker may take meanwhile, far less than the transaction.
const RESIDENT_KIB_MAX: u64 = 220 * 1024;

/// Half a gigabyte in one compressed transaction passes in the memory of a small one (promise 6); killed in its middle,
/// the worker goes on inside of it, and no row is lost (promise 1).
#[test]
fn half_a_gigabyte_in_one_transaction() {
    let _servers = tests::servers();
    let database = "compressed";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .script(&format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; \
             CREATE TABLE {database}.t (id INT PRIMARY KEY, pad VARCHAR({PAD_BYTES}) CHARACTER SET latin1); \
             SET SESSION cte_max_recursion_depth = 100000000; SET SESSION binlog_transaction_compression = ON"
        ))
        .unwrap();
    let mut host = killed_after(database, ROWS / 2, "100");
    let mut config = connector(database);
    config["snapshot.mode"] = "no_data".into();
    config["column.exclude.list"] = format!("{database}.t.pad").into();
    host.create("compressed", &config).unwrap();
    host.wait_streaming("compressed", STEP).unwrap();
    let before = compressed(&mut session);
    session
        .run(&format!(
            "INSERT INTO {database}.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < {ROWS}) \
             SELECT i, REPEAT('x', {PAD_BYTES}) FROM n"
        ))
        .unwrap();
    assert!(
        compressed(&mut session) > before,
        "the server compressed nothing"
    );
    let topic = format!("{database}.{database}.t");
    host.wait_exit(STEP).unwrap();
    let sent: i64 = kafka::ends(&|t| t == topic).unwrap().values().sum();
    assert!((sent as u64) < ROWS, "the worker was not killed within it");
    host.environment.clear();
    host.run(&[]).unwrap();
    let repeated = repeated_of(&host, &topic, ROWS, STEP);
    let (resident, peak) = host.resident_kib().unwrap();
    println!(
        "{ROWS} rows of {PAD_BYTES} bytes in one compressed transaction, killed after {sent}: {repeated} repeated, resident \
         {resident} KiB, peak {peak} KiB"
    );
    assert!(peak < RESIDENT_KIB_MAX, "peak {peak} KiB");
    assert!(
        repeated < sent as u64,
        "it went on from the beginning of the transaction"
    );
    // What comes after the transaction comes from after it.
    session
        .run(&format!("INSERT INTO {database}.t VALUES (0, '')"))
        .unwrap();
    until::until("the row after it", STEP, || {
        let last = kafka::last(&topic)?;
        let last = last.map(|r| r.json()).transpose()?;
        Ok(last.filter(|r| r["after"]["id"] == 0))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
}

/// Transactions the server compressed since it started.
fn compressed(session: &mut Session) -> u64 {
    session
        .one(
            "SELECT COALESCE(SUM(transaction_counter), 0) FROM performance_schema.binary_log_transaction_compression_stats \
             WHERE compression_type = 'ZSTD' AND log_type = 'BINARY'",
        )
        .unwrap()
        .parse()
        .unwrap()
}
