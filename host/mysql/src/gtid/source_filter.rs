//! `gtid.source.includes` and `gtid.source.excludes`: which servers' transactions count.
//!
//! Only the predicate; applying it to a set is [`super::GtidSet::retain`].

use fancy_regex::Regex;
use uuid::Uuid;

use super::GtidError;

/// A predicate over server UUIDs (Debezium's `Predicates.includesUuids` / `excludesUuids`).
#[derive(Debug, Clone)]
pub struct SourceFilter {
    patterns: Vec<Regex>,
    include: bool,
}

impl SourceFilter {
    /// Passes the UUIDs that match one of the comma-separated patterns.
    pub fn includes(patterns: &str) -> Result<Self, GtidError> {
        Self::new(patterns, true)
    }

    /// Passes the UUIDs that match none of the comma-separated patterns.
    pub fn excludes(patterns: &str) -> Result<Self, GtidError> {
        Self::new(patterns, false)
    }

    fn new(patterns: &str, include: bool) -> Result<Self, GtidError> {
        let patterns = patterns
            .split(',')
            .map(str::trim)
            .filter(|pattern| !pattern.is_empty())
            .map(|pattern| {
                Regex::new(&format!("(?i)^(?:{pattern})$")).map_err(|error| GtidError::Pattern {
                    pattern: pattern.to_owned(),
                    reason: error.to_string(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns, include })
    }

    /// Whether transactions of this server count. A pattern the engine gives up on does not match.
    pub fn passes(&self, uuid: &Uuid) -> bool {
        let text = uuid.to_string();
        let hit = self
            .patterns
            .iter()
            .any(|pattern| pattern.is_match(&text).unwrap_or(false));
        hit == self.include
    }
}
