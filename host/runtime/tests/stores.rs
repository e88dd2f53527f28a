//! Logs in a real Kafka: the conformance test every log has to pass, schema history, and topics that are refused.
//!
//! The address comes from `TIDEGATE_KAFKA`; without it the tests fail. Topics are named anew for every run.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use host_core::access::Access;
use host_core::log::LogProvider;
use host_runtime::kafka::{AckProducer, ClientProps, KafkaLogs, TopicSpec, Topics, base_props};
use host_runtime::store::{KafkaLog, KeyLog, conformance};
use std::collections::BTreeMap;
use std::sync::Arc;

fn bootstrap() -> String {
    std::env::var("TIDEGATE_KAFKA")
        .expect("TIDEGATE_KAFKA is not set: run `cargo x test`, or name a broker's host:port")
}

fn props() -> ClientProps {
    let mut p = base_props();
    p.set("bootstrap.servers", bootstrap());
    p
}

fn spec(name: &str, partitions: i32, policy: &str) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        replication: 1,
        configs: [("cleanup.policy".to_owned(), policy.to_owned())].into(),
    }
}

fn log(spec: TopicSpec) -> KafkaLog {
    let topics = Topics::new(&props()).unwrap();
    KafkaLog::new(
        spec,
        "offset.storage.topic",
        topics,
        AckProducer::new(&props()).unwrap(),
        props(),
    )
}

fn name(what: &str) -> String {
    format!("rt-{what}-{}", uuid::Uuid::new_v4().simple())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compacted_topic_conforms() {
    let topic = name("log");
    let again = spec(&topic, 3, "compact");
    conformance::key_log(log(again.clone()), Some(move || log(again))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfit_topics_are_refused() {
    let (deleting, wide) = (name("deleting"), name("wide"));
    let topics = Topics::new(&props()).unwrap();
    topics.ensure(&spec(&deleting, 1, "delete")).await.unwrap();
    topics.ensure(&spec(&wide, 2, "compact")).await.unwrap();
    let e = log(spec(&deleting, 1, "compact")).open().await.unwrap_err();
    assert!(
        e.message.contains("must be compact") && e.message.contains("offset.storage.topic"),
        "{e}"
    );
    let e = log(spec(&wide, 1, "compact")).open().await.unwrap_err();
    assert!(e.message.contains("2 partitions"), "{e}");
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_history_is_kept_in_order_and_within_the_tenants_topics() {
    let topic = name("history");
    let access = Access {
        topic_prefixes: Some(vec!["rt-history".to_owned()]),
        ..Access::default()
    };
    let logs = KafkaLogs::new(Arc::new(access), 1);
    let none = BTreeMap::new();
    let Err(e) = logs.topic(&bootstrap(), "other-history", &none) else {
        panic!("another's topic was opened")
    };
    assert_eq!(e.code, "TOPIC-NOT-ALLOWED");
    let log = logs.topic(&bootstrap(), &topic, &none).unwrap();
    assert!(!log.exists().await.unwrap());
    log.create().await.unwrap();
    log.create().await.unwrap();
    assert!(log.exists().await.unwrap());
    let all: Vec<String> = (0..500).map(|n| format!("record {n}")).collect();
    for part in all.chunks(70) {
        log.append(part.to_vec()).await.unwrap();
    }
    let mut read = Vec::new();
    log.read(&mut |text| {
        read.push(text.to_owned());
        Ok(())
    })
    .await
    .unwrap();
    assert_eq!(read, all);
    let configs = Topics::new(&props())
        .unwrap()
        .configs(&topic)
        .await
        .unwrap();
    assert_eq!(
        (
            configs["retention.ms"].as_str(),
            configs["cleanup.policy"].as_str()
        ),
        ("-1", "delete")
    );
}
