//! Clients: what they are made from, what they log, and how their errors are judged.
//!
//! Invariant: librdkafka's lines reach `tracing` under target `tidegate::kafka`, and whatever went wrong last can be
//! asked for, so that a stalled task can say why (promise 8).

use super::translate::ClientProps;
use host_core::error::TaskError;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long a question to the brokers (metadata, topics, groups) may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// What went wrong last on a client's connections.
#[derive(Debug, Clone, Default)]
pub struct LastError(Arc<Mutex<Option<String>>>);

impl LastError {
    /// Its text; `None` when nothing has gone wrong since it was cleared.
    pub fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Forgets it: the client has made progress.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
    pub(crate) fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

/// Sends a client's log lines to `tracing`.
#[derive(Debug, Clone, Default)]
pub struct HostContext {
    /// What went wrong last.
    pub last_error: LastError,
}

impl ClientContext for HostContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::warn!(target: "tidegate::kafka", facility, "{message}");
            }
            RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
                tracing::info!(target: "tidegate::kafka", facility, "{message}");
            }
            RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "tidegate::kafka", facility, "{message}");
            }
        }
    }
    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "tidegate::kafka", "{error}: {reason}");
        self.last_error.set(reason.to_owned());
    }
}

impl ConsumerContext for HostContext {}

/// Properties of the worker's clients, by role.
#[derive(Debug, Clone, Default)]
pub struct WorkerClients {
    /// For producers.
    pub producer: ClientProps,
    /// For consumers.
    pub consumer: ClientProps,
    /// For admin clients.
    pub admin: ClientProps,
}

/// What every client of ours is configured as, before anybody's wishes.
pub fn base_props() -> ClientProps {
    let mut p = ClientProps::default();
    p.set("client.id", "tidegate");
    p.set("log.connection.close", "false");
    p.set("socket.keepalive.enable", "true");
    p.set("reconnect.backoff.max.ms", "2000");
    p
}

/// Whether an error cannot heal by waiting.
pub fn is_permanent(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as C;
    matches!(
        code,
        C::TopicAuthorizationFailed
            | C::ClusterAuthorizationFailed
            | C::GroupAuthorizationFailed
            | C::TransactionalIdAuthorizationFailed
            | C::SaslAuthenticationFailed
            | C::Authentication
            | C::UnsupportedSASLMechanism
            | C::InvalidTopic
            | C::PolicyViolation
            | C::InvalidConfig
            | C::InvalidReplicationFactor
            | C::InvalidPartitions
            | C::MessageSizeTooLarge
            | C::InvalidRecord
            | C::InvalidTimestamp
            | C::UnsupportedVersion
    )
}

/// A task's error out of a client's. `doing` says what to what, e.g. `reading topic x`.
pub fn task_error(doing: &str, e: &KafkaError) -> TaskError {
    match e {
        KafkaError::ClientConfig(_, reason, key, _) => TaskError::fail(
            "KAFKA-CLIENT-CONFIG",
            format!("{doing}: librdkafka refuses the client setting {key}: {reason}; correct it"),
        ),
        _ => match e.rdkafka_error_code() {
            Some(code) if is_permanent(code) => TaskError::fail(
                "KAFKA-REFUSED",
                format!(
                    "{doing}: {code}; grant the missing right or correct the setting, then restart the task"
                ),
            ),
            _ => TaskError::retry(
                "KAFKA-UNREACHABLE",
                format!(
                    "{doing}: {e}; check that the brokers in bootstrap.servers are up and reachable"
                ),
            ),
        },
    }
}
