//! A producer for few, important records: each send waits until Kafka has it.
//!
//! Stores and schema history use it; the pipeline has its own (`producer`). Records of one call keep their order.
//! Invariant: `send` answers `Ok` only when every record of the call has been acknowledged by all in-sync replicas.

use super::client::{HostContext, explained, task_error};
use super::served_producer::ServedProducer;
use super::translate::ClientProps;
use host_core::error::TaskError;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer, ProducerContext};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a record may be on its way before it counts as failed.
const DELIVERY_TIMEOUT_MS: &str = "30000";

/// A key, and a value or a deletion.
pub type Entry = (Option<Vec<u8>>, Option<Vec<u8>>);

struct AckContext(HostContext);

impl ClientContext for AckContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.0.log(level, facility, message);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for AckContext {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;
    fn delivery(&self, result: &DeliveryResult<'_>, opaque: Self::DeliveryOpaque) {
        let answer = match result {
            Ok(_) => Ok(()),
            Err((e, _)) => Err(e.clone()),
        };
        // The sender may have gone; nobody is left to tell.
        drop(opaque.send(answer));
    }
}

/// A shared producer that waits for acknowledgements.
#[derive(Clone)]
pub struct AckProducer(Arc<ServedProducer<AckContext>>);

impl AckProducer {
    /// A producer with these properties.
    pub fn new(props: &ClientProps) -> Result<Self, TaskError> {
        let mut props = props.clone();
        props.set("acks", "all");
        props.set("enable.idempotence", "true");
        props.set("linger.ms", "0");
        props.set("delivery.timeout.ms", DELIVERY_TIMEOUT_MS);
        props.set("partitioner", "murmur2_random");
        let context = AckContext(HostContext::default());
        let producer = ServedProducer::new(&props, context, "starting a Kafka producer")?;
        Ok(Self(Arc::new(producer)))
    }

    /// Sends records in order and waits for all of them.
    pub async fn send(&self, topic: &str, entries: Vec<Entry>) -> Result<(), TaskError> {
        let doing = format!("writing to the topic {topic}");
        let mut waiting = Vec::with_capacity(entries.len());
        for (key, value) in &entries {
            let (tell, told) = oneshot::channel();
            let mut record = BaseRecord::with_opaque_to(topic, Box::new(tell));
            record.key = key.as_deref();
            record.payload = value.as_deref();
            while let Err((e, back)) = self.0.send(record) {
                if e.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                    return Err(task_error(&doing, &e));
                }
                // The queue empties by acknowledgement or by the delivery time-out, so this ends.
                tokio::time::sleep(Duration::from_millis(10)).await;
                record = back;
            }
            waiting.push(told);
        }
        for told in waiting {
            match told.await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => {
                    return Err(explained(
                        &doing,
                        &e,
                        &self.0.client().context().0.last_error,
                    ));
                }
                Err(_) => {
                    let message = format!("{doing}: the producer has been closed");
                    return Err(TaskError::retry("KAFKA-UNREACHABLE", message));
                }
            }
        }
        Ok(())
    }
}
