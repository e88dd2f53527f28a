//! `org.apache.kafka.connect.transforms.Filter`: drops every record it is given.
//!
//! Which records those are is a predicate's work, which the host asks before. It has no configuration.
//! Invariant: the answer to a batch is one drop a record.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Filter;

impl Transform for Filter {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1")
    }
    fn new(_: &Context, _: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self)
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        record.drop_record();
        Ok(())
    }
}

export_transform!(Filter);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed};

    #[test]
    fn everything_is_dropped() {
        let mut host = Host::new();
        let mut filter = host.transform::<Filter>("Filter", &[]).unwrap();
        let record = TestRecord::new("t", Typed::none(), Typed::none());
        let out = host.run(&mut filter, &[record.clone(), record]).unwrap();
        assert_eq!(out, []);
    }
}
