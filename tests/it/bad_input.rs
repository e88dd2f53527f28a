//! Every wrong input has a clear answer that names the thing and says what to do, and loses nothing.
//!
//! What Connect or Debezium has a text for (malformed JSON, unknown class, missing and wrong-typed keys, wrong password,
//! unreachable server, wrong filter, duplicate name) is compared with it in `rest_transcript` and `rest_errors`; here is
//! the rest. Invariant: an answer holds no password.

use crate::faults::{connector, settle};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::writer::{Writer, prepare};
use tests::{kafka, services};

const STEP: Duration = Duration::from_mins(1);
/// Connections to a broker that are passed on; a worker makes a few for its clients.
const FORWARDED_CONNECTIONS_MAX: usize = 200;

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
        ("privilege", weak, &["REPLICATION SLAVE", "GRANT"]),
        (
            "unbuilt",
            with(&good, "signal.data.collection", "a.b".into()),
            &["signal.data.collection"],
        ),
        ("plugin", missing.clone(), &["acme.Nothing"]),
        (
            "override",
            with(&good, "producer.override.linger.mss", "1".into()),
            &["linger.mss"],
        ),
    ];
    for (name, config, words) in &cases {
        refused(&host, name, config, 400, words);
    }
    host.create("typo", &with(&good, "table.inclde.list", "x".into()))
        .unwrap();
    host.wait_state("typo", "RUNNING", STEP).unwrap();
    assert!(
        host.log().contains("table.include.list"),
        "did you mean: {}",
        host.log_tail(20)
    );
    assert!(!host.log().contains("dbz"), "no password in the log");
    session.run("DROP USER 'weak'@'%'").unwrap();
}

#[test]
fn a_server_that_does_not_log_rows() {
    let _servers = tests::servers();
    let mut session = Session::open().unwrap();
    prepare("bad_binlog", 1).unwrap();
    let host = Host::start("bad-binlog", &[]).unwrap();
    for (variable, wrong, right) in [
        ("binlog_row_image", "MINIMAL", "FULL"),
        ("binlog_format", "STATEMENT", "ROW"),
    ] {
        let set = |value: &str| format!("SET GLOBAL {variable}='{value}'");
        session.run(&set(wrong)).unwrap();
        let body = json!({"name": variable, "config": connector("bad_binlog")});
        let answer = host.rest.send("POST", "/connectors", &body);
        session.run(&set(right)).unwrap();
        let answer = answer.unwrap();
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(
            answer.body.contains(variable) && answer.body.contains(right),
            "{}",
            answer.body
        );
    }
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
    let wasi = services::checkout().join("plugins/hostile/wasi_import.wat");
    let wasi = wat::parse_file(wasi).unwrap();
    assert_eq!(put("acme.Mask/versions/1.0.0", &mask).status, 201);
    type Case<'a> = (&'a str, &'a [u8], u16, &'a [&'a str]);
    let cases: [Case<'_>; 9] = [
        (
            "acme.Mask/versions/1.0.0",
            &read("hostile-echo.wasm"),
            409,
            &["1.0.0"],
        ),
        ("acme.Empty/versions/1.0.0", b"", 400, &["--data-binary"]),
        (
            "acme.Text/versions/1.0.0",
            b"hello",
            422,
            &["acme.Text", "not a webassembly file"],
        ),
        (
            "acme.Module/versions/1.0.0",
            b"\0asm\x01\0\0\0",
            422,
            &["acme.Module", "embedded wit"],
        ),
        (
            "acme.Half/versions/1.0.0",
            &mask[..mask.len() / 2],
            422,
            &["acme.Half"],
        ),
        (
            "acme.Wasi/versions/1.0.0",
            &wasi,
            422,
            &["acme.Wasi", "imports wasi_snapshot_preview1"],
        ),
        ("acme.Mask/versions/one", &mask, 400, &["one"]),
        ("Mask/versions/1.0.0", &mask, 400, &["Mask"]),
        (
            "org.apache.Mask/versions/1.0.0",
            &mask,
            400,
            &["org.apache"],
        ),
    ];
    for (path, bytes, status, words) in cases {
        let answer = put(path, bytes);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
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
    let kept = host.rest.get("/plugins").unwrap().json().unwrap();
    assert_eq!(kept.as_array().unwrap().len(), 1, "{kept}");
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

/// Passes connections on to Kafka: a broker that comes up late, at an address of its own.
fn forward(listener: TcpListener) {
    let kafka = services::kafka().unwrap();
    std::thread::spawn(move || {
        for from in listener.incoming().take(FORWARDED_CONNECTIONS_MAX) {
            let (mut from, mut to) = (from.unwrap(), TcpStream::connect(&kafka).unwrap());
            let (mut back_from, mut back_to) = (to.try_clone().unwrap(), from.try_clone().unwrap());
            // A connection that one side ends is an end, not an error.
            std::thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
            std::thread::spawn(move || drop(std::io::copy(&mut back_from, &mut back_to)));
        }
    });
}

/// A worker that starts before Kafka says so, refuses changes, and begins by itself when Kafka is there.
#[test]
fn kafka_is_down_at_start() {
    let _servers = tests::servers();
    prepare("bad_start", 1).unwrap();
    kafka::delete_topics(&|t| t.starts_with("bad_start")).unwrap();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let address = address.to_string();
    let mut host = Host::prepare("bad-start", &[("bootstrap.servers", &address)]).unwrap();
    host.spawn(&[]).unwrap();
    let health = tests::until::until("the worker to answer", STEP, || {
        host.rest.get("/health").map(Some)
    })
    .unwrap();
    assert_eq!(health.status, 503, "{}", health.body);
    refused(&host, "early", &connector("bad_start"), 503, &["starting"]);
    tests::until::until("the log to name the broker", STEP, || {
        Ok(host.log().contains(&address).then_some(()))
    })
    .unwrap();
    forward(TcpListener::bind(&address).unwrap());
    host.wait_healthy().unwrap();
    host.create("late", &connector("bad_start")).unwrap();
    host.wait_state("late", "RUNNING", STEP).unwrap();
}

/// A guest that answers garbage fails the task with a reason; without it, everything arrives.
#[test]
fn a_guest_that_answers_garbage() {
    let _servers = tests::servers();
    let database = "bad_guest";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let before = prepare(database, 20).unwrap();
    let snapshot: u64 = before.values().sum();
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
    let topic = format!("{database}.{database}.t");
    tests::until::until("written rows to arrive", STEP, || {
        Ok((kafka::read(&topic)?.len() as u64 > snapshot + 50).then_some(()))
    })
    .unwrap();
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
    let dead = tests::until::until("the dead letter", STEP, || {
        let records = kafka::read(&format!("{database}.dead"))?;
        Ok((!records.is_empty()).then_some(records))
    })
    .unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
    assert_eq!(dead.len(), 1);
    let why = dead[0]
        .headers
        .iter()
        .find(|(k, v)| k == "__connect.errors.topic" && v.as_deref() == Some(topic.as_bytes()));
    assert!(why.is_some(), "{:?}", dead[0].headers);
    let metrics = host.rest.get("/metrics").unwrap().body;
    let counted = metrics.lines().find(|l| {
        l.starts_with("tidegate_dead_letters_total{") && l.contains("connector=\"size\"")
    });
    assert!(counted.is_some_and(|l| l.ends_with(" 1")), "{counted:?}");
}
