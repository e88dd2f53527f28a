//! Connect's `Converter` and `HeaderConverter`: a batch's keys, values or headers as bytes for Kafka.
//!
//! It calls `encode` and checks that the ends fit the data and the records. It does not send anything.
//! Invariant: there is one end for each part asked for, also for those of records that failed (null).

use crate::fault::PluginFault;
use crate::instance::{Bindings, Guest, Part, Setup, StartError, cpu_time, prepare};
use crate::isolate::{Bad, Breaker, CallError, Failure};
use crate::plugin::Plugin;
use crate::stats::PluginStats;
use crate::transform::{from_guest, too_large};
use crate::wire::{each, weigh};
use host_core::batch::Batch;
use host_core::error::{RecordError, Stage};
use std::sync::Arc;

/// Marks a null in [`Encoded::ends`].
pub const NULL_END: u32 = u32::MAX;

/// A configured format of one task.
pub struct Format {
    guest: Guest,
    breaker: Breaker,
    part: Part,
}

/// The encoded parts of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    data: Vec<u8>,
    ends: Vec<u32>,
    /// Number of parts of each record, for headers; empty where it is one each.
    counts: Vec<u32>,
    /// Records that failed, by index in the batch, ascending; their parts are null.
    pub errors: Vec<RecordError>,
}

impl Encoded {
    /// The parts one after the other, in the order of the records; for headers, those of the first record, then
    /// those of the next. `None` for a null.
    pub fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> + '_ {
        let mut from = 0usize;
        self.ends.iter().map(move |end| {
            if *end == NULL_END {
                return None;
            }
            let part = self.data.get(from..*end as usize);
            from = *end as usize;
            part
        })
    }
    /// Number of parts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there is no part.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// Number of parts of the record at `position` among the encoded ones.
    pub fn parts_of(&self, position: usize) -> usize {
        self.counts.get(position).map_or(1, |n| *n as usize)
    }
    /// All bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

impl Format {
    /// Starts the plugin and configures it; the part is that of the setup's context (the value where it has none).
    pub fn new(setup: Setup) -> Result<Self, StartError> {
        let part = setup.context.part.unwrap_or(Part::Value);
        Ok(Self {
            guest: Guest::new(setup)?,
            breaker: Breaker::default(),
            part,
        })
    }
    /// Its numbers.
    pub fn stats(&self) -> &Arc<PluginStats> {
        &self.guest.stats
    }
    /// The plugin.
    pub fn plugin(&self) -> &Arc<Plugin> {
        self.guest.plugin()
    }
    /// Encodes its part of all records, or of those at the ascending indexes of `selection`. The batch is not
    /// changed.
    pub fn encode(
        &mut self,
        batch: &mut Batch,
        selection: Option<&[u32]>,
    ) -> Result<Encoded, CallError> {
        let (part, class) = (self.part, self.guest.class().to_owned());
        let mut pieces: Vec<(usize, Piece)> = Vec::new();
        let bad = self.breaker.run(
            &mut self.guest,
            batch,
            selection,
            |guest, batch, range, slice| {
                pieces.push((slice.position, encode(guest, batch, range, part)?));
                Ok(())
            },
        )?;
        let mut counts = Vec::new();
        if part == Part::Header {
            each(batch, selection, |_, r| counts.push(r.headers_len));
        }
        let record_bytes_max = self.guest.limits.record_bytes_max;
        Ok(Assembly {
            part,
            class,
            counts,
            record_bytes_max,
        }
        .assemble(pieces, bad, batch, selection))
    }
}

/// The answer to one call, checked.
#[derive(Debug, Default)]
struct Piece {
    data: Vec<u8>,
    ends: Vec<u32>,
}

fn encode(
    guest: &mut Guest,
    batch: &mut Batch,
    range: Option<&[u32]>,
    part: Part,
) -> Result<Piece, Failure> {
    guest.define()?;
    let stats = Arc::clone(&guest.stats);
    let Some((live, ledger, limits, schemas)) = guest.live() else {
        return Err(PluginFault::Trap("no instance".into()).into());
    };
    ledger.measure(&schemas.read());
    let (records, weight) = weigh(batch, range, Some((ledger, part)));
    let answer_bytes = limits.output_bytes(weight);
    let deadline_ms = limits.batch_deadline_ms;
    prepare(&mut live.store, deadline_ms, answer_bytes);
    let Bindings::Format(b) = &live.bindings else {
        return Err(PluginFault::BadAnswer("not a format".into()).into());
    };
    let began = cpu_time();
    let store = &mut live.store;
    let answer = batch.with_wire(range, |bytes| {
        b.tidegate_plugin_formatter()
            .call_encode(&mut *store, bytes, part.to_wit())
    });
    stats.called(records, cpu_time().saturating_sub(began));
    stats.holds_memory(store.data().limiter.used_bytes());
    let encoded = match answer {
        Ok(Ok(encoded)) => encoded,
        Ok(Err(e)) => return Err(from_guest(e)),
        Err(e) => return Err(PluginFault::from_call(&e, store.data(), deadline_ms).into()),
    };
    if encoded.data.len() as u64 > answer_bytes {
        return Err(too_large(encoded.data.len(), answer_bytes).into());
    }
    let mut parts = 0u64;
    each(batch, range, |_, r| {
        parts += if part == Part::Header {
            u64::from(r.headers_len)
        } else {
            1
        };
    });
    check_ends(&encoded.data, &encoded.ends, parts).map_err(PluginFault::BadAnswer)?;
    Ok(Piece {
        data: encoded.data,
        ends: encoded.ends,
    })
}

/// Ends ascend, the last one is the end of the data, and there are as many as parts.
fn check_ends(data: &[u8], ends: &[u32], parts: u64) -> Result<(), String> {
    if ends.len() as u64 != parts {
        return Err(format!("{} parts where {parts} were asked for", ends.len()));
    }
    let mut last = 0;
    for end in ends.iter().copied().filter(|e| *e != NULL_END) {
        if end < last || end as usize > data.len() {
            return Err(format!(
                "a part that ends at {end}, after {last} of {} bytes",
                data.len()
            ));
        }
        last = end;
    }
    if last as usize == data.len() {
        Ok(())
    } else {
        Err(format!(
            "{} bytes that belong to no part",
            data.len() - last as usize
        ))
    }
}

/// Puts the pieces of a batch together, with nulls for the records that failed.
struct Assembly {
    part: Part,
    class: String,
    counts: Vec<u32>,
    record_bytes_max: u64,
}

impl Assembly {
    fn stage(&self) -> Stage {
        match self.part {
            Part::Key => Stage::KeyConverter,
            Part::Value => Stage::ValueConverter,
            Part::Header => Stage::HeaderConverter,
        }
    }
    fn error(&self, record: u32, message: String) -> RecordError {
        RecordError {
            record,
            stage: self.stage(),
            class: self.class.clone(),
            message,
        }
    }

    fn assemble(
        self,
        pieces: Vec<(usize, Piece)>,
        bad: Vec<Bad>,
        batch: &Batch,
        selection: Option<&[u32]>,
    ) -> Encoded {
        let mut out = Encoded::default();
        let mut bad = bad.into_iter().peekable();
        for (position, piece) in pieces {
            while let Some(b) = bad.next_if(|b| (b.position as usize) < position) {
                self.push_bad(&mut out, b);
            }
            if out.ends.is_empty() {
                out.data = piece.data;
                out.ends = piece.ends;
                continue;
            }
            let base = out.data.len() as u32;
            out.data.extend_from_slice(&piece.data);
            let shifted = piece
                .ends
                .iter()
                .map(|e| if *e == NULL_END { *e } else { e + base });
            out.ends.extend(shifted);
        }
        for b in bad {
            self.push_bad(&mut out, b);
        }
        let large = self.too_large(&out, batch, selection);
        out.errors.extend(large);
        out.errors.sort_by_key(|e| e.record);
        out.counts = self.counts;
        out
    }

    fn push_bad(&self, out: &mut Encoded, b: Bad) {
        let parts = self
            .counts
            .get(b.position as usize)
            .map_or(1, |n| *n as usize);
        out.ends.extend(std::iter::repeat_n(NULL_END, parts));
        out.errors.push(self.error(b.index, b.message));
    }

    /// Records with a part over the limit; no fault of the plugin, so nothing is called again.
    fn too_large(
        &self,
        out: &Encoded,
        batch: &Batch,
        selection: Option<&[u32]>,
    ) -> Vec<RecordError> {
        if out.data.len() as u64 <= self.record_bytes_max {
            return Vec::new();
        }
        let mut parts = out.iter();
        let mut errors = Vec::new();
        let mut indexes = selection.map(|s| s.iter().copied());
        for position in 0..selection.map_or(batch.records().len(), <[u32]>::len) {
            let index = indexes
                .as_mut()
                .and_then(Iterator::next)
                .unwrap_or(position as u32);
            let count = self.counts.get(position).map_or(1, |n| *n as usize);
            let largest = parts.by_ref().take(count).flatten().map(<[u8]>::len).max();
            if let Some(bytes) = largest.filter(|b| *b as u64 > self.record_bytes_max) {
                let message = format!(
                    "encoding a record: it takes {bytes} bytes and may take {}; exclude large columns or raise the \
                     limit",
                    self.record_bytes_max
                );
                errors.push(self.error(index, message));
            }
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_must_fit_data_and_records() {
        for (data, ends, parts, good) in [
            (&b"abc"[..], &[1, NULL_END, 3][..], 3, true),
            (b"", &[NULL_END, NULL_END], 2, true),
            (b"", &[], 0, true),
            (b"abc", &[1, 3], 3, false),
            (b"abc", &[2, 1, 3], 3, false),
            (b"abc", &[1, 4], 2, false),
            (b"abc", &[1, 2], 2, false),
        ] {
            assert_eq!(check_ends(data, ends, parts).is_ok(), good, "{ends:?}");
        }
        let e = Encoded {
            data: b"abc".to_vec(),
            ends: vec![1, NULL_END, 3],
            ..Encoded::default()
        };
        let parts: Vec<_> = e.iter().collect();
        assert_eq!(parts, [Some(&b"a"[..]), None, Some(b"bc")]);
    }
}
