//! Waiting for a condition, with a limit.
//!
//! The only place that sleeps. Invariant: it fails after its limit and says what it waited for and what it saw last.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks until `look` answers a value; the error it last gave, if any, is told at the limit.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    let mut last = None;
    while start.elapsed() < limit {
        match look() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(e) => last = Some(e),
        }
        std::thread::sleep(LOOK_EVERY);
    }
    match last {
        Some(e) => Err(e.context(format!("waiting {limit:?} for {what}"))),
        None => bail!("waiting {limit:?} for {what}: it did not happen"),
    }
}
