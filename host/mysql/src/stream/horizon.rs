//! How far the structure is ahead of the stream, after `snapshot.mode=recovery` has read it as it is now.
//!
//! A statement up to there is in it already: applied once more it would fail, or undo what followed. It does not tell what
//! the structure was for rows before such a statement; nobody knows. Invariant: nothing written after the structure was
//! read is behind the horizon.

use crate::connection::BinlogStatus;
use crate::gtid::{Gtid, GtidSet};
use crate::position::Position;

/// The end of the binlog when the structure was read.
#[derive(Debug)]
pub(crate) struct Horizon {
    file: String,
    pos: u64,
    gtids: Option<GtidSet>,
}

impl Horizon {
    /// At this end; `by_gtid` where the server has GTIDs.
    pub(crate) fn new(status: &BinlogStatus, by_gtid: bool) -> Self {
        let gtids = status.gtids.as_deref().filter(|_| by_gtid);
        Self {
            file: status.file.clone(),
            pos: status.pos,
            gtids: gtids.and_then(|g| g.parse().ok()),
        }
    }

    /// Whether the event at this position was written before the structure was read.
    pub(super) fn covers(&self, position: &Position) -> bool {
        let gtid: Option<Gtid> = position.gtid.as_deref().and_then(|g| g.parse().ok());
        match (&self.gtids, gtid) {
            (Some(known), Some(gtid)) => known.contains(&gtid),
            // Numbers of files grow in length after .999999.
            _ => {
                let at = (position.file.len(), &*position.file, position.pos);
                at < (self.file.len(), &*self.file, self.pos)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "7145bf69-d1ca-11e5-a588-0242ac110004";

    fn horizon(gtids: Option<&str>) -> Horizon {
        let status = BinlogStatus {
            file: "b.000009".into(),
            pos: 100,
            gtids: gtids.map(|g| format!("{SOURCE}:{g}")),
        };
        Horizon::new(&status, gtids.is_some())
    }

    #[test]
    fn by_file_and_position() {
        for (file, pos, covered) in [
            ("b.000008", 900, true),
            ("b.000009", 99, true),
            ("b.000009", 100, false),
            ("b.000010", 4, false),
            ("b.1000000", 4, false),
        ] {
            let position = Position::new(file, pos, None);
            assert_eq!(horizon(None).covers(&position), covered, "{file} {pos}");
        }
    }

    #[test]
    fn by_gtid_whatever_the_file() {
        for (number, covered) in [(7, true), (8, false)] {
            let mut position = Position::new("other.000001", 4, Some(GtidSet::default()));
            position.gtid = Some(format!("{SOURCE}:{number}").into());
            assert_eq!(horizon(Some("1-7")).covers(&position), covered);
        }
    }
}
