//! The seeded load: the same rows and the same changes at every run.
//!
//! A table of 16 columns; 70 % inserts, 20 % updates and 10 % deletes in transactions of 10 to 100 rows; every updated row
//! really changes. Deliberately one session. Invariant: an id is inserted once, changed while it lives and deleted at most
//! once, so that order per key can be told from the topic.

use ::tests::mysql::Session;
use ::tests::writer::Random;
use anyhow::Result;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant, SystemTime};

const SEED: u64 = 42;
/// Rows of one INSERT that fills a table.
const FILL_ROWS: u64 = 1000;
/// Transactions a second of the even pace.
const PACE: u64 = 50;
const TABLE: &str = "(
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  customer_id INT NOT NULL,
  order_no CHAR(12) NOT NULL,
  status ENUM('new','paid','packed','shipped','returned') NOT NULL DEFAULT 'new',
  email VARCHAR(80) NOT NULL,
  ship_name VARCHAR(60) NULL,
  ship_street VARCHAR(80) NULL,
  ship_city VARCHAR(40) NULL,
  country CHAR(2) NOT NULL,
  amount DECIMAL(12,2) NOT NULL,
  discount DOUBLE NULL,
  express TINYINT(1) NOT NULL DEFAULT 0,
  ordered_on DATE NOT NULL,
  created_at DATETIME(3) NOT NULL,
  placed_us BIGINT NOT NULL DEFAULT 0,
  note VARCHAR(200) NULL
)";
const STATUS: [&str; 5] = ["new", "paid", "packed", "shipped", "returned"];
const FIRST: [&str; 12] = [
    "Ann", "Bob", "Chloé", "Dmitri", "Eve", "Farid", "Grete", "Hiro", "Iñaki", "Jürgen", "Kim",
    "Lena",
];
const LAST: [&str; 10] = [
    "Smith", "Müller", "Tanaka", "García", "Ivanov", "Okafor", "Silva", "Novák", "Jensen", "Dubois",
];
const STREET: [&str; 6] = [
    "High Street",
    "Hauptstraße",
    "Rue de la Paix",
    "Main Street",
    "Calle Mayor",
    "Long Lane",
];
const CITY: [&str; 8] = [
    "London",
    "Berlin",
    "Paris",
    "Springfield",
    "Madrid",
    "Osaka",
    "Lagos",
    "Praha",
];
const LAND: [&str; 8] = ["GB", "DE", "FR", "US", "ES", "JP", "NG", "CZ"];
const WORDS: [&str; 17] = [
    "leave",
    "with",
    "neighbour",
    "ring",
    "twice",
    "fragile",
    "gift",
    "wrap",
    "invoice",
    "separately",
    "call",
    "before",
    "delivery",
    "no",
    "substitutions",
    "please",
    "thanks",
];

/// What has been written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) inserts: u64,
    pub(crate) updates: u64,
    pub(crate) deletes: u64,
    pub(crate) transactions: u64,
    /// The highest id.
    pub(crate) top: u64,
}

/// Creates a database with an empty table `orders`.
pub(crate) fn create(session: &mut Session, database: &str) -> Result<()> {
    session.run(&format!("DROP DATABASE IF EXISTS {database}"))?;
    session.run(&format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"))?;
    session.run(&format!("CREATE TABLE {database}.orders {TABLE}"))
}

/// Fills a table without writing to the binlog.
pub(crate) fn fill(session: &mut Session, database: &str, rows: u64) -> Result<()> {
    let mut random = Random::new(SEED);
    session.run("SET SESSION sql_log_bin = 0")?;
    let mut done = 0;
    while done < rows {
        let n = FILL_ROWS.min(rows - done);
        session.run(&insert(&mut random, database, done + 1, n, 0))?;
        done += n;
    }
    session.run("SET SESSION sql_log_bin = 1")
}

/// Adds one row: a mark that a connector has come this far.
pub(crate) fn mark(session: &mut Session, database: &str, id: u64) -> Result<()> {
    session.run(&insert(&mut Random::new(SEED), database, id, 1, 0))
}

/// Writes `changes` row changes into a table that holds the ids up to `top`, which stay as they are.
pub(crate) fn changes(
    session: &mut Session,
    database: &str,
    top: u64,
    changes: u64,
    mut told: impl FnMut(u64),
) -> Result<Written> {
    let mut random = Random::new(SEED + 1);
    let mut live = Vec::new();
    let mut written = Written {
        top,
        ..Written::default()
    };
    let mut done = 0;
    while done < changes {
        let n = (10 + random.below(91)).min(changes - done);
        transaction(session, database, &mut random, &mut live, &mut written, n)?;
        done += n;
        told(done);
    }
    Ok(written)
}

/// One transaction of `n` changes. A row that it deletes it does not also update, and none twice: what would be a repeat
/// is an insert.
fn transaction(
    session: &mut Session,
    database: &str,
    random: &mut Random,
    live: &mut Vec<u64>,
    written: &mut Written,
    n: u64,
) -> Result<()> {
    const LIVE_MIN: usize = 100;
    let (mut updated, mut deleted) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..n {
        let kind = random.below(10);
        if kind < 7 || live.len() < LIVE_MIN {
            continue;
        }
        let at = random.below(live.len() as u64) as usize;
        if kind < 9 {
            updated.extend(live.get(at));
        } else {
            deleted.insert(live.swap_remove(at));
        }
    }
    updated.retain(|id| !deleted.contains(id));
    let inserted = n - updated.len() as u64 - deleted.len() as u64;
    session.run("START TRANSACTION")?;
    if inserted > 0 {
        let first = written.top + 1;
        session.run(&insert(random, database, first, inserted, 0))?;
        written.top += inserted;
        live.extend(first..=written.top);
    }
    if !updated.is_empty() {
        session.run(&format!(
            "UPDATE {database}.orders SET status = ELT(1 + status MOD 5, 'new','paid','packed','shipped','returned'), \
             amount = amount + 1, note = CONCAT('upd ', id) WHERE id IN ({})",
            list(&updated)
        ))?;
    }
    if !deleted.is_empty() {
        session.run(&format!(
            "DELETE FROM {database}.orders WHERE id IN ({})",
            list(&deleted)
        ))?;
    }
    session.run("COMMIT")?;
    written.inserts += inserted;
    written.updates += updated.len() as u64;
    written.deletes += deleted.len() as u64;
    written.transactions += 1;
    Ok(())
}

fn list(ids: &BTreeSet<u64>) -> String {
    let all: Vec<String> = ids.iter().map(u64::to_string).collect();
    all.join(",")
}

/// Writes `rate` rows a second for this long, each with the clock in µs from before its INSERT was sent; the number of rows.
pub(crate) fn steady(
    session: &mut Session,
    database: &str,
    rate: u64,
    period: Duration,
) -> Result<u64> {
    let mut random = Random::new(SEED + 2);
    let begun = Instant::now();
    let (batch, last) = (rate / PACE, PACE * period.as_secs());
    for i in 0..last {
        let due = Duration::from_secs(1) * i as u32 / PACE as u32;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let sql = insert_now(&mut random, database, batch);
        session.run(&sql)?;
    }
    Ok(last * batch)
}

fn insert_now(random: &mut Random, database: &str, rows: u64) -> String {
    insert(random, database, 0, rows, now_us())
}

/// The clock in µs.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |d| d.as_micros() as u64)
}

/// An INSERT of `rows` rows with ids from `first` on; 0 lets the server number them.
fn insert(random: &mut Random, database: &str, first: u64, rows: u64, placed_us: u64) -> String {
    let mut sql = format!("INSERT INTO {database}.orders VALUES ");
    for i in 0..rows {
        let id = if first == 0 { 0 } else { first + i };
        sql.push_str(if i == 0 { "" } else { "," });
        row(&mut sql, random, id, placed_us);
    }
    sql
}

fn row(sql: &mut String, random: &mut Random, id: u64, placed_us: u64) {
    let mut below = |n: u64| random.below(n);
    let mut any = |of: &[&'static str]| of[below(of.len() as u64) as usize];
    let (first, last, street) = (any(&FIRST), any(&LAST), any(&STREET));
    let (status, city, land) = (any(&STATUS), any(&CITY), any(&LAND));
    let mut note = String::from("NULL");
    if below(10) >= 3 {
        let words: Vec<&str> = (0..3 + below(6))
            .map(|_| WORDS[below(WORDS.len() as u64) as usize])
            .collect();
        note = format!("'{}'", words.join(" "));
    }
    let discount = if below(2) == 0 {
        "NULL".to_owned()
    } else {
        format!("{}e0", below(100) as f64 / 100.0)
    };
    let (express, house) = (u64::from(below(5) == 0), 1 + below(399));
    let mut day = || format!("2024-{:02}-{:02}", 1 + below(12), 1 + below(28));
    let (ordered, created) = (day(), day());
    // Writing to a string cannot fail.
    let _infallible = write!(
        sql,
        "({id},{},'SO{:010}','{status}','customer{}@example.com','{first} {last}','{house} {street}','{city}','{land}',\
         {}.{:02},{discount},{express},'{ordered}','{created} {:02}:{:02}:{:02}.{:03}',{placed_us},{note})",
        1 + below(499_999),
        below(10_000_000_000),
        below(1_000_000),
        1 + below(4999),
        below(100),
        below(24),
        below(60),
        below(60),
        below(1000),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_rows_and_ids_count_up() {
        let made = |seed| insert(&mut Random::new(seed), "d", 5, 2, 9);
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        let sql = made(1);
        assert!(sql.starts_with("INSERT INTO d.orders VALUES (5,"), "{sql}");
        assert!(sql.contains("),(6,"), "{sql}");
    }
}
