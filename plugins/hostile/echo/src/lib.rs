//! A transform that is good: every record is answered with itself, after as much work as it is told to do.
//!
//! The neighbour of the hostile ones in tests, and the measure of a call's cost. Invariant: records are unchanged.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Echo {
    rounds: i64,
}

impl Transform for Echo {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0").key(
            Key::int("rounds")
                .default("0")
                .doc("Rounds of work for a record."),
        )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            rounds: config.int("rounds"),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        let mut n = 1u64;
        for _ in 0..self.rounds {
            n = std::hint::black_box(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
        let value = record.raw_value();
        record.set_value(value.schema(), value.slot());
        Ok(())
    }
}

export_transform!(Echo);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::SchemaId;
    use tidegate_sdk::harness::{Host, TestRecord, Typed};

    #[test]
    fn records_come_back() {
        let mut host = Host::new();
        let mut echo = host
            .transform::<Echo>("hostile.Echo", &[("rounds", "10")])
            .unwrap();
        let value = Typed::new(SchemaId::NONE, "v".into());
        let record = TestRecord::new("t", Typed::none(), value);
        assert_eq!(
            host.run(&mut echo, std::slice::from_ref(&record)).unwrap(),
            [record]
        );
    }
}
