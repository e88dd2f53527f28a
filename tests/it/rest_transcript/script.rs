//! What goes on around the calls: the table and the topics that they are about, what they wait for, and the account that
//! is missing for a while.
//!
//! It compares nothing. Invariant: what it makes it takes away, but for the topics, which the next run deletes.

use super::Call;
use anyhow::Result;
use serde_json::{Map, Value};
use std::time::Duration;
use tests::host::Host;
use tests::http::Answer;
use tests::mysql::Session;
use tests::{kafka, services, until};

/// Limit for one state to come about.
const STEP: Duration = Duration::from_secs(40);
/// The connector that most calls are about.
const NAME: &str = "rest-a";
/// The account of the connectors; it is renamed for a while, so it cannot be the one that other tests use.
const USER: &str = "rest_replay";
/// Calls whose answer comes about in time: they are repeated until it is there. The recorder waited as well.
const EVENTUALLY: [&str; 18] = [
    "list",
    "list, expand status",
    "list, expand both",
    "get status",
    "topics",
    "topics after reset",
    "offsets",
    "status paused",
    "status resumed",
    "status after restart",
    "status stopped",
    "tasks stopped",
    "offsets stopped",
    "offsets after patch",
    "status of one created stopped",
    "status failed",
    "task status failed",
    "status recovered",
];
/// Calls before which the task must run.
const WHEN_RUNNING: [&str; 8] = [
    "restart (plain)",
    "restart with tasks",
    "restart only failed, none failed",
    "restart task",
    "stop",
    "put config: same",
    "put config: change",
    "patch config",
];

/// A running host and its table.
pub(super) struct Script {
    host: Host,
    session: Session,
    /// The last answer of `GET …/offsets`, which some calls send back.
    offsets: Value,
}

impl Script {
    /// Makes database, account and host.
    pub(super) fn start() -> Result<Self> {
        let mut session = Session::open()?;
        session.drop_user_databases()?;
        for sql in [
            "CREATE DATABASE restdb",
            "CREATE TABLE restdb.t (id INT PRIMARY KEY, v INT)",
            "INSERT INTO restdb.t VALUES (1,1)",
            &format!("DROP USER IF EXISTS '{USER}'@'%', '{USER}_away'@'%'"),
            &format!("CREATE USER '{USER}'@'%' IDENTIFIED BY 'dbz'"),
            &format!(
                "GRANT SELECT, RELOAD, SHOW DATABASES, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT \
                 ON *.* TO '{USER}'@'%'"
            ),
        ] {
            session.run(sql)?;
        }
        kafka::delete_topics(&|t| t.starts_with("rest_"))?;
        let host = Host::start("rest", &[])?;
        Ok(Self {
            host,
            session,
            offsets: Value::Null,
        })
    }
    /// Takes away what was made.
    pub(super) fn end(mut self) -> Result<()> {
        self.host.stop()?;
        self.session.run("DROP DATABASE restdb")?;
        self.session.run(&format!("DROP USER '{USER}'@'%'"))
    }
    /// Makes a call when its time has come; what `compare` finds.
    pub(super) fn play(
        &mut self,
        call: &Call,
        compare: impl Fn(&Answer) -> Vec<String>,
    ) -> Result<Vec<String>> {
        self.before(&call.label)?;
        let body = self.body(call)?;
        let answer = self.send(call, &body)?;
        let mut found = compare(&answer);
        if EVENTUALLY.contains(&call.label.as_str()) && !found.is_empty() {
            // What it is at the limit is told as a difference, not as an error.
            drop(until::until(&call.label, STEP, || {
                found = compare(&self.send(call, &body)?);
                Ok(found.is_empty().then_some(()))
            }));
        }
        if call.label == "offsets stopped" {
            self.offsets = self.send(call, &body)?.json()?;
        }
        if call.label == "create" {
            self.host.wait_streaming(NAME, STEP)?;
        }
        Ok(found)
    }
    fn before(&mut self, label: &str) -> Result<()> {
        if WHEN_RUNNING.contains(&label) {
            self.host.wait_state(NAME, "RUNNING", STEP)?;
        }
        let rename = |from: &str, to: &str| format!("RENAME USER '{from}'@'%' TO '{to}'@'%'");
        let away = format!("{USER}_away");
        match label {
            "restart while the account is missing" => self.session.run(&rename(USER, &away)),
            "restart only failed" => self.session.run(&rename(&away, USER)),
            _ => Ok(()),
        }
    }
    fn send(&self, call: &Call, body: &[u8]) -> Result<Answer> {
        let mut headers = vec![("Accept", "application/json")];
        if !call.request.body.is_null() {
            headers.push(("Content-Type", "application/json"));
        }
        for (name, value) in &call.request.headers {
            headers.retain(|(k, _)| k != name);
            headers.push((name, value));
        }
        let request = &call.request;
        self.host
            .rest
            .call(&request.method, &request.path, &headers, body)
    }
    /// The recorded body with this run's addresses.
    fn body(&self, call: &Call) -> Result<Vec<u8>> {
        let gives_back = ["offsets patch: good", "offsets patch, unknown"];
        let mut body = if gives_back.contains(&call.label.as_str()) {
            self.offsets.clone()
        } else {
            call.request.body.clone()
        };
        match &mut body {
            Value::Null => return Ok(Vec::new()),
            // Raw text, malformed on purpose; one is a configuration with a number in it.
            Value::String(raw) => match serde_json::from_str::<Value>(raw) {
                Ok(mut parsed) if parsed.is_object() => {
                    rewrite(&mut parsed, &call.label)?;
                    return Ok(parsed.to_string().into_bytes());
                }
                _ => return Ok(raw.clone().into_bytes()),
            },
            _ => rewrite(&mut body, &call.label)?,
        }
        Ok(body.to_string().into_bytes())
    }
}

/// Puts the addresses of this run into a configuration, and a server id of its own into each connector's.
fn rewrite(body: &mut Value, label: &str) -> Result<()> {
    let Some(fields) = body.as_object_mut() else {
        return Ok(());
    };
    if let Some(inner) = fields.get_mut("config") {
        rewrite(inner, label)?;
    }
    let (host, port) = services::mysql()?;
    let id = 14466
        + if label.starts_with("create: ") || label.contains("creates") {
            label.len()
        } else {
            0
        };
    for (key, recorded, now) in [
        ("database.hostname", "127.0.0.1", host),
        ("database.port", "3306", port.to_string()),
        ("database.user", "debezium", USER.to_owned()),
        ("database.server.id", "14466", id.to_string()),
        (
            "schema.history.internal.kafka.bootstrap.servers",
            "127.0.0.1:9092",
            services::kafka()?,
        ),
    ] {
        replace(fields, key, recorded, now);
    }
    Ok(())
}

fn replace(fields: &mut Map<String, Value>, key: &str, recorded: &str, now: String) {
    if let Some(value) = fields.get_mut(key).filter(|v| *v == recorded) {
        *value = now.into();
    }
}
