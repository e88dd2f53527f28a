//! `org.apache.kafka.connect.transforms.predicates.HasHeaderKey`: holds where a header has the configured name.
//!
//! What the header holds does not matter. Invariant: names are compared as they are, case included.

use tidegate_sdk::config::non_empty;
use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Importance, Key, Predicate, Record, Result,
    export_predicate,
};

/// The predicate.
#[derive(Debug)]
pub struct HasHeaderKey {
    name: String,
}

impl Predicate for HasHeaderKey {
    fn config() -> ConfigDef {
        let name = Key::string("name").importance(Importance::Medium);
        ConfigDef::new("4.3.1").key(name.doc("The header name.").validate(non_empty))
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        let name = config.string("name").to_owned();
        Ok(Self { name })
    }
    fn test(&mut self, record: &Record<'_>) -> Result<bool> {
        Ok(record.header(&self.name)?.is_some())
    }
}

export_predicate!(HasHeaderKey);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed};

    #[test]
    fn a_header_is_found_by_name() {
        let mut host = Host::new();
        let config = [("name", "__debezium.newkey")];
        let mut p = host
            .predicate::<HasHeaderKey>("HasHeaderKey", &config)
            .unwrap();
        let plain = TestRecord::new("t", Typed::none(), Typed::none());
        let mut with = plain.clone();
        with.headers = vec![
            ("a".into(), Typed::none()),
            ("__debezium.newkey".into(), Typed::none()),
        ];
        assert_eq!(host.test(&mut p, &[plain, with]).unwrap(), [false, true]);
        assert!(
            host.predicate::<HasHeaderKey>("HasHeaderKey", &[("name", "")])
                .is_err()
        );
    }
}
