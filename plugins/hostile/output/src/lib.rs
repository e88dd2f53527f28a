//! A transform that answers far more than it was given: for the host's limit on answers.
//!
//! The answer is well-formed. Invariant: its size is `mib` mebibytes for each record.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Output {
    mib: i64,
}

impl Transform for Output {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0").key(
            Key::int("mib")
                .default("256")
                .doc("Mebibytes to answer for a record."),
        )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            mib: config.int("mib"),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        let bytes = usize::try_from(self.mib).unwrap_or(0) << 20;
        let huge = record.arena().byte_array(&vec![b'x'; bytes]);
        record.set_value(None, huge);
        Ok(())
    }
}

export_transform!(Output);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed};

    #[test]
    fn the_answer_has_its_size() {
        let mut host = Host::new();
        let mut output = host
            .transform::<Output>("hostile.Output", &[("mib", "1")])
            .unwrap();
        let record = TestRecord::new("t", Typed::none(), Typed::none());
        let out = host.run(&mut output, &[record]).unwrap();
        assert_eq!(out[0].value.data, Data::Bytes(vec![b'x'; 1 << 20]));
    }
}
