//! The herder over a real Kafka: a connector's life, exchange in place, offsets, restart of the worker, bad input.
//!
//! The address comes from `TIDEGATE_KAFKA`; without it the tests fail. Topics are named anew for every run.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod counting;
mod world;

use counting::Counting;
use host_core::config::Config;
use host_core::id::{ConnectorId, TenantId};
use host_runtime::herder::entity::{ConnectorOffsets, PartitionOffset, State, TargetState};
use host_runtime::herder::{HerderHandle, Setup};
use host_runtime::worker_config::WorkerConfig;
use host_wasm::Limits;
use std::sync::Arc;
use world::World;
use world::worker::{connector, routed, state, until, worker};

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_lives_its_life() {
    let w = World::new("life").await;
    let h = worker(&w, Counting::slow(1_000_000));
    h.started().await.unwrap();
    let (tenant, id) = (
        TenantId::default(),
        ConnectorId::new(TenantId::default(), "c"),
    );
    let info = h
        .create(&tenant, Some(" c "), connector(&w), TargetState::Started)
        .await
        .unwrap();
    assert_eq!(
        (
            info.name.as_str(),
            info.tasks.len(),
            info.config.get("name")
        ),
        ("c", 0, Some("c"))
    );
    until("it runs", || {
        state(&h, &id) == Some((State::Running, vec![State::Running]))
    })
    .await;
    let again = h
        .create(&tenant, Some("c"), connector(&w), TargetState::Started)
        .await
        .unwrap_err();
    assert_eq!(
        (again.status(), again.message.as_str()),
        (409, "Connector c already exists")
    );
    assert_eq!(h.connector_info(&id).unwrap().tasks.len(), 1);
    until("records arrive", || w.high_watermark(&w.topic) > 300).await;

    // Exchange in place: when the answer is there, so is the new chain.
    let put = h.put_config(&id, routed(connector(&w))).await.unwrap();
    assert!(!put.created);
    let routed_topic = format!("{}-routed", w.topic);
    until("records arrive behind the new chain", || {
        w.high_watermark(&routed_topic) > 300
    })
    .await;

    h.set_target_state(&id, TargetState::Paused).await.unwrap();
    assert_eq!(state(&h, &id), Some((State::Paused, vec![State::Paused])));
    let paused_at = w.high_watermark(&routed_topic);
    h.set_target_state(&id, TargetState::Started).await.unwrap();
    until("it goes on", || {
        w.high_watermark(&routed_topic) > paused_at + 100
    })
    .await;
    let running = h.reset_offsets(&id).await.unwrap_err();
    assert!(
        running.status() == 400 && running.message.contains("'/connectors/c/stop' endpoint"),
        "{running}"
    );
    h.set_target_state(&id, TargetState::Stopped).await.unwrap();
    assert_eq!(state(&h, &id), Some((State::Stopped, vec![])));
    assert_eq!(h.tasks(&id).unwrap(), vec![]);
    let position = |h: &HerderHandle| {
        h.offsets(&id).unwrap().offsets[0].offset.clone().unwrap()["position"]
            .as_u64()
            .unwrap()
    };
    let (old, new) = (w.values(&w.topic), w.values(&routed_topic));
    let all: Vec<String> = old.iter().chain(&new).cloned().collect();
    let expected: Vec<String> = (0..all.len()).map(|n| n.to_string()).collect();
    assert_eq!(all, expected, "nothing lost, nothing twice");
    assert_eq!(position(&h), all.len() as u64);
    assert_eq!(
        h.topics(&id).unwrap(),
        vec![w.topic.clone(), routed_topic.clone()]
    );

    // Offsets of a stopped connector.
    let altered = ConnectorOffsets {
        offsets: vec![PartitionOffset {
            partition: counting::partition().0,
            offset: serde_json::from_str("{\"position\":999000}").unwrap(),
        }],
    };
    let message = h.alter_offsets(&id, altered).await.unwrap();
    assert!(
        message.contains("have been altered successfully"),
        "{message}"
    );
    assert_eq!(position(&h), 999_000);

    // A worker that leaves and comes again finds everything as it was wanted.
    h.shutdown().await;
    let h = worker(&w, Counting::slow(1_000_000));
    h.started().await.unwrap();
    until("it is stopped as before", || {
        state(&h, &id) == Some((State::Stopped, vec![]))
    })
    .await;
    assert_eq!(
        (h.connectors(&tenant), position(&h)),
        (vec!["c".to_owned()], 999_000)
    );
    h.set_target_state(&id, TargetState::Started).await.unwrap();
    until("it has read to its end", || position(&h) == 1_000_000).await;
    let last = w.values(&routed_topic);
    assert_eq!(
        &last[new.len()..],
        (999_000..1_000_000)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
    );
    let plan = h.restart(&id, true, false).await.unwrap();
    assert_eq!(
        (plan.connector.state, plan.tasks[0].state),
        (State::Restarting, State::Restarting)
    );
    assert_eq!(
        h.restart_task(&id, 7).await.unwrap_err().message,
        "Unknown task: c-7"
    );
    h.delete(&id).await.unwrap();
    assert_eq!(
        h.connector_info(&id).unwrap_err().message,
        "Connector c not found"
    );
    assert_eq!(
        h.status(&id).unwrap_err().message,
        "No status found for connector c"
    );
    h.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_answered_with_connects_texts() {
    let w = World::new("bad").await;
    let h = worker(&w, Counting::to(10));
    h.started().await.unwrap();
    let tenant = TenantId::default();
    let with = |more: &[(&str, &str)]| {
        let mut c = connector(&w);
        for (k, v) in more {
            c.set(*k, *v);
        }
        c
    };
    for (name, config, part) in [
        (
            "x",
            with(&[("name", "y")]),
            "Connector name configuration (y) doesn't match connector name in the URL (x)",
        ),
        (
            "",
            with(&[]),
            "Invalid value  for configuration name: String may not be empty",
        ),
        ("a/b", with(&[]), "contains a slash"),
        (
            "x",
            with(&[("tasks.max", "0")]),
            "Invalid value 0 for configuration tasks.max: Value must be at least 1",
        ),
        (
            "x",
            with(&[("connector.class", "no.Such")]),
            "Failed to find any class that implements Connector and which name matches no.Such",
        ),
        (
            "x",
            with(&[("transforms", "t")]),
            "Missing required configuration \"transforms.t.type\" which has no default value.",
        ),
        (
            "x",
            with(&[("transforms", "t"), ("transforms.t.type", "no.Such")]),
            "Invalid value no.Such for configuration transforms.t.type: Class no.Such could not be found.",
        ),
        (
            "x",
            with(&[("value.converter", "no.Such")]),
            "contains the following 1 error(s):\nInvalid value no.Such for configuration value.converter: Class no.Such could not be found.\nYou can also",
        ),
        (
            "x",
            with(&[("producer.override.lingr.ms", "1")]),
            "producer.override.lingr.ms",
        ),
        (
            "x",
            with(&[("transforms", "t"), ("transforms.t.type", "wasm.acme.None")]),
            "wasm.acme.None",
        ),
        (
            "x",
            with(&[
                ("transforms", "t"),
                (
                    "transforms.t.type",
                    "org.apache.kafka.connect.transforms.RegexRouter",
                ),
            ]),
            "Missing required configuration \"transforms.t.regex\" which has no default value.",
        ),
    ] {
        let e = h
            .create(&tenant, Some(name), config, TargetState::Started)
            .await
            .unwrap_err();
        assert!(e.status() == 400 && e.message.contains(part), "{part}: {e}");
    }
    let secret: Config = [("database.password", "hunter2")].into_iter().collect();
    let e = h
        .validate(&tenant, "CountingSource", &secret)
        .await
        .unwrap_err();
    assert_eq!(
        e.message,
        "Connector config {database.password} contains no connector type; set connector.class"
    );
    let infos = h
        .validate(&tenant, "CountingSource", &with(&[("name", "x")]))
        .await
        .unwrap();
    assert_eq!(
        (
            infos.error_count,
            infos.groups[0].as_str(),
            infos.configs[0].definition.name.as_str()
        ),
        (0, "Common", "name")
    );
    assert_eq!(h.connectors(&tenant), Vec::<String>::new());
    h.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_one_worker() {
    let w = World::new("group").await;
    let first = worker(&w, Counting::to(10));
    first.started().await.unwrap();
    let second = worker(&w, Counting::to(10));
    let e = second.started().await.unwrap_err();
    assert!(
        e.code == "GROUP-IN-USE" && e.message.contains("tidegate-127.0.0.1:8083"),
        "{e}"
    );
    assert_eq!(
        second
            .connector_info(&ConnectorId::new(TenantId::default(), "c"))
            .unwrap_err()
            .status(),
        503
    );
    first.shutdown().await;
    let third = worker(&w, Counting::to(10));
    third.started().await.unwrap();
    third.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_are_refused_by_name_and_topics_are_kept_to() {
    use host_runtime::tenant::Quotas;
    let w = World::new("quota").await;
    let h = worker(&w, Counting::slow(1_000_000));
    h.started().await.unwrap();
    let (tenant, id) = (
        TenantId::default(),
        ConnectorId::new(TenantId::default(), "c"),
    );
    h.create(&tenant, Some("c"), connector(&w), TargetState::Started)
        .await
        .unwrap();
    until("records arrive", || w.high_watermark(&w.topic) > 100).await;
    let quotas = Quotas {
        connectors: Some(1),
        plugins: Some(0),
        topic_prefixes: Some(vec!["elsewhere.".to_owned()]),
        ..Quotas::default()
    };
    h.put_quotas(&tenant, quotas.clone()).await.unwrap();
    assert_eq!(
        (h.quotas(&tenant), h.usage(&tenant).connectors),
        (quotas, 1)
    );
    // Narrower lists hold for what runs already.
    until("the task has failed", || {
        state(&h, &id) == Some((State::Running, vec![State::Failed]))
    })
    .await;
    let trace = h.task_status(&id, 0).unwrap().trace.unwrap();
    assert!(
        trace.starts_with("TOPIC-NOT-ALLOWED") && trace.contains(&w.topic),
        "{trace}"
    );
    let e = h
        .create(&tenant, Some("d"), connector(&w), TargetState::Started)
        .await
        .unwrap_err();
    assert!(
        e.status() == 403 && e.message.contains("'connectors'"),
        "{e}"
    );
    let e = h
        .upload_plugin(&tenant, "acme.X", "1.0.0", vec![0; 10])
        .await
        .unwrap_err();
    assert!(e.status() == 403 && e.message.contains("'plugins'"), "{e}");
    let mut files = connector(&w);
    files.set("producer.override.ssl.truststore.location", "/etc/passwd");
    files.set("producer.override.ssl.truststore.type", "PEM");
    let e = h.put_config(&id, files).await.unwrap_err();
    assert!(
        e.status() == 400 && e.message.contains("naming a file"),
        "{e}"
    );
    // Wider lists heal it.
    h.put_quotas(&tenant, Quotas::default()).await.unwrap();
    until("it runs again", || {
        state(&h, &id) == Some((State::Running, vec![State::Running]))
    })
    .await;
    h.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_kafka_answers_that_it_is_starting() {
    let raw: Config = [
        ("bootstrap.servers", "127.0.0.1:1"),
        ("group.id", "g"),
        ("config.storage.topic", "c"),
        ("offset.storage.topic", "o"),
        ("status.storage.topic", "s"),
        (
            "key.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
        (
            "value.converter",
            "org.apache.kafka.connect.storage.StringConverter",
        ),
    ]
    .into_iter()
    .collect();
    let setup = Setup {
        config: WorkerConfig::parse(&raw).unwrap(),
        kinds: vec![Arc::new(Counting::to(1))],
        catalog: world::catalog(),
        limits: Limits::default(),
        tenants: None,
    };
    let h = HerderHandle::start(setup).unwrap();
    let e = h
        .connector_info(&ConnectorId::new(TenantId::default(), "c"))
        .unwrap_err();
    assert_eq!((h.is_ready(), e.status()), (false, 503));
    assert!(e.message.contains("starting"), "{e}");
}
