//! The fixed-size entries of a batch: one for each record, one for each header.
//!
//! They hold addresses, not data, and know nothing of schemas. Invariant: `from_bytes(to_bytes(x)) == x`.

use crate::Malformed;
use crate::slot::{SLOT_BYTES, Slot};

/// Size of a record entry in bytes.
pub const RECORD_BYTES: usize = 80;
/// Size of a header entry in bytes.
pub const HEADER_BYTES: usize = 32;
const HAS_TIMESTAMP: u32 = 1;

/// One record of a batch: Connect's `SourceRecord` without the source's offset, which stays with the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordEntry {
    /// Address of the topic's name.
    pub topic: u32,
    /// Its length in bytes.
    pub topic_len: u32,
    /// Kafka partition, or `None` for the partitioner's choice.
    pub partition: Option<u32>,
    /// Kafka timestamp in milliseconds since the epoch, or `None` for the producer's clock.
    pub timestamp_ms: Option<i64>,
    /// Schema of the key; 0 for none.
    pub key_schema: u32,
    /// Schema of the value; 0 for none.
    pub value_schema: u32,
    /// The key.
    pub key: Slot,
    /// The value. A tombstone has a null value and no value schema.
    pub value: Slot,
    /// Address of the header entries.
    pub headers: u32,
    /// Number of header entries.
    pub headers_len: u32,
}

impl RecordEntry {
    /// Its 80 bytes.
    pub fn to_bytes(&self) -> [u8; RECORD_BYTES] {
        let mut b = [0; RECORD_BYTES];
        let flags = if self.timestamp_ms.is_some() {
            HAS_TIMESTAMP
        } else {
            0
        };
        let partition = self.partition.map_or(-1, |p| p as i32);
        b[0..4].copy_from_slice(&self.topic.to_le_bytes());
        b[4..8].copy_from_slice(&self.topic_len.to_le_bytes());
        b[8..12].copy_from_slice(&partition.to_le_bytes());
        b[12..16].copy_from_slice(&flags.to_le_bytes());
        b[16..24].copy_from_slice(&self.timestamp_ms.unwrap_or(0).to_le_bytes());
        b[24..28].copy_from_slice(&self.key_schema.to_le_bytes());
        b[28..32].copy_from_slice(&self.value_schema.to_le_bytes());
        b[32..48].copy_from_slice(&self.key.to_bytes());
        b[48..64].copy_from_slice(&self.value.to_bytes());
        b[64..68].copy_from_slice(&self.headers.to_le_bytes());
        b[68..72].copy_from_slice(&self.headers_len.to_le_bytes());
        b
    }
    /// Reads an entry whose first byte has the address `at`.
    pub fn from_bytes(b: &[u8; RECORD_BYTES], at: u32) -> Result<Self, Malformed> {
        let partition = i32::from_le_bytes([b[8], b[9], b[10], b[11]]);
        let timestamp =
            i64::from_le_bytes([b[16], b[17], b[18], b[19], b[20], b[21], b[22], b[23]]);
        Ok(Self {
            topic: u32_at(b, 0),
            topic_len: u32_at(b, 4),
            partition: u32::try_from(partition).ok(),
            timestamp_ms: (u32_at(b, 12) & HAS_TIMESTAMP != 0).then_some(timestamp),
            key_schema: u32_at(b, 24),
            value_schema: u32_at(b, 28),
            key: slot_at(b, 32).ok_or_else(|| Malformed::new("key of a record", at))?,
            value: slot_at(b, 48).ok_or_else(|| Malformed::new("value of a record", at))?,
            headers: u32_at(b, 64),
            headers_len: u32_at(b, 68),
        })
    }
}

/// One header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderEntry {
    /// Address of the header's name.
    pub name: u32,
    /// Its length in bytes.
    pub name_len: u32,
    /// Schema of the value; 0 for none.
    pub schema: u32,
    /// The value.
    pub value: Slot,
}

impl HeaderEntry {
    /// Its 32 bytes.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut b = [0; HEADER_BYTES];
        b[0..4].copy_from_slice(&self.name.to_le_bytes());
        b[4..8].copy_from_slice(&self.name_len.to_le_bytes());
        b[8..12].copy_from_slice(&self.schema.to_le_bytes());
        b[16..32].copy_from_slice(&self.value.to_bytes());
        b
    }
    /// Reads an entry whose first byte has the address `at`.
    pub fn from_bytes(b: &[u8; HEADER_BYTES], at: u32) -> Result<Self, Malformed> {
        Ok(Self {
            name: u32_at(b, 0),
            name_len: u32_at(b, 4),
            schema: u32_at(b, 8),
            value: slot_at(b, 16).ok_or_else(|| Malformed::new("value of a header", at))?,
        })
    }
}

/// The little-endian number at `at`; 0 outside of `b` (callers pass fixed positions inside fixed arrays).
pub(crate) fn u32_at(b: &[u8], at: usize) -> u32 {
    b.get(at..at + 4)
        .and_then(|x| x.try_into().ok())
        .map_or(0, u32::from_le_bytes)
}

fn slot_at(b: &[u8], at: usize) -> Option<Slot> {
    Slot::from_bytes(b.get(at..at + SLOT_BYTES)?.try_into().ok()?)
}
