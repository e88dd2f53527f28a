//! `org.apache.kafka.connect.transforms.predicates.TopicNameMatches`: holds where all of the topic matches a pattern.
//!
//! Java's syntax, as far as `java-regex` knows it. Invariant: a pattern that does not compile is found at validation.

use java_regex::Pattern;
use tidegate_sdk::config::non_empty;
use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Error, Importance, Key, Predicate, Record, Result,
    export_predicate,
};

/// The predicate.
#[derive(Debug)]
pub struct TopicNameMatches {
    pattern: Pattern,
}

impl Predicate for TopicNameMatches {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1").key(
            Key::string("pattern")
                .importance(Importance::Medium)
                .doc("A Java regular expression for matching against the name of a record's topic.")
                .validate(non_empty),
        )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        let text = config.string("pattern");
        let invalid = |e| {
            vec![ConfigError::invalid(
                "pattern",
                text,
                &format!("Invalid regex: {e}"),
            )]
        };
        let pattern = Pattern::new(text).map_err(invalid)?;
        Ok(Self { pattern })
    }
    fn test(&mut self, record: &Record<'_>) -> Result<bool> {
        self.pattern.matches(record.topic()?).map_err(Error::record)
    }
}

export_predicate!(TopicNameMatches);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed, recorded};

    #[test]
    fn all_of_the_topic_must_match() {
        let mut host = Host::new();
        let mut with = |pattern| {
            let p = host.predicate::<TopicNameMatches>("TopicNameMatches", &[("pattern", pattern)]);
            let topics = ["inv.u", "inv.u2", "other"];
            let records = topics.map(|t| TestRecord::new(t, Typed::none(), Typed::none()));
            p.map(|mut p| host.test(&mut p, &records).unwrap())
        };
        assert_eq!(with(r"inv\.u").unwrap(), [true, false, false]);
        assert_eq!(with(r"inv\..*|other").unwrap(), [true, true, true]);
        assert_eq!(with("(").unwrap_err()[0].key, "pattern");
    }

    #[test]
    fn the_definition_is_connects() {
        let want = include_str!(
            "../../../../tests/golden/plugin_config/org.apache.kafka.connect.transforms.predicates.TopicNameMatches.json"
        );
        let want: serde_json::Value = serde_json::from_str(want).unwrap();
        assert_eq!(recorded::definition(&TopicNameMatches::config()), want);
    }
}
