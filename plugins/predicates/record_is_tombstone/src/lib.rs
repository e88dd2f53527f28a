//! `org.apache.kafka.connect.transforms.predicates.RecordIsTombstone`: holds where the value is null.
//!
//! As in Connect the value's schema does not matter. It has no configuration.
//! Invariant: the answer depends on the value's slot alone.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Predicate, Record, Result, export_predicate,
};

/// The predicate.
#[derive(Debug)]
pub struct RecordIsTombstone;

impl Predicate for RecordIsTombstone {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1")
    }
    fn new(_: &Context, _: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self)
    }
    fn test(&mut self, record: &Record<'_>) -> Result<bool> {
        Ok(record.value().is_none())
    }
}

export_predicate!(RecordIsTombstone);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed};
    use tidegate_sdk::{NewSchema, SchemaId, SchemaType};

    #[test]
    fn a_null_is_a_tombstone_with_and_without_schema() {
        let mut host = Host::new();
        let text = host.schema(NewSchema::new(SchemaType::String).optional());
        let mut p = host
            .predicate::<RecordIsTombstone>("RecordIsTombstone", &[])
            .unwrap();
        let values = [
            Typed::none(),
            Typed::new(text, Data::Null),
            Typed::new(text, "".into()),
            Typed::new(SchemaId::NONE, 0.into()),
        ];
        let records = values.map(|v| TestRecord::new("t", Typed::none(), v));
        assert_eq!(
            host.test(&mut p, &records).unwrap(),
            [true, true, false, false]
        );
    }
}
