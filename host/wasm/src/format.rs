//! Connect's `Converter` and `HeaderConverter`: a batch's keys, values or headers as bytes for Kafka.
//!
//! It calls `encode` and checks that the ends fit the data and the records. It does not send anything.
//! Invariant: there is one end for each part asked for, also for those of records that failed (null).

mod encoded;

pub use encoded::{Encoded, NULL_END};

use crate::context::Part;
use crate::fault::PluginFault;
use crate::instance::{Bindings, Guest, Setup, StartError, wrong_world};
use crate::isolate::{Breaker, CallError, Failure};
use crate::plugin::Plugin;
use crate::stats::PluginStats;
use crate::transform::{from_guest, too_large};
use crate::wire::{each, weigh};
use encoded::{Assembly, ENDS_MAX, Piece, check_ends};
use host_core::batch::Batch;
use std::sync::Arc;

/// A configured format of one task.
pub struct Format {
    guest: Guest,
    breaker: Breaker,
    part: Part,
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
        // Each piece may weigh as much as its whole batch: the sum has a bound of its own, below 4 GiB.
        let bytes_max = self.guest.limits.output_bytes(u64::MAX).min(ENDS_MAX);
        let mut bytes = 0u64;
        let bad = self.breaker.run(
            &mut self.guest,
            batch,
            selection,
            |guest, batch, range, slice| {
                let piece = encode(guest, batch, range, part)?;
                bytes += piece.data.len() as u64;
                if bytes > bytes_max {
                    return Err(too_large(bytes, bytes_max).into());
                }
                pieces.push((slice.position, piece));
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
    stats.called(records);
    let answer = live.call(limits.batch_deadline_ms, answer_bytes, |bindings, store| {
        let Bindings::Format(b) = bindings else {
            return Err(wrong_world());
        };
        batch.with_wire(range, |bytes| {
            b.tidegate_plugin_formatter()
                .call_encode(store, bytes, part.to_wit())
        })
    });
    let encoded = answer?.map_err(from_guest)?;
    if encoded.data.len() as u64 > answer_bytes {
        return Err(too_large(encoded.data.len() as u64, answer_bytes).into());
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
