//! MariaDB's GTID: `domain-server-sequence`, and the list of the last one of each domain and
//! server (`gtid_binlog_state`; `gtid_slave_pos` is the same with one server a domain).
//!
//! A list stands for all transactions up to its members, so containment compares sequences.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::{GtidError, GtidSet};

/// One transaction of MariaDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MariaDbGtid {
    /// Replication domain.
    pub domain: u32,
    /// `server_id` of the server that wrote it.
    pub server: u32,
    /// Sequence number within the domain.
    pub sequence: u64,
}

impl fmt::Display for MariaDbGtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.sequence)
    }
}

impl FromStr for MariaDbGtid {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        read(text.trim()).ok_or_else(|| GtidError::syntax("domain-server-sequence", text, 0))
    }
}

fn read(text: &str) -> Option<MariaDbGtid> {
    let mut parts = text.split('-').map(|part| {
        part.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| part.parse::<u64>().ok())
            .flatten()
    });
    let mut next = || parts.next().flatten();
    let gtid = MariaDbGtid {
        domain: u32::try_from(next()?).ok()?,
        server: u32::try_from(next()?).ok()?,
        sequence: next()?,
    };
    parts.next().is_none().then_some(gtid)
}

/// The last transaction of each domain and server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MariaDbGtidSet(BTreeMap<(u32, u32), u64>);

impl MariaDbGtidSet {
    /// Whether it names no transaction.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the transaction is at or before this list.
    pub fn contains(&self, gtid: &MariaDbGtid) -> bool {
        self.0
            .get(&(gtid.domain, gtid.server))
            .is_some_and(|&last| gtid.sequence <= last)
    }

    /// Moves its domain and server on to the transaction; never back.
    pub fn add(&mut self, gtid: MariaDbGtid) {
        let last = self.0.entry((gtid.domain, gtid.server)).or_default();
        *last = gtid.sequence.max(*last);
    }

    /// Moves every domain and server of `other` on.
    pub fn union(&mut self, other: &Self) {
        other.iter().for_each(|gtid| self.add(gtid));
    }

    /// Whether everything this list stands for is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|gtid| other.contains(&gtid))
    }

    /// Members by domain and server.
    pub fn iter(&self) -> impl Iterator<Item = MariaDbGtid> {
        self.0
            .iter()
            .map(|(&(domain, server), &sequence)| MariaDbGtid {
                domain,
                server,
                sequence,
            })
    }
}

impl fmt::Display for MariaDbGtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, gtid) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{gtid}")?;
        }
        Ok(())
    }
}

impl FromStr for MariaDbGtidSet {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        let mut set = Self::default();
        let mut offset = 0usize;
        for member in text.split(',') {
            let body = member.trim();
            if !body.is_empty() {
                let gtid = read(body)
                    .ok_or_else(|| GtidError::syntax("domain-server-sequence", text, offset))?;
                set.add(gtid);
                if set.0.len() > GtidSet::MAX_INTERVALS {
                    return Err(GtidError::TooLarge {
                        limit: GtidSet::MAX_INTERVALS,
                        unit: "members",
                    });
                }
            }
            offset += member.len() + 1;
        }
        Ok(set)
    }
}
