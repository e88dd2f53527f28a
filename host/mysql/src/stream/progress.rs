//! The stored offset moves on where nothing is captured: idle servers, filtered databases and tables.
//!
//! Debezium moves it only with a record, so that a quiet connector falls behind until the server purges what it would
//! start from; users help themselves with heartbeat tables. Here an offset is told without a record. The server's own
//! heartbeat wakes the reader while nothing is written at all. Invariant: an offset is told only between transactions,
//! after everything before it (promise 1 holds for it as for a record's).

use super::Streaming;
use crate::event::Place;
use crate::position::Base;
use crate::reader::Reader;
use std::time::Duration;
use tokio::time::Instant;

/// How often an offset is told without a record, at most.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

/// What was told last, and when the next is due.
#[derive(Debug)]
pub(super) struct Progress {
    due: Instant,
    told: Option<Base>,
}

impl Progress {
    /// Reading begins; `stored` is the offset that is stored already. A snapshot's end is not: its last record may have
    /// been one of many, or there was none at all.
    pub(super) fn new(stored: Option<Base>) -> Self {
        Self {
            due: Instant::now() + PROGRESS_EVERY,
            told: stored,
        }
    }

    /// The offset, if it is to be told now.
    fn told(&mut self, now: Instant, offset: impl FnOnce() -> Base) -> Option<Base> {
        if now < self.due {
            return None;
        }
        self.due = now + PROGRESS_EVERY;
        let offset = offset();
        if self.told.as_ref() == Some(&offset) {
            return None;
        }
        self.told = Some(offset.clone());
        Some(offset)
    }
}

impl Streaming {
    /// Tells how far reading has come, from time to time.
    pub(super) fn tell_progress(&mut self, reader: &mut Reader) {
        if !self.between || self.position.in_transaction() || self.skipping || self.skip_rows > 0 {
            return;
        }
        let offset = || self.transactions.base(&self.position);
        if let Some(base) = self.progress.told(Instant::now(), offset) {
            reader.writer.at(base, self.ts_ns);
            reader.writer.passed(Place::after_events(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_told_once_and_not_too_often() {
        let base = |pos| Base {
            file: "f".into(),
            pos,
            gtids: None,
            server_id: 1,
            transaction_id: None,
            snapshot: false,
        };
        let begin = Instant::now();
        let mut progress = Progress::new(Some(base(4)));
        progress.due = begin + PROGRESS_EVERY;
        for (after_s, pos, tells) in [
            (0, 4, false),
            (1, 9, false),
            (5, 9, true),
            (6, 12, false),
            (11, 12, true),
            (17, 12, false),
            (30, 13, true),
        ] {
            let now = begin + Duration::from_secs(after_s);
            assert_eq!(
                progress.told(now, || base(pos)).is_some(),
                tells,
                "{after_s} s"
            );
        }
    }
}
