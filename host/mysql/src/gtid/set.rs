//! MySQL's GTID and GTID set with tags: parse, print, algebra.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::GtidError;
use super::intervals::Intervals;

/// Largest transaction number MySQL assigns (`GNO_END - 1`).
const MAX_NUMBER: u64 = i64::MAX as u64 - 1;

/// The tag of a GTID since MySQL 8.3: `[a-z_][a-z0-9_]{0,31}`, kept in lower case; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Longest tag, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// A tag from its text; `None` if MySQL would refuse it. Empty text is no tag.
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = text.bytes();
        let good = match bytes.next() {
            None => true,
            Some(first) => {
                text.len() <= Self::MAX_BYTES
                    && (first.is_ascii_alphabetic() || first == b'_')
                    && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
            }
        };
        good.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The tag's text, empty for none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who numbered a transaction: a server's UUID and a tag. Orders as MySQL prints.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// `server_uuid`.
    pub uuid: Uuid,
    /// Tag, empty for none.
    pub tag: Tag,
}

/// One transaction: `uuid:number` or `uuid:tag:number`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtid {
    /// Who numbered it.
    pub source: Source,
    /// Its number, from 1.
    pub number: u64,
}

impl Gtid {
    /// A GTID; `None` for a number MySQL cannot assign (0 or above `i64::MAX - 1`).
    pub fn new(uuid: Uuid, tag: Tag, number: u64) -> Option<Self> {
        (1..=MAX_NUMBER).contains(&number).then_some(Self {
            source: Source { uuid, tag },
            number,
        })
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.source.uuid)?;
        if !self.source.tag.0.is_empty() {
            write!(f, "{}:", self.source.tag.0)?;
        }
        write!(f, "{}", self.number)
    }
}

impl FromStr for Gtid {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, GtidError> {
        let set: GtidSet = text.parse()?;
        let mut all = set.sources();
        if let (Some((source, &[(number, end)])), None) = (all.next(), all.next())
            && number == end
        {
            return Ok(Self {
                source: source.clone(),
                number,
            });
        }
        Err(GtidError::syntax("one uuid:number", text, 0))
    }
}

/// A set of transactions (`gtid_executed`, the `gtids` of an offset).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GtidSet {
    sources: BTreeMap<Source, Intervals>,
}

impl GtidSet {
    /// Longest text read, in bytes.
    pub const MAX_TEXT_BYTES: usize = 64 << 20;
    /// Most intervals read from one text, in intervals.
    pub const MAX_INTERVALS: usize = 1 << 20;

    /// Whether no transaction is in the set.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether the transaction is in the set.
    pub fn contains(&self, gtid: &Gtid) -> bool {
        self.sources
            .get(&gtid.source)
            .is_some_and(|held| held.contains(gtid.number))
    }

    /// Adds one transaction.
    pub fn add(&mut self, gtid: &Gtid) {
        self.add_range(gtid.source.clone(), gtid.number, gtid.number);
    }

    /// Adds `start..=end` of a source; numbers outside `1..=i64::MAX - 1` are cut off.
    pub fn add_range(&mut self, source: Source, start: u64, end: u64) {
        let (start, end) = (start.max(1), end.min(MAX_NUMBER));
        if start <= end {
            self.sources.entry(source).or_default().add(start, end);
        }
    }

    /// Adds every transaction of `other`.
    pub fn union(&mut self, other: &Self) {
        for (source, intervals) in &other.sources {
            self.sources
                .entry(source.clone())
                .or_default()
                .union(intervals);
        }
    }

    /// Removes every transaction of `other`.
    pub fn subtract(&mut self, other: &Self) {
        for (source, intervals) in &mut self.sources {
            if let Some(gone) = other.sources.get(source) {
                intervals.subtract(gone);
            }
        }
        self.sources.retain(|_, intervals| !intervals.is_empty());
    }

    /// Whether every transaction of this set is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.sources.iter().all(|(source, intervals)| {
            other
                .sources
                .get(source)
                .is_some_and(|held| intervals.is_subset(held))
        })
    }

    /// Keeps the sources whose UUID passes, all tags alike (`GtidSet.retainAll` in Debezium).
    pub fn retain(&mut self, mut keep: impl FnMut(&Uuid) -> bool) {
        self.sources.retain(|source, _| keep(&source.uuid));
    }

    /// Sources with their inclusive ranges, in MySQL's order.
    pub fn sources(&self) -> impl Iterator<Item = (&Source, &[(u64, u64)])> {
        self.sources
            .iter()
            .map(|(source, intervals)| (source, intervals.as_slice()))
    }
}

impl fmt::Display for GtidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut uuid: Option<&Uuid> = None;
        for (source, intervals) in &self.sources {
            if uuid != Some(&source.uuid) {
                if uuid.is_some() {
                    f.write_str(",")?;
                }
                write!(f, "{}", source.uuid)?;
                uuid = Some(&source.uuid);
            }
            if !source.tag.0.is_empty() {
                write!(f, ":{}", source.tag.0)?;
            }
            for &(start, end) in intervals.as_slice() {
                write!(f, ":{start}")?;
                if end != start {
                    write!(f, "-{end}")?;
                }
            }
        }
        Ok(())
    }
}

impl FromStr for GtidSet {
    type Err = GtidError;

    /// Reads what MySQL prints and accepts: blanks anywhere between symbols, empty members,
    /// UUIDs in any case, intervals in any order; an interval that ends before its start is empty.
    fn from_str(text: &str) -> Result<Self, GtidError> {
        if text.len() > Self::MAX_TEXT_BYTES {
            return Err(GtidError::TooLarge {
                limit: Self::MAX_TEXT_BYTES,
                unit: "bytes",
            });
        }
        let mut set = Self::default();
        let mut left = Self::MAX_INTERVALS;
        let mut offset = 0usize;
        for member in text.split(',') {
            set.read_member(text, member, offset, &mut left)?;
            offset += member.len() + 1;
        }
        Ok(set)
    }
}

impl GtidSet {
    fn read_member(
        &mut self,
        text: &str,
        member: &str,
        offset: usize,
        left: &mut usize,
    ) -> Result<(), GtidError> {
        if member.trim().is_empty() {
            return Ok(());
        }
        let mut parts = member.split(':');
        let head = parts.next().unwrap_or_default();
        let uuid = Uuid::try_parse(head.trim())
            .map_err(|_| GtidError::syntax("a server uuid", text, offset))?;
        let mut at = offset + head.len() + 1;
        let mut source = Source {
            uuid,
            tag: Tag::default(),
        };
        // MySQL asks for an interval after each uuid and after each tag.
        let mut empty = true;
        for part in parts {
            let body = part.trim();
            if body.starts_with(|c: char| c.is_ascii_digit()) {
                let (start, end) = read_interval(body)
                    .ok_or_else(|| GtidError::syntax("an interval n or n-m", text, at))?;
                *left = left.checked_sub(1).ok_or(GtidError::TooLarge {
                    limit: Self::MAX_INTERVALS,
                    unit: "intervals",
                })?;
                self.add_range(source.clone(), start, end);
                empty = false;
            } else {
                let tag = Tag::new(body).filter(|tag| !tag.0.is_empty());
                source.tag =
                    tag.ok_or_else(|| GtidError::syntax("an interval or a tag", text, at))?;
                empty = true;
            }
            at += part.len() + 1;
        }
        if empty {
            return Err(GtidError::syntax(
                "an interval",
                text,
                offset + member.len(),
            ));
        }
        Ok(())
    }

    /// Number of intervals over all sources.
    pub fn interval_count(&self) -> usize {
        self.sources.values().map(Intervals::len).sum()
    }
}

fn read_interval(body: &str) -> Option<(u64, u64)> {
    let number = |text: &str| {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits
            .then(|| text.parse::<u64>().ok())
            .flatten()
            .filter(|n| (1..=MAX_NUMBER).contains(n))
    };
    match body.split_once('-') {
        None => number(body).map(|n| (n, n)),
        Some((start, end)) => Some((number(start)?, number(end)?)),
    }
}
