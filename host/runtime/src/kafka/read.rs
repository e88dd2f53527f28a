//! Reading a topic from its beginning to its end as of now.
//!
//! Stores and schema history start from it. No group is joined and nothing is committed.
//! Invariant: every record that was committed before the call is handed over, in order within its partition.

use super::client::{HostContext, REQUEST_TIMEOUT, explained, task_error};
use super::translate::ClientProps;
use host_core::error::TaskError;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Time without a record or an end after which reading is given up.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Time in which a topic that was just made becomes known.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(200);

/// Hands every record to `each`; stops at its first error. Blocks: call it where blocking is allowed.
pub fn read_to_end(
    props: &ClientProps,
    topic: &str,
    each: &mut dyn FnMut(&BorrowedMessage<'_>) -> Result<(), TaskError>,
) -> Result<(), TaskError> {
    let doing = format!("reading the topic {topic}");
    let mut props = props.clone();
    props.set("group.id", "tidegate-reader");
    props.set("enable.auto.commit", "false");
    props.set("enable.auto.offset.store", "false");
    props.set("enable.partition.eof", "true");
    props.set("auto.offset.reset", "earliest");
    // The end is told with an answer, and a broker without records holds its answer back for this long.
    props.set("fetch.wait.max.ms", "10");
    let consumer: BaseConsumer<HostContext> =
        BaseConsumer::from_config_and_context(&props.to_client_config(), HostContext::default())
            .map_err(|e| task_error("starting a Kafka consumer", &e))?;
    let mut open = partitions(&consumer, topic, &doing)?;
    let mut assignment = TopicPartitionList::new();
    for p in &open {
        assignment
            .add_partition_offset(topic, *p, Offset::Beginning)
            .map_err(|e| task_error(&doing, &e))?;
    }
    consumer
        .assign(&assignment)
        .map_err(|e| task_error(&doing, &e))?;
    let mut progress = Instant::now();
    while !open.is_empty() {
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(message)) => {
                each(&message)?;
                progress = Instant::now();
            }
            Some(Err(KafkaError::PartitionEOF(p))) => {
                open.remove(&p);
                progress = Instant::now();
            }
            Some(Err(e)) => {
                let e = task_error(&doing, &e);
                if e.disposition == host_core::error::Disposition::Fail {
                    return Err(e);
                }
            }
        }
        if progress.elapsed() > STALL_TIMEOUT {
            let why = consumer.context().last_error.get().unwrap_or_default();
            let message = format!(
                "{doing}: nothing has come for {} s; {why}",
                STALL_TIMEOUT.as_secs()
            );
            return Err(TaskError::retry("KAFKA-UNREACHABLE", message));
        }
    }
    Ok(())
}

/// The topic's partitions. A broker that has just started may not know them yet; a topic that is not there is never taken
/// for an empty one, because a store would then forget everything.
fn partitions(
    consumer: &BaseConsumer<HostContext>,
    topic: &str,
    doing: &str,
) -> Result<BTreeSet<i32>, TaskError> {
    let began = Instant::now();
    loop {
        let metadata = consumer
            .fetch_metadata(Some(topic), REQUEST_TIMEOUT)
            .map_err(|e| {
                // What went wrong on its connections is heard by polling.
                drop(consumer.poll(POLL));
                explained(doing, &e, &consumer.context().last_error)
            })?;
        let found = metadata.topics().iter().find(|t| t.name() == topic);
        let known = found.filter(|t| t.error().is_none() && !t.partitions().is_empty());
        if let Some(t) = known {
            return Ok(t.partitions().iter().map(|p| p.id()).collect());
        }
        if began.elapsed() > METADATA_TIMEOUT {
            let message = format!(
                "{doing}: the brokers do not know its partitions; check that the topic exists"
            );
            return Err(TaskError::retry("KAFKA-UNREACHABLE", message));
        }
        std::thread::sleep(POLL);
    }
}

/// A record's key and value as owned bytes.
pub fn owned(message: &BorrowedMessage<'_>) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    (
        message.key().map(<[u8]>::to_vec),
        message.payload().map(<[u8]>::to_vec),
    )
}
