//! A configuration in JSON: `Map<String, String>` as Jackson reads it.
//!
//! Numbers and booleans become their own text, digit for digit; null stays null; objects and arrays are refused. Of a key
//! given twice the last value counts. Invariant: no number passes through a float.

use host_core::config::Config;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A scalar as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Scalar(pub(crate) Option<String>);

/// Keys and values in their order; `None` for null.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ConfigJson(Vec<(String, Option<String>)>);

impl Scalar {
    /// Reads one JSON value; the error names its kind.
    fn read(json: &str) -> Result<Self, &'static str> {
        match json.as_bytes().first() {
            Some(b'"') => serde_json::from_str(json).map(Self).map_err(|_| "no text"),
            Some(b'{') => Err("an object"),
            Some(b'[') => Err("an array"),
            Some(b'n') | None => Ok(Self(None)),
            Some(_) => Ok(Self(Some(json.to_owned()))),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(from)?;
        Self::read(raw.get()).map_err(|kind| D::Error::custom(format!("{kind} is not a string")))
    }
}

impl<'de> Deserialize<'de> for ConfigJson {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Entries)
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = ConfigJson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object of strings")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConfigJson, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let raw: Box<RawValue> = map.next_value()?;
            let Scalar(value) = Scalar::read(raw.get()).map_err(|kind| {
                A::Error::custom(format!("the value of key '{key}' is {kind}, not a string"))
            })?;
            entries.push((key, value));
        }
        Ok(ConfigJson(entries))
    }
}

impl ConfigJson {
    /// The configuration; a key whose value is null is not in it, so that it has its default.
    pub(crate) fn into_config(self) -> Config {
        let mut config = Config::default();
        for (key, value) in self.0 {
            match value {
                Some(value) => config.set(key, value),
                None => drop(config.remove(&key)),
            }
        }
        config
    }
    /// The entries; `None` for null.
    pub(crate) fn into_entries(self) -> Vec<(String, Option<String>)> {
        self.0
    }
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(k, _)| k == key);
        found.and_then(|(_, v)| v.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_their_text() {
        for (json, expected) in [
            (r#""a""#, Some("a")),
            (r#""\u0001\n""#, Some("\u{1}\n")),
            ("1", Some("1")),
            ("1.0", Some("1.0")),
            ("1e3", Some("1e3")),
            (
                "123456789012345678901234567890",
                Some("123456789012345678901234567890"),
            ),
            ("-0.10", Some("-0.10")),
            ("true", Some("true")),
            ("false", Some("false")),
            ("null", None),
        ] {
            let Scalar(found) = serde_json::from_str(json).unwrap();
            assert_eq!(found.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn order_nulls_and_repeats() {
        let json = r#"{"b":1,"a":null,"c":"x","b":2,"c":null}"#;
        let read: ConfigJson = serde_json::from_str(json).unwrap();
        assert_eq!(read.get("b"), Some("2"));
        let config = read.into_config();
        assert_eq!(config.iter().collect::<Vec<_>>(), [("b", "2")]);
    }
}
