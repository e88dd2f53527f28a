//! What a plugin's function answers when it cannot do its work.
//!
//! Two kinds, because they have different consequences; nothing here decides what the host does about them.
//! Invariant: a text says what was being done and to what; it never holds a whole value (values may be secret).

use tidegate_layout::Malformed;

/// Why a record, or the whole plugin, cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// This record is at fault; the connector's error policy (`errors.tolerance`) decides.
    Record(String),
    /// The plugin cannot go on; the task fails with this text.
    Fatal(String),
}

/// A result whose error is [`Error`], unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The record in hand is at fault.
    pub fn record(message: impl Into<String>) -> Self {
        Self::Record(message.into())
    }
    /// The plugin cannot go on.
    pub fn fatal(message: impl Into<String>) -> Self {
        Self::Fatal(message.into())
    }
}

impl From<Malformed> for Error {
    fn from(m: Malformed) -> Self {
        Self::Fatal(m.to_string())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Record(text) | Self::Fatal(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
