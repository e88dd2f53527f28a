//! One binlog event: its header taken apart, and the few bodies that matter for positions.
//!
//! Bodies of statements and rows are read where they are used. Source: MySQL "Binary Log Event".
//! Invariant: malformed bytes are `None`, never a panic.

use crate::dump::RawEvent;
use mysql_common::binlog::consts::EventType;
use mysql_common::binlog::events::GtidEvent;

/// Which event, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rotate,
    Gtid,
    Query,
    Xid,
    XaPrepare,
    TableMap,
    Rows(RowsKind),
    RowsQuery,
    Payload,
    Heartbeat,
    /// Begins a file; has no part in positions.
    Format,
    Incident,
    Other,
}

/// What a rows event holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowsKind {
    pub op: RowsOp,
    /// Version 2: extra data before the columns.
    pub extra: bool,
    /// After-images may hold JSON differences.
    pub partial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowsOp {
    Write,
    Update,
    Delete,
}

/// A transaction's GTID event.
#[derive(Debug, Clone)]
pub(super) struct GtidBody {
    pub uuid: [u8; 16],
    pub tag: String,
    pub number: u64,
    /// Commit on the server where it began, in microseconds since the epoch; 0 before MySQL 8.0.1.
    pub commit_us: u64,
}

/// An event with its header taken apart.
#[derive(Debug)]
pub(super) struct BinlogEvent<'a> {
    pub kind: Kind,
    pub timestamp: u32,
    pub server_id: u32,
    pub bytes: u32,
    /// Where it begins; `None` for events the server made up for this connection and inside of a compressed transaction.
    pub position: Option<u64>,
    pub data: &'a [u8],
    pub event: &'a RawEvent,
}

impl<'a> BinlogEvent<'a> {
    pub(super) fn new(event: &'a RawEvent) -> Self {
        let header = &event.header;
        let begins = u64::from(header.next_position()).checked_sub(u64::from(header.bytes()));
        Self {
            kind: kind(header.kind()),
            timestamp: header.timestamp(),
            server_id: header.server_id(),
            bytes: header.bytes(),
            // Positions inside of a compressed transaction are of nothing on disk.
            position: begins.filter(|pos| *pos > 0 && !event.inner),
            data: &event.data,
            event,
        }
    }

    /// File and position of the next event. The first one of a connection may carry a checksum that nothing announced.
    pub(super) fn rotate(&self) -> Option<(String, u64)> {
        let (pos, mut name) = self.data.split_first_chunk::<8>()?;
        if let Some((head, sum)) = name.split_last_chunk::<4>() {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&self.event.header.summed());
            crc.update(pos);
            crc.update(head);
            if crc.finalize() == u32::from_le_bytes(*sum) {
                name = head;
            }
        }
        Some((
            String::from_utf8(name.to_vec()).ok()?,
            u64::from_le_bytes(*pos),
        ))
    }

    /// The GTID of a GTID event.
    pub(super) fn gtid(&self) -> Option<GtidBody> {
        let g = self.event.read::<GtidEvent>()?;
        let anonymous = self.event.header.kind() == EventType::ANONYMOUS_GTID_EVENT as u8;
        Some(GtidBody {
            uuid: g.sid(),
            tag: g.tag().map(ToString::to_string).unwrap_or_default(),
            number: if anonymous { 0 } else { g.gno() },
            commit_us: g.original_commit_timestamp(),
        })
    }
}

fn kind(raw: u8) -> Kind {
    let rows = |op, extra, partial| Kind::Rows(RowsKind { op, extra, partial });
    match raw {
        2 => Kind::Query,
        4 => Kind::Rotate,
        15 | 35 => Kind::Format,
        16 => Kind::Xid,
        19 => Kind::TableMap,
        23 => rows(RowsOp::Write, false, false),
        24 => rows(RowsOp::Update, false, false),
        25 => rows(RowsOp::Delete, false, false),
        26 => Kind::Incident,
        27 | 41 => Kind::Heartbeat,
        29 => Kind::RowsQuery,
        30 => rows(RowsOp::Write, true, false),
        31 => rows(RowsOp::Update, true, false),
        32 => rows(RowsOp::Delete, true, false),
        33 | 34 | 42 => Kind::Gtid,
        38 => Kind::XaPrepare,
        39 => rows(RowsOp::Update, true, true),
        40 => Kind::Payload,
        _ => Kind::Other,
    }
}
