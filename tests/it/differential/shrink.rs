//! A failing workload made small: statements are taken away while the difference stays.
//!
//! Delta debugging, with the candidates of a round run side by side, each in a database and with connectors of its own.
//! Invariant: what is returned was run and still differs; it ends within its rounds.

use super::pair::{Case, Outcome, Pair};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Candidates of a round.
const CANDIDATES_MAX: usize = 6;
/// Time for one workload.
const SHRINK_MAX: Duration = Duration::from_secs(200);

/// What kind of difference it is: its text without places in a topic and without values.
pub(super) fn kind(difference: &str) -> String {
    let parts = if difference.contains(" failed: ") {
        4
    } else {
        1
    };
    let place = difference
        .splitn(parts + 1, ": ")
        .take(parts)
        .collect::<Vec<_>>()
        .join(": ");
    let mut out = String::new();
    let mut inside = false;
    for c in place.chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if inside || c.is_ascii_digit() => {}
            c => out.push(c),
        }
    }
    out
}

/// The differences of one outcome's only workload.
pub(super) fn found(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Compared(all) => all.iter().flatten().cloned().collect(),
        Outcome::Failed(why) => vec![why.clone()],
    }
}

/// The smallest workload found that differs as `case` did; its differences.
pub(super) fn shrink(
    pair: &mut Pair,
    case: Case,
    differences: Vec<String>,
) -> Result<(Case, Vec<String>)> {
    let wanted: Vec<String> = differences.iter().map(|d| kind(d)).collect();
    let started = Instant::now();
    let (mut best, mut told) = (case, differences);
    let mut chunk = best.script.steps.len().div_ceil(4).max(1);
    let mut from = best.script.steps.len();
    // From the end backwards: late statements are the least likely to be needed by others.
    while started.elapsed() < SHRINK_MAX {
        let mut candidates = Vec::new();
        let mut ranges = Vec::new();
        let mut end = from.min(best.script.steps.len());
        while end > 0 && candidates.len() < CANDIDATES_MAX {
            let range = end.saturating_sub(chunk)..end;
            let mut smaller = best.clone();
            smaller.script.steps.drain(range.clone());
            candidates.push(vec![smaller]);
            end = range.start;
            ranges.push(range);
        }
        if !candidates.is_empty() {
            let outcomes = pair.run(&candidates)?;
            let still: Vec<_> = ranges
                .iter()
                .zip(&outcomes)
                .filter(|(_, o)| same(o, &wanted))
                .collect();
            let all: Vec<_> = still.iter().map(|(r, _)| (*r).clone()).collect();
            if let Some((smaller, differences)) = together(pair, &best, &all, &wanted)? {
                (best, told) = (smaller, differences);
            } else if let Some((range, outcome)) = still.first() {
                best.script.steps.drain((*range).clone());
                told = found(outcome);
            }
        }
        from = end;
        if end == 0 {
            if chunk == 1 {
                break;
            }
            chunk = (chunk / 3).max(1);
            from = best.script.steps.len();
        }
    }
    Ok((best, told))
}

fn same(outcome: &Outcome, wanted: &[String]) -> bool {
    found(outcome).iter().any(|d| wanted.contains(&kind(d)))
}

/// Everything that could go alone, gone at once; `None` where that is more than can be spared.
fn together(
    pair: &mut Pair,
    best: &Case,
    ranges: &[std::ops::Range<usize>],
    wanted: &[String],
) -> Result<Option<(Case, Vec<String>)>> {
    if ranges.len() < 2 {
        return Ok(None);
    }
    let mut smaller = best.clone();
    // Ranges come from the end backwards, so that those before stay where they are.
    for range in ranges {
        smaller.script.steps.drain(range.clone());
    }
    let outcomes = pair.run(&[vec![smaller.clone()]])?;
    let kept = outcomes.first().filter(|o| same(o, wanted));
    Ok(kept.map(|o| (smaller, found(o))))
}

#[test]
fn kinds_of_differences_look_past_places_and_values() {
    let a = kind("prefix.d0_1_.t3[4].value.payload.after.db_7: 1 instead of 2");
    assert_eq!(
        a,
        kind("prefix.d2_0_.t3[11].value.payload.after.db_7: 3 instead of 4")
    );
    assert_ne!(
        a,
        kind("prefix.d0_1_.t3[4].value.payload.before.db_7: 1 instead of 2")
    );
}
