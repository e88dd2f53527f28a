//! Reaching Kafka through librdkafka.
//!
//! Configuration in the Java client's words, clients, topics, and a log for schema history. What is sent where and when
//! is decided elsewhere. Invariant: no setting, error or log line shows a password.

mod jaas;
mod translate;

pub use translate::{ClientProps, ClientRole, translate};
