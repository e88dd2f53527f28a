//! One binlog event as it was sent: header and body, the checksum checked and taken off.
//!
//! Bodies are taken apart where they are used. Source: MySQL "Binary Log Event".
//! Invariant: an event whose checksum does not match never becomes a [`RawEvent`].

use mysql_common::binlog::consts::BinlogVersion;
use mysql_common::binlog::events::FormatDescriptionEvent;
use mysql_common::binlog::{BinlogCtx, BinlogEvent};
use mysql_common::io::ParseBuf;
use std::sync::LazyLock;

/// Bytes of an event's header.
pub(crate) const HEADER_BYTES: usize = 19;
/// Bytes of a checksum.
pub(super) const CHECKSUM_BYTES: usize = 4;

/// Lengths of post-headers, alike in all servers that write binlogs of version 4.
static FORMAT: LazyLock<FormatDescriptionEvent<'static>> =
    LazyLock::new(|| FormatDescriptionEvent::new(BinlogVersion::Version4));

/// An event's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header(pub(super) [u8; HEADER_BYTES]);

impl Header {
    fn u32(&self, at: usize) -> u32 {
        let bytes = self.0.get(at..).and_then(|b| b.first_chunk());
        bytes.map_or(0, |b| u32::from_le_bytes(*b))
    }
    /// Seconds since the epoch.
    pub(crate) fn timestamp(&self) -> u32 {
        self.u32(0)
    }
    /// Type of the event.
    pub(crate) fn kind(&self) -> u8 {
        self.0[4]
    }
    /// Server that wrote it.
    pub(crate) fn server_id(&self) -> u32 {
        self.u32(5)
    }
    /// Its length with header and checksum, in bytes.
    pub(crate) fn bytes(&self) -> u32 {
        self.u32(9)
    }
    /// Where the next event begins, modulo 4 GiB.
    pub(crate) fn next_position(&self) -> u32 {
        self.u32(13)
    }
    /// The header as checksums see it: without the flag of a file that is still being written.
    pub(crate) fn summed(&self) -> [u8; HEADER_BYTES] {
        const IN_USE: u8 = 1;
        let mut header = self.0;
        header[17] &= !IN_USE;
        header
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawEvent {
    /// Its header.
    pub header: Header,
    /// Its body, without checksum.
    pub data: Vec<u8>,
    /// Whether it comes out of a compressed transaction, whose positions are its own.
    pub inner: bool,
}

impl RawEvent {
    /// Reads the body as one of the driver's events.
    pub(crate) fn read<'a, T: BinlogEvent<'a>>(&'a self) -> Option<T> {
        let bytes = HEADER_BYTES + self.data.len();
        let mut body = ParseBuf(&self.data);
        let event = body.parse(BinlogCtx::new(bytes, &FORMAT, self.header.kind()));
        event.ok().filter(|_| body.is_empty())
    }
}
