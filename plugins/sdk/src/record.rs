//! One record of a batch: Connect's `SourceRecord`, to read and to edit.
//!
//! Reading sees the record as it came; edits go into the patch and are not read back, so values may be held while
//! editing. Edits are by reference: putting a value somewhere copies its slot, changing a field copies the slots of
//! its struct once, and texts are only written when they are new.
//!
//! Invariant: a record that is not edited adds nothing to the patch.

use tidegate_layout::read::BatchView;
use tidegate_layout::slot::SLOT_BYTES;
use tidegate_layout::{Arena, HeaderEntry, Op, PatchWriter, Reader, RecordEntry, Slot, Tag};

use crate::error::{Error, Result};
use crate::schema::{SchemaRef, Schemas};
use crate::value::Value;

/// A further record, to be delivered after the one in hand. The schemas are those of the slots.
#[derive(Debug, Clone, Copy)]
pub struct NewRecord<'t> {
    /// Its topic.
    pub topic: &'t str,
    /// Key schema and key.
    pub key: (Option<SchemaRef>, Slot),
    /// Value schema and value.
    pub value: (Option<SchemaRef>, Slot),
    /// Timestamp in milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
}

/// A record in hand.
#[derive(Debug)]
pub struct Record<'a> {
    index: u32,
    entry: RecordEntry,
    reader: Reader<'a>,
    base: u32,
    key_schema: Option<SchemaRef>,
    value_schema: Option<SchemaRef>,
    schemas: &'a mut Schemas,
    patch: &'a mut PatchWriter,
    headers: &'a mut Vec<HeaderEntry>,
    headers_loaded: bool,
    /// End of the patch's data when this record was begun: structs from here on are its own and changed in place.
    own_from: u32,
    new_value: Option<(u32, Slot)>,
}

impl<'a> Record<'a> {
    /// Record `index` of a batch, whose edits go to `patch`.
    pub(crate) fn new(
        view: &BatchView<'a>,
        index: u32,
        schemas: &'a mut Schemas,
        patch: &'a mut PatchWriter,
        headers: &'a mut Vec<HeaderEntry>,
    ) -> Result<Self> {
        let entry = view.record(index)?;
        headers.clear();
        Ok(Self {
            index,
            entry,
            reader: view.reader(),
            base: view.arena_len(),
            key_schema: schemas.get(entry.key_schema)?,
            value_schema: schemas.get(entry.value_schema)?,
            own_from: patch.arena.end(),
            schemas,
            patch,
            headers,
            headers_loaded: false,
            new_value: None,
        })
    }

    /// Puts what is left of its edits into the patch.
    pub(crate) fn finish(self) {
        if let Some((schema, slot)) = self.new_value {
            self.patch.push(self.index, Op::SetValue(schema, slot));
        }
        if self.headers_loaded {
            let at = self.patch.arena.end();
            for h in self.headers.iter() {
                self.patch.arena.raw(&h.to_bytes());
            }
            let n = self.headers.len() as u32;
            self.patch.push(self.index, Op::SetHeaders(at, n));
        }
    }

    /// Its position in the batch; a batch may be cut anywhere, so this means nothing beyond it.
    pub fn index(&self) -> u32 {
        self.index
    }
    /// Its topic.
    pub fn topic(&self) -> Result<&'a str> {
        Ok(self.reader.topic(&self.entry)?)
    }
    /// Its Kafka partition; `None` for the partitioner's choice.
    pub fn partition(&self) -> Option<u32> {
        self.entry.partition
    }
    /// Its Kafka timestamp in milliseconds since the epoch.
    pub fn timestamp_ms(&self) -> Option<i64> {
        self.entry.timestamp_ms
    }
    /// Its key; `None` where it is null.
    pub fn key(&self) -> Option<Value<'a>> {
        Some(self.raw_key()).filter(|v| !v.is_null())
    }
    /// Its value; `None` where it is null.
    pub fn value(&self) -> Option<Value<'a>> {
        Some(self.raw_value()).filter(|v| !v.is_null())
    }
    /// Its key with its schema, also where it is null.
    pub fn raw_key(&self) -> Value<'a> {
        Value::new(self.reader, self.entry.key, self.key_schema)
    }
    /// Its value with its schema, also where it is null (a tombstone has neither).
    pub fn raw_value(&self) -> Value<'a> {
        Value::new(self.reader, self.entry.value, self.value_schema)
    }
    /// Its headers: names and values.
    pub fn headers(&self) -> impl Iterator<Item = Result<(&'a str, Value<'a>)>> + '_ {
        (0..self.entry.headers_len).map(|i| {
            let h = self.reader.header(&self.entry, i)?;
            let name = self.reader.name_at(h.name, h.name_len)?;
            let schema = self.schemas.get(h.schema)?;
            Ok((name, Value::new(self.reader, h.value, schema)))
        })
    }
    /// The first header with this name.
    pub fn header(&self, name: &str) -> Result<Option<Value<'a>>> {
        for h in self.headers() {
            let (key, value) = h?;
            if key == name {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// Schemas: to make one of the plugin's own with `intern`.
    pub fn schemas(&mut self) -> &mut Schemas {
        self.schemas
    }
    /// Where new data is written: texts, byte arrays, structs of slots.
    pub fn arena(&mut self) -> &mut Arena {
        &mut self.patch.arena
    }
    /// A new text.
    pub fn text(&mut self, text: &str) -> Slot {
        self.patch.arena.string(text)
    }

    /// Copies a value from outside of the batch (a schema's default) into the patch; values of the batch itself are
    /// put elsewhere by their slot.
    pub fn copy(&mut self, value: Value<'_>) -> Result<Slot> {
        copy_into(
            &mut self.patch.arena,
            value.reader(),
            value.slot(),
            COPY_DEPTH_MAX,
        )
    }

    /// It is not delivered.
    pub fn drop_record(&mut self) {
        self.new_value = None;
        self.headers_loaded = false;
        self.patch.push(self.index, Op::Drop);
    }
    /// It goes to another topic.
    pub fn set_topic(&mut self, topic: &str) {
        let at = self.patch.arena.raw(topic.as_bytes());
        let op = Op::SetTopic(at, topic.len() as u32);
        self.patch.push(self.index, op);
    }
    /// It goes to this partition, or where the partitioner puts it.
    pub fn set_partition(&mut self, partition: Option<u32>) {
        self.patch.push(self.index, Op::SetPartition(partition));
    }
    /// It gets this timestamp, or the producer's clock.
    pub fn set_timestamp_ms(&mut self, ms: Option<i64>) {
        self.patch.push(self.index, Op::SetTimestamp(ms));
    }
    /// It gets another key.
    pub fn set_key(&mut self, schema: Option<SchemaRef>, key: Slot) {
        let op = Op::SetKey(schema.map_or(0, |s| s.id), key);
        self.patch.push(self.index, op);
    }
    /// It gets another value.
    pub fn set_value(&mut self, schema: Option<SchemaRef>, value: Slot) {
        self.value_schema = schema;
        self.new_value = Some((schema.map_or(0, |s| s.id), value));
    }
    /// Its value becomes one of the values in it: unwrapping an envelope.
    pub fn unwrap_to(&mut self, value: Value<'a>) {
        self.set_value(value.schema(), value.slot());
    }
    /// Sets a field of its value, by the names that lead to it; whether there is such a field and what holds it is not
    /// null. The types must match: the schema stays.
    pub fn set_field(&mut self, path: &[&str], to: Slot) -> Result<bool> {
        let mut indices = [0usize; PATH_MAX];
        let mut schema = self.value_schema;
        if path.len() > PATH_MAX {
            return Err(Error::fatal(format!(
                "a path of more than {PATH_MAX} names"
            )));
        }
        for (i, name) in path.iter().enumerate() {
            let Some(found) = schema.and_then(|s| s.index_of(name).map(|at| (s, at))) else {
                return Ok(false);
            };
            indices[i] = found.1;
            schema = found.0.fields.get(found.1).map(|f| f.schema);
        }
        self.set_field_at(&indices[..path.len()], to)
    }
    /// The same by the fields' positions, which a plugin may keep for each schema.
    pub fn set_field_at(&mut self, path: &[usize], to: Slot) -> Result<bool> {
        let root = match self.new_value {
            Some((_, slot)) => slot,
            None => self.entry.value,
        };
        let schema = self.value_schema.map_or(0, |s| s.id);
        match self.with_field(root, path, to)? {
            Some(slot) => {
                self.new_value = Some((schema, slot));
                Ok(true)
            }
            None => Ok(false),
        }
    }
    /// A struct equal to `root` but for the field at `path`; `None` where there is none.
    fn with_field(&mut self, root: Slot, path: &[usize], to: Slot) -> Result<Option<Slot>> {
        let Some((&first, rest)) = path.split_first() else {
            return Ok(Some(to));
        };
        if root.tag != Tag::Struct || first >= root.len as usize {
            return Ok(None);
        }
        let inner = if rest.is_empty() {
            to
        } else {
            let held = self.slot_at(root, first)?;
            match self.with_field(held, rest, to)? {
                Some(slot) if slot == held => return Ok(Some(root)),
                Some(slot) => slot,
                None => return Ok(None),
            }
        };
        let mine = self.own_copy(root)?;
        self.patch.arena.set_field(mine, first, inner);
        Ok(Some(mine))
    }
    /// Field `index` of a struct that may be the batch's or this record's own.
    fn slot_at(&self, s: Slot, index: usize) -> Result<Slot> {
        if s.payload < u64::from(self.base) {
            return Ok(self.reader.field(s, index)?);
        }
        let at = (s.payload - u64::from(self.base)) as usize + index * SLOT_BYTES;
        let bytes = self.patch.arena.bytes().get(at..at + SLOT_BYTES);
        let slot = bytes.and_then(|b| Slot::from_bytes(b.try_into().ok()?));
        slot.ok_or_else(|| Error::fatal("a field outside of the patch's data"))
    }
    /// The struct itself if this record made it, else a copy of its slots.
    fn own_copy(&mut self, s: Slot) -> Result<Slot> {
        if s.payload >= u64::from(self.own_from.max(self.base)) {
            return Ok(s);
        }
        let len = u64::from(s.len) * SLOT_BYTES as u64;
        let at = if s.payload < u64::from(self.base) {
            let bytes = self.reader.bytes_at(s.payload, len, "struct")?;
            self.patch.arena.raw(bytes)
        } else {
            return Err(Error::fatal("a struct of an earlier record"));
        };
        Ok(Slot {
            payload: u64::from(at),
            ..s
        })
    }

    /// It gets one more header.
    pub fn add_header(&mut self, name: &str, schema: Option<SchemaRef>, value: Slot) -> Result<()> {
        self.load_headers()?;
        let at = self.patch.arena.raw(name.as_bytes());
        self.headers.push(HeaderEntry {
            name: at,
            name_len: name.len() as u32,
            schema: schema.map_or(0, |s| s.id),
            value,
        });
        Ok(())
    }
    fn load_headers(&mut self) -> Result<()> {
        if !self.headers_loaded {
            for i in 0..self.entry.headers_len {
                self.headers.push(self.reader.header(&self.entry, i)?);
            }
            self.headers_loaded = true;
        }
        Ok(())
    }
    /// A further record is delivered after this one, without headers.
    pub fn insert(&mut self, new: NewRecord<'_>) {
        let topic = self.patch.arena.raw(new.topic.as_bytes());
        let entry = RecordEntry {
            topic,
            topic_len: new.topic.len() as u32,
            partition: None,
            timestamp_ms: new.timestamp_ms,
            key_schema: new.key.0.map_or(0, |s| s.id),
            value_schema: new.value.0.map_or(0, |s| s.id),
            key: new.key.1,
            value: new.value.1,
            headers: 0,
            headers_len: 0,
        };
        let at = self.patch.arena.raw(&entry.to_bytes());
        self.patch.push(self.index, Op::Insert(at));
    }
}

/// Deepest nesting of a value that [`Record::copy`] copies.
const COPY_DEPTH_MAX: u32 = 64;

fn copy_into(arena: &mut Arena, r: Reader<'_>, s: Slot, depth: u32) -> Result<Slot> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| Error::fatal("copying a value that is nested too deeply"))?;
    Ok(match s.tag {
        Tag::String => arena.string(r.str(s)?),
        Tag::Bytes => arena.byte_array(r.data(s)?),
        Tag::Decimal => arena.decimal(r.data(s)?, s.scale),
        Tag::Array | Tag::Map | Tag::Struct => {
            let slots = r.slots(s)?;
            let mut copies = Vec::with_capacity(slots.len());
            for slot in slots.iter() {
                copies.push(copy_into(arena, r, slot?, depth)?);
            }
            // The run's tag does not matter: the length is the original's.
            let run = arena.structure(&copies);
            Slot {
                payload: run.payload,
                ..s
            }
        }
        _ => s,
    })
}

/// Deepest path of [`Record::set_field`].
pub const PATH_MAX: usize = 16;
