//! Every wrong input has a clear answer that names the thing and says what to do, and loses nothing.

use crate::faults::{connector, settle};
use serde_json::{Value, json};
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::writer::{Writer, prepare};
use tests::{kafka, services};

const STEP: Duration = Duration::from_mins(1);

/// Posts a connector and expects a refusal that holds these words.
fn refused(host: &Host, name: &str, config: &Value, status: u16, words: &[&str]) {
    let answer = host
        .rest
        .send(
            "POST",
            "/connectors",
            &json!({"name": name, "config": config}),
        )
        .unwrap();
    assert_eq!(answer.status, status, "{name}: {}", answer.body);
    for word in words {
        assert!(
            answer.body.contains(word),
            "{name}: no {word:?} in {}",
            answer.body
        );
    }
    assert!(
        !answer.body.contains("dbz"),
        "{name}: a password in {}",
        answer.body
    );
}

/// The configuration with one key changed; null removes it.
fn with(config: &Value, key: &str, value: Value) -> Value {
    let mut config = config.clone();
    if value.is_null() {
        config.as_object_mut().unwrap().remove(key);
    } else {
        config[key] = value;
    }
    config
}

#[test]
fn configurations() {
    let _servers = tests::servers();
    let mut session = Session::open().unwrap();
    prepare("bad_config", 1).unwrap();
    session.run("DROP USER IF EXISTS 'weak'@'%'").unwrap();
    session
        .run("CREATE USER 'weak'@'%' IDENTIFIED BY 'weak'")
        .unwrap();
    session.run("GRANT SELECT ON *.* TO 'weak'@'%'").unwrap();
    let host = Host::start("bad-config", &[]).unwrap();
    let good = connector("bad_config");
    let weak = with(
        &with(&good, "database.user", "weak".into()),
        "database.password",
        "weak".into(),
    );
    let missing = with(
        &with(&good, "transforms", "m".into()),
        "transforms.m.type",
        "wasm.acme.Nothing".into(),
    );
    let cases: Vec<(&str, Value, &[&str])> = vec![
        (
            "class",
            with(&good, "connector.class", "com.example.Nothing".into()),
            &["com.example.Nothing"],
        ),
        (
            "prefix",
            with(&good, "topic.prefix", Value::Null),
            &["topic.prefix"],
        ),
        (
            "port",
            with(&good, "database.port", "x33".into()),
            &["database.port", "x33"],
        ),
        (
            "password",
            with(&good, "database.password", "wrong".into()),
            &["database.", "debezium"],
        ),
        (
            "host",
            with(&good, "database.port", "1".into()),
            &["127.0.0.1:1", "database.hostname"],
        ),
        ("privilege", weak, &["REPLICATION SLAVE", "GRANT"]),
        (
            "regex",
            with(&good, "table.include.list", "a(b".into()),
            &["table.include.list", "a(b"],
        ),
        (
            "unbuilt",
            with(
                &good,
                "column.mask.hash.SHA-256.with.salt.x",
                "a.b.c".into(),
            ),
            &["column.mask.hash"],
        ),
        ("plugin", missing.clone(), &["acme.Nothing"]),
        (
            "override",
            with(&good, "producer.override.linger.mss", "1".into()),
            &["linger.mss"],
        ),
        (
            "mode",
            with(&good, "snapshot.mode", "sometimes".into()),
            &["snapshot.mode", "initial"],
        ),
    ];
    for (name, config, words) in &cases {
        refused(&host, name, config, 400, words);
    }
    let answer = host
        .rest
        .call(
            "POST",
            "/connectors",
            &[("content-type", "application/json")],
            b"{\"name\":",
        )
        .unwrap();
    assert_eq!(answer.status, 400, "{}", answer.body);

    host.create("typo", &with(&good, "table.inclde.list", "x".into()))
        .unwrap();
    host.wait_state("typo", "RUNNING", STEP).unwrap();
    assert!(
        host.log().contains("table.include.list"),
        "did you mean: {}",
        host.log_tail(20)
    );
    refused(&host, "typo", &good, 409, &["typo"]);
    assert!(!host.log().contains("dbz"), "no password in the log");
}

#[test]
fn a_server_that_does_not_log_rows() {
    let _servers = tests::servers();
    let mut session = Session::open().unwrap();
    prepare("bad_binlog", 1).unwrap();
    let host = Host::start("bad-binlog", &[]).unwrap();
    session
        .run("SET GLOBAL binlog_row_image='MINIMAL'")
        .unwrap();
    let answer = host.rest.send(
        "POST",
        "/connectors",
        &json!({"name": "image", "config": connector("bad_binlog")}),
    );
    session.run("SET GLOBAL binlog_row_image='FULL'").unwrap();
    let answer = answer.unwrap();
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(
        answer.body.contains("binlog_row_image") && answer.body.contains("FULL"),
        "{}",
        answer.body
    );
}

#[test]
fn uploads() {
    let _servers = tests::servers();
    let host = Host::start("bad-upload", &[]).unwrap();
    let plugins = services::plugins().unwrap();
    let read = |name: &str| std::fs::read(plugins.join(name)).unwrap();
    let mask = read("mask-pii.wasm");
    let put = |path: &str, bytes: &[u8]| {
        host.rest
            .call(
                "PUT",
                &format!("/plugins/{path}"),
                &[("content-type", "application/wasm")],
                bytes,
            )
            .unwrap()
    };
    let wasi = std::fs::read(services::checkout().join("plugins/hostile/wasi_import.wat")).unwrap();
    assert_eq!(put("acme.Mask/versions/1.0.0", &mask).status, 201);
    assert_eq!(
        put("acme.Mask/versions/1.0.0", &mask).status,
        200,
        "the same bytes again"
    );
    type Case<'a> = (&'a str, &'a [u8], &'a [u16], &'a [&'a str]);
    let cases: [Case<'_>; 6] = [
        (
            "acme.Mask/versions/1.0.0",
            &read("hostile-echo.wasm"),
            &[409],
            &["1.0.0"],
        ),
        (
            "acme.Text/versions/1.0.0",
            b"hello",
            &[400, 422],
            &["acme.Text"],
        ),
        (
            "acme.Wasi/versions/1.0.0",
            &wasi,
            &[400, 422],
            &["acme.Wasi"],
        ),
        ("acme.Mask/versions/one", &mask, &[400], &["one"]),
        ("Mask/versions/1.0.0", &mask, &[400], &["Mask"]),
        (
            "org.apache.Mask/versions/1.0.0",
            &mask,
            &[400, 403],
            &["org.apache"],
        ),
    ];
    for (path, bytes, statuses, words) in cases {
        let answer = put(path, bytes);
        assert!(
            statuses.contains(&answer.status),
            "{path}: {} {}",
            answer.status,
            answer.body
        );
        for word in words {
            assert!(
                answer.body.contains(word),
                "{path}: no {word:?} in {}",
                answer.body
            );
        }
    }
    let large = put("acme.Large/versions/1.0.0", &vec![0; 33 * 1024 * 1024]);
    assert_eq!(large.status, 413, "{}", large.body);
    assert_eq!(
        put("acme.Format/versions/1.0.0", &read("format-json.wasm")).status,
        201
    );
    prepare("bad_upload", 1).unwrap();
    let mut config = with(&connector("bad_upload"), "transforms", "f".into());
    config["transforms.f.type"] = "wasm.acme.Format".into();
    refused(&host, "world", &config, 400, &["acme.Format"]);
    config["transforms.f.type"] = "wasm.acme.Mask".into();
    config["transforms.f.plugin.version"] = "9.9.9".into();
    refused(&host, "version", &config, 400, &["9.9.9", "1.0.0"]);
}

/// A guest that answers garbage fails the task with a reason; without it, everything arrives.
#[test]
fn a_guest_that_answers_garbage() {
    let _servers = tests::servers();
    let database = "bad_guest";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let before = prepare(database, 20).unwrap();
    let host = Host::start("bad-guest", &[]).unwrap();
    let component =
        std::fs::read(services::plugins().unwrap().join("hostile-malformed.wasm")).unwrap();
    let path = "/plugins/hostile.Malformed/versions/1.0.0";
    let answer = host
        .rest
        .call(
            "PUT",
            path,
            &[("content-type", "application/wasm")],
            &component,
        )
        .unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    let good = connector(database);
    let mut bad = with(&good, "transforms", "m".into());
    bad["transforms.m.type"] = "wasm.hostile.Malformed".into();
    host.create("garbage", &bad).unwrap();
    let status = host.wait_state("garbage", "FAILED", STEP).unwrap();
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains("hostile.Malformed"), "{trace}");
    let answer = host
        .rest
        .send("PUT", "/connectors/garbage/config", &good)
        .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    host.wait_state("garbage", "RUNNING", STEP).unwrap();
    let writer = Writer::start(database, 1, before, Duration::from_millis(5), false).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let ledger = settle(&host, database, &writer.finish().unwrap());
    assert_eq!(ledger.lost, 0, "{ledger}");
}

/// A record larger than the broker takes is dead-lettered where that is asked for, and the rest goes on.
#[test]
fn a_record_larger_than_the_broker_accepts() {
    let _servers = tests::servers();
    let database = "bad_size";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .run(&format!("DROP DATABASE IF EXISTS {database}"))
        .unwrap();
    session.run(&format!("CREATE DATABASE {database}")).unwrap();
    session
        .run(&format!(
            "CREATE TABLE {database}.t (id INT PRIMARY KEY, b LONGTEXT)"
        ))
        .unwrap();
    let host = Host::start("bad-size", &[]).unwrap();
    let mut config = connector(database);
    config["errors.tolerance"] = "all".into();
    config["errors.deadletterqueue.topic.name"] = format!("{database}.dead").into();
    host.create("size", &config).unwrap();
    host.wait_streaming("size", STEP).unwrap();
    let numbers = "(WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n+1 FROM n WHERE n < 160) SELECT n FROM n)";
    let text = format!(
        "SELECT GROUP_CONCAT(SHA2(CONCAT(a.n, b.n), 512) SEPARATOR '') FROM {numbers} a, {numbers} b"
    );
    for (id, size) in [(1, 10), (2, 3_000_000), (3, 10)] {
        // Text that lz4 cannot make small.
        session
            .run("SET SESSION group_concat_max_len = 10000000")
            .unwrap();
        session
            .run(&format!(
                "INSERT INTO {database}.t SELECT {id}, LEFT(({text}), {size})"
            ))
            .unwrap();
    }
    let topic = format!("{database}.{database}.t");
    tests::until::until("rows 1 and 3", STEP, || {
        Ok((kafka::read(&topic)?.len() == 2).then_some(()))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    let status = host.rest.get("/connectors/size/status").unwrap();
    assert!(!status.body.contains("FAILED"), "{}", status.body);
    assert!(
        host.rest.get("/metrics").unwrap().body.contains("record"),
        "errors are counted"
    );
}
