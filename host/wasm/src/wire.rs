//! How much a batch weighs, as a basis for the size of an answer.
//!
//! It reads entries only, no values. Invariant: the sum saturates; it never wraps.

use crate::context::Part;
use crate::guest_schemas::Ledger;
use host_core::batch::Batch;
use host_core::layout::record::RECORD_BYTES;
use host_core::layout::{Reader, RecordEntry};

/// Number of the selected records, and their bytes: the arena, the entries and, for a format (which may write a
/// schema beside every value), the schemas they name.
pub(crate) fn weigh(
    batch: &Batch,
    range: Option<&[u32]>,
    schemas: Option<(&Ledger, Part)>,
) -> (u64, u64) {
    let mut records = 0u64;
    let mut bytes = u64::from(batch.arena_len());
    each(batch, range, |_, r| {
        records += 1;
        bytes = bytes.saturating_add(RECORD_BYTES as u64);
        if let Some((ledger, part)) = schemas {
            bytes = bytes.saturating_add(schema_bytes(r, part, ledger, batch.reader()));
        }
    });
    (records, bytes)
}

fn schema_bytes(r: &RecordEntry, part: Part, ledger: &Ledger, reader: Reader<'_>) -> u64 {
    match part {
        Part::Key => ledger.bytes(r.key_schema),
        Part::Value => ledger.bytes(r.value_schema),
        Part::Header => (0..r.headers_len)
            .filter_map(|i| reader.header(r, i).ok())
            .fold(0, |sum, h| sum.saturating_add(ledger.bytes(h.schema))),
    }
}

/// Calls `f` with position and entry of every selected record.
pub(crate) fn each(batch: &Batch, range: Option<&[u32]>, mut f: impl FnMut(usize, &RecordEntry)) {
    let records = batch.records();
    match range {
        None => records.iter().enumerate().for_each(|(i, r)| f(i, &r.entry)),
        Some(range) => range
            .iter()
            .filter_map(|i| records.get(*i as usize))
            .enumerate()
            .for_each(|(i, r)| f(i, &r.entry)),
    }
}
