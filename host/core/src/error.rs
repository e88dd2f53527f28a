//! Errors of the world, which stop or restart a task.
//!
//! Errors of one record ([`RecordError`]) go to the connector's error policy instead. Each carries what was being
//! done, to what, and what to do now. Invariant: no secret is ever put into a message.

use std::fmt;

/// What a task does about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Back off and open the source again: the world may heal (lost connection, server restarting).
    Retry,
    /// FAILED, with this error as the trace: only a person can help.
    Fail,
}

/// An error that ends a task's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskError {
    /// Stable code listed in `docs/reference/errors.md`, e.g. `MYSQL-BINLOG-PURGED`.
    pub code: &'static str,
    /// What was being done, to what, what happened, and what to do now.
    pub message: String,
    /// Retry or fail.
    pub disposition: Disposition,
}

impl TaskError {
    /// An error that may heal by itself.
    pub fn retry(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            disposition: Disposition::Retry,
        }
    }
    /// An error that only a person can mend.
    pub fn fail(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            disposition: Disposition::Fail,
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for TaskError {}

/// Where a record failed: Connect's `Stage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A transform or its predicate.
    Transformation,
    /// The key's format.
    KeyConverter,
    /// The value's format.
    ValueConverter,
    /// The headers' format.
    HeaderConverter,
    /// Sending to Kafka (a record larger than the broker takes).
    KafkaProduce,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transformation => "TRANSFORMATION",
            Self::KeyConverter => "KEY_CONVERTER",
            Self::ValueConverter => "VALUE_CONVERTER",
            Self::HeaderConverter => "HEADER_CONVERTER",
            Self::KafkaProduce => "KAFKA_PRODUCE",
        })
    }
}

/// An error of one record, for the connector's error policy (`errors.tolerance`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// Index of the record in its batch.
    pub record: u32,
    /// Where it failed.
    pub stage: Stage,
    /// Class of the transform or format, as configured.
    pub class: String,
    /// Why.
    pub message: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.stage, self.class, self.message)
    }
}

impl std::error::Error for RecordError {}
