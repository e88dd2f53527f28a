//! Looking at something until it has happened.
//!
//! As `tests::until`, with a pace of the caller's: what is timed is looked at often. Invariant: it fails after its limit
//! and says what it waited for.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Looks every so often until `look` answers a value; an error ends it.
pub fn watch<T>(
    what: &str,
    every: Duration,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if start.elapsed() > limit {
            bail!("waiting {limit:?} for {what}: it did not happen");
        }
        std::thread::sleep(every);
    }
}
