//! A whole worker with its stores in a real Kafka, and one connector for it.

use super::{World, bootstrap, catalog};
use crate::counting::Counting;
use host_core::config::Config;
use host_core::id::ConnectorId;
use host_runtime::herder::entity::State;
use host_runtime::herder::{HerderHandle, Setup};
use host_runtime::worker_config::WorkerConfig;
use host_wasm::Limits;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) fn worker(w: &World, kind: Counting) -> HerderHandle {
    let t = &w.topic;
    let mut raw: Config = [
        ("bootstrap.servers", bootstrap().as_str()),
        ("group.id", t),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        ("offset.storage.partitions", "5"),
        ("offset.flush.interval.ms", "200"),
        ("task.shutdown.graceful.timeout.ms", "10000"),
        ("session.timeout.ms", "6000"),
    ]
    .into_iter()
    .collect();
    for kind in ["config", "offset", "status", "plugin"] {
        raw.set(format!("{kind}.storage.topic"), format!("{t}-{kind}"));
        raw.set(format!("{kind}.storage.replication.factor"), "1");
    }
    start(&raw, kind)
}

/// A worker that keeps its state in files and memory, with its Kafka behind this address.
pub(crate) fn standalone(
    w: &World,
    kind: Counting,
    kafka: &str,
    graceful: Duration,
) -> HerderHandle {
    standalone_with(w, kind, kafka, graceful, &[])
}

/// With further worker properties.
pub(crate) fn standalone_with(
    w: &World,
    kind: Counting,
    kafka: &str,
    graceful: Duration,
    more: &[(&str, &str)],
) -> HerderHandle {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let files = std::env::temp_dir().join(format!("{}.offsets", w.topic));
    let mut raw: Config = [
        ("bootstrap.servers", kafka),
        ("key.converter", string),
        ("value.converter", string),
        ("offset.storage.file.filename", files.to_str().unwrap()),
        ("offset.flush.interval.ms", "200"),
        (
            "task.shutdown.graceful.timeout.ms",
            &graceful.as_millis().to_string(),
        ),
    ]
    .into_iter()
    .collect();
    for (k, v) in more {
        raw.set(*k, *v);
    }
    start(&raw, kind)
}

fn start(raw: &Config, kind: Counting) -> HerderHandle {
    let config = WorkerConfig::parse(raw).unwrap();
    let setup = Setup {
        config,
        kinds: vec![Arc::new(kind)],
        catalog: catalog(),
        limits: Limits::default(),
        tenants: None,
    };
    HerderHandle::start(setup).unwrap()
}

pub(crate) fn connector(w: &World) -> Config {
    [
        ("connector.class", "CountingSource"),
        ("tasks.max", "1"),
        ("topic", w.topic.as_str()),
    ]
    .into_iter()
    .collect()
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) fn state(h: &HerderHandle, id: &ConnectorId) -> Option<(State, Vec<State>)> {
    let s = h.status(id).ok()?;
    Some((s.connector.state, s.tasks.iter().map(|t| t.state).collect()))
}

/// The configuration with a transform that sends records to `<topic>-routed`.
pub(crate) fn routed(mut config: Config) -> Config {
    for (k, v) in [
        ("transforms", "r"),
        (
            "transforms.r.type",
            "org.apache.kafka.connect.transforms.RegexRouter",
        ),
        ("transforms.r.regex", "(.*)"),
        ("transforms.r.replacement", "$1-routed"),
    ] {
        config.set(k, v);
    }
    config
}
