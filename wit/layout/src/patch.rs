//! A transform's answer: what to change in the batch it was given.
//!
//! Empty bytes mean "keep everything". Otherwise: header, the guest's own data, then 32-byte operations in ascending
//! order of their record. Data is addressed from the batch's `arena_len` on, so the host applies a patch by
//! appending the data to its arena; nothing is relocated. Invariant: [`Patch::parse`] reads only what is in bounds;
//! whether values fit their schemas is [`crate::validate`]'s work.

use crate::record::u32_at;
use crate::slot::{SLOT_BYTES, Slot};
use crate::{Arena, Malformed, PATCH_MAGIC};

/// Size of a patch's header in bytes.
pub const PATCH_HEADER_BYTES: usize = 16;
/// Size of an operation in bytes.
pub const OP_BYTES: usize = 32;

/// One change to one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// The record is not delivered.
    Drop,
    /// New topic: address and length of its name.
    SetTopic(u32, u32),
    /// New key: schema and value.
    SetKey(u32, Slot),
    /// New value: schema and value.
    SetValue(u32, Slot),
    /// New headers, replacing all: address and number of entries.
    SetHeaders(u32, u32),
    /// New Kafka partition; `None` for the partitioner's choice.
    SetPartition(Option<u32>),
    /// New timestamp in milliseconds; `None` for the producer's clock.
    SetTimestamp(Option<i64>),
    /// A further record after this one: address of its 80-byte entry in the guest's data.
    Insert(u32),
}

impl Op {
    fn parts(self) -> (u8, u32, u32, Slot) {
        match self {
            Self::Drop => (1, 0, 0, Slot::NULL),
            Self::SetTopic(at, len) => (2, at, len, Slot::NULL),
            Self::SetKey(schema, v) => (3, schema, 0, v),
            Self::SetValue(schema, v) => (4, schema, 0, v),
            Self::SetHeaders(at, n) => (5, at, n, Slot::NULL),
            Self::SetPartition(p) => (6, p.unwrap_or(0), u32::from(p.is_some()), Slot::NULL),
            Self::SetTimestamp(t) => (
                7,
                0,
                u32::from(t.is_some()),
                Slot::timestamp(t.unwrap_or(0)),
            ),
            Self::Insert(at) => (8, at, 0, Slot::NULL),
        }
    }
    fn from_parts(kind: u8, a: u32, b: u32, slot: Slot) -> Option<Self> {
        Some(match kind {
            1 => Self::Drop,
            2 => Self::SetTopic(a, b),
            3 => Self::SetKey(a, slot),
            4 => Self::SetValue(a, slot),
            5 => Self::SetHeaders(a, b),
            6 => Self::SetPartition((b != 0).then_some(a)),
            7 => Self::SetTimestamp((b != 0).then_some(slot.payload as i64)),
            8 => Self::Insert(a),
            _ => return None,
        })
    }
}

/// Builds a patch in a guest (or in a test).
#[derive(Debug)]
pub struct PatchWriter {
    /// The guest's own data.
    pub arena: Arena,
    ops: Vec<u8>,
}

impl PatchWriter {
    /// A patch for a batch whose arena ends at `arena_len`.
    pub fn new(arena_len: u32) -> Self {
        Self {
            arena: Arena::new(arena_len),
            ops: Vec::new(),
        }
    }
    /// Adds an operation; records must come in ascending order.
    pub fn push(&mut self, record: u32, op: Op) {
        let (kind, a, b, slot) = op.parts();
        self.ops.extend_from_slice(&[kind, 0, 0, 0]);
        for n in [record, a, b] {
            self.ops.extend_from_slice(&n.to_le_bytes());
        }
        self.ops.extend_from_slice(&slot.to_bytes());
    }
    /// The patch's bytes; empty when nothing changes.
    pub fn finish(self) -> Vec<u8> {
        if self.ops.is_empty() {
            return Vec::new();
        }
        let data = self.arena.bytes();
        let mut out = Vec::with_capacity(PATCH_HEADER_BYTES + data.len() + self.ops.len());
        out.extend_from_slice(&PATCH_MAGIC);
        out.extend_from_slice(&(data.len() as u32).to_le_bytes());
        out.extend_from_slice(&((self.ops.len() / OP_BYTES) as u32).to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(data);
        out.extend_from_slice(&self.ops);
        out
    }
}

/// A patch whose frame has been checked.
#[derive(Debug, Clone, Copy)]
pub struct Patch<'a> {
    /// The guest's own data, addressed from the batch's `arena_len` on.
    pub data: &'a [u8],
    ops: &'a [u8],
}

impl<'a> Patch<'a> {
    /// Reads the frame of a patch for a batch of `records` records.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.is_empty() {
            return Ok(Self {
                data: &[],
                ops: &[],
            });
        }
        if bytes.len() < PATCH_HEADER_BYTES || bytes[0..4] != PATCH_MAGIC {
            return Err(Malformed::new("magic of a patch", 0u32));
        }
        let (data_len, ops) = (u32_at(bytes, 4) as usize, u32_at(bytes, 8) as usize);
        let rest = &bytes[PATCH_HEADER_BYTES..];
        let ops_len = ops
            .checked_mul(OP_BYTES)
            .ok_or_else(|| Malformed::new("operations of a patch", 8u32))?;
        if data_len.checked_add(ops_len) != Some(rest.len()) {
            return Err(Malformed::new("length of a patch", 4u32));
        }
        let (data, ops) = rest.split_at(data_len);
        Ok(Self { data, ops })
    }
    /// The operations with their records, in order; an error where one is unknown or records go backwards.
    pub fn ops(&self) -> impl Iterator<Item = Result<(u32, Op), Malformed>> + 'a {
        let mut last = 0;
        self.ops
            .chunks_exact(OP_BYTES)
            .enumerate()
            .map(move |(i, b)| {
                let bad = || Malformed::new("operation of a patch", i as u64);
                let record = u32_at(b, 4);
                if record < last {
                    return Err(bad());
                }
                last = record;
                let slot = b
                    .get(16..16 + SLOT_BYTES)
                    .and_then(|s| s.try_into().ok())
                    .and_then(Slot::from_bytes);
                let op = slot.and_then(|s| Op::from_parts(b[0], u32_at(b, 8), u32_at(b, 12), s));
                op.map(|op| (record, op)).ok_or_else(bad)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_survives_its_bytes() {
        let mut w = PatchWriter::new(100);
        let v = w.arena.string("hello");
        let ops = [
            (0, Op::Drop),
            (2, Op::SetValue(7, v)),
            (2, Op::SetTopic(100, 5)),
            (3, Op::SetPartition(Some(4))),
            (3, Op::SetTimestamp(None)),
            (9, Op::Insert(100)),
        ];
        for (r, op) in ops {
            w.push(r, op);
        }
        let bytes = w.finish();
        let p = Patch::parse(&bytes).unwrap();
        assert_eq!(p.data, b"hello");
        assert_eq!(p.ops().collect::<Result<Vec<_>, _>>().unwrap(), ops);
    }

    #[test]
    fn frames_that_lie_are_refused() {
        let mut w = PatchWriter::new(32);
        w.push(5, Op::Drop);
        w.push(4, Op::Drop);
        let bytes = w.finish();
        assert!(
            Patch::parse(&bytes).unwrap().ops().any(|o| o.is_err()),
            "records go backwards"
        );
        for cut in 1..bytes.len() {
            assert!(Patch::parse(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        assert!(PatchWriter::new(32).finish().is_empty());
    }
}
