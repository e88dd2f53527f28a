//! Tasks that are slow to stop because Kafka is away: nothing runs twice, is lost or passed over, or waits for ever.
//!
//! The worker reaches a real Kafka through a way that can be cut. The address comes from `TIDEGATE_KAFKA`; without it the
//! tests fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod broker;
mod counting;
mod world;

use broker::Broker;
use counting::Counting;
use host_core::id::{ConnectorId, TenantId};
use host_runtime::herder::entity::{State, TargetState};
use std::time::{Duration, Instant};
use world::World;
use world::worker::{connector, routed, standalone, state, until};

fn id() -> ConnectorId {
    ConnectorId::new(TenantId::default(), "c")
}

/// Every number has arrived, and none before its predecessor, as often as some came again.
fn assert_complete(values: &[String]) {
    let mut next = 0;
    for v in values.iter().map(|v| v.parse::<u64>().unwrap()) {
        assert!(v <= next, "{v} came before {next}");
        next = next.max(v + 1);
    }
    // A number that came again was followed by those after it.
    assert_eq!(values.last(), Some(&(next - 1).to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_connectors_name_is_taken_until_its_tasks_have_stopped() {
    let w = World::new("again").await;
    let kafka = Broker::new(world::bootstrap()).await;
    let source = Counting::slow(1_000_000);
    let graceful = Duration::from_secs(16);
    let h = standalone(&w, source, &kafka.address.to_string(), graceful);
    h.started().await.unwrap();
    let tenant = TenantId::default();
    let create = || h.create(&tenant, Some("c"), connector(&w), TargetState::Started);
    create().await.unwrap();
    until("records arrive", || w.high_watermark(&w.topic) > 500).await;
    kafka.goes_away();
    let began = Instant::now();
    h.delete(&id()).await.unwrap();
    assert!(
        began.elapsed() < graceful,
        "whoever deletes waits for a bounded time"
    );
    let e = create().await.unwrap_err();
    assert!(
        e.status() == 409 && e.message.contains("still stopping; try again"),
        "{e}"
    );
    while let Err(e) = create().await {
        assert!(
            e.status() == 409 && began.elapsed() < Duration::from_mins(1),
            "{e}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let before = w.high_watermark(&w.topic);
    kafka.comes_back();
    until("records arrive again", || {
        w.high_watermark(&w.topic) > before + 1_000
    })
    .await;
    h.shutdown().await;
    assert_complete(&w.values(&w.topic));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_held_up_holds_up_nothing_else() {
    let w = World::new("held").await;
    let kafka = Broker::new(world::bootstrap()).await;
    let (source, graceful) = (Counting::slow(1_000_000), Duration::from_secs(1));
    let h = standalone(&w, source, &kafka.address.to_string(), graceful);
    h.started().await.unwrap();
    let mut config = connector(&w);
    // So small that the task's thread waits for room as soon as Kafka is away.
    config.set("producer.override.buffer.memory", "16384");
    config.set("producer.override.batch.size", "4096");
    h.create(
        &TenantId::default(),
        Some("c"),
        config.clone(),
        TargetState::Started,
    )
    .await
    .unwrap();
    until("records arrive", || w.high_watermark(&w.topic) > 500).await;
    kafka.goes_away();
    until("the task is held up", || {
        state(&h, &id()) == Some((State::Running, vec![State::Restarting]))
    })
    .await;
    let began = Instant::now();
    h.put_config(&id(), routed(config)).await.unwrap();
    h.set_target_state(&id(), TargetState::Paused)
        .await
        .unwrap();
    assert_eq!(
        state(&h, &id()),
        Some((State::Paused, vec![State::Paused])),
        "after {:?}",
        began.elapsed()
    );
    h.set_target_state(&id(), TargetState::Started)
        .await
        .unwrap();
    kafka.comes_back();
    let routed = format!("{}-routed", w.topic);
    until("it writes with the new chain", || {
        w.high_watermark(&routed) > 500
    })
    .await;
    h.shutdown().await;
    let (old, new) = (w.values(&w.topic), w.values(&routed));
    assert_complete(&old);
    assert_complete(&[old, new].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_waits_for_the_one_before_it() {
    let w = World::new("lease").await;
    let first = w.start(Counting::slow(1_000_000), w.config()).await;
    w.until("records arrive", || w.high_watermark(&w.topic) > 300)
        .await;
    let second = w.start(Counting::slow(1_000_000), w.config()).await;
    w.until("the second waits", || w.state() == Some(State::Unassigned))
        .await;
    let trace = w.statuses.task(&w.id).unwrap().trace.unwrap();
    assert!(trace.starts_with("TASK-STILL-STOPPING"), "{trace}");
    first.stop();
    first.join().await;
    w.until("the second runs", || w.state() == Some(State::Running))
        .await;
    let there = w.high_watermark(&w.topic);
    w.until("it goes on", || w.high_watermark(&w.topic) > there + 300)
        .await;
    second.stop();
    second.join().await;
    let all = w.values(&w.topic);
    let expected: Vec<String> = (0..all.len()).map(|n| n.to_string()).collect();
    assert_eq!(all, expected);
}
