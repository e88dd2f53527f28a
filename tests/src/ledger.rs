//! The ledger: what was committed against what arrived.
//!
//! At-least-once with order per key means: of every key, 1, 2, 3 … up to the last committed number arrive; a repeat may
//! go back to an earlier number but then goes on from there without a gap. Invariant: a lost, re-ordered or invented
//! record makes it fail; repeats are counted.

use crate::kafka::Record;
use crate::writer::Committed;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the comparison found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Committed rows.
    pub committed: u64,
    /// Rows that arrived, repeats included.
    pub arrived: u64,
    /// Rows that never arrived.
    pub lost: u64,
    /// Rows that arrived again.
    pub repeated: u64,
}

impl std::fmt::Display for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            committed,
            arrived,
            lost,
            repeated,
        } = self;
        write!(
            f,
            "committed {committed}, arrived {arrived}, lost {lost}, repeated {repeated}"
        )
    }
}

/// Key and number of a record of the writer's table; `None` for a tombstone.
pub fn row(record: &Record) -> Result<Option<(u64, u64, Value)>> {
    if record.value.is_none() {
        return Ok(None);
    }
    let mut value = record.json()?;
    let envelope = if value.get("payload").is_some() {
        &mut value["payload"]
    } else {
        &mut value
    };
    let after = envelope["after"].take();
    let number = |field: &str| {
        after[field]
            .as_u64()
            .with_context(|| format!("{field} of {after}"))
    };
    Ok(Some((number("k")?, number("n")?, after.clone())))
}

/// Compares; an error where a key's numbers have a gap, run backwards other than as a repeat, or go beyond what was
/// committed.
pub fn compare(committed: &Committed, records: &[Record]) -> Result<Ledger> {
    let mut ledger = Ledger {
        committed: committed.values().sum(),
        ..Ledger::default()
    };
    let mut keys: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for (i, record) in records.iter().enumerate() {
        let Some((k, n, _)) = row(record)? else {
            continue;
        };
        let (last, most) = keys.entry(k).or_default();
        if n > *last + 1 {
            bail!("record {i}: key {k} jumps from {last} to {n}: lost or out of order");
        }
        if n > committed.get(&k).copied().unwrap_or(0) {
            bail!("record {i}: key {k} number {n} was never committed");
        }
        ledger.arrived += 1;
        ledger.repeated += u64::from(n <= *most);
        *last = n;
        *most = n.max(*most);
    }
    ledger.lost = committed
        .iter()
        .map(|(k, n)| n.saturating_sub(keys.get(k).map_or(0, |x| x.1)))
        .sum();
    Ok(ledger)
}

/// How many different committed rows are among these records.
pub fn distinct(records: &[Record]) -> Result<u64> {
    let mut most: BTreeMap<u64, u64> = BTreeMap::new();
    for r in records {
        if let Some((k, n, _)) = row(r)? {
            let m = most.entry(k).or_default();
            *m = n.max(*m);
        }
    }
    Ok(most.values().sum())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    fn records(rows: &[(u64, u64)]) -> Vec<Record> {
        let one = |(k, n): &(u64, u64)| Record {
            partition: 0,
            offset: 0,
            key: None,
            value: Some(
                serde_json::json!({"payload": {"after": {"k": k, "n": n}}})
                    .to_string()
                    .into_bytes(),
            ),
            headers: vec![],
        };
        rows.iter().map(one).collect()
    }

    #[test]
    fn loss_order_and_repeats_are_told_apart() {
        let committed = Committed::from([(1, 3), (2, 1)]);
        let good = compare(
            &committed,
            &records(&[(1, 1), (2, 1), (1, 2), (1, 1), (1, 2), (1, 3)]),
        )
        .unwrap();
        assert_eq!(
            good,
            Ledger {
                committed: 4,
                arrived: 6,
                lost: 0,
                repeated: 2
            }
        );
        assert_eq!(compare(&committed, &records(&[(1, 1)])).unwrap().lost, 3);
        assert!(
            compare(&committed, &records(&[(1, 1), (1, 3)])).is_err(),
            "a gap"
        );
        assert!(
            compare(&committed, &records(&[(1, 2)])).is_err(),
            "a gap at the start"
        );
        assert!(
            compare(&committed, &records(&[(2, 1), (2, 2)])).is_err(),
            "never committed"
        );
    }
}
