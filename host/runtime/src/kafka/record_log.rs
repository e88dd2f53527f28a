//! Schema history in Kafka: `host_core::log` over a topic with one partition.
//!
//! Made as Debezium makes it (`KafkaSchemaHistory`: one partition, `cleanup.policy=delete`, `retention.ms=-1`). What a
//! record means is its source's business. Invariant: a topic the tenant may not touch is refused before any connection
//! is made, and an append has been acknowledged by all in-sync replicas when it returns.

use super::ack_producer::AckProducer;
use super::client::base_props;
use super::read::read_to_end;
use super::topics::{TopicSpec, Topics};
use super::translate::{ClientProps, ClientRole, translate};
use futures_util::future::BoxFuture;
use host_core::access::Access;
use host_core::config::Finding;
use host_core::error::TaskError;
use host_core::log::{LogProvider, RecordLog};
use rdkafka::message::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Records that wait between the reading thread and whoever reads.
const READ_AHEAD_RECORDS_MAX: usize = 64;

/// Opens topics for the sources of one tenant.
pub struct KafkaLogs {
    access: Arc<Access>,
    replication: i32,
}

impl KafkaLogs {
    /// Logs within `access`; new topics get `replication` replicas (-1 for the broker's default).
    pub fn new(access: Arc<Access>, replication: i32) -> Self {
        Self {
            access,
            replication,
        }
    }
}

impl LogProvider for KafkaLogs {
    fn topic(
        &self,
        bootstrap: &str,
        topic: &str,
        client: &BTreeMap<String, String>,
    ) -> Result<Box<dyn RecordLog>, TaskError> {
        if !self.access.allows_topic(topic) {
            let message = format!(
                "opening the log topic {topic}: this tenant may not touch it; ask an operator to add its prefix to the \
                 quota 'topic_prefixes', or choose another name"
            );
            return Err(TaskError::fail("TOPIC-NOT-ALLOWED", message));
        }
        let (producer, consumer) = both_roles(client, self.access.files_denied).map_err(|f| {
            let all: Vec<String> = f.into_iter().map(|f| f.message).collect();
            TaskError::fail(
                "KAFKA-CLIENT-CONFIG",
                format!("opening the log topic {topic}: {}", all.join("; ")),
            )
        })?;
        let mut base = base_props();
        base.set("bootstrap.servers", bootstrap);
        let admin = base.overridden_by(&consumer);
        Ok(Box::new(KafkaLog {
            topic: topic.to_owned(),
            topics: Topics::new(&admin)?,
            producer: AckProducer::new(&base.overridden_by(&producer))?,
            consumer: admin,
            replication: self.replication,
        }))
    }
}

/// Keys for producer and consumer together: one is refused only if neither knows it.
fn both_roles(
    client: &BTreeMap<String, String>,
    restricted: bool,
) -> Result<(ClientProps, ClientProps), Vec<Finding>> {
    let (producer, p) = translate(client, ClientRole::Producer, "", restricted);
    let (consumer, c) = translate(client, ClientRole::Consumer, "", restricted);
    let refused: Vec<Finding> = p
        .into_iter()
        .filter(|f| c.iter().any(|g| g.key == f.key))
        .collect();
    if refused.is_empty() {
        Ok((producer, consumer))
    } else {
        Err(refused)
    }
}

struct KafkaLog {
    topic: String,
    topics: Topics,
    producer: AckProducer,
    consumer: ClientProps,
    replication: i32,
}

impl RecordLog for KafkaLog {
    fn exists(&self) -> BoxFuture<'_, Result<bool, TaskError>> {
        Box::pin(async { Ok(self.topics.partitions(&self.topic).await?.is_some()) })
    }
    fn create(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async {
            if self.topics.partitions(&self.topic).await?.is_some() {
                return Ok(());
            }
            let configs = [
                ("cleanup.policy", "delete"),
                ("retention.ms", "-1"),
                ("retention.bytes", "-1"),
            ];
            let spec = TopicSpec {
                name: self.topic.clone(),
                partitions: 1,
                replication: self.replication,
                configs: configs.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            };
            self.topics.ensure(&spec).await.map(drop)
        })
    }
    fn append(&self, records: Vec<String>) -> BoxFuture<'_, Result<(), TaskError>> {
        let entries = records
            .into_iter()
            .map(|r| (None, Some(r.into_bytes())))
            .collect();
        Box::pin(self.producer.send(&self.topic, entries))
    }
    fn read<'a>(
        &'a self,
        each: &'a mut (dyn FnMut(&str) -> Result<(), TaskError> + Send),
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move {
            let (tell, mut told) = mpsc::channel::<String>(READ_AHEAD_RECORDS_MAX);
            let (props, topic) = (self.consumer.clone(), self.topic.clone());
            let reading = tokio::task::spawn_blocking(move || {
                read_to_end(&props, &topic, &mut |message| {
                    // A record without value says nothing, as Debezium reads it.
                    let Some(payload) = message.payload() else {
                        return Ok(());
                    };
                    let text = String::from_utf8(payload.to_vec())
                        .map_err(|_| not_text(&topic, message.offset()))?;
                    tell.blocking_send(text).map_err(|_| {
                        TaskError::retry(
                            "KAFKA-UNREACHABLE",
                            format!("reading the topic {topic}: given up"),
                        )
                    })
                })
            });
            while let Some(text) = told.recv().await {
                each(&text)?;
            }
            reading.await.map_err(|e| {
                TaskError::fail("BUG", format!("reading the topic {}: {e}", self.topic))
            })?
        })
    }
}

fn not_text(topic: &str, offset: i64) -> TaskError {
    TaskError::fail(
        "SCHEMA-HISTORY-MALFORMED",
        format!(
            "reading the topic {topic}: the record at offset {offset} is not utf-8 text; is this the right schema \
             history topic?"
        ),
    )
}
