//! A task between a counting source and a real Kafka: delivery, stored offsets, stop and resume, exchange in place.
//!
//! The address comes from `TIDEGATE_KAFKA`; without it the tests fail. Topics are named anew for every run.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod counting;
mod world;

use counting::Counting;
use host_core::config::Config;
use host_core::error::TaskError;
use host_runtime::herder::entity::State;
use std::collections::BTreeSet;
use std::time::Duration;
use world::World;

fn values(from: u64, to: u64) -> Vec<String> {
    (from..to).map(|n| format!("{n}")).collect()
}

fn arrived(w: &World) -> BTreeSet<u64> {
    let values = w.values(&w.topic);
    values.iter().map(|v| v.parse().unwrap()).collect()
}

fn all_but(to: u64, one: u64) -> BTreeSet<u64> {
    (0..to).filter(|n| *n != one).collect()
}

/// Runs the first 1,000 records to their end; all but number 500 arrive.
async fn deliver_all_but_500(w: &World, source: Counting, config: Config) {
    let task = w.start(source, config).await;
    w.until("the last offset is stored", || w.position() == Some(1_000))
        .await;
    task.stop();
    task.join().await;
    assert_eq!(arrived(w), all_but(1_000, 500));
}

fn with(config: &Config, more: &[(&str, &str)]) -> Config {
    let mut c = config.clone();
    for (k, v) in more {
        c.set(*k, *v);
    }
    c
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_once_and_the_last_offset_is_stored() {
    let w = World::new("all").await;
    let task = w.start(Counting::to(10_000), w.config()).await;
    w.until("the last offset is stored", || w.position() == Some(10_000))
        .await;
    task.stop();
    task.join().await;
    assert_eq!(w.values(&w.topic), values(0, 10_000));
    assert_eq!(w.statuses.topics(&w.id.connector), vec![w.topic.clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_loses_and_repeats_nothing() {
    let w = World::new("stop").await;
    for _ in 0..3 {
        let before = w.position().unwrap_or(0);
        let task = w.start(Counting::slow(1_000_000), w.config()).await;
        w.until("records arrive", || {
            w.high_watermark(&w.topic) > before as i64 + 500
        })
        .await;
        task.stop();
        task.join().await;
        assert_eq!(
            w.position(),
            Some(w.high_watermark(&w.topic) as u64),
            "the offset is that of the last record"
        );
    }
    let all = w.values(&w.topic);
    assert_eq!(all, values(0, all.len() as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchanged_chain_takes_over_between_two_records() {
    let w = World::new("swap").await;
    let task = w.start(Counting::slow(1_000_000), w.config()).await;
    w.until("records arrive", || w.high_watermark(&w.topic) > 500)
        .await;
    let routed = format!("{}-routed", w.topic);
    let config = with(
        &w.config(),
        &[
            ("transforms", "r"),
            (
                "transforms.r.type",
                "org.apache.kafka.connect.transforms.RegexRouter",
            ),
            ("transforms.r.regex", "(.*)"),
            ("transforms.r.replacement", "$1-routed"),
        ],
    );
    let pause = task.swap(config).await.unwrap();
    assert!(pause < Duration::from_millis(200), "{pause:?}");
    w.until("records arrive behind the new chain", || {
        w.high_watermark(&routed) > 500
    })
    .await;
    task.stop();
    task.join().await;
    let (old, new) = (w.values(&w.topic), w.values(&routed));
    assert_eq!(old, values(0, old.len() as u64));
    assert_eq!(
        new,
        values(old.len() as u64, (old.len() + new.len()) as u64)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_may_heal_is_opened_again_and_one_that_cannot_fails() {
    let w = World::new("heal").await;
    let flaky = Counting::to(3_000).failing_at(
        1_000,
        TaskError::retry("TEST-AWAY", "reading the test source: away"),
    );
    let task = w
        .start(
            flaky,
            with(
                &w.config(),
                &[("retriable.restart.connector.wait.ms", "100")],
            ),
        )
        .await;
    w.until("the last offset is stored", || w.position() == Some(3_000))
        .await;
    task.stop();
    task.join().await;
    let all = w.values(&w.topic);
    let mut distinct = all.clone();
    distinct.dedup();
    distinct.sort_by_key(|v| v.parse::<u64>().unwrap());
    distinct.dedup();
    assert_eq!(distinct, values(0, 3_000), "nothing is lost");

    let w = World::new("fail").await;
    let broken = Counting::to(10).failing_at(
        5,
        TaskError::fail("TEST-BROKEN", "reading the test source: broken"),
    );
    let task = w.start(broken, w.config()).await;
    w.until("the task has failed", || w.state() == Some(State::Failed))
        .await;
    let trace = w.statuses.task(&w.id).unwrap().trace.unwrap();
    assert_eq!(trace, "TEST-BROKEN: reading the test source: broken");
    task.stop();
    task.join().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_the_broker_refuses_follows_the_error_policy() {
    let w = World::new("large").await;
    w.create_topic(&w.topic, &[("max.message.bytes", "2000")])
        .await;
    let source = || Counting::to(1_000).large_at(500, 5_000);
    let task = w
        .start(
            source(),
            with(
                &w.config(),
                &[("producer.override.compression.type", "none")],
            ),
        )
        .await;
    w.until("the task has failed", || w.state() == Some(State::Failed))
        .await;
    let trace = w.statuses.task(&w.id).unwrap().trace.unwrap();
    assert!(
        trace.starts_with("RECORD-KAFKA-PRODUCE") && trace.contains("errors.tolerance=all"),
        "{trace}"
    );
    task.stop();
    task.join().await;
    let dead = format!("{}-dead", w.topic);
    let tolerant = with(
        &w.config(),
        &[
            ("producer.override.compression.type", "none"),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &dead),
        ],
    );
    deliver_all_but_500(&w, source(), tolerant).await;
    let letters = w.values(&dead);
    assert!(
        letters.len() == 1 && letters[0].len() >= 5_000,
        "{} dead letters",
        letters.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_for_a_partition_that_is_not_there_follows_the_error_policy() {
    let w = World::new("partition").await;
    w.create_topic(&w.topic, &[]).await;
    let source = || Counting::to(1_000).partition_at(500, 7);
    let task = w.start(source(), w.config()).await;
    w.until("the task has failed", || w.state() == Some(State::Failed))
        .await;
    let trace = w.statuses.task(&w.id).unwrap().trace.unwrap();
    let named = format!(
        "partition 7 of the topic {}, which has 1 partitions",
        w.topic
    );
    assert!(
        trace.starts_with("RECORD-KAFKA-PRODUCE") && trace.contains(&named),
        "{trace}"
    );
    task.stop();
    task.join().await;
    let dead = format!("{}-dead", w.topic);
    let tolerant = with(
        &w.config(),
        &[
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &dead),
        ],
    );
    deliver_all_but_500(&w, source(), tolerant).await;
    assert_eq!(w.values(&dead), ["500"]);
}
