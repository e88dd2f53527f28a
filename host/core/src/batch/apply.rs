//! Applying a guest's patch to a batch: everything `wit/LAYOUT.md` says the host checks.
//!
//! A guest's data is appended to the arena; its slots are in place already. Values carry no schema ids, so only ids in
//! operations, record entries and header entries are mapped to the host's; a header run that names a guest's id is
//! copied with mapped ids. It does not know how a guest is called, nor which topics its tenant may write.
//! Invariant: all or nothing. On an error the batch is exactly as before, and records that were not selected are never
//! touched.

use super::{Batch, BatchRecord};
use crate::schema::{SchemaId, Schemas, SharedSchemas};
use std::collections::HashMap;
use std::ops::AddAssign;
use tidegate_layout::record::{HEADER_BYTES, HeaderEntry};
use tidegate_layout::slot::SLOT_BYTES;
use tidegate_layout::validate::{self, Budget, Invalid};
use tidegate_layout::{Arena, Malformed, Op, Patch, Reader, RecordEntry, Slot};

/// How large what a patch puts out may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatchLimits {
    /// Bytes of the patch, and of all values it sets, each counted whenever it is referred to.
    pub bytes_max: u64,
    /// Bytes of one record's new parts. Data that the source itself wrote may be referred to beyond this.
    pub record_bytes_max: u64,
}

/// What a patch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Applied {
    /// Records that were edited and kept.
    pub changed: u32,
    /// Records that were dropped.
    pub dropped: u32,
    /// Records that were added.
    pub inserted: u32,
}

impl AddAssign for Applied {
    fn add_assign(&mut self, other: Self) {
        self.changed += other.changed;
        self.dropped += other.dropped;
        self.inserted += other.inserted;
    }
}

/// Why a patch was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Its bytes do not follow the layout.
    #[error("reading the patch: {0}")]
    Malformed(#[from] Malformed),
    /// It is larger than its limit.
    #[error("the patch is {bytes} bytes and may be {bytes_max} for this batch")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// An operation that names a record the guest was not given.
    #[error("the patch names record {record} of a batch of {records}")]
    NoSuchRecord {
        /// What it named.
        record: u32,
        /// How many there were.
        records: u32,
    },
    /// An operation that cannot be applied.
    #[error("the patch of record {record} {what}: {why}")]
    Operation {
        /// The record, as the guest counts.
        record: u32,
        /// Which part.
        what: &'static str,
        /// What is wrong with it.
        why: Invalid,
    },
    /// A partition or a timestamp that Kafka does not have.
    #[error("the patch of record {record} sets the {what} to {value}, which must be 0 to {most}")]
    Range {
        /// The record, as the guest counts.
        record: u32,
        /// Which part.
        what: &'static str,
        /// The number.
        value: i64,
        /// The largest allowed.
        most: i64,
    },
}

/// One record after its operations.
struct Edit {
    /// Index in the batch.
    index: usize,
    /// The record, or `None` if it is dropped.
    kept: Option<RecordEntry>,
    inserted: Vec<RecordEntry>,
}

impl Batch {
    /// Applies the patch that a guest answered to [`Batch::with_wire`] with the same `selection` (ascending indexes).
    /// `map_schema` answers the host's id for an id the guest may use: its own from 0x8000_0000 on, and those it has
    /// been sent. Schema id 0 is never asked for.
    pub fn apply_patch(
        &mut self,
        selection: Option<&[u32]>,
        patch: &[u8],
        map_schema: impl Fn(u32) -> Option<SchemaId>,
        limits: &PatchLimits,
    ) -> Result<Applied, PatchError> {
        if patch.is_empty() {
            return Ok(Applied::default());
        }
        if patch.len() as u64 > limits.bytes_max {
            return Err(PatchError::TooLarge {
                bytes: patch.len() as u64,
                bytes_max: limits.bytes_max,
            });
        }
        let patch = Patch::parse(patch)?;
        let arena_len = self.arena_len();
        self.append_data(patch.data)?;
        let schemas: SharedSchemas = self.schemas.clone();
        let applier = Applier {
            arena: Arena::from_bytes(std::mem::take(&mut self.arena)),
            records: &self.records,
            selection,
            schemas: &schemas.read(),
            map_schema: &map_schema,
            budget: Budget {
                slots: limits.bytes_max / SLOT_BYTES as u64 + 1024,
                bytes: limits.bytes_max,
            },
            record_bytes_max: limits.record_bytes_max.max(u64::from(arena_len)),
            header_runs: HashMap::new(),
        };
        let (arena, edits) = applier.edits(&patch);
        self.arena = arena.into_bytes();
        match edits {
            Ok(edits) => Ok(self.commit(edits)),
            Err(e) => {
                self.truncate_data(arena_len);
                Err(e)
            }
        }
    }

    /// Takes records out; `indexes` ascend. Their source records count as dropped.
    pub fn remove(&mut self, indexes: &[u32]) {
        let mut next = indexes.iter().peekable();
        let mut index = 0u32;
        self.records.retain(|_| {
            let gone = next.next_if_eq(&&index).is_some();
            index += 1;
            !gone
        });
    }

    fn commit(&mut self, edits: Vec<Edit>) -> Applied {
        let mut done = Applied::default();
        let moves = |e: &Edit| e.kept.is_none() || !e.inserted.is_empty();
        if !edits.iter().any(moves) {
            for e in edits {
                if let (Some(r), Some(entry)) = (self.records.get_mut(e.index), e.kept) {
                    r.entry = entry;
                    done.changed += 1;
                }
            }
            return done;
        }
        let mut records = Vec::with_capacity(self.records.len());
        let mut rest = 0;
        for e in edits {
            records.extend_from_slice(self.records.get(rest..e.index).unwrap_or_default());
            rest = e.index + 1;
            let Some(origin) = self.records.get(e.index).map(|r| r.origin) else {
                continue;
            };
            match e.kept {
                Some(_) => done.changed += 1,
                None => done.dropped += 1,
            }
            done.inserted += e.inserted.len() as u32;
            let new = e.kept.into_iter().chain(e.inserted);
            records.extend(new.map(|entry| BatchRecord { entry, origin }));
        }
        records.extend_from_slice(self.records.get(rest..).unwrap_or_default());
        self.records = records;
        done
    }
}

/// Works out a patch's edits; only the arena grows meanwhile.
struct Applier<'a, F> {
    arena: Arena,
    records: &'a [BatchRecord],
    selection: Option<&'a [u32]>,
    schemas: &'a Schemas,
    map_schema: &'a F,
    /// What all operations together may still put out.
    budget: Budget,
    record_bytes_max: u64,
    /// Header runs copied with mapped ids, by address and length.
    header_runs: HashMap<(u32, u32), u32>,
}

impl<F: Fn(u32) -> Option<SchemaId>> Applier<'_, F> {
    fn edits(mut self, patch: &Patch<'_>) -> (Arena, Result<Vec<Edit>, PatchError>) {
        let edits = self.all(patch);
        let overflowed = self.arena.overflowed();
        let full = PatchError::Malformed(Malformed {
            what: "room for copied headers",
            address: u64::from(self.arena.end()),
        });
        (self.arena, if overflowed { Err(full) } else { edits })
    }

    fn all(&mut self, patch: &Patch<'_>) -> Result<Vec<Edit>, PatchError> {
        let mut edits: Vec<(u32, Edit)> = Vec::new();
        // What the current record's new parts may still be.
        let mut left = self.record_bytes_max;
        for op in patch.ops() {
            let (record, op) = op?;
            if edits.last().is_none_or(|(last, _)| *last != record) {
                edits.push((record, self.begin(record)?));
                left = self.record_bytes_max;
            }
            if let Some((_, edit)) = edits.last_mut() {
                self.apply(record, op, edit, &mut left)?;
            }
        }
        Ok(edits.into_iter().map(|(_, e)| e).collect())
    }

    fn begin(&self, record: u32) -> Result<Edit, PatchError> {
        let records = self.selection.map_or(self.records.len(), <[u32]>::len) as u32;
        let none = PatchError::NoSuchRecord { record, records };
        let index = match self.selection {
            None => record as usize,
            Some(s) => s
                .get(record as usize)
                .copied()
                .ok_or_else(|| none.clone())? as usize,
        };
        let kept = self.records.get(index).map(|r| r.entry).ok_or(none)?;
        Ok(Edit {
            index,
            kept: Some(kept),
            inserted: Vec::new(),
        })
    }

    fn apply(
        &mut self,
        record: u32,
        op: Op,
        edit: &mut Edit,
        left: &mut u64,
    ) -> Result<(), PatchError> {
        // Operations on a record that has been dropped are checked like any other and change nothing.
        let mut entry = edit
            .kept
            .or_else(|| self.records.get(edit.index).map(|r| r.entry));
        let Some(e) = entry.as_mut() else {
            return Ok(());
        };
        let bad =
            |what: &'static str| move |why: Invalid| PatchError::Operation { record, what, why };
        match op {
            Op::Drop => {
                edit.kept = None;
                return Ok(());
            }
            Op::SetTopic(at, len) => {
                self.name(at, len, left).map_err(bad("sets a bad topic"))?;
                (e.topic, e.topic_len) = (at, len);
            }
            Op::SetKey(schema, slot) => {
                e.key_schema = self
                    .value(schema, slot, left)
                    .map_err(bad("sets a bad key"))?;
                e.key = slot;
            }
            Op::SetValue(schema, slot) => {
                e.value_schema = self
                    .value(schema, slot, left)
                    .map_err(bad("sets a bad value"))?;
                e.value = slot;
            }
            Op::SetHeaders(at, len) => {
                e.headers = self
                    .headers(at, len, left)
                    .map_err(bad("sets bad headers"))?;
                e.headers_len = len;
            }
            Op::SetPartition(p) => {
                check_partition(record, p)?;
                e.partition = p;
            }
            Op::SetTimestamp(t) => {
                check_timestamp(record, t)?;
                e.timestamp_ms = t;
            }
            Op::Insert(at) => {
                let new = self.insert(at).map_err(bad("inserts a bad record"))?;
                check_partition(record, new.partition)?;
                check_timestamp(record, new.timestamp_ms)?;
                edit.inserted.push(new);
                return Ok(());
            }
        }
        if edit.kept.is_some() {
            edit.kept = entry;
        }
        Ok(())
    }

    /// A further record; it has a record's budget of its own.
    fn insert(&mut self, at: u32) -> Result<RecordEntry, Invalid> {
        let mut left = self.record_bytes_max;
        let mut e = self.reader().record(u64::from(at))?;
        self.name(e.topic, e.topic_len, &mut left)?;
        e.key_schema = self.value(e.key_schema, e.key, &mut left)?;
        e.value_schema = self.value(e.value_schema, e.value, &mut left)?;
        e.headers = self.headers(e.headers, e.headers_len, &mut left)?;
        Ok(e)
    }

    fn reader(&self) -> Reader<'_> {
        Reader::new(self.arena.bytes())
    }

    /// Takes bytes from the record's and from the patch's budget.
    fn spend(&mut self, bytes: u64, left: &mut u64) -> Result<(), Invalid> {
        *left = left.checked_sub(bytes).ok_or(Invalid::TooLarge)?;
        self.budget.bytes = self
            .budget
            .bytes
            .checked_sub(bytes)
            .ok_or(Invalid::TooLarge)?;
        Ok(())
    }

    fn name(&mut self, at: u32, len: u32, left: &mut u64) -> Result<(), Invalid> {
        self.spend(u64::from(len), left)?;
        self.reader().name_at(at, len)?;
        Ok(())
    }

    /// The host's id of a schema that a guest names.
    fn schema(&self, id: u32) -> Result<u32, Invalid> {
        if id == 0 {
            return Ok(0);
        }
        (self.map_schema)(id).map_or(Err(Invalid::UnknownSchema(id)), |id| Ok(id.0))
    }

    /// Checks a value; the host's id of its schema.
    fn value(&mut self, schema: u32, slot: Slot, left: &mut u64) -> Result<u32, Invalid> {
        let schema = self.schema(schema)?;
        let mut budget = Budget {
            slots: self.budget.slots,
            bytes: (*left).min(self.budget.bytes),
        };
        let before = budget.bytes;
        let reader = Reader::new(self.arena.bytes());
        validate::value(slot, SchemaId(schema), reader, self.schemas, &mut budget)?;
        self.budget.slots = budget.slots;
        self.spend(before - budget.bytes, left)?;
        Ok(schema)
    }

    /// Checks a run of header entries; its address, or that of a copy with the host's schema ids.
    fn headers(&mut self, at: u32, len: u32, left: &mut u64) -> Result<u32, Invalid> {
        // A copy may be as large as the run, so the run itself is paid for, before it is read.
        self.spend(u64::from(len).saturating_mul(HEADER_BYTES as u64), left)?;
        let run = RecordEntry {
            headers: at,
            headers_len: len,
            ..EMPTY
        };
        let mut mapped: Vec<HeaderEntry> = Vec::new();
        let mut differs = false;
        for i in 0..len {
            let mut h = self.reader().header(&run, i)?;
            self.name(h.name, h.name_len, left)?;
            let schema = self.value(h.schema, h.value, left)?;
            differs |= schema != h.schema;
            h.schema = schema;
            mapped.push(h);
        }
        if !differs {
            return Ok(at);
        }
        if let Some(copy) = self.header_runs.get(&(at, len)) {
            return Ok(*copy);
        }
        let copy = self.arena.end();
        for h in mapped {
            self.arena.raw(&h.to_bytes());
        }
        self.header_runs.insert((at, len), copy);
        Ok(copy)
    }
}

const EMPTY: RecordEntry = RecordEntry {
    topic: 0,
    topic_len: 0,
    partition: None,
    timestamp_ms: None,
    key_schema: 0,
    value_schema: 0,
    key: Slot::NULL,
    value: Slot::NULL,
    headers: 0,
    headers_len: 0,
};

fn check_partition(record: u32, partition: Option<u32>) -> Result<(), PatchError> {
    match partition.filter(|p| i32::try_from(*p).is_err()) {
        None => Ok(()),
        Some(p) => Err(PatchError::Range {
            record,
            what: "partition",
            value: i64::from(p),
            most: i64::from(i32::MAX),
        }),
    }
}

fn check_timestamp(record: u32, timestamp_ms: Option<i64>) -> Result<(), PatchError> {
    match timestamp_ms.filter(|t| *t < 0) {
        None => Ok(()),
        Some(value) => Err(PatchError::Range {
            record,
            what: "timestamp",
            value,
            most: i64::MAX,
        }),
    }
}

#[cfg(test)]
mod tests;
