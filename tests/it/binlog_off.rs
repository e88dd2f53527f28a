//! A server that writes no binlog: refused when a connector is made, and said clearly when it happens to a running one.

use crate::faults::connector;
use serde_json::json;
use std::time::Duration;
use tests::host::Host;
use tests::mysqld::Mysqld;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);

#[test]
fn a_server_without_binlog() {
    let _servers = tests::servers();
    let database = "binlog_off";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut server = Mysqld::prepare(database).unwrap();
    server.start(&["--log-bin=mysql-bin"]).unwrap();
    let mut session = server.session().unwrap();
    session
        .script(&format!(
            "CREATE DATABASE {database}; CREATE TABLE {database}.t (id INT PRIMARY KEY)"
        ))
        .unwrap();
    let host = Host::start(database, &[]).unwrap();
    let mut config = connector(database);
    config["database.port"] = server.port().to_string().into();
    config["errors.max.retries"] = "20".into();
    host.create("running", &config).unwrap();
    host.wait_streaming("running", STEP).unwrap();
    // With an offset it goes on from there; without, it would begin with a snapshot.
    until::until("an offset to be stored", STEP, || {
        let offsets = host.rest.get("/connectors/running/offsets")?.json()?;
        let offset = &offsets["offsets"][0]["offset"];
        Ok((offset["pos"].is_u64() && offset["snapshot"].is_null()).then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));

    drop(session);
    server.stop().unwrap();
    server.start(&["--skip-log-bin"]).unwrap();
    let failed = host.wait_state("running", "FAILED", STEP).unwrap();
    let trace = failed["tasks"][0]["trace"].as_str().unwrap();
    for word in ["MYSQL-BINLOG-OFF", "log_bin=OFF", "--log-bin"] {
        assert!(trace.contains(word), "no {word} in {trace}");
    }

    let answer = host
        .rest
        .send(
            "POST",
            "/connectors",
            &json!({"name": "new", "config": config}),
        )
        .unwrap();
    assert_eq!(answer.status, 400, "{}", answer.body);
    for word in ["log_bin=OFF", "start the server with --log-bin"] {
        assert!(answer.body.contains(word), "no {word} in {}", answer.body);
    }
}
