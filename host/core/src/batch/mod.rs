//! A batch of records in the host's own form, which is the layout that guests read.
//!
//! A source fills a [`BatchBuilder`]; transforms edit the [`Batch`]; formats read it. Handing it to a guest appends the
//! record entries to the arena for the time of the call, so that one buffer is the whole wire form.
//! It knows nothing of offsets but which source record each record stems from.
//! Invariant: data in the arena is never changed, and every record has an origin below [`Batch::source_records`].

mod apply;
mod build;

pub use apply::{Applied, PatchError, PatchLimits};
pub use build::BatchBuilder;

use crate::offset::Offsets;
use crate::schema::SharedSchemas;
use tidegate_layout::read::batch_header;
use tidegate_layout::record::RECORD_BYTES;
use tidegate_layout::{BATCH_HEADER_BYTES, Malformed, Reader, RecordEntry};

/// One record of a batch and the source record it stems from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchRecord {
    /// Topic, key, value, headers.
    pub entry: RecordEntry,
    /// Index of the source record: a dropped record has no `BatchRecord`, an inserted one shares its neighbour's.
    pub origin: u32,
}

/// Records on their way from a source to Kafka.
#[derive(Debug)]
pub struct Batch {
    arena: Vec<u8>,
    records: Vec<BatchRecord>,
    source_records: u32,
    schemas: SharedSchemas,
    offsets: Offsets,
    /// Position of the batch in its task's stream, from 0 without gaps; lets batches be worked on out of order.
    pub sequence: u64,
}

impl Batch {
    /// The records as they are now.
    pub fn records(&self) -> &[BatchRecord] {
        &self.records
    }
    /// How many records the source made; origins and offsets are counted in these.
    pub fn source_records(&self) -> u32 {
        self.source_records
    }
    /// Offsets of the source's records.
    pub fn offsets(&self) -> &Offsets {
        &self.offsets
    }
    /// Schemas that the records name.
    pub fn schemas(&self) -> &SharedSchemas {
        &self.schemas
    }
    /// Resolves the records' addresses.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(&self.arena)
    }
    /// Bytes of the arena; also the address at which a guest's own data begins.
    pub fn arena_len(&self) -> u32 {
        self.arena.len() as u32
    }
    /// Bytes it takes in memory.
    pub fn weight_bytes(&self) -> usize {
        self.arena.capacity() + self.records.capacity() * size_of::<BatchRecord>()
    }
    /// Appends a guest's data. Slots that refer to it are in place already: its first byte gets the address
    /// [`Batch::arena_len`] had.
    pub fn append_data(&mut self, data: &[u8]) -> Result<(), Malformed> {
        if self.arena.len() + data.len() > u32::MAX as usize {
            return Err(Malformed {
                what: "room for a guest's data",
                address: self.arena.len() as u64,
            });
        }
        self.arena.extend_from_slice(data);
        Ok(())
    }
    /// Takes back data appended since the arena ended at `arena_len`.
    pub fn truncate_data(&mut self, arena_len: u32) {
        self.arena
            .truncate((arena_len as usize).max(BATCH_HEADER_BYTES));
    }
    /// Puts other records in place of all (after a patch has been checked). Origins must be below
    /// [`Batch::source_records`] and ascending.
    pub fn replace_records(&mut self, records: Vec<BatchRecord>) {
        debug_assert!(
            records.iter().all(|r| r.origin < self.source_records),
            "an origin beyond the source's records"
        );
        self.records = records;
    }
    /// Hands the wire form of all records, or of those at `selection`, to `call`.
    pub fn with_wire<T>(&mut self, selection: Option<&[u32]>, call: impl FnOnce(&[u8]) -> T) -> T {
        let arena_len = self.arena.len();
        let count = selection.map_or(self.records.len(), <[u32]>::len);
        self.arena.reserve(count * RECORD_BYTES);
        match selection {
            None => {
                for r in &self.records {
                    self.arena.extend_from_slice(&r.entry.to_bytes());
                }
            }
            Some(indexes) => {
                for r in indexes.iter().filter_map(|i| self.records.get(*i as usize)) {
                    self.arena.extend_from_slice(&r.entry.to_bytes());
                }
            }
        }
        let written = (self.arena.len() - arena_len) / RECORD_BYTES;
        let header = batch_header(written as u32, arena_len as u32);
        self.arena[..BATCH_HEADER_BYTES].copy_from_slice(&header);
        let answer = call(&self.arena);
        self.arena.truncate(arena_len);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offset::{Offset, OffsetTable, SourcePartition};
    use crate::schema::{Schema, SchemaType};
    use std::sync::Arc;
    use tidegate_layout::{BatchView, Slot};

    #[derive(Debug)]
    struct None_;
    impl OffsetTable for None_ {
        fn offset(&self, _: u32) -> Option<(SourcePartition, Offset)> {
            None
        }
    }

    #[test]
    fn the_wire_form_is_what_was_built() {
        let schemas = SharedSchemas::default();
        let text = schemas.intern(Schema::new(SchemaType::String)).unwrap();
        let mut b = BatchBuilder::new(schemas);
        for i in 0..3 {
            let value = b.arena.string(&format!("v{i}"));
            b.push("topic", (text, value), (text, value), &[("h", text, value)]);
        }
        let mut batch = b.finish(7, Arc::new(None_)).unwrap();
        assert_eq!((batch.source_records(), batch.sequence), (3, 7));
        let before = batch.arena_len();
        batch.with_wire(Some(&[2]), |bytes| {
            let view = BatchView::new(bytes).unwrap();
            assert_eq!((view.len(), view.arena_len()), (1, before));
            let r = view.record(0).unwrap();
            assert_eq!(view.reader().topic(&r), Ok("topic"));
            assert_eq!(view.reader().str(r.value), Ok("v2"));
            let h = view.reader().header(&r, 0).unwrap();
            assert_eq!(view.reader().name_at(h.name, h.name_len), Ok("h"));
        });
        assert_eq!(batch.arena_len(), before);
        assert_eq!(batch.records()[0].entry.key, batch.records()[0].entry.value);
        assert_eq!(
            Slot::NULL,
            batch
                .reader()
                .slots(Slot::NULL)
                .map_or(Slot::NULL, |_| Slot::int8(1))
        );
    }
}
