//! A transform that takes memory until it gets none: for the host's memory limit.
//!
//! Natively it takes what `mib` says and no more, so that its test ends. Invariant: what it takes it keeps and touches.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Memory {
    mib: i64,
    taken: Vec<Vec<u8>>,
}

impl Transform for Memory {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0").key(Key::int("mib").default("65536").doc("Mebibytes to take."))
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            mib: config.int("mib"),
            taken: Vec::new(),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        while (self.taken.len() as i64) < self.mib {
            self.taken.push(vec![1; 1 << 20]);
        }
        let kept = self
            .taken
            .iter()
            .map(|v| u64::from(v[v.len() - 1]))
            .sum::<u64>();
        record.set_timestamp_ms(Some(kept as i64));
        Ok(())
    }
}

export_transform!(Memory);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed};

    #[test]
    fn it_takes_what_it_is_told_to() {
        let mut host = Host::new();
        let mut memory = host
            .transform::<Memory>("hostile.Memory", &[("mib", "3")])
            .unwrap();
        let record = TestRecord::new("t", Typed::none(), Typed::none());
        let out = host.run(&mut memory, &[record]).unwrap();
        assert_eq!(out[0].timestamp_ms, Some(3));
    }
}
