//! `org.apache.kafka.connect.transforms.RegexRouter`: a new topic where all of the old one matches a pattern.
//!
//! Java's syntax and `replaceFirst`, as far as `java-regex` knows them; a replacement naming a group that is not there
//! is refused at validation, where Connect would stop the task. Invariant: a topic that does not match stays.

use java_regex::{Pattern, Replacement};
use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Error, Importance, Key, Record, Result, Transform,
    export_transform,
};

/// The transform; the last topic's answer is kept, for topics come in runs.
#[derive(Debug)]
pub struct RegexRouter {
    pattern: Pattern,
    replacement: Replacement,
    last: Option<(String, Option<String>)>,
}

impl Transform for RegexRouter {
    fn config() -> ConfigDef {
        let regex = Key::string("regex").doc("Regular expression to use for matching.");
        let replacement = Key::string("replacement").doc("Replacement string.");
        ConfigDef::new("4.3.1")
            .key(regex.importance(Importance::High))
            .key(replacement.importance(Importance::High))
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        let invalid = |key: &str, what: &str, e: String| {
            let message = format!("{what}: {e}");
            vec![ConfigError::invalid(key, config.string(key), &message)]
        };
        let pattern = Pattern::new(config.string("regex"))
            .map_err(|e| invalid("regex", "Invalid regex", e))?;
        let replacement = Replacement::new(config.string("replacement"), &pattern)
            .map_err(|e| invalid("replacement", "Invalid replacement", e))?;
        Ok(Self {
            pattern,
            replacement,
            last: None,
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        let topic = record.topic()?;
        let known = self.last.as_ref().is_some_and(|(t, _)| t == topic);
        if !known {
            let routed = self.pattern.replace_if_match(topic, &self.replacement);
            self.last = Some((topic.to_owned(), routed.map_err(Error::record)?));
        }
        if let Some((_, Some(to))) = &self.last {
            record.set_topic(to);
        }
        Ok(())
    }
}

export_transform!(RegexRouter);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed, recorded};

    fn route(config: [(&str, &str); 2], topics: &[&str]) -> Vec<String> {
        let mut host = Host::new();
        let mut router = host
            .transform::<RegexRouter>("RegexRouter", &config)
            .unwrap();
        let records: Vec<_> = topics
            .iter()
            .map(|t| TestRecord::new(t, Typed::none(), Typed::none()))
            .collect();
        let out = host.run(&mut router, &records).unwrap();
        out.into_iter().map(|r| r.topic).collect()
    }

    #[test]
    fn the_recorded_routing_is_repeated() {
        let config = [
            ("regex", r"([^.]+)\.([^.]+)\.([^.]+)"),
            ("replacement", "$1-routed.$3"),
        ];
        let topics = ["smt_regex.inv.u", "smt_regex", "smt_regex.inv.u"];
        let want = ["smt_regex-routed.u", "smt_regex", "smt_regex-routed.u"];
        assert_eq!(route(config, &topics), want);
    }

    #[test]
    fn mistakes_are_found_at_validation() {
        let host = Host::new();
        let bad = |regex, replacement| {
            let config = [("regex", regex), ("replacement", replacement)];
            host.transform::<RegexRouter>("RegexRouter", &config)
                .unwrap_err()[0]
                .key
                .clone()
        };
        assert_eq!(bad("[", "x"), "regex");
        assert_eq!(bad("(a)", "$2"), "replacement");
    }

    #[test]
    fn the_definition_is_connects() {
        let want = include_str!(
            "../../../../tests/golden/plugin_config/org.apache.kafka.connect.transforms.RegexRouter.json"
        );
        let want: serde_json::Value = serde_json::from_str(want).unwrap();
        assert_eq!(recorded::definition(&RegexRouter::config()), want);
    }
}
