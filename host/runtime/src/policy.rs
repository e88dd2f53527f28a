//! What happens to a record that failed: the connector's error policy (`errors.*`).
//!
//! Connect's keys and defaults; a dead letter topic for sources is ours (Connect has one for sinks only). It decides;
//! the chain and the task carry out. Invariant: a failed record is skipped, dead-lettered or stops the task, never
//! passed on changed (promise 4).

use host_core::config::Config;
use host_core::error::{RecordError, Stage, TaskError};

/// `errors.*` of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorPolicy {
    /// `errors.tolerance=all`: failed records are skipped or dead-lettered.
    pub tolerant: bool,
    /// `errors.log.enable`: tolerated errors are logged.
    pub log: bool,
    /// `errors.log.include.messages`: with the record's topic, key and source offset.
    pub log_messages: bool,
    /// `errors.deadletterqueue.topic.name`: where failed records go.
    pub dead_letter_topic: Option<String>,
    /// `errors.deadletterqueue.context.headers.enable`, on unless it is switched off: a dead letter of a source is of
    /// little use without its reason.
    pub context_headers: bool,
}

impl ErrorPolicy {
    /// Reads a validated configuration.
    pub fn new(config: &Config) -> Self {
        let is = |key: &str, default: bool| {
            config
                .get(key)
                .map_or(default, |v| v.trim().eq_ignore_ascii_case("true"))
        };
        let tolerant = config
            .get("errors.tolerance")
            .is_some_and(|v| v.trim().eq_ignore_ascii_case("all"));
        let topic = config
            .get("errors.deadletterqueue.topic.name")
            .map(str::trim);
        Self {
            tolerant,
            log: is("errors.log.enable", false),
            log_messages: is("errors.log.include.messages", false),
            dead_letter_topic: topic.filter(|t| !t.is_empty()).map(str::to_owned),
            context_headers: is("errors.deadletterqueue.context.headers.enable", true),
        }
    }

    /// Whether the task may go on after this error; if not, the error that ends it.
    pub fn tolerate(&self, e: &RecordError, topic: &str) -> Result<(), TaskError> {
        if !self.tolerant {
            return Err(TaskError::fail(code(e.stage), message(e, topic)));
        }
        if self.log {
            let shown = if self.log_messages { topic } else { "[hidden]" };
            tracing::error!(stage = %e.stage, class = e.class, topic = shown, "tolerated: {}", e.message);
        }
        Ok(())
    }
}

fn code(stage: Stage) -> &'static str {
    match stage {
        Stage::Transformation => "RECORD-TRANSFORMATION",
        Stage::KeyConverter => "RECORD-KEY-CONVERTER",
        Stage::ValueConverter => "RECORD-VALUE-CONVERTER",
        Stage::HeaderConverter => "RECORD-HEADER-CONVERTER",
        Stage::KafkaProduce => "RECORD-KAFKA-PRODUCE",
    }
}

fn message(e: &RecordError, topic: &str) -> String {
    format!(
        "processing a record for the topic {topic}: {e}; correct the configuration or the plugin, or set \
         errors.tolerance=all (with errors.deadletterqueue.topic.name to keep such records), then restart the task"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerance_decides() {
        let e = RecordError {
            record: 0,
            stage: Stage::ValueConverter,
            class: "x.Y".into(),
            message: "no".into(),
        };
        let none = ErrorPolicy::new(&Config::default());
        let fatal = none.tolerate(&e, "t").unwrap_err();
        assert_eq!(fatal.code, "RECORD-VALUE-CONVERTER");
        assert!(
            fatal.message.contains("VALUE_CONVERTER in x.Y: no")
                && fatal.message.contains("topic t")
        );
        let all: Config = [
            ("errors.tolerance", "ALL"),
            ("errors.deadletterqueue.topic.name", "dlq"),
        ]
        .into_iter()
        .collect();
        let all = ErrorPolicy::new(&all);
        assert!(all.tolerate(&e, "t").is_ok() && all.dead_letter_topic.as_deref() == Some("dlq"));
    }
}
