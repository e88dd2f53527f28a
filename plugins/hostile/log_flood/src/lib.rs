//! A transform that writes log lines without end: for the host's limits on lines and their length.
//!
//! Records pass unchanged. Invariant: `lines` lines of `bytes` bytes for each record.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct LogFlood {
    lines: i64,
    line: String,
}

impl Transform for LogFlood {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0")
            .key(
                Key::int("lines")
                    .default("100000")
                    .doc("Lines for a record."),
            )
            .key(Key::int("bytes").default("4096").doc("Bytes of a line."))
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            lines: config.int("lines"),
            line: "flood ".repeat(usize::try_from(config.int("bytes") / 6).unwrap_or(0)),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        record.topic()?;
        for _ in 0..self.lines {
            tidegate_sdk::log::warn(&self.line);
        }
        Ok(())
    }
}

export_transform!(LogFlood);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Host, TestRecord, Typed};

    #[test]
    fn records_pass() {
        let mut host = Host::new();
        let config = [("lines", "2"), ("bytes", "12")];
        let mut flood = host
            .transform::<LogFlood>("hostile.LogFlood", &config)
            .unwrap();
        let record = TestRecord::new("t", Typed::none(), Typed::none());
        assert_eq!(
            host.run(&mut flood, std::slice::from_ref(&record)).unwrap(),
            [record]
        );
    }
}
