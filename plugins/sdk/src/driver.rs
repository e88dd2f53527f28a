//! Runs a plugin over batches: what stands between a component's exports and the author's struct.
//!
//! The same drivers run in a component (`export`) and in tests (`harness`), so a test runs what the host runs. They
//! hold the schemas and reuse buffers from batch to batch; they decide nothing about a plugin's errors.
//! Invariant: a failing record leaves no half of its edits behind: the whole batch answers with the error.

use tidegate_layout::{BatchView, HeaderEntry, PatchWriter};

use crate::config::{CONVERTER_TYPE, Config, ConfigDef, ConfigError, Context, Part};
use crate::error::{Error, Result};
use crate::record::Record;
use crate::schema::{SchemaRef, Schemas};
use crate::value::Value;
use crate::{Encoded, Format, Predicate, Transform};

/// Why a batch failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchError {
    /// This record is at fault: its index in the batch, and why.
    Record(u32, String),
    /// The plugin cannot go on.
    Fatal(String),
}

impl BatchError {
    fn at(index: u32) -> impl Fn(Error) -> Self {
        move |e| match e {
            Error::Record(text) => Self::Record(index, text),
            Error::Fatal(text) => Self::Fatal(text),
        }
    }
}

/// A plugin of either world, with the schemas its instance knows.
#[derive(Debug)]
pub struct Driver<P> {
    plugin: P,
    schemas: Schemas,
    headers: Vec<HeaderEntry>,
    /// Bytes of the last answer: the next one is likely to need as many.
    answer_bytes: usize,
}

/// Checks a configuration as far as a plugin can: types, validators, then its own `new`.
fn make<P>(
    def: &ConfigDef,
    new: impl FnOnce(&Config) -> Result<P, Vec<ConfigError>>,
    entries: &[(String, String)],
) -> Result<P, Vec<ConfigError>> {
    new(&def.parse(entries)?)
}

impl<P> Driver<P> {
    fn around(plugin: P) -> Self {
        Self {
            plugin,
            schemas: Schemas::default(),
            headers: Vec::new(),
            answer_bytes: 0,
        }
    }
    /// Schemas that batches from now on may name.
    pub fn define(
        &mut self,
        schemas: impl IntoIterator<Item = (u32, tidegate_layout::Schema)>,
    ) -> Result<(), String> {
        for (id, schema) in schemas {
            self.schemas.define(id, schema)?;
        }
        Ok(())
    }
    /// Own schemas the host has not been told of.
    pub fn take_new_schemas(&mut self) -> &[SchemaRef] {
        self.schemas.take_news()
    }
}

/// A driver's constructor and its world's function.
impl<T: Transform> Driver<T> {
    /// A configured transform.
    pub fn transform(
        context: &Context,
        entries: &[(String, String)],
    ) -> Result<Self, Vec<ConfigError>> {
        make(&T::config(), |c| T::new(context, c), entries).map(Self::around)
    }
    /// The patch for this batch; empty where nothing changes.
    pub fn run(&mut self, batch: &[u8]) -> Result<Vec<u8>, BatchError> {
        if let Some(patch) = self.plugin.answer(batch) {
            return Ok(patch);
        }
        let fatal = |e: tidegate_layout::Malformed| BatchError::Fatal(e.to_string());
        let view = BatchView::new(batch).map_err(fatal)?;
        let mut patch = PatchWriter::new(view.arena_len());
        for index in 0..view.len() {
            let at = BatchError::at(index);
            let (schemas, headers) = (&mut self.schemas, &mut self.headers);
            let mut record =
                Record::new(&view, index, schemas, &mut patch, headers).map_err(&at)?;
            self.plugin.apply(&mut record).map_err(&at)?;
            record.finish();
        }
        if patch.arena.overflowed() {
            return Err(BatchError::Fatal("a patch of more than 4 GiB".into()));
        }
        Ok(patch.finish())
    }
}

impl<P: Predicate> Driver<P> {
    /// A configured predicate.
    pub fn predicate(
        context: &Context,
        entries: &[(String, String)],
    ) -> Result<Self, Vec<ConfigError>> {
        make(&P::config(), |c| P::new(context, c), entries).map(Self::around)
    }
    /// One byte a record: 1 where the predicate holds.
    pub fn test(&mut self, batch: &[u8]) -> Result<Vec<u8>, BatchError> {
        let fatal = |e: tidegate_layout::Malformed| BatchError::Fatal(e.to_string());
        let view = BatchView::new(batch).map_err(fatal)?;
        let mut unused = PatchWriter::new(view.arena_len());
        let mut answer = Vec::with_capacity(view.len() as usize);
        for index in 0..view.len() {
            let at = BatchError::at(index);
            let (schemas, headers) = (&mut self.schemas, &mut self.headers);
            let record = Record::new(&view, index, schemas, &mut unused, headers).map_err(&at)?;
            answer.push(u8::from(self.plugin.test(&record).map_err(&at)?));
        }
        Ok(answer)
    }
}

/// Encoded parts of a batch: their bytes one after the other, and where each ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedBatch {
    /// The bytes.
    pub data: Vec<u8>,
    /// End of each part within `data`; [`NULL_END`] for a null.
    pub ends: Vec<u32>,
}

/// Stands for a null in [`EncodedBatch::ends`].
pub const NULL_END: u32 = u32::MAX;

impl<F: Format> Driver<F> {
    /// A configured format.
    pub fn format(
        context: &Context,
        entries: &[(String, String)],
    ) -> Result<Self, Vec<ConfigError>> {
        let mut entries = entries.to_vec();
        // Connect's worker sets it, not the user.
        if let Some(part) = context
            .part
            .filter(|_| entries.iter().all(|e| e.0 != CONVERTER_TYPE))
        {
            entries.push((CONVERTER_TYPE.into(), format!("{part:?}").to_lowercase()));
        }
        make(&F::config(), |c| F::new(context, c), &entries).map(Self::around)
    }
    /// One part of every record.
    pub fn encode(&mut self, batch: &[u8], part: Part) -> Result<EncodedBatch, BatchError> {
        let fatal = |e: tidegate_layout::Malformed| BatchError::Fatal(e.to_string());
        let view = BatchView::new(batch).map_err(fatal)?;
        let mut out = EncodedBatch {
            data: Vec::with_capacity(self.answer_bytes + self.answer_bytes / 8),
            ends: Vec::with_capacity(view.len() as usize),
        };
        for index in 0..view.len() {
            self.encode_record(&view, index, part, &mut out)
                .map_err(BatchError::at(index))?;
        }
        self.answer_bytes = out.data.len();
        Ok(out)
    }

    fn encode_record(
        &mut self,
        view: &BatchView<'_>,
        index: u32,
        part: Part,
        out: &mut EncodedBatch,
    ) -> Result<()> {
        let (record, reader) = (view.record(index)?, view.reader());
        match part {
            Part::Key => self.encode_one(reader, record.key, record.key_schema, out),
            Part::Value => self.encode_one(reader, record.value, record.value_schema, out),
            Part::Header => (0..record.headers_len).try_for_each(|i| {
                let h = reader.header(&record, i)?;
                self.encode_one(reader, h.value, h.schema, out)
            }),
        }
    }

    fn encode_one(
        &mut self,
        reader: tidegate_layout::Reader<'_>,
        slot: tidegate_layout::Slot,
        schema: u32,
        out: &mut EncodedBatch,
    ) -> Result<()> {
        let value = Value::new(reader, slot, self.schemas.get(schema)?);
        let end = match self.plugin.encode(value, &mut out.data)? {
            Encoded::Null => NULL_END,
            Encoded::Bytes => u32::try_from(out.data.len())
                .ok()
                .filter(|n| *n != NULL_END)
                .ok_or_else(|| Error::fatal("a batch encodes to more than 4 GiB"))?,
        };
        out.ends.push(end);
        Ok(())
    }
}
