//! A transform that panics on a chosen record: for the host's replay and bisection.
//!
//! By position in the batch (`k`), or by a field of the value or of its `after` (`field`, `equals`), which is found again
//! however the batch is cut. Other records get the header `seen`. Invariant: the same record always panics.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Slot, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Trap {
    k: i64,
    field: String,
    equals: String,
}

impl Transform for Trap {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0")
            .key(
                Key::int("k")
                    .default("-1")
                    .doc("Position in the batch; -1 for none."),
            )
            .key(
                Key::string("field")
                    .default("")
                    .doc("Field to look at; empty for none."),
            )
            .key(
                Key::string("equals")
                    .default("")
                    .doc("Its value as text or number."),
            )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            k: config.int("k"),
            field: config.string("field").into(),
            equals: config.string("equals").into(),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        assert!(
            i64::from(record.index()) != self.k,
            "told to panic at this position"
        );
        let value = record.value();
        let after = value.and_then(|v| v.field("after"));
        let held = [after, value]
            .into_iter()
            .flatten()
            .find_map(|v| v.field(&self.field));
        let hit = held.is_some_and(|v| match v.as_i64() {
            Some(n) => n.to_string() == self.equals,
            None => v.as_str() == Some(&self.equals),
        });
        assert!(!hit, "told to panic at this record");
        record.add_header("seen", None, Slot::boolean(true))
    }
}

export_transform!(Trap);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed};
    use tidegate_sdk::{NewSchema, SchemaType};

    fn records(host: &mut Host) -> Vec<TestRecord> {
        let int = host.schema(NewSchema::new(SchemaType::Int32));
        let row = host.schema(NewSchema::new(SchemaType::Struct).field("id", int));
        let value = |n: i32| Typed::new(row, Data::structure([n.into()]));
        let record = |n| TestRecord::new("t", Typed::none(), value(n));
        (1..4).map(record).collect()
    }

    #[test]
    fn others_are_seen() {
        let mut host = Host::new();
        let records = records(&mut host);
        let config = [("field", "id"), ("equals", "7"), ("k", "3")];
        let mut trap = host.transform::<Trap>("hostile.Trap", &config).unwrap();
        let out = host.run(&mut trap, &records).unwrap();
        assert!(out.iter().all(|r| r.headers[0].0 == "seen"));
    }

    #[test]
    #[should_panic(expected = "told to panic at this record")]
    fn the_field_decides() {
        let mut host = Host::new();
        let records = records(&mut host);
        let config = [("field", "id"), ("equals", "2")];
        let mut trap = host.transform::<Trap>("hostile.Trap", &config).unwrap();
        drop(host.run(&mut trap, &records));
    }
}
