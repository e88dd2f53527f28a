//! Why the herder refused a request.
//!
//! It carries Kafka Connect's HTTP meaning, so the REST layer only renders it. Texts are Connect's own where Connect has
//! one (`host/rest` compares them with recorded transcripts). Invariant: no message holds a secret's value.

use host_core::error::TaskError;
use std::fmt;

/// What kind of refusal it is; each kind is one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// 400: the request is wrong.
    BadRequest,
    /// 401: no valid credentials.
    Unauthorized,
    /// 403: the tenant or its role may not do this, or a quota of things is used up.
    Forbidden,
    /// 404: no such connector, task or plugin for this tenant.
    NotFound,
    /// 409: it exists already, or is in use.
    Conflict,
    /// 413: an upload is too large.
    TooLarge,
    /// 422: an upload is no plugin, or not one that can run here.
    Unprocessable,
    /// 429: a quota over time is used up.
    TooMany,
    /// 500: the host could not do it.
    Internal,
    /// 503: not yet or not now; try again.
    Unavailable,
}

impl ErrorKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Unprocessable => 422,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// A refused request: Connect's `{"error_code", "message"}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HerderError {
    /// What kind of refusal it is.
    pub kind: ErrorKind,
    /// Connect's `message`.
    pub message: String,
}

impl HerderError {
    /// A refusal.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
    /// 400.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::BadRequest, message)
    }
    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }
    /// 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }
    /// 409.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }
    /// 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
    /// The HTTP status, Connect's `error_code`.
    pub fn status(&self) -> u16 {
        self.kind.status()
    }
}

impl fmt::Display for HerderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HerderError {}

impl From<TaskError> for HerderError {
    fn from(e: TaskError) -> Self {
        Self::internal(e.to_string())
    }
}
