//! `cargo x demo`: the five-minute tour on a real MySQL and a real Kafka.
//!
//! It does what a user does, with the calls a user makes, shows each step and each event as it happens, and holds every
//! event against the one that was expected. `--exit` stops after the last step; otherwise everything is left running
//! until Ctrl-C. It knows the outside of the host only. Invariant: exit code 0 means every event seen was the expected
//! one and none was missing.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::host::Host;
use tests::kafka::{self, Reader};
use tests::mysql::Session;
use tests::{services, until};

const CONNECTOR: &str = "mysql-connector";
const TOPIC: &str = "dbserver1.testdb.users1";
const PLUGIN: &str = "/plugins/acme.MaskPii/versions/1.0.0";
/// Limit for one expected event.
const EVENT: Duration = Duration::from_secs(30);
/// Time in which no further event may come at the end.
const AFTERWARDS: Duration = Duration::from_secs(2);

fn main() -> Result<()> {
    let leave = std::env::args().any(|a| a == "--exit");
    let started = Instant::now();
    let mut demo = Demo::begin()?;
    demo.create_connector()?;
    demo.run_notebook()?;
    demo.upload_and_mask()?;
    demo.expect_no_more()?;
    println!(
        "\nAll {} events were the expected ones ({:.1} s).",
        demo.seen,
        started.elapsed().as_secs_f32()
    );
    if !leave {
        demo.stay()?;
    }
    demo.host.stop().map(drop)
}

struct Demo {
    host: Host,
    session: Session,
    events: Option<Reader>,
    config: Value,
    seen: usize,
}

impl Demo {
    fn begin() -> Result<Self> {
        let port = std::env::var("TIDEGATE_DEMO_PORT").unwrap_or_else(|_| "8083".to_owned());
        step(&format!("Starting Tidegate on :{port}"));
        if std::net::TcpListener::bind(format!("127.0.0.1:{port}")).is_err() {
            bail!("port {port} is taken: stop what listens there, or set TIDEGATE_DEMO_PORT");
        }
        kafka::delete_topics(&|t| t.starts_with("dbserver1") || t == "dbz-internal")?;
        let mut session = Session::open()?;
        session.run("DROP DATABASE IF EXISTS testdb")?;
        session.run("CREATE DATABASE testdb")?;
        session.run("USE testdb")?;
        let listeners = format!("http://127.0.0.1:{port}");
        let mut host = Host::prepare("demo", &[("listeners", &listeners)])?;
        command(&format!(
            "tidegate worker {}",
            host.folder.join("worker.properties").display()
        ));
        host.run(&[])?;
        let mut config = json!({
            "database.server.id": "1", "database.server.name": "dbserver1", "database.include.list": "testdb",
            "topic.prefix": "dbserver1", "schema.history.internal.kafka.topic": "dbz-internal",
            "schema.history.internal.kafka.bootstrap.servers": services::kafka()?,
        });
        for (k, v) in Session::connector_keys()? {
            config[k] = v.into();
        }
        Ok(Self {
            host,
            session,
            events: None,
            config,
            seen: 0,
        })
    }

    fn create_connector(&mut self) -> Result<()> {
        step("Posting the notebook's connector");
        let base = self.host.rest.base();
        command(&format!(
            "curl -X POST {base}/connectors -H 'Content-Type: application/json' -d '{}'",
            json!({"name": CONNECTOR, "config": self.config})
        ));
        let answer = self.host.rest.send(
            "POST",
            "/connectors",
            &json!({"name": CONNECTOR, "config": self.config}),
        )?;
        println!("  {} {}", answer.status, answer.body);
        if answer.status != 201 {
            bail!("the connector was not created");
        }
        self.host.wait_streaming(CONNECTOR, Duration::from_mins(1))
    }

    fn run_notebook(&mut self) -> Result<()> {
        step("Running the notebook's SQL; its consumer prints what arrives");
        self.sql("CREATE TABLE users1 (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(255), email VARCHAR(255))")?;
        self.sql("INSERT INTO users1 (name, email) VALUES ('before', 'b1@example.com'), ('before', 'b2@example.com')")?;
        for id in 1..=2 {
            self.expect(
                "c",
                Value::Null,
                user(id, "before", &format!("b{id}@example.com")),
            )?;
        }
        self.sql("TRUNCATE TABLE users1")?;
        let rows: Vec<String> = (1..=12)
            .map(|i| format!("('user{i}', 'u{i}@example.com')"))
            .collect();
        self.sql(&format!(
            "INSERT INTO users1 (name, email) VALUES {}",
            rows.join(", ")
        ))?;
        let named = |i: i64| user(i, &format!("user{i}"), &format!("u{i}@example.com"));
        for id in 1..=12 {
            self.expect("c", Value::Null, named(id))?;
        }
        self.sql("DELETE FROM users1 WHERE id<10")?;
        for id in 1..=9 {
            self.expect("d", named(id), Value::Null)?;
            self.expect_tombstone(id)?;
        }
        self.sql("UPDATE users1 SET name='MAQ' WHERE id>=5")?;
        for id in 10..=12 {
            self.expect(
                "u",
                named(id),
                user(id, "MAQ", &format!("u{id}@example.com")),
            )?;
        }
        Ok(())
    }

    fn upload_and_mask(&mut self) -> Result<()> {
        step("Uploading a transform and adding it to the running connector");
        let file = services::plugins()?.join("mask-pii.wasm");
        let component =
            std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let base = self.host.rest.base().to_owned();
        command(&format!(
            "curl -X PUT --data-binary @{} {base}{PLUGIN}",
            file.display()
        ));
        let answer = self.host.rest.call(
            "PUT",
            PLUGIN,
            &[("content-type", "application/wasm")],
            &component,
        )?;
        println!("  {} {}", answer.status, answer.body);
        if answer.status != 201 {
            bail!("the upload was refused");
        }
        self.config["transforms"] = "mask".into();
        self.config["transforms.mask.type"] = "wasm.acme.MaskPii".into();
        self.config["transforms.mask.plugin.version"] = "1.0.0".into();
        self.config["transforms.mask.fields"] = "email".into();
        command(&format!(
            "curl -X PUT {base}/connectors/{CONNECTOR}/config -H 'Content-Type: application/json' -d '{}'",
            self.config
        ));
        let answer = self.host.rest.send(
            "PUT",
            &format!("/connectors/{CONNECTOR}/config"),
            &self.config,
        )?;
        println!("  {} {}", answer.status, answer.body);
        if answer.status != 200 {
            bail!("the transform was not added");
        }
        step("Running more SQL: e-mail addresses now arrive masked");
        self.sql("INSERT INTO users1 (name, email) VALUES ('masked', 'secret@example.com')")?;
        self.expect("c", Value::Null, user(13, "masked", "****"))?;
        self.sql("UPDATE users1 SET name='MAQ' WHERE id=13")?;
        self.expect("u", user(13, "masked", "****"), user(13, "MAQ", "****"))
    }

    fn sql(&mut self, sql: &str) -> Result<()> {
        command(&format!("mysql> {sql}"));
        self.session.run(sql)
    }

    /// The next record of the topic, shown as the notebook shows it.
    fn next(&mut self) -> Result<kafka::Record> {
        if self.events.is_none() {
            until::until(&format!("topic {TOPIC}"), EVENT, || {
                Ok(kafka::topics()?.contains_key(TOPIC).then_some(()))
            })
            .with_context(|| self.host.log_tail(30))?;
            self.events = Some(Reader::new(TOPIC)?);
        }
        let reader = self.events.as_mut().context("no reader")?;
        let waited = until::until("the next event", EVENT, || {
            reader.poll(Duration::from_millis(100))
        });
        let record = waited.with_context(|| self.host.log_tail(30))?;
        self.seen += 1;
        let Some(value) = &record.value else {
            println!(
                "  {:>3} tombstone {}",
                self.seen,
                String::from_utf8_lossy(record.key.as_deref().unwrap_or_default())
            );
            return Ok(record);
        };
        let value: Value = serde_json::from_slice(value)?;
        let p = &value["payload"];
        println!(
            "  {:>3} op={} before={} after={} file={} pos={} gtid={} ts_ms={} transaction={}",
            self.seen,
            p["op"],
            p["before"],
            p["after"],
            p["source"]["file"],
            p["source"]["pos"],
            p["source"]["gtid"],
            p["ts_ms"],
            p["transaction"]
        );
        Ok(record)
    }

    fn expect(&mut self, op: &str, before: Value, after: Value) -> Result<()> {
        let record = self.next()?;
        let payload = record.json()?["payload"].take();
        for (field, want) in [("op", json!(op)), ("before", before), ("after", after)] {
            if payload[field] != want {
                bail!(
                    "event {}: {field} is {} instead of {want}",
                    self.seen,
                    payload[field]
                );
            }
        }
        Ok(())
    }

    fn expect_tombstone(&mut self, id: i64) -> Result<()> {
        let record = self.next()?;
        let key: Value = serde_json::from_slice(record.key.as_deref().unwrap_or_default())?;
        if record.value.is_some() || key["payload"]["id"] != id {
            bail!(
                "event {}: a tombstone of {id} was expected, not {record:?}",
                self.seen
            );
        }
        Ok(())
    }

    fn expect_no_more(&mut self) -> Result<()> {
        match self
            .events
            .as_mut()
            .context("no reader")?
            .poll(AFTERWARDS)?
        {
            None => Ok(()),
            Some(r) => bail!("an event too many: {r:?}"),
        }
    }

    fn stay(&self) -> Result<()> {
        let base = self.host.rest.base();
        let (host, port) = services::mysql()?;
        println!("\nEverything is left running. To try next:");
        for next in [
            format!("curl {base}/connectors?expand=status"),
            format!("curl {base}/connector-plugins?connectorsOnly=false"),
            format!("curl {base}/plugins"),
            format!("curl {base}/metrics"),
            format!("curl -X PUT {base}/connectors/{CONNECTOR}/pause"),
            format!("mysql -h {host} -P {port} -u root testdb"),
            format!(
                "{} tail --mysql mysql://debezium:dbz@{host}:{port}/ --tables 'testdb\\..*'",
                services::executable()?.display()
            ),
        ] {
            command(&next);
        }
        println!(
            "Log: {}\nCtrl-C stops Tidegate; `cargo x services down` stops MySQL and Kafka.",
            self.host.log_file().display()
        );
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime
            .block_on(tokio::signal::ctrl_c())
            .context("waiting for Ctrl-C")
    }
}

fn user(id: i64, name: &str, email: &str) -> Value {
    json!({"id": id, "name": name, "email": email})
}

fn step(what: &str) {
    println!("\n== {what}");
}

fn command(text: &str) {
    println!("  $ {text}");
}
