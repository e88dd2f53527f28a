//! The binlog's own connection logs in as the driver does, with TLS and without.

use crate::faults::connector;
use std::time::Duration;
use tests::host::Host;
use tests::mysql::Session;
use tests::{kafka, until};

const STEP: Duration = Duration::from_mins(1);

#[test]
fn with_tls_and_without() {
    let _servers = tests::servers();
    let database = "dump_login";
    kafka::delete_topics(&|t| t.starts_with(database)).unwrap();
    let mut session = Session::open().unwrap();
    session
        .script(&format!(
            "DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}; \
             CREATE TABLE {database}.t (id INT PRIMARY KEY AUTO_INCREMENT)"
        ))
        .unwrap();
    let host = Host::start(database, &[]).unwrap();
    for mode in ["disabled", "preferred", "required"] {
        let name = format!("{database}_{mode}");
        let mut config = connector(database);
        config["topic.prefix"] = name.as_str().into();
        config["schema.history.internal.kafka.topic"] = format!("{name}-history").into();
        config["snapshot.mode"] = "no_data".into();
        config["database.ssl.mode"] = mode.into();
        host.create(&name, &config).unwrap();
        host.wait_streaming(&name, STEP).unwrap();
        let secure = session.one(
            "SELECT COUNT(*) FROM performance_schema.threads JOIN performance_schema.status_by_thread USING (thread_id) \
             WHERE processlist_command LIKE 'Binlog Dump%' AND processlist_user = 'debezium' \
             AND variable_name = 'Ssl_cipher' AND variable_value <> ''",
        );
        assert_eq!(secure.unwrap() != "0", mode != "disabled", "{mode}");
        session
            .run(&format!("INSERT INTO {database}.t VALUES ()"))
            .unwrap();
        let topic = format!("{name}.{database}.t");
        until::until("a row", STEP, || {
            Ok((!kafka::read(&topic)?.is_empty()).then_some(()))
        })
        .unwrap_or_else(|e| panic!("{mode}: {e:#}\n{}", host.log_tail(30)));
        let answer = host.rest.bare("DELETE", &format!("/connectors/{name}"));
        assert_eq!(answer.unwrap().status, 204);
        // The server notices that a dump's client is gone when it next writes to it: at its heartbeat.
        until::until("the dump to end", STEP, || {
            let left = session.one(
                "SELECT COUNT(*) FROM performance_schema.processlist WHERE command LIKE 'Binlog Dump%' AND user = 'debezium'",
            )?;
            Ok((left == "0").then_some(()))
        })
        .unwrap();
    }
}
