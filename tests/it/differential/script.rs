//! A whole workload from a seed: a database, what it holds before the snapshot, and what happens afterwards.
//!
//! Statements name no database, so that a workload can run many times side by side. A statement the server refuses is
//! passed over; both products see the same. Invariant: a seed always gives the same workload.

use super::ddl::Schema;
use super::dml;
use super::random::Random;
use super::text;
use super::value::Phase;

/// A workload.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Script {
    /// What the database is created with.
    pub(super) charset: &'static str,
    /// Statements of the session that are never taken away.
    pub(super) session: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) phase: Phase,
    pub(super) sql: String,
}

impl Script {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let random = &mut random;
        let charset = text::database_charset(random);
        let mut session = vec!["SET timestamp=1700000000.123456".to_owned()];
        session.push(match random.below(3) {
            0 => "SET sql_mode=DEFAULT".to_owned(),
            _ => "SET sql_mode=''".to_owned(),
        });
        session.push(format!(
            "SET time_zone='{}'",
            random.of(&["+00:00", "+00:00", "+05:30"])
        ));
        let generated_keys = random.one_in(8);
        if generated_keys {
            session.push("SET sql_generate_invisible_primary_key=ON".to_owned());
        }
        if random.one_in(3) {
            session.push("SET binlog_rows_query_log_events=ON".to_owned());
        }
        let mut schema = Schema::new(generated_keys);
        let mut steps = Steps(Vec::new(), Phase::Snapshot);
        for _ in 0..random.between(2, 4) {
            steps.add([schema.create(random)]);
        }
        for _ in 0..random.between(4, 14) {
            steps.add(dml::change(random, &schema.tables, Phase::Snapshot));
        }
        steps.1 = Phase::Streaming;
        for _ in 0..random.between(15, 40) {
            steps.add(match random.below(10) {
                0 | 1 => schema.change(random),
                2 => dml::transaction(random, &schema.tables, Phase::Streaming),
                _ => dml::change(random, &schema.tables, Phase::Streaming),
            });
        }
        Self {
            charset,
            session,
            steps: steps.0,
        }
    }

    /// The statements of a phase.
    pub(super) fn of(&self, phase: Phase) -> impl Iterator<Item = &str> {
        self.steps
            .iter()
            .filter(move |s| s.phase == phase)
            .map(|s| s.sql.as_str())
    }
}

struct Steps(Vec<Step>, Phase);

impl Steps {
    fn add(&mut self, all: impl IntoIterator<Item = String>) {
        let phase = self.1;
        self.0
            .extend(all.into_iter().map(|sql| Step { phase, sql }));
    }
}

impl std::fmt::Display for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "CREATE DATABASE d CHARACTER SET {};\nUSE d;",
            self.charset
        )?;
        self.session.iter().try_for_each(|s| writeln!(f, "{s};"))?;
        let mut phase = Phase::Snapshot;
        for step in &self.steps {
            if step.phase != phase {
                writeln!(f, "-- the snapshot is taken here")?;
                phase = step.phase;
            }
            writeln!(f, "{};", step.sql)?;
        }
        Ok(())
    }
}

#[test]
fn a_seed_always_gives_the_same_workload() {
    assert_eq!(Script::new(7), Script::new(7));
    assert_ne!(Script::new(7), Script::new(8));
}

#[test]
fn workloads_use_every_family_and_statement() {
    let all: String = (0..200).map(|seed| Script::new(seed).to_string()).collect();
    for word in [
        "TINYINT",
        "BIGINT UNSIGNED",
        "ZEROFILL",
        "DECIMAL(65,30)",
        "FLOAT",
        "DOUBLE",
        "BIT(64)",
        "YEAR",
        "DATE",
        "TIME(6)",
        "DATETIME(3)",
        "TIMESTAMP(2)",
        "CHAR(5)",
        "LONGTEXT",
        "gb18030",
        "utf32",
        "tis620",
        "VARBINARY",
        "LONGBLOB",
        "ENUM(",
        "SET(",
        "JSON",
        "MULTIPOLYGON",
        "VECTOR(",
        "GENERATED ALWAYS",
        "INVISIBLE",
        "ON UPDATE CURRENT_TIMESTAMP",
        "FOREIGN KEY",
        "REPLACE INTO",
        "ON DUPLICATE KEY",
        "SAVEPOINT",
        "ROLLBACK TO",
        "TRUNCATE",
        "RENAME TABLE",
        "RENAME COLUMN",
        "CHANGE COLUMN",
        "MODIFY",
        "DROP COLUMN",
        "FIRST",
        "AFTER",
        "DROP TABLE",
        "CONVERT TO",
        "0000-00-00",
    ] {
        assert!(all.contains(word), "no workload of 200 uses {word}");
    }
}
