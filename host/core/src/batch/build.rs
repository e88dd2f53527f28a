//! Filling a batch.
//!
//! A source writes values into the arena and then pushes records that point to them. Topic names and header runs that
//! repeat are written once. Nothing is checked against schemas: sources are the host's own code.
//! Invariant: [`BatchBuilder::finish`] fails rather than yield a batch whose addresses overflowed.

use super::{Batch, BatchRecord};
use crate::error::TaskError;
use crate::offset::Offsets;
use crate::schema::{SchemaId, SharedSchemas};
use std::collections::HashMap;
use tidegate_layout::{Arena, BATCH_HEADER_BYTES, HeaderEntry, RecordEntry, Slot};

/// A batch that is being filled.
#[derive(Debug)]
pub struct BatchBuilder {
    /// Data of the records. Write values here, then push the record.
    pub arena: Arena,
    records: Vec<BatchRecord>,
    source_records: u32,
    schemas: SharedSchemas,
    names: HashMap<Box<str>, (u32, u32)>,
}

impl BatchBuilder {
    /// An empty batch whose records name these schemas.
    pub fn new(schemas: SharedSchemas) -> Self {
        let arena = Arena::from_bytes(vec![0; BATCH_HEADER_BYTES]);
        Self {
            arena,
            records: Vec::new(),
            source_records: 0,
            schemas,
            names: HashMap::new(),
        }
    }
    /// The task's schemas.
    pub fn schemas(&self) -> &SharedSchemas {
        &self.schemas
    }
    /// Number of source records so far.
    pub fn len(&self) -> usize {
        self.source_records as usize
    }
    /// Whether there is no source record yet.
    pub fn is_empty(&self) -> bool {
        self.source_records == 0
    }
    /// Bytes of the arena so far.
    pub fn arena_bytes(&self) -> usize {
        self.arena.bytes().len()
    }
    /// Address and length of a name that is likely to repeat.
    pub fn name(&mut self, name: &str) -> (u32, u32) {
        if let Some(at) = self.names.get(name) {
            return *at;
        }
        let at = (self.arena.raw(name.as_bytes()), name.len() as u32);
        self.names.insert(name.into(), at);
        at
    }
    /// Writes header entries; their address and number, for use in several records.
    pub fn headers(&mut self, headers: &[(&str, SchemaId, Slot)]) -> (u32, u32) {
        let entries: Vec<HeaderEntry> = headers
            .iter()
            .map(|(name, schema, value)| {
                let (name, name_len) = self.name(name);
                HeaderEntry {
                    name,
                    name_len,
                    schema: schema.0,
                    value: *value,
                }
            })
            .collect();
        let at = self.arena.end();
        for e in &entries {
            self.arena.raw(&e.to_bytes());
        }
        (at, entries.len() as u32)
    }
    /// Adds a record of topic, key, value and headers.
    pub fn push(
        &mut self,
        topic: &str,
        key: (SchemaId, Slot),
        value: (SchemaId, Slot),
        headers: &[(&str, SchemaId, Slot)],
    ) {
        let (topic, topic_len) = self.name(topic);
        let (headers, headers_len) = self.headers(headers);
        self.push_entry(RecordEntry {
            topic,
            topic_len,
            partition: None,
            timestamp_ms: None,
            key_schema: key.0.0,
            value_schema: value.0.0,
            key: key.1,
            value: value.1,
            headers,
            headers_len,
        });
    }
    /// Adds a record whose parts have been written already.
    pub fn push_entry(&mut self, entry: RecordEntry) {
        let origin = self.source_records;
        self.records.push(BatchRecord { entry, origin });
        self.source_records += 1;
    }
    /// Adds a source record that nobody gets, as if a transform had dropped it: only its offset goes on.
    pub fn push_nothing(&mut self) {
        self.source_records += 1;
    }
    /// The batch.
    pub fn finish(self, sequence: u64, offsets: Offsets) -> Result<Batch, TaskError> {
        if self.arena.overflowed() {
            let message = "filling a batch: records of more than 4 GiB do not fit one batch; exclude the large columns \
                           (column.exclude.list)";
            return Err(TaskError::fail("BATCH-TOO-LARGE", message));
        }
        Ok(Batch {
            arena: self.arena.into_bytes(),
            source_records: self.source_records,
            records: self.records,
            schemas: self.schemas,
            offsets,
            sequence,
        })
    }
}
