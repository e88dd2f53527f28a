//! A transform that never comes back: for the host's time limit.
//!
//! It does nothing else wrong. Invariant: once it has begun it makes no call to the host.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Spin {
    topic: String,
}

impl Transform for Spin {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0").key(
            Key::string("topic")
                .default("")
                .doc("Only records of this topic; all if empty."),
        )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            topic: config.string("topic").into(),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        if !self.topic.is_empty() && record.topic()? != self.topic {
            return Ok(());
        }
        let mut n = 0u64;
        loop {
            n = std::hint::black_box(n.wrapping_add(1));
        }
    }
}

export_transform!(Spin);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed};

    #[test]
    fn other_topics_pass() {
        let mut host = Host::new();
        let mut spin = host
            .transform::<Spin>("hostile.Spin", &[("topic", "x")])
            .unwrap();
        let record = TestRecord::new("t", Typed::none(), Typed::none());
        assert_eq!(
            host.run(&mut spin, std::slice::from_ref(&record)).unwrap(),
            [record]
        );
    }
}
