//! The same SQL read by the real Debezium and by Tidegate: every record equal, byte for byte, after normalisation.
//!
//! `cargo x test differential`. Each seed is a workload in a database of its own; many share one run. By default a fixed
//! list of seeds within a bound of minutes; `TIDEGATE_DIFFERENTIAL_SEEDS=a..b` for others. A failure is shrunk to a small
//! script and printed with its seed. There are no exceptions: values on which Debezium disagrees with itself are not
//! generated, and each is a line of docs/compatibility.md. Invariant: a seed passes only if both wrote something and the
//! same.

mod column;
mod ddl;
mod dml;
mod pair;
mod random;
mod script;
mod shrink;
mod table;
mod text;
mod value;

use anyhow::{Context, Result, bail};
use pair::{Case, Outcome, Pair, VARIANTS};
use script::Script;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::services;

/// Without a wish: these, as far as the time reaches, and at least the first run of them.
const SEEDS: Range<u64> = 0..200;
const MINUTES_MAX: u64 = 8;
/// Workloads of one run.
const SEEDS_PER_RUN: u64 = 40;
/// Failures that are shrunk, each of another kind.
const SHRUNK_MAX: usize = 3;

/// The seeds to run, and how long at most.
fn seeds() -> Result<(Range<u64>, Option<Duration>)> {
    let Ok(wish) = std::env::var("TIDEGATE_DIFFERENTIAL_SEEDS") else {
        return Ok((SEEDS, Some(Duration::from_mins(MINUTES_MAX))));
    };
    let range = wish
        .split_once("..")
        .and_then(|(a, b)| Some(a.trim().parse().ok()?..b.trim().parse().ok()?));
    let range = range.filter(|r: &Range<u64>| !r.is_empty());
    let range = range.with_context(|| {
        format!("reading TIDEGATE_DIFFERENTIAL_SEEDS={wish}: give first..end, such as 0..200")
    })?;
    Ok((range, None))
}

fn case(seed: u64) -> Case {
    Case {
        variant: pair::variant(seed),
        script: Script::new(seed),
    }
}

/// Differences by seed; empty ones where both agree.
fn run(pair: &mut Pair, seeds: Range<u64>) -> Result<BTreeMap<u64, Vec<String>>> {
    let mut groups: Vec<Vec<u64>> = vec![Vec::new(); VARIANTS.len()];
    for seed in seeds {
        std::fs::write(file(seed), Script::new(seed).to_string())?;
        groups[pair::variant(seed)].push(seed);
    }
    groups.retain(|g| !g.is_empty());
    let mut out = BTreeMap::new();
    // A connector that failed says nothing about the other workloads of its group: both halves again, down to the one.
    while !groups.is_empty() {
        let cases = |group: &Vec<u64>| group.iter().map(|s| case(*s)).collect();
        let outcomes = pair.run(&groups.iter().map(cases).collect::<Vec<Vec<Case>>>())?;
        let mut again = Vec::new();
        for (group, outcome) in groups.into_iter().zip(outcomes) {
            match (outcome, &group[..]) {
                (Outcome::Compared(all), _) => out.extend(group.into_iter().zip(all)),
                (Outcome::Failed(why), [seed]) => {
                    out.insert(*seed, vec![why]);
                }
                (Outcome::Failed(_), several) => {
                    let (a, b) = several.split_at(several.len() / 2);
                    again.extend([a.to_vec(), b.to_vec()]);
                }
            }
        }
        groups = again;
    }
    Ok(out)
}

/// Where a seed's workload is written down.
fn file(seed: u64) -> PathBuf {
    services::checkout().join(format!("target/it/differential-{seed}.sql"))
}

#[test]
fn the_real_debezium_writes_the_same() {
    let _servers = tests::servers();
    let (seeds, limit) = seeds().unwrap();
    let started = Instant::now();
    let mut pair = Pair::start().unwrap();
    let mut differing = BTreeMap::new();
    let (mut next, mut equal) = (seeds.start, 0);
    while next < seeds.end && (next == seeds.start || limit.is_none_or(|l| started.elapsed() < l)) {
        let end = seeds.end.min(next + SEEDS_PER_RUN);
        let found = run(&mut pair, next..end).unwrap();
        for (seed, differences) in found {
            if differences.is_empty() {
                equal += 1;
            } else {
                println!(
                    "seed {seed} differs ({}):\n  {}",
                    file(seed).display(),
                    differences.join("\n  ")
                );
                differing.insert(seed, differences);
            }
        }
        println!(
            "seeds {}..{end}: {equal} equal, {} not, {} s",
            seeds.start,
            differing.len(),
            started.elapsed().as_secs()
        );
        next = end;
    }
    let counts = &pair.counts;
    println!(
        "{} statements ({} refused by the server), {} records of Debezium",
        counts.statements, counts.refused, counts.records
    );
    for (why, times) in pair.refusals().into_iter().take(12) {
        println!("  refused {times} times: {why}");
    }
    assert!(
        counts.refused * 4 < counts.statements,
        "the generator no longer fits the server"
    );
    report(&mut pair, &differing).unwrap();
}

/// Fails with small scripts if anything differs.
fn report(pair: &mut Pair, differing: &BTreeMap<u64, Vec<String>>) -> Result<()> {
    let mut kinds = std::collections::BTreeSet::new();
    for (seed, differences) in differing {
        let kind = differences
            .first()
            .map(|d| shrink::kind(d))
            .unwrap_or_default();
        if kinds.len() >= SHRUNK_MAX || !kinds.insert(kind) {
            continue;
        }
        let (small, differences) = shrink::shrink(pair, case(*seed), differences.clone())?;
        println!(
            "── seed {seed}, configuration {:?}:\n{}differs:\n  {}",
            VARIANTS[small.variant],
            small.script,
            differences.join("\n  ")
        );
    }
    if !differing.is_empty() {
        let seeds: Vec<String> = differing.keys().map(u64::to_string).collect();
        bail!(
            "{} workloads differ from Debezium's records: seeds {}",
            seeds.len(),
            seeds.join(", ")
        );
    }
    Ok(())
}
