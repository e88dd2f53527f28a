//! A connector on a worker: its configuration, its life, its place in the binlog.
//!
//! Both products get the same configuration through the same calls. Invariant: names, topics and server ids of two
//! connectors differ.

use crate::cases::Case;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::mysql::Session;
use tests::services;
use tests::watch::watch;
use tests::worker::Worker;

const LOOK_EVERY: Duration = Duration::from_millis(100);
const STOP: Duration = Duration::from_mins(2);

/// A connector's name and what follows from it.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    name: String,
    database: &'static str,
    snapshot: &'static str,
    server_id: u32,
}

impl Connector {
    /// One that begins at the end of the binlog (`no_data`) or with a copy (`initial`).
    pub(crate) fn new(
        name: String,
        database: &'static str,
        snapshot: &'static str,
        server_id: u32,
    ) -> Self {
        Self {
            name,
            database,
            snapshot,
            server_id,
        }
    }

    /// The topic its records go to.
    pub(crate) fn topic(&self) -> String {
        format!("{}.{}.orders", self.name, self.database)
    }

    /// Where it keeps its schema history.
    pub(crate) fn history(&self) -> String {
        format!("{}-history", self.name)
    }

    fn config(&self, case: &Case) -> Result<Value> {
        let schemas = case.schemas.to_string();
        let mut config = json!({
            "database.server.id": self.server_id.to_string(),
            "database.include.list": self.database,
            "topic.prefix": self.name,
            "snapshot.mode": self.snapshot,
            "schema.history.internal.kafka.topic": self.history(),
            "schema.history.internal.kafka.bootstrap.servers": services::kafka()?,
            "include.schema.changes": "false",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "key.converter.schemas.enable": schemas,
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": schemas,
        });
        for (key, value) in Session::connector_keys()? {
            config[key] = value.into();
        }
        if case.own_defaults_of.is_none() {
            config["producer.override.compression.type"] = "none".into();
        }
        if case.transforms {
            let transforms = [
                ("transforms", "unwrap,mask,drop"),
                (
                    "transforms.unwrap.type",
                    "io.debezium.transforms.ExtractNewRecordState",
                ),
                (
                    "transforms.unwrap.delete.tombstone.handling.mode",
                    "tombstone",
                ),
                (
                    "transforms.mask.type",
                    "org.apache.kafka.connect.transforms.MaskField$Value",
                ),
                ("transforms.mask.fields", "email,ship_name"),
                // MaskField needs a value: tombstones are left to the filter.
                ("transforms.mask.predicate", "tombstone"),
                ("transforms.mask.negate", "true"),
                (
                    "transforms.drop.type",
                    "org.apache.kafka.connect.transforms.Filter",
                ),
                ("transforms.drop.predicate", "tombstone"),
                ("predicates", "tombstone"),
                (
                    "predicates.tombstone.type",
                    "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
                ),
            ];
            for (key, value) in transforms {
                config[key] = value.into();
            }
        }
        Ok(config)
    }

    fn path(&self, rest: &str) -> String {
        format!("/connectors/{}{rest}", self.name)
    }

    /// Creates it, running; when the order was given.
    pub(crate) fn create(&self, worker: &Worker, case: &Case) -> Result<Instant> {
        let body = json!({"name": self.name, "config": self.config(case)?});
        let (_, begun) = worker.order("POST", "/connectors", Some(&body))?;
        Ok(begun)
    }

    /// Gives it another configuration.
    pub(crate) fn configure(&self, worker: &Worker, case: &Case) -> Result<()> {
        let config = self.config(case)?;
        worker
            .order("PUT", &self.path("/config"), Some(&config))
            .map(drop)
    }

    /// Stops it and waits until its task is gone.
    pub(crate) fn stop(&self, worker: &Worker) -> Result<()> {
        worker.order("PUT", &self.path("/stop"), None)?;
        watch("a connector to stop", LOOK_EVERY, STOP, || {
            let (status, _) = worker.order("GET", &self.path("/status"), None)?;
            let stopped = status["connector"]["state"] == "STOPPED"
                && status["tasks"].as_array().is_none_or(Vec::is_empty);
            Ok(stopped.then_some(()))
        })
    }

    /// Lets it run; when the order was given.
    pub(crate) fn resume(&self, worker: &Worker) -> Result<Instant> {
        let (_, begun) = worker.order("PUT", &self.path("/resume"), None)?;
        Ok(begun)
    }

    /// Where it is, while it is stopped.
    pub(crate) fn offsets(&self, worker: &Worker) -> Result<Value> {
        let (offsets, _) = worker.order("GET", &self.path("/offsets"), None)?;
        if offsets["offsets"].as_array().is_none_or(Vec::is_empty) {
            bail!("asking {} for its offsets: it has none", self.name);
        }
        Ok(offsets)
    }

    /// Puts it there, while it is stopped.
    pub(crate) fn put(&self, worker: &Worker, offsets: &Value) -> Result<()> {
        worker
            .order("PATCH", &self.path("/offsets"), Some(offsets))
            .map(drop)
    }

    /// Deletes it.
    pub(crate) fn delete(&self, worker: &Worker) -> Result<()> {
        worker.order("DELETE", &self.path(""), None).map(drop)
    }

    /// An error with its trace if it has failed.
    pub(crate) fn must_run(&self, worker: &Worker) -> Result<()> {
        let answer = worker.rest.get(&self.path("/status"))?;
        if answer.body.contains("FAILED") {
            bail!("{} failed: {}", self.name, answer.body);
        }
        Ok(())
    }

    /// Waits for something of it to happen, looking often; fails at once when it fails.
    pub(crate) fn watch<T>(
        &self,
        worker: &Worker,
        what: &str,
        limit: Duration,
        mut look: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        const LOOK_OFTEN: Duration = Duration::from_millis(10);
        const ASK_EVERY: Duration = Duration::from_secs(2);
        let mut asked = Instant::now();
        let found = watch(what, LOOK_OFTEN, limit, || {
            if asked.elapsed() > ASK_EVERY {
                self.must_run(worker)?;
                asked = Instant::now();
            }
            look()
        });
        found.with_context(|| worker.log_tail())
    }
}
