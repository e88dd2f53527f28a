//! A transform that calls itself until its stack is used up: for the host's stack limit.
//!
//! Natively `depth` keeps it small. Invariant: every level needs stack of its own.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// The transform.
#[derive(Debug)]
pub struct Recursion {
    depth: i64,
}

impl Transform for Recursion {
    fn config() -> ConfigDef {
        ConfigDef::new("0.1.0").key(
            Key::int("depth")
                .default("1000000000")
                .doc("Levels to descend."),
        )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            depth: config.int("depth"),
        })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        record.set_timestamp_ms(Some(descend(self.depth)));
        Ok(())
    }
}

export_transform!(Recursion);

/// The number of levels, counted by descending them.
fn descend(levels: i64) -> i64 {
    let here = std::hint::black_box([levels; 16]);
    if levels <= 0 {
        return 0;
    }
    descend(here[3] - 1) + std::hint::black_box(here)[7] - here[5] + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_counted() {
        assert_eq!(descend(100), 100);
    }
}
