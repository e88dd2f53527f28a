//! Where the source stands in the binlog: Debezium's offset, as numbers.
//!
//! [`Position`] is the state machine of `BinlogOffsetContext`: the restart point is the running transaction's BEGIN, with
//! the events and rows of it that have been delivered. [`Offsets`] keeps one small entry a record and renders Debezium's
//! map only for the few that are stored. Where a row makes several records only the last one carries its offset. Nothing
//! here reads or writes.
//! Invariant: a restart at any rendered offset re-reads no row at or before it and misses none after it.

use crate::event::Place;
use crate::gtid::{Gtid, GtidSet};
use host_core::offset::{JsonMap, Offset, OffsetTable, SourcePartition};
use serde_json::Value;
use std::sync::Arc;

/// Change events of each table so far in a transaction (`transaction_data_collection_order_*`).
pub type Orders = Arc<[(Arc<str>, u64)]>;

/// What the offsets of one transaction's records share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// `file`.
    pub file: Arc<str>,
    /// `pos`.
    pub pos: u64,
    /// `gtids`: transactions completed before this one.
    pub gtids: Option<Arc<str>>,
    /// `server_id`, 0 while there is none.
    pub server_id: u32,
    /// `transaction_id`, where transaction metadata is on.
    pub transaction_id: Option<Arc<str>>,
    /// Whether a snapshot is running.
    pub snapshot: bool,
}

/// One record's offset.
#[derive(Debug, Clone)]
struct Entry {
    base: u32,
    ts_sec: i64,
    event: u64,
    row: u32,
    orders: Option<Orders>,
    carries: bool,
}

/// The offsets of a batch.
#[derive(Debug)]
pub struct Offsets {
    partition: Arc<str>,
    bases: Vec<Base>,
    entries: Vec<Entry>,
}

impl Offsets {
    /// An empty table for the connector with this `topic.prefix`.
    pub fn new(partition: Arc<str>) -> Self {
        Self {
            partition,
            bases: Vec::new(),
            entries: Vec::new(),
        }
    }
    /// Adds the next record's offset: that of `place`, if the record is the last of what `place` counts. Stored earlier,
    /// it would skip the records that are still to come.
    pub fn push(&mut self, base: Base, ts_sec: i64, place: Place, orders: Option<Orders>) {
        if self.bases.last() != Some(&base) {
            self.bases.push(base);
        }
        let base = self.bases.len().saturating_sub(1) as u32;
        self.entries.push(Entry {
            base,
            ts_sec,
            event: place.event,
            row: place.rows,
            orders,
            carries: place.ends,
        });
    }
    fn render(&self, index: usize) -> Option<Offset> {
        let e = self.entries.get(index).filter(|e| e.carries)?;
        let base = self.bases.get(e.base as usize)?;
        Some(Offset(render(
            base,
            e.ts_sec,
            e.event,
            e.row,
            e.orders.as_deref(),
        )))
    }
}

impl OffsetTable for Offsets {
    fn offset(&self, index: u32) -> Option<(SourcePartition, Offset)> {
        let mut partition = JsonMap::new();
        partition.insert("server".into(), Value::from(&*self.partition));
        Some((SourcePartition(partition), self.render(index as usize)?))
    }
}

/// Debezium's map, in the order its `HashMap` has.
pub fn render(
    base: &Base,
    ts_sec: i64,
    event: u64,
    row: u32,
    orders: Option<&[(Arc<str>, u64)]>,
) -> JsonMap {
    let mut map = JsonMap::new();
    if let Some(id) = base.transaction_id.as_deref() {
        map.insert("transaction_id".into(), id.into());
    }
    map.insert("ts_sec".into(), ts_sec.into());
    map.insert("file".into(), Value::from(&*base.file));
    map.insert("pos".into(), base.pos.into());
    if let Some(gtids) = base.gtids.as_deref() {
        map.insert("gtids".into(), gtids.into());
    }
    if base.snapshot {
        map.insert("snapshot".into(), "INITIAL".into());
    }
    if row != 0 {
        map.insert("row".into(), row.into());
    }
    if base.server_id != 0 {
        map.insert("server_id".into(), base.server_id.into());
    }
    if event != 0 {
        map.insert("event".into(), event.into());
    }
    for (table, count) in orders.unwrap_or_default() {
        map.insert(format!("{ORDER_PREFIX}{table}"), (*count).into());
    }
    map
}

const ORDER_PREFIX: &str = "transaction_data_collection_order_";

/// An offset as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// `file`.
    pub file: String,
    /// `pos`.
    pub pos: u64,
    /// `gtids`.
    pub gtids: Option<String>,
    /// `event`: events after BEGIN that were delivered.
    pub event: u64,
    /// `row`: rows of the next event that were delivered.
    pub row: u32,
    /// Whether a snapshot was running.
    pub snapshot: bool,
    /// `transaction_id`.
    pub transaction_id: Option<String>,
    /// `transaction_data_collection_order_*`.
    pub orders: Vec<(String, u64)>,
}

impl Stored {
    /// Reads a stored offset; the error says which field is wrong.
    pub fn parse(map: &JsonMap) -> Result<Self, String> {
        let text = |key: &str| match map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(s)) => Ok(Some(s.clone())),
            Some(_) => Err(format!("the offset's {key} is not a string")),
        };
        let number = |key: &str| match map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(v) => v
                .as_u64()
                .or_else(|| v.as_str().and_then(|s| s.parse().ok()))
                .map(Some)
                .ok_or_else(|| format!("the offset's {key} is not a whole number")),
        };
        let gtids = text("gtids")?;
        if let Some(set) = &gtids {
            set.parse::<GtidSet>()
                .map_err(|e| format!("the offset's gtids: {e}"))?;
        }
        let snapshot = match map.get("snapshot") {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(s)) => s != "false",
            Some(_) => true,
        };
        Ok(Self {
            file: text("file")?.ok_or("the offset has no file")?,
            pos: number("pos")?.ok_or("the offset has no pos")?,
            gtids,
            event: number("event")?.unwrap_or(0),
            row: u32::try_from(number("row")?.unwrap_or(0))
                .map_err(|_| "the offset's row is too large".to_owned())?,
            snapshot,
            transaction_id: text("transaction_id")?,
            orders: map
                .iter()
                .filter_map(|(k, v)| Some((k.strip_prefix(ORDER_PREFIX)?.to_owned(), v.as_u64()?)))
                .collect(),
        })
    }
}

/// The state machine.
#[derive(Debug, Clone)]
pub struct Position {
    /// File being read.
    pub file: Arc<str>,
    /// Start of the current event.
    pub pos: u64,
    event_bytes: u64,
    restart_file: Arc<str>,
    restart_pos: u64,
    /// Events since BEGIN that are complete.
    pub event: u64,
    /// Rows of the current event that are delivered.
    pub row: u32,
    in_transaction: bool,
    /// All transactions seen, the running one included; `None` without GTIDs.
    seen: Option<GtidSet>,
    restart_gtids: Option<Arc<str>>,
    /// The running or last transaction.
    pub gtid: Option<Arc<str>>,
    /// Server that wrote the current event.
    pub server_id: u32,
}

impl Position {
    /// A position in a file, `gtids` being complete before it. Without a known set none is kept from here on: a set
    /// that began in the middle would make a restart skip or repeat transactions.
    pub fn new(file: &str, pos: u64, gtids: Option<GtidSet>) -> Self {
        let file: Arc<str> = file.into();
        Self {
            restart_gtids: text_of(gtids.as_ref()),
            seen: gtids,
            restart_file: Arc::clone(&file),
            restart_pos: pos,
            file,
            pos,
            event_bytes: 0,
            event: 0,
            row: 0,
            in_transaction: false,
            gtid: None,
            server_id: 0,
        }
    }
    /// ROTATE: the next event is at `pos` of `file`.
    pub fn rotate(&mut self, file: &str, pos: u64) {
        if &*self.file != file {
            self.file = file.into();
        }
        self.pos = pos;
        self.event_bytes = 0;
        if !self.in_transaction {
            self.restart_file = Arc::clone(&self.file);
            self.restart_pos = pos;
            self.row = 0;
            self.event = 0;
        }
    }
    /// An event begins at `pos` and is `bytes` long.
    pub fn begin_event(&mut self, pos: u64, bytes: u64) {
        self.pos = pos;
        self.event_bytes = bytes;
        if !self.in_transaction {
            self.restart_file = Arc::clone(&self.file);
            self.restart_pos = pos + bytes;
            self.row = 0;
            self.event = 0;
        }
    }
    /// The current event has been handled.
    pub fn complete_event(&mut self) {
        self.event += 1;
    }
    /// GTID: a transaction follows.
    pub fn begin_gtid(&mut self, gtid: &Gtid) {
        // What is complete if this transaction is not: all before it.
        self.restart_gtids = text_of(self.seen.as_ref());
        if let Some(seen) = &mut self.seen {
            seen.add(gtid);
        }
        self.gtid = Some(gtid.to_string().into());
    }
    /// BEGIN.
    pub fn begin_transaction(&mut self) {
        self.row = 0;
        self.event = 0;
        self.restart_file = Arc::clone(&self.file);
        self.restart_pos = self.pos;
        self.in_transaction = true;
    }
    /// XID or COMMIT.
    pub fn commit(&mut self) {
        self.restart_gtids = text_of(self.seen.as_ref());
        self.restart_file = Arc::clone(&self.file);
        self.restart_pos = self.pos + self.event_bytes;
        self.row = 0;
        self.event = 0;
        self.in_transaction = false;
    }
    /// Whether a BEGIN has been seen without its COMMIT.
    pub fn in_transaction(&self) -> bool {
        self.in_transaction
    }
    /// Id of the running transaction (`BinlogOffsetContext.setTransactionId`).
    pub fn transaction_id(&self) -> Option<Arc<str>> {
        self.in_transaction.then(|| match &self.gtid {
            Some(gtid) => Arc::clone(gtid),
            None => format!("file={},pos={}", self.restart_file, self.restart_pos).into(),
        })
    }
    /// What the offsets of records made now share.
    pub fn base(&self, snapshot: bool) -> Base {
        Base {
            file: Arc::clone(&self.restart_file),
            pos: self.restart_pos,
            gtids: self.restart_gtids.clone(),
            server_id: self.server_id,
            transaction_id: None,
            snapshot,
        }
    }
    /// The transactions seen so far.
    pub fn gtids(&self) -> Option<&GtidSet> {
        self.seen.as_ref()
    }
}

fn text_of(gtids: Option<&GtidSet>) -> Option<Arc<str>> {
    gtids
        .filter(|g| !g.is_empty())
        .map(|g| g.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "3da89d6b-e5b5-11f1-9f9e-02fc00000001";

    fn text(p: &Position, row: u32) -> String {
        Value::Object(render(&p.base(false), 7, p.event, row, None)).to_string()
    }

    #[test]
    fn the_restart_point_is_the_transactions_begin() {
        let seen: GtidSet = format!("{UUID}:1-8").parse().unwrap();
        let mut p = Position::new("mysql-bin.000001", 2000, Some(seen));
        p.server_id = 1001;
        p.begin_event(2430, 79);
        p.begin_gtid(&format!("{UUID}:9").parse().unwrap());
        p.complete_event();
        p.begin_event(2509, 80);
        p.begin_transaction();
        p.complete_event();
        for pos in [2589, 2650] {
            p.begin_event(pos, 50);
            p.complete_event();
        }
        p.begin_event(2703, 44);
        // The golden snapshot/initial ends with this very offset.
        let want = format!(
            r#"{{"ts_sec":7,"file":"mysql-bin.000001","pos":2509,"gtids":"{UUID}:1-8","row":1,"server_id":1001,"event":3}}"#
        );
        assert_eq!(text(&p, 1), want);
        p.complete_event();
        p.begin_event(2747, 31);
        p.commit();
        assert_eq!(p.base(false).pos, 2778);
        assert_eq!(
            p.base(false).gtids.as_deref(),
            Some(&*format!("{UUID}:1-9"))
        );
    }

    #[test]
    fn stored_offsets_come_back() {
        let p = Position::new("f", 4, None);
        let map = render(&p.base(true), 1, 3, 2, Some(&[("a.b".into(), 5)]));
        let stored = Stored::parse(&map).unwrap();
        assert!(stored.snapshot && stored.gtids.is_none());
        assert_eq!((stored.event, stored.row, stored.pos), (3, 2, 4));
        assert_eq!(stored.orders, [("a.b".to_owned(), 5)]);
        for (bad, why) in [
            (r#"{"pos":1}"#, "no file"),
            (r#"{"file":"f"}"#, "no pos"),
            (r#"{"file":"f","pos":-1}"#, "whole number"),
            (r#"{"file":"f","pos":1,"gtids":"x"}"#, "gtids"),
        ] {
            let got = Stored::parse(&serde_json::from_str(bad).unwrap()).unwrap_err();
            assert!(got.contains(why), "{bad}: {got}");
        }
    }
}
