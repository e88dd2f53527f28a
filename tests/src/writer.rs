//! A load of committed changes, each of which can be recognised when it arrives.
//!
//! Every key's rows are numbered 1, 2, 3 … in the order of their commits; a transaction changes several keys, and now
//! and then the table itself is altered. Invariant: what is counted as committed was committed.

use crate::mysql::Session;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Keys that are written in turn.
pub const KEYS: u64 = 7;

/// How many numbers of each key have been committed.
pub type Committed = BTreeMap<u64, u64>;

/// A simple generator, so that a seed repeats a run.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n.max(1)
    }
}

/// Writes on a thread of its own until it is told to stop.
#[derive(Debug)]
pub struct Writer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<Committed>>,
}

/// Creates database and table (`<database>.t`) with `rows` rows of every key before the load begins.
pub fn prepare(database: &str, rows: u64) -> Result<Committed> {
    let mut s = Session::open()?;
    s.run(&format!("DROP DATABASE IF EXISTS {database}"))?;
    s.run(&format!("CREATE DATABASE {database}"))?;
    s.run(&format!(
        "CREATE TABLE {database}.t (k INT, n INT, pad VARCHAR(200), PRIMARY KEY (k, n))"
    ))?;
    let pad = "x".repeat(150);
    for k in 0..KEYS {
        let all: Vec<String> = (1..=rows).map(|n| format!("({k},{n},'{pad}')")).collect();
        for chunk in all.chunks(1000) {
            s.run(&format!(
                "INSERT INTO {database}.t VALUES {}",
                chunk.join(",")
            ))?;
        }
    }
    Ok((0..KEYS).map(|k| (k, rows)).collect())
}

impl Writer {
    /// Begins to write after `committed`, pausing `pause` between transactions; alters the table now and then if
    /// `alter`.
    pub fn start(
        database: &str,
        seed: u64,
        committed: Committed,
        pause: Duration,
        alter: bool,
    ) -> Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, database) = (Arc::clone(&stop), database.to_owned());
        let mut session = Session::open()?;
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let mut random = Random::new(seed);
                let mut committed = committed;
                let mut columns = 0;
                while !told.load(Ordering::Acquire) {
                    if alter && random.below(25) == 0 {
                        columns += 1;
                        session.run(&format!(
                            "ALTER TABLE {database}.t ADD COLUMN c{columns} INT DEFAULT {columns}"
                        ))?;
                    }
                    transaction(&mut session, &database, &mut random, &mut committed)?;
                    std::thread::sleep(pause);
                }
                Ok(committed)
            })?;
        Ok(Self { stop, thread })
    }
    /// Stops; what has been committed in all.
    pub fn finish(self) -> Result<Committed> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().ok().context("the writer panicked")?
    }
}

fn transaction(
    s: &mut Session,
    database: &str,
    random: &mut Random,
    committed: &mut Committed,
) -> Result<()> {
    let mut after = committed.clone();
    s.run("START TRANSACTION")?;
    for _ in 0..=random.below(4) {
        let k = random.below(KEYS);
        let n = after.entry(k).or_default();
        let rows: Vec<String> = (0..=random.below(5))
            .map(|_| {
                *n += 1;
                format!("({k},{n},'w')")
            })
            .collect();
        s.run(&format!(
            "INSERT INTO {database}.t (k, n, pad) VALUES {}",
            rows.join(",")
        ))?;
    }
    if random.below(8) == 0 {
        return s.run("ROLLBACK");
    }
    s.run("COMMIT")?;
    *committed = after;
    Ok(())
}
