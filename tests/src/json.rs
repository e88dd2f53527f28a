//! JSON as text: numbers keep their spelling and objects their order.
//!
//! Two texts that parse to equal trees may still differ in white space: see `compare`. Invariant: nothing is rounded.

use anyhow::Result;
use indexmap::IndexMap;
use serde_json::value::RawValue;

/// A JSON value whose numbers are their text.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// null, true, false or a number, as it was written.
    Plain(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Node>),
    /// An object in its order.
    Object(IndexMap<String, Node>),
}

impl Node {
    /// Parses a text.
    pub fn parse(text: &str) -> Result<Self> {
        Self::from_raw(serde_json::from_str(text)?)
    }
    fn from_raw(raw: &RawValue) -> Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let fields: IndexMap<String, &RawValue> = serde_json::from_str(text)?;
                Self::Object(
                    fields
                        .into_iter()
                        .map(|(k, v)| Ok((k, Self::from_raw(v)?)))
                        .collect::<Result<_>>()?,
                )
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text)?;
                Self::Array(
                    items
                        .into_iter()
                        .map(Self::from_raw)
                        .collect::<Result<_>>()?,
                )
            }
            Some(b'"') => Self::Text(serde_json::from_str(text)?),
            _ => Self::Plain(text.to_owned()),
        })
    }
    /// The object's fields.
    pub fn object(&self) -> Option<&IndexMap<String, Node>> {
        match self {
            Self::Object(o) => Some(o),
            _ => None,
        }
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(t) => f.write_str(t),
            Self::Text(t) => write!(f, "{t:?}"),
            Self::Array(a) => f
                .debug_list()
                .entries(a.iter().map(|n| format!("{n}")))
                .finish(),
            Self::Object(o) => f
                .debug_map()
                .entries(o.iter().map(|(k, n)| (k, format!("{n}"))))
                .finish(),
        }
    }
}
