//! Headers of a batch, encoded once for each distinct run.
//!
//! Debezium puts the same four headers on every record of a task, and a source writes such a run once; encoding it for
//! every record would double the work of a format. Invariant: a record's headers are those its entry points to.

use host_core::batch::Batch;
use host_core::error::{RecordError, Stage, TaskError};
use host_wasm::Format;
use rdkafka::message::{Header, OwnedHeaders};
use std::collections::HashMap;

/// Encoded headers by the address and length of their run.
#[derive(Default)]
pub struct HeaderRuns {
    sets: HashMap<(u32, u32), OwnedHeaders>,
}

impl HeaderRuns {
    /// Encodes every distinct run of the batch's headers. A run that fails is an error of each record that has it.
    pub fn encode(
        format: &mut Format,
        batch: &mut Batch,
    ) -> Result<(Self, Vec<RecordError>), TaskError> {
        let mut first: HashMap<(u32, u32), u32> = HashMap::new();
        let mut selection = Vec::new();
        for (i, r) in batch.records().iter().enumerate() {
            let run = (r.entry.headers, r.entry.headers_len);
            if run.1 > 0 && !first.contains_key(&run) {
                first.insert(run, i as u32);
                selection.push(i as u32);
            }
        }
        if selection.is_empty() {
            return Ok((Self::default(), Vec::new()));
        }
        let encoded = format
            .encode(batch, Some(&selection))
            .map_err(|e| e.to_task_error())?;
        let mut parts = encoded.iter();
        let mut sets = HashMap::with_capacity(selection.len());
        for i in &selection {
            let Some(record) = batch.records().get(*i as usize) else {
                continue;
            };
            let entry = &record.entry;
            let mut set = OwnedHeaders::new_with_capacity(entry.headers_len as usize);
            for h in 0..entry.headers_len {
                let value = parts.next().flatten();
                let header = batch.reader().header(entry, h).map_err(|e| malformed(&e))?;
                let key = batch
                    .reader()
                    .name_at(header.name, header.name_len)
                    .map_err(|e| malformed(&e))?;
                set = set.insert(Header { key, value });
            }
            sets.insert((entry.headers, entry.headers_len), set);
        }
        let mut errors = Vec::new();
        for bad in &encoded.errors {
            let Some(failed) = batch.records().get(bad.record as usize) else {
                continue;
            };
            let run = (failed.entry.headers, failed.entry.headers_len);
            let having = batch.records().iter().enumerate();
            errors.extend(
                having
                    .filter(|(_, r)| (r.entry.headers, r.entry.headers_len) == run)
                    .map(|(i, _)| RecordError {
                        record: i as u32,
                        stage: Stage::HeaderConverter,
                        ..bad.clone()
                    }),
            );
        }
        Ok((Self { sets }, errors))
    }

    /// The headers of a record, by its entry's run.
    pub fn get(&self, headers: u32, headers_len: u32) -> Option<OwnedHeaders> {
        self.sets.get(&(headers, headers_len)).cloned()
    }
}

fn malformed(e: &host_core::layout::Malformed) -> TaskError {
    TaskError::fail("BUG", format!("encoding headers: {e}"))
}
