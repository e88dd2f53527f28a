//! Clients: what they are made from, what they log, and how their errors are judged.
//!
//! Invariant: librdkafka's lines reach `tracing` under target `tidegate::kafka`, and whatever went wrong last can be
//! asked for, so that a stalled task can say why (promise 8).

use super::translate::{ClientProps, in_java_words};
use host_core::error::TaskError;
use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a question to the brokers (metadata, topics, groups) may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a client is watched to hear why it gets no answer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);

/// What went wrong last on a client's connections.
#[derive(Debug, Clone, Default)]
pub struct LastError(Arc<Mutex<Option<(RDKafkaErrorCode, String)>>>);

impl LastError {
    /// Its text; `None` when nothing has gone wrong since it was cleared.
    pub fn get(&self) -> Option<String> {
        self.seen().map(|(_, text)| text)
    }
    fn seen(&self) -> Option<(RDKafkaErrorCode, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
    /// Forgets it: the client has made progress.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
    fn set(&self, code: RDKafkaErrorCode, text: &str) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // That no broker is left says less than why the last one went.
        if last.is_none() || code != RDKafkaErrorCode::AllBrokersDown {
            *last = Some((code, text.to_owned()));
        }
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
        // The end of a partition comes this way too, and is no error.
        let code = error.rdkafka_error_code();
        if let Some(code) = code.filter(|c| *c != RDKafkaErrorCode::PartitionEOF) {
            self.last_error.set(code, reason);
        }
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
        KafkaError::ClientCreation(reason) => TaskError::fail(
            "KAFKA-CLIENT-CONFIG",
            format!(
                "{doing}: librdkafka refuses the client settings: {}; correct them",
                in_java_words(reason)
            ),
        ),
        _ => judged(doing, e.rdkafka_error_code(), &e.to_string()),
    }
}

/// As [`task_error`], where the client that failed has told of its connections: an error that only says that no answer
/// came is explained, and judged, by why.
pub(super) fn explained(doing: &str, e: &KafkaError, last: &LastError) -> TaskError {
    use RDKafkaErrorCode as C;
    let mute = matches!(
        e.rdkafka_error_code(),
        Some(
            C::BrokerTransportFailure
                | C::AllBrokersDown
                | C::OperationTimedOut
                | C::MessageTimedOut
                | C::RequestTimedOut
        )
    );
    match last.seen().filter(|_| mute) {
        Some((code, reason)) => judged(doing, Some(code), &in_java_words(&reason)),
        None => task_error(doing, e),
    }
}

fn judged(doing: &str, code: Option<RDKafkaErrorCode>, what: &str) -> TaskError {
    if code.is_some_and(is_permanent) {
        TaskError::fail(
            "KAFKA-REFUSED",
            format!(
                "{doing}: {what}; grant the missing right or correct the setting, then restart the task"
            ),
        )
    } else {
        TaskError::retry(
            "KAFKA-UNREACHABLE",
            format!(
                "{doing}: {what}; check that the brokers in bootstrap.servers are up and reachable, and speak the \
                 security.protocol that is set"
            ),
        )
    }
}

/// Why a client with these properties gets no answer, as far as it can be told within [`PROBE_TIMEOUT`]. For admin
/// clients, whose own errors nobody hears: rdkafka serves no queue of theirs but that of answers. Blocks.
pub(super) fn probe(props: &ClientProps) -> LastError {
    let context = HostContext::default();
    let last = context.last_error.clone();
    let Ok(client): Result<BaseConsumer<HostContext>, _> =
        BaseConsumer::from_config_and_context(&props.to_client_config(), context)
    else {
        return last;
    };
    let began = Instant::now();
    while last.get().is_none() && began.elapsed() < PROBE_TIMEOUT {
        // A question makes it connect; polling makes it tell.
        drop(client.fetch_metadata(None, PROBE_TIMEOUT / 10));
        drop(client.poll(Duration::ZERO));
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::error::Disposition;

    #[test]
    fn silence_is_judged_by_its_reason() {
        let silence = KafkaError::MetadataFetch(RDKafkaErrorCode::BrokerTransportFailure);
        let last = LastError::default();
        let unexplained = explained("asking", &silence, &last);
        assert_eq!(unexplained.disposition, Disposition::Retry);
        last.set(RDKafkaErrorCode::Authentication, "b:9092: wrong password");
        last.set(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        let refused = explained("asking", &silence, &last);
        assert_eq!(refused.disposition, Disposition::Fail);
        assert!(
            refused.to_string().contains("b:9092: wrong password"),
            "{refused}"
        );
        let own = KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic);
        assert!(
            !explained("asking", &own, &last)
                .to_string()
                .contains("b:9092")
        );
    }

    #[test]
    fn settings_that_cannot_be_used_are_not_tried_again() {
        let e = KafkaError::ClientCreation("ssl.ca.location failed: no such file".to_owned());
        let error = task_error("starting", &e);
        assert_eq!(error.disposition, Disposition::Fail);
        assert!(
            error.to_string().contains("ssl.truststore.location failed"),
            "{error}"
        );
    }
}
