//! Connector and worker configuration: text keys, text values, as Kafka Connect has them.
//!
//! [`Config`] is what a user posted, in its order; [`ConfigDef`] is the table of keys a class understands, which serves
//! parsing, `validate` and `GET …/config` alike; [`Parser`] reads typed values and collects findings instead of
//! stopping at the first. Nothing here connects anywhere.
//! Invariant: `validate` and start use the same parser, so they cannot disagree.

mod def;
mod infos;
mod parse;

pub use def::{ConfigDef, ConfigKey, Importance, Type, Width};
pub use infos::{ConfigInfo, ConfigInfos, ConfigValueInfo};
pub use parse::{ConfigValue, Finding, Parser, duration_ms, suggest};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

/// A configuration in the order in which its keys were given.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Config(IndexMap<String, String>);

impl Config {
    /// Value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
    /// Sets a key, keeping its place if it has one.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.insert(key.into(), value.into());
    }
    /// Removes a key.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.shift_remove(key)
    }
    /// All keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }
    /// The keys that begin with `prefix`, without it.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Self {
        self.iter()
            .filter_map(|(k, v)| Some((k.strip_prefix(prefix)?, v)))
            .collect()
    }
    /// A comma-separated list; empty parts are dropped, as Kafka does.
    pub fn list(&self, key: &str) -> Vec<String> {
        parse::list(self.get(key).unwrap_or_default())
    }
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Config {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }
}

/// Shows keys, and values only of keys that cannot be secret.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |k: &str, v: &str| {
            if crate::secret::is_secret_key(k) {
                "[hidden]".to_owned()
            } else {
                v.to_owned()
            }
        };
        f.debug_map()
            .entries(self.iter().map(|(k, v)| (k.to_owned(), shown(k, v))))
            .finish()
    }
}
