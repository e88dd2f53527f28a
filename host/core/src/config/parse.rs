//! Typed values out of text, with Kafka's error texts, collected.
//!
//! It reads one key at a time and remembers what was wrong. Rules across keys are the caller's.
//! Invariant: a missing or bad value never yields a value; the finding names key, value (unless secret) and remedy.

use super::{Config, ConfigDef, Type};
use crate::secret::{Secret, is_secret_key};
use std::time::Duration;

/// What is wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The key.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    /// A finding about a key.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            message: message.into(),
        }
    }
}

/// A type that configuration text can be read as.
pub trait ConfigValue: Sized {
    /// Reads trimmed text; the error continues "Invalid value x for configuration y: ".
    fn from_text(text: &str) -> Result<Self, String>;
}

macro_rules! numbers {
    ($($t:ty => $name:literal),*) => {$(impl ConfigValue for $t {
        fn from_text(text: &str) -> Result<Self, String> {
            text.parse().map_err(|_| concat!("Not a number of type ", $name).to_owned())
        }
    })*};
}
numbers!(i16 => "SHORT", i32 => "INT", i64 => "LONG", f64 => "DOUBLE", u16 => "INT", u32 => "LONG", u64 => "LONG");

impl ConfigValue for bool {
    fn from_text(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("Expected value to be either true or false".to_owned()),
        }
    }
}
impl ConfigValue for String {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}
impl ConfigValue for Secret {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }
}
impl ConfigValue for Vec<String> {
    fn from_text(text: &str) -> Result<Self, String> {
        Ok(list(text))
    }
}

/// A comma-separated list without its empty parts.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A duration in milliseconds; negative numbers count as zero.
pub fn duration_ms(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

/// Reads a configuration by its definition.
#[derive(Debug)]
pub struct Parser<'a> {
    def: &'a ConfigDef,
    config: &'a Config,
    /// What was found wrong so far.
    pub findings: Vec<Finding>,
}

impl<'a> Parser<'a> {
    /// A parser that has found nothing yet.
    pub fn new(def: &'a ConfigDef, config: &'a Config) -> Self {
        Self {
            def,
            config,
            findings: Vec::new(),
        }
    }
    /// The text of a key: the user's, or else the default.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        let default = || self.def.get(key).and_then(|k| k.default_value.as_deref());
        self.config.get(key).map(str::trim).or_else(default)
    }
    /// An optional key; `None` where it is absent, empty or wrong.
    pub fn get<T: ConfigValue>(&mut self, key: &str) -> Option<T> {
        let text = self.text(key)?;
        match T::from_text(text) {
            Ok(v) => Some(v),
            Err(why) => {
                let shown = if is_secret_key(key) { "[hidden]" } else { text };
                self.findings.push(Finding::new(
                    key,
                    format!("Invalid value {shown} for configuration {key}: {why}"),
                ));
                None
            }
        }
    }
    /// A key that must be there and not empty; `None` (and a finding) otherwise.
    pub fn required<T: ConfigValue>(&mut self, key: &str) -> Option<T> {
        if self.text(key).is_none_or(str::is_empty) {
            let message = format!("The '{key}' value is invalid: A value is required");
            self.findings.push(Finding::new(key, message));
            return None;
        }
        self.get(key)
    }
    /// A key with a default; the fallback stands in only after a finding.
    pub fn or<T: ConfigValue>(&mut self, key: &str, fallback: T) -> T {
        self.get(key).unwrap_or(fallback)
    }
    /// One of several words (compared without case); a finding lists them all.
    pub fn one_of<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words
            .iter()
            .find(|(w, _)| w.eq_ignore_ascii_case(text))
            .map(|(_, v)| *v);
        if found.is_none() {
            let all = words.iter().map(|(w, _)| *w).collect::<Vec<_>>().join(", ");
            let message = format!("The '{key}' value is invalid: Value must be one of {all}");
            self.findings.push(Finding::new(key, message));
        }
        found
    }
    /// Adds a finding.
    pub fn reject(&mut self, key: &str, message: impl Into<String>) {
        self.findings.push(Finding::new(key, message));
    }
    /// Kafka's own checks of every key the definition lists: required keys and types; and keys that are known but not
    /// built yet, which are refused when set to anything but their default.
    pub fn check_all(&mut self) {
        for key in &self.def.keys {
            let given = self.config.get(&key.name).map(str::trim);
            if given.is_none() && key.required && key.default_value.is_none() {
                let message = format!(
                    "Missing required configuration \"{}\" which has no default value.",
                    key.name
                );
                self.findings.push(Finding::new(&key.name, message));
            }
            let Some(text) = given else { continue };
            if key.unsupported && Some(text) != key.default_value.as_deref() {
                let message = format!(
                    "The '{}' value is invalid: this Debezium option is known but not supported yet, and ignoring it \
                     could do harm; remove it",
                    key.name
                );
                self.findings.push(Finding::new(&key.name, message));
            }
            if let Err(why) = type_check(key.kind, text) {
                let message = format!("Invalid value {text} for configuration {}: {why}", key.name);
                self.findings.push(Finding::new(&key.name, message));
            }
        }
    }
}

fn type_check(kind: Type, text: &str) -> Result<(), String> {
    match kind {
        Type::Boolean => bool::from_text(text).map(drop),
        Type::Int => i32::from_text(text).map(drop),
        Type::Short => i16::from_text(text).map(drop),
        Type::Long => i64::from_text(text).map(drop),
        Type::Double => f64::from_text(text).map(drop),
        Type::String | Type::List | Type::Class | Type::Password => Ok(()),
    }
}

/// The known key nearest to an unknown one, for "did you mean"; `None` where nothing is near.
pub fn suggest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + unknown.len() / 6;
    known
        .map(|k| (distance(unknown, k, limit), k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, k)| k)
}

/// Edits between two words, at most `limit + 1`.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = (diagonal + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = cost;
        }
    }
    row[b.len()].min(limit + 1)
}

#[cfg(test)]
mod tests {
    use super::super::ConfigKey;
    use super::*;

    #[test]
    fn findings_are_collected_and_hide_secrets() {
        let def = ConfigDef::new(vec![
            ConfigKey::new("port", Type::Int, "").default("3306"),
            ConfigKey::new("host", Type::String, "").required(),
        ]);
        let config: Config = [("port", "x"), ("token.ms", "y")].into_iter().collect();
        let mut p = Parser::new(&def, &config);
        assert_eq!(
            (p.get::<i32>("port"), p.get::<i64>("token.ms")),
            (None, None)
        );
        p.check_all();
        let texts: Vec<_> = p.findings.iter().map(|f| f.message.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Invalid value x for configuration port: Not a number of type INT",
                "Invalid value [hidden] for configuration token.ms: Not a number of type LONG",
                "Invalid value x for configuration port: Not a number of type INT",
                "Missing required configuration \"host\" which has no default value.",
            ]
        );
    }

    #[test]
    fn near_names_are_suggested() {
        let known = ["table.include.list", "database.hostname", "topic.prefix"];
        assert_eq!(
            suggest("table.inclde.list", known.into_iter()),
            Some("table.include.list")
        );
        assert_eq!(
            suggest("databse.hostname", known.into_iter()),
            Some("database.hostname")
        );
        assert_eq!(suggest("something.else", known.into_iter()), None);
    }
}
