//! The notebook's life: REST answers, Connect's own topics, restart, deletion.

use serde_json::{Value, json};
use std::time::Duration;
use tests::golden::folder;
use tests::host::Host;
use tests::mysql::Session;
use tests::{capture, kafka, services, until};

const STEP: Duration = Duration::from_mins(1);

fn config() -> Value {
    let mut config = json!({});
    for (k, v) in Session::connector_keys().unwrap() {
        config[k] = v.into();
    }
    for (k, v) in [
        ("database.server.id", "1"),
        ("database.server.name", "dbserver1"),
        ("database.include.list", "testdb"),
        ("topic.prefix", "dbserver1"),
        ("schema.history.internal.kafka.topic", "dbz-internal"),
        (
            "schema.history.internal.kafka.bootstrap.servers",
            &services::kafka().unwrap(),
        ),
    ] {
        config[k] = v.into();
    }
    config
}

/// Keys of Connect's topics and the fields of their values, in order; what was recorded from the real worker.
fn shapes(records: &[capture::Captured], name: &str) -> Vec<String> {
    let fields = |v: &Option<String>| -> String {
        let parsed = v
            .as_deref()
            .map(serde_json::from_str::<serde_json::Map<String, Value>>);
        match parsed {
            None => "null".to_owned(),
            Some(Ok(map)) => {
                let state = map
                    .get("state")
                    .map(|s| format!("={s}"))
                    .unwrap_or_default();
                map.keys().cloned().collect::<Vec<_>>().join(",") + &state
            }
            Some(Err(e)) => format!("not an object: {e}"),
        }
    };
    let of_name = |r: &&capture::Captured| r.key.as_deref().is_some_and(|k| k.contains(name));
    let mut all: Vec<String> = records
        .iter()
        .filter(of_name)
        .map(|r| {
            format!(
                "{} {}",
                r.key.as_deref().unwrap_or_default(),
                fields(&r.value)
            )
        })
        .collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn posted_stored_restarted_and_deleted() {
    let _servers = tests::servers();
    kafka::delete_topics(&|t| t.starts_with("dbserver1") || t == "dbz-internal").unwrap();
    let mut session = Session::open().unwrap();
    session.drop_user_databases().unwrap();
    session.run("CREATE DATABASE testdb").unwrap();
    session
        .run("CREATE TABLE testdb.users1 (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(255))")
        .unwrap();
    session
        .run("INSERT INTO testdb.users1 (name) VALUES ('one')")
        .unwrap();

    let mut host = Host::start("notebook", &[]).unwrap();
    let posted = json!({"name": "mysql-connector", "config": config()});
    let answer = host.rest.send("POST", "/connectors", &posted).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    let mut echoed = config();
    echoed["name"] = "mysql-connector".into();
    assert_eq!(
        answer.json().unwrap(),
        json!({"name": "mysql-connector", "config": echoed, "tasks": [], "type": "source"})
    );
    host.wait_streaming("mysql-connector", STEP).unwrap();
    let status = host.wait_state("mysql-connector", "RUNNING", STEP).unwrap();
    assert_eq!(status["tasks"][0]["version"], "3.6.1.Final");

    let topic = "dbserver1.testdb.users1";
    let count = |n: i64| {
        until::until(&format!("{n} records"), STEP, || {
            let end: i64 = kafka::ends(&|t| t == topic)?.values().sum();
            Ok((end >= n).then_some(()))
        })
        .unwrap_or_else(|e| panic!("{e:#}"));
    };
    count(1);
    until::until("the snapshot's offset to be stored", STEP, || {
        let stored = host
            .rest
            .get("/connectors/mysql-connector/offsets")?
            .json()?;
        let offset = &stored["offsets"][0]["offset"];
        Ok((offset.is_object() && offset.get("snapshot").is_none()).then_some(()))
    })
    .unwrap();
    session
        .run("INSERT INTO testdb.users1 (name) VALUES ('two')")
        .unwrap();
    count(2);
    assert!(host.stop().unwrap().success());
    session
        .run("INSERT INTO testdb.users1 (name) VALUES ('while away')")
        .unwrap();
    host.run(&[]).unwrap();
    count(3);
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(
        kafka::read(topic).unwrap().len(),
        3,
        "a polite stop repeats nothing"
    );

    let stored = |host: &Host, part: &str| {
        let name = format!(
            "{}-{part}",
            host.folder.file_name().unwrap().to_str().unwrap()
        );
        capture::from_kafka(&|t| t == name)
            .unwrap()
            .remove(&name)
            .unwrap()
    };
    let gone = host
        .rest
        .bare("DELETE", "/connectors/mysql-connector")
        .unwrap();
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    until::until("the connector to be gone", STEP, || {
        Ok((host.rest.get("/connectors/mysql-connector/status")?.status == 404).then_some(()))
    })
    .unwrap();
    let recorded = capture::from_folder(&folder("notebook/connect-topics-deleted")).unwrap();
    for part in ["configs", "offsets", "status"] {
        let expected = shapes(
            &recorded[&format!("connect-cluster-{part}")],
            "mysql-connector",
        );
        let actual = shapes(&stored(&host, part), "mysql-connector");
        let missing: Vec<_> = expected.iter().filter(|e| !actual.contains(e)).collect();
        assert!(
            missing.is_empty(),
            "{part}: missing {missing:#?} in {actual:#?}"
        );
    }
}
