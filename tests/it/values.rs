//! Values that Debezium loses or garbles: what arrives is what the server holds.

use crate::faults::connector;
use serde_json::Value;
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);

/// Partial JSON updates (`binlog_row_value_options=PARTIAL_JSON`) carry only what changed; Debezium 3.6 drops them.
#[test]
fn partial_json_updates() {
    let _servers = tests::servers();
    let database = "partial_json";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .run(&format!("DROP DATABASE IF EXISTS {database}"))
        .unwrap();
    session.run(&format!("CREATE DATABASE {database}")).unwrap();
    session.run(&format!("USE {database}")).unwrap();
    session
        .run("CREATE TABLE t (id INT PRIMARY KEY, j JSON)")
        .unwrap();
    let host = Host::start(database, &[]).unwrap();
    host.create("partial", &connector(database)).unwrap();
    host.wait_streaming("partial", STEP).unwrap();
    let document = r#"{"a":1,"b":[1,2,3],"s":"some text long enough to be replaced in place"}"#;
    session
        .run(&format!("INSERT INTO t VALUES (1, '{document}')"))
        .unwrap();
    session
        .run("SET SESSION binlog_row_value_options=PARTIAL_JSON")
        .unwrap();
    let changes = [
        "JSON_SET(j,'$.a',42,'$.b[1]','two')",
        "JSON_REMOVE(JSON_SET(j,'$.s','shorter'),'$.b[0]')",
        "JSON_REPLACE(j,'$.s','grown again to something that is longer than before')",
    ];
    for (n, change) in changes.iter().enumerate() {
        session
            .run(&format!("UPDATE t SET j={change} WHERE id=1"))
            .unwrap();
        let held: Value = serde_json::from_str(&session.one("SELECT j FROM t").unwrap()).unwrap();
        let topic = format!("{database}.{database}.t");
        let record = until::until("the update", STEP, || {
            Ok(kafka::read(&topic)?.into_iter().nth(n + 1))
        });
        let record = record.unwrap_or_else(|e| panic!("{e:#}\n{}", host.log_tail(30)));
        let arrived = record.json().unwrap()["after"]["j"].take();
        let arrived: Value = serde_json::from_str(arrived.as_str().unwrap()).unwrap();
        assert_eq!(arrived, held, "{change}");
    }
}
