//! GTID sets: MySQL's (`uuid:1-5:8,uuid:tag:1`, tags since 8.3) and MariaDB's
//! (`domain-server-sequence` lists).
//!
//! Pure algebra on text and integers: no server, no binlog. Sources: MySQL manual "GTID Format and
//! Storage" and `sql/rpl_gtid_set.cc`; MariaDB "Global Transaction ID".
//!
//! Invariant of [`GtidSet`]: intervals of a source are sorted, disjoint, never adjacent and never
//! empty; sources without intervals are absent. So two equal sets compare and print equal.

mod intervals;
mod mariadb;
mod set;
mod source_filter;
#[cfg(test)]
mod tests;

pub use mariadb::{MariaDbGtid, MariaDbGtidSet};
pub use set::{Gtid, GtidSet, Source, Tag};
pub use source_filter::SourceFilter;

/// Why a GTID text was refused. Offsets are bytes into the text given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GtidError {
    /// Something else than `expected` stood at `offset`.
    #[error("reading a gtid set: expected {expected} at byte {offset}, found {found:?}")]
    Syntax {
        /// What the grammar asks for.
        expected: &'static str,
        /// Where.
        offset: usize,
        /// Up to 40 characters of what stood there.
        found: String,
    },
    /// More intervals than [`GtidSet::MAX_INTERVALS`], or a text longer than
    /// [`GtidSet::MAX_TEXT_BYTES`].
    #[error("reading a gtid set: more than {limit} {unit}; purge or compact gtid_executed")]
    TooLarge {
        /// The bound.
        limit: usize,
        /// Its unit.
        unit: &'static str,
    },
    /// A pattern of `gtid.source.includes` or `gtid.source.excludes` is not a regular expression.
    #[error("reading gtid source pattern {pattern:?}: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The regex engine's words.
        reason: String,
    },
}

impl GtidError {
    fn syntax(expected: &'static str, text: &str, offset: usize) -> Self {
        let found = text
            .get(offset..)
            .unwrap_or_default()
            .chars()
            .take(40)
            .collect();
        Self::Syntax {
            expected,
            offset,
            found,
        }
    }
}
