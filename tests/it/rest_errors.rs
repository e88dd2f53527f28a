//! Invalid configurations are refused with the texts that Connect and Debezium intend.
//!
//! Connect 4.3.1 answers 500 to every invalid MySQL configuration because Debezium 3.6.1 leaves one key out of its
//! validation result; the intended texts were recorded with MariaDB's connector, which is the same code, and FileStream.
//! Each distinct error line must be as recorded; [`OTHERWISE`] lists where ours says it in other words.

use serde_json::Value;
use std::collections::BTreeSet;
use tests::host::Host;
use tests::mysql::Session;
use tests::services;

/// Label, our status, what our message holds instead, and why.
const OTHERWISE: [(&str, u16, &str, &str); 7] = [
    (
        "bad password",
        400,
        "Access denied for user",
        "MariaDB's driver adds the number of its connection; ours names the server and the keys to look at",
    ),
    (
        "port refused",
        400,
        "127.0.0.1:1",
        "a text of MariaDB's driver",
    ),
    (
        "missing history topic",
        400,
        "The 'schema.history.internal.kafka.topic' value is invalid: A value is required",
        "Debezium's task fails at its start without it; told before anything is created",
    ),
    (
        "bad regex",
        400,
        "The 'table.include.list' value is invalid: A comma-separated list of valid regular expressions is expected",
        "what is wrong with the expression is said by another engine",
    ),
    (
        "bad snapshot mode",
        400,
        "The 'snapshot.mode' value is invalid: Value must be one of always,",
        "MySQL's connector has its own order of modes",
    ),
    (
        "filestream: missing topic",
        400,
        "Missing required configuration \"topic\" which has no default value.",
        "the missing file is told as well, because a worker has no standard input to read",
    ),
    (
        "filestream: put invalid",
        400,
        "Invalid value x for configuration tasks.max: Not a number of type INT",
        "Connect adds a line that follows from the first",
    ),
];
/// Recorded calls whose answer is a matter of time, or of how far a task has come.
const TIMED: [&str; 1] = ["filestream: task fails or waits"];

fn recorded() -> Vec<Value> {
    let file = services::checkout().join("tests/golden/rest/errors_intended.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// The call with this run's server in place of the recorded MariaDB.
fn rewritten(mut body: Value) -> Value {
    let (host, port) = services::mysql().unwrap();
    if let Some(config) = body.get_mut("config").and_then(Value::as_object_mut) {
        for (key, value) in config.iter_mut() {
            let now = match (key.as_str(), value.as_str().unwrap_or_default()) {
                ("connector.class", "io.debezium.connector.mariadb.MariaDbConnector") => {
                    "io.debezium.connector.mysql.MySqlConnector".to_owned()
                }
                ("database.hostname", _) => host.clone(),
                ("database.port", "3316") => port.to_string(),
                ("schema.history.internal.kafka.bootstrap.servers", _) => {
                    services::kafka().unwrap()
                }
                _ => continue,
            };
            *value = now.into();
        }
    }
    body
}

/// The distinct lines of an error message between its head and its foot.
fn error_lines(body: &Value) -> BTreeSet<String> {
    let message = body["message"].as_str().unwrap_or_default();
    let told = message.lines().filter(|l| {
        !l.starts_with("Connector configuration is invalid") && !l.starts_with("You can also find")
    });
    told.map(str::to_owned).collect()
}

#[test]
fn intended_errors() {
    let _servers = tests::servers();
    let mut session = Session::open().unwrap();
    session.drop_user_databases().unwrap();
    session.run("CREATE DATABASE restdb").unwrap();
    let host = Host::start("rest-errors", &[]).unwrap();
    let mut wrong = Vec::new();
    let calls = recorded();
    for call in &calls {
        let (label, request) = (call["label"].as_str().unwrap(), &call["request"]);
        let method = request["method"].as_str().unwrap();
        let path = request["path"].as_str().unwrap();
        let answer = if request["body"].is_null() {
            host.rest.bare(method, path)
        } else {
            host.rest
                .send(method, path, &rewritten(request["body"].clone()))
        };
        let answer = answer.unwrap();
        let ours = answer.json().unwrap();
        let theirs: Value =
            serde_json::from_str(call["response"]["body"].as_str().unwrap()).unwrap();
        let otherwise = OTHERWISE.iter().find(|(l, ..)| *l == label);
        let good = match otherwise {
            Some((_, status, text, _)) => {
                let holds = ours["message"].as_str().is_some_and(|m| m.contains(text));
                answer.status == *status && holds
            }
            None => {
                let texts = error_lines(&ours) == error_lines(&theirs);
                call["response"]["status"] == answer.status && texts
            }
        };
        if !good && !TIMED.contains(&label) {
            wrong.push(format!(
                "{label}: {} {}\n  not {theirs}",
                answer.status, answer.body
            ));
        }
        assert!(
            answer.status < 400 || !answer.body.contains("dbz"),
            "{label}: {}",
            answer.body
        );
        if answer.status == 201 {
            let name = ours["name"].as_str().unwrap();
            // The last FileStream calls are about the connector that was made.
            if name != "fs" {
                host.rest
                    .bare("DELETE", &format!("/connectors/{name}"))
                    .unwrap();
            }
        }
    }
    println!(
        "intended errors: {} of {} as recorded",
        calls.len() - wrong.len(),
        calls.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    session.run("DROP DATABASE restdb").unwrap();
}
