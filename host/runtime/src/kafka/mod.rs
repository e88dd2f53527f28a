//! Reaching Kafka through librdkafka.
//!
//! Configuration in the Java client's words, clients, topics, and a log for schema history. What is sent where and when
//! is decided elsewhere. Invariant: no setting, error or log line shows a password.

mod ack_producer;
mod client;
mod group;
mod jaas;
pub mod read;
mod record_log;
mod served_producer;
mod topics;
mod translate;

pub use ack_producer::{AckProducer, Entry};
pub use client::{
    HostContext, LastError, REQUEST_TIMEOUT, WorkerClients, base_props, is_permanent, task_error,
};
pub use group::{GroupGuard, GroupPlace};
pub use record_log::KafkaLogs;
pub(crate) use served_producer::ServedProducer;
pub use topics::{TopicSpec, Topics};
pub use translate::{ClientProps, ClientRole, translate};
