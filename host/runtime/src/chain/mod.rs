//! A task's chain: transforms with their predicates in order, then the formats of key, value and headers.
//!
//! It turns a batch into bytes and sends nothing. Records that fail are judged by the error policy and, where they are
//! to be dead-lettered, encoded as they were before the stage that failed.
//! Invariant: every source record of a batch ends as sent copies, as a dead letter, or as dropped; the numbers of
//! [`Prepared::copies`] say which.

mod build;
mod dead;
mod headers;

pub use build::{
    ChainBuilder, DEFAULT_HEADER_CONVERTER, InstanceRoom, Named, converter_key, converter_of,
};
pub use dead::DeadLetter;
pub use headers::HeaderRuns;

use crate::policy::ErrorPolicy;
use host_core::batch::Batch;
use host_core::error::{RecordError, Stage, TaskError};
use host_wasm::{Encoded, Format, PluginStats, Predicate, Transform};
use std::sync::Arc;

/// One transform and the predicate that chooses its records.
pub struct Step {
    /// Its alias, as in `transforms`.
    pub alias: String,
    /// The transform.
    pub transform: Transform,
    /// Its predicate, and whether it is negated.
    pub predicate: Option<(Predicate, bool)>,
}

/// Transforms and formats of one task.
pub struct Chain {
    /// The transforms, in order.
    pub steps: Vec<Step>,
    /// Encodes keys.
    pub key: Format,
    /// Encodes values.
    pub value: Format,
    /// Encodes headers.
    pub header: Format,
    /// What to do about records that fail.
    pub policy: ErrorPolicy,
    /// Its guests' share of the tenant's quotas.
    pub room: Option<InstanceRoom>,
}

/// A batch that is ready to be sent.
pub struct Prepared {
    /// The records that are left.
    pub batch: Batch,
    keys: Encoded,
    values: Encoded,
    /// Encoded headers, one set for each distinct run.
    pub headers: HeaderRuns,
    /// Indexes, ascending, of records whose encoding failed; they are dead-lettered or skipped.
    unsent: Vec<u32>,
    /// Records that go to the dead letter topic.
    pub dead: Vec<DeadLetter>,
    /// Copies to be sent of each source record, dead letters included.
    pub copies: Vec<u32>,
    /// Records that the transforms dropped.
    pub dropped: u64,
    /// Records whose errors were tolerated.
    pub errors: u64,
    /// The error of a record that is not tolerated. It and what follows it are not in the batch: what comes before is
    /// delivered, and then the task fails, as in Connect, which works on one record after the other.
    pub ended: Option<TaskError>,
}

/// One record's bytes.
pub struct Outgoing<'a> {
    /// Index in [`Prepared::batch`].
    pub index: usize,
    /// Encoded key.
    pub key: Option<&'a [u8]>,
    /// Encoded value.
    pub value: Option<&'a [u8]>,
}

impl Prepared {
    /// The records to be sent, in order.
    pub fn outgoing(&self) -> impl Iterator<Item = Outgoing<'_>> {
        let parts = self.keys.iter().zip(self.values.iter()).enumerate();
        parts
            .filter(|(i, _)| self.unsent.binary_search(&(*i as u32)).is_err())
            .map(|(index, (key, value))| Outgoing { index, key, value })
    }
}

/// Dead letters and counts gathered on the way through the chain.
#[derive(Default)]
struct Gathered {
    dead: Vec<DeadLetter>,
    errors: u64,
    dropped: u64,
    /// The source record at which the batch ends, and why.
    ended: Option<(u32, TaskError)>,
}

impl Chain {
    /// Runs a batch through transforms and formats.
    pub fn run(&mut self, mut batch: Batch) -> Result<Prepared, TaskError> {
        let mut g = Gathered::default();
        for i in 0..self.steps.len() {
            self.step(i, &mut batch, &mut g)?;
        }
        let mut unsent = Vec::new();
        let keys = encode(&mut self.key, &mut batch)?;
        let values = encode(&mut self.value, &mut batch)?;
        let (headers, header_errors) = HeaderRuns::encode(&mut self.header, &mut batch)?;
        self.encoding_failed(&batch, &keys, &values, &header_errors, &mut unsent, &mut g);
        let mut copies = vec![0u32; batch.source_records() as usize];
        let sent = batch.records().iter().enumerate();
        let origins = sent
            .filter(|(i, _)| unsent.binary_search(&(*i as u32)).is_err())
            .map(|(_, r)| r.origin)
            .chain(g.dead.iter().map(|d| d.origin));
        for origin in origins {
            if let Some(n) = copies.get_mut(origin as usize) {
                *n += 1;
            }
        }
        // What is not counted is neither sent nor given up: it is read again.
        let ended = g.ended.map(|(origin, e)| {
            copies.truncate(origin as usize);
            e
        });
        Ok(Prepared {
            batch,
            keys,
            values,
            headers,
            unsent,
            dead: g.dead,
            copies,
            dropped: g.dropped,
            errors: g.errors,
            ended,
        })
    }

    /// Counters of every guest, with its role and class.
    pub fn stats(&self) -> impl Iterator<Item = (String, String, &Arc<PluginStats>)> {
        let formats = [
            ("key.converter", &self.key),
            ("value.converter", &self.value),
            ("header.converter", &self.header),
        ];
        let formats =
            formats.map(|(role, f)| (role.to_owned(), f.plugin().class().to_owned(), f.stats()));
        let steps = self.steps.iter().flat_map(|s| {
            let t = &s.transform;
            let transform = (
                format!("transforms.{}", s.alias),
                t.plugin().class().to_owned(),
                t.stats(),
            );
            let predicate = s.predicate.as_ref().map(|(p, _)| {
                (
                    format!("transforms.{}.predicate", s.alias),
                    p.plugin().class().to_owned(),
                    p.stats(),
                )
            });
            std::iter::once(transform).chain(predicate)
        });
        steps.chain(formats)
    }

    fn step(&mut self, i: usize, batch: &mut Batch, g: &mut Gathered) -> Result<(), TaskError> {
        let Some(step) = self.steps.get_mut(i) else {
            return Ok(());
        };
        let mut selection = None;
        if let Some((predicate, negate)) = &mut step.predicate {
            let tested = predicate.test(batch).map_err(|e| e.to_task_error())?;
            let negate = *negate;
            let bad: Vec<u32> = tested.errors.iter().map(|e| e.record).collect();
            self.failed(batch, &tested.errors, g)?;
            // A batch that has ended at a record is shorter now.
            let left = batch.records().len();
            let passed = tested
                .holds
                .iter()
                .enumerate()
                .filter(|(i, _)| bad.binary_search(&(*i as u32)).is_err());
            let chosen: Vec<u32> = passed
                .enumerate()
                .take(left)
                .filter(|(_, (_, holds))| **holds != negate)
                .map(|(now, _)| now as u32)
                .collect();
            if chosen.is_empty() {
                return Ok(());
            }
            selection = (chosen.len() < batch.records().len()).then_some(chosen);
        }
        let Some(step) = self.steps.get_mut(i) else {
            return Ok(());
        };
        if batch.records().is_empty() {
            return Ok(());
        }
        let done = step
            .transform
            .apply(batch, selection.as_deref())
            .map_err(|e| e.to_task_error())?;
        g.dropped += u64::from(done.applied.dropped);
        self.failed(batch, &done.errors, g)
    }

    /// Judges records that failed in a transform or predicate (ascending, as both tell them), and takes them out of the
    /// batch.
    fn failed(
        &mut self,
        batch: &mut Batch,
        errors: &[RecordError],
        g: &mut Gathered,
    ) -> Result<(), TaskError> {
        if errors.is_empty() {
            return Ok(());
        }
        for e in errors {
            if let Err(fatal) = self.policy.tolerate(e, topic_of(batch, e.record)) {
                end_at(batch, e.record, fatal, g);
                return Ok(());
            }
        }
        g.errors += errors.len() as u64;
        if self.policy.dead_letter_topic.is_some() {
            let selection: Vec<u32> = errors.iter().map(|e| e.record).collect();
            let keys = self
                .key
                .encode(batch, Some(&selection))
                .map_err(|e| e.to_task_error())?;
            let values = self
                .value
                .encode(batch, Some(&selection))
                .map_err(|e| e.to_task_error())?;
            for (e, (key, value)) in errors.iter().zip(keys.iter().zip(values.iter())) {
                g.dead.extend(DeadLetter::new(batch, e, key, value));
            }
        }
        let bad: Vec<u32> = errors.iter().map(|e| e.record).collect();
        batch.remove(&bad);
        Ok(())
    }

    /// Judges records whose key, value or headers could not be encoded. They stay in the batch, which has been encoded.
    fn encoding_failed(
        &self,
        batch: &Batch,
        keys: &Encoded,
        values: &Encoded,
        headers: &[RecordError],
        unsent: &mut Vec<u32>,
        g: &mut Gathered,
    ) {
        let all = keys
            .errors
            .iter()
            .map(|e| with_stage(e, Stage::KeyConverter));
        let all = all.chain(
            values
                .errors
                .iter()
                .map(|e| with_stage(e, Stage::ValueConverter)),
        );
        let mut errors: Vec<RecordError> = all.chain(headers.iter().cloned()).collect();
        if errors.is_empty() {
            return;
        }
        errors.sort_by_key(|e| e.record);
        errors.dedup_by_key(|e| e.record);
        for e in &errors {
            if let Err(fatal) = self.policy.tolerate(e, topic_of(batch, e.record)) {
                // Encoded already: left in the batch, and not sent.
                let (first, origin) = tail(batch, e.record);
                unsent.retain(|i| *i < first);
                unsent.extend(first..batch.records().len() as u32);
                g.ended = Some((origin, fatal));
                return;
            }
            unsent.push(e.record);
            if self.policy.dead_letter_topic.is_some() {
                let i = e.record as usize;
                let key = keys.iter().nth(i).flatten();
                let value = values.iter().nth(i).flatten();
                g.dead.extend(DeadLetter::new(batch, e, key, value));
            }
        }
        g.errors += errors.len() as u64;
    }
}

/// The first record with the origin of record `index`, and that origin: a source record is delivered whole or not at all.
fn tail(batch: &Batch, index: u32) -> (u32, u32) {
    let records = batch.records();
    let origin = records.get(index as usize).map_or(0, |r| r.origin);
    (
        records.partition_point(|r| r.origin < origin) as u32,
        origin,
    )
}

/// Ends the batch before a record that is not tolerated.
fn end_at(batch: &mut Batch, index: u32, fatal: TaskError, g: &mut Gathered) {
    let (first, origin) = tail(batch, index);
    let rest: Vec<u32> = (first..batch.records().len() as u32).collect();
    batch.remove(&rest);
    g.ended = Some((origin, fatal));
}

fn encode(format: &mut Format, batch: &mut Batch) -> Result<Encoded, TaskError> {
    if batch.records().is_empty() {
        return Ok(Encoded::default());
    }
    format.encode(batch, None).map_err(|e| e.to_task_error())
}

fn with_stage(e: &RecordError, stage: Stage) -> RecordError {
    RecordError { stage, ..e.clone() }
}

/// Topic of a record, for messages.
fn topic_of(batch: &Batch, index: u32) -> &str {
    let record = batch.records().get(index as usize);
    record
        .and_then(|r| batch.reader().topic(&r.entry).ok())
        .unwrap_or("?")
}
