//! What a plugin is configured as.
//!
//! Names only, in the host's form and in WIT's. Invariant: only formats have a part.

use crate::bindings::types as wit;

/// Which of a record's parts a format encodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
    /// All headers' values.
    Header,
}

impl Part {
    pub(crate) fn to_wit(self) -> wit::Part {
        match self {
            Self::Key => wit::Part::Key,
            Self::Value => wit::Part::Value,
            Self::Header => wit::Part::Header,
        }
    }
}

/// What a plugin is configured as: the context of `validate` and `configure`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The class of the configuration, e.g. `org.apache.kafka.connect.transforms.MaskField$Value`.
    pub class: String,
    /// For a format, the part it is configured for.
    pub part: Option<Part>,
}

impl Context {
    pub(crate) fn to_wit(&self) -> wit::Context {
        wit::Context {
            class: self.class.clone(),
            part: self.part.map(Part::to_wit),
        }
    }
}
