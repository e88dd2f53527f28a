//! A compacted Kafka topic as a [`KeyLog`]: Connect's `KafkaBasedLog` with one writer.
//!
//! One worker owns the topics (see `group`), so nothing is tailed: what was read at start and written since is the whole
//! truth. Invariant: a topic that is not compacted is refused, because it would forget.

use super::log::{Compacted, KeyEntry, KeyLog, KeyValues};
use crate::kafka::read::{owned, read_to_end};
use crate::kafka::{AckProducer, ClientProps, TopicSpec, Topics};
use futures_util::future::BoxFuture;
use host_core::error::TaskError;

/// A compacted topic.
pub struct KafkaLog {
    spec: TopicSpec,
    topics: Topics,
    producer: AckProducer,
    consumer: ClientProps,
    /// The worker key that names the topic, for messages.
    setting: &'static str,
}

impl KafkaLog {
    /// The topic of `spec`, which the worker setting `setting` names.
    pub fn new(
        spec: TopicSpec,
        setting: &'static str,
        topics: Topics,
        producer: AckProducer,
        consumer: ClientProps,
    ) -> Self {
        Self {
            spec,
            topics,
            producer,
            consumer,
            setting,
        }
    }
    async fn open_topic(&self) -> Result<(), TaskError> {
        let name = &self.spec.name;
        match self.topics.partitions(name).await? {
            None => {
                self.topics.ensure(&self.spec).await?;
            }
            Some(n) if self.spec.partitions == 1 && n != 1 => {
                let message = format!(
                    "opening the topic {name} ({}): it has {n} partitions and must have 1 to keep its order; name \
                     another topic, or create it anew with one partition",
                    self.setting
                );
                return Err(TaskError::fail("STORAGE-TOPIC", message));
            }
            Some(_) => {}
        }
        let policy = self
            .topics
            .configs(name)
            .await
            .and_then(|mut c| c.remove("cleanup.policy"));
        if policy.as_deref().is_some_and(|p| p != "compact") {
            let message = format!(
                "opening the topic {name} ({}): its cleanup.policy is {} and must be compact, or it would forget; set it \
                 with kafka-configs, or name another topic",
                self.setting,
                policy.unwrap_or_default()
            );
            return Err(TaskError::fail("STORAGE-TOPIC", message));
        }
        Ok(())
    }
}

impl KeyLog for KafkaLog {
    fn open(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(self.open_topic())
    }
    fn read(&self) -> BoxFuture<'_, Result<KeyValues, TaskError>> {
        Box::pin(async {
            let (props, topic) = (self.consumer.clone(), self.spec.name.clone());
            let reading = tokio::task::spawn_blocking(move || {
                let mut all = Compacted::default();
                read_to_end(&props, &topic, &mut |message| {
                    if let (Some(key), value) = owned(message) {
                        all.apply((key, value));
                    }
                    Ok(())
                })?;
                Ok(all.into_ordered())
            });
            reading.await.map_err(|e| {
                TaskError::fail("BUG", format!("reading the topic {}: {e}", self.spec.name))
            })?
        })
    }
    fn write(&self, entries: Vec<KeyEntry>) -> BoxFuture<'_, Result<(), TaskError>> {
        let entries = entries.into_iter().map(|(k, v)| (Some(k), v)).collect();
        Box::pin(self.producer.send(&self.spec.name, entries))
    }
}
