//! Connect's `Transformation`: edits a batch by a plugin's patch.
//!
//! It calls `run`, checks the patch and applies it. Records that fail stay in the batch as they were and are
//! reported. Invariant: a record that is not reported has gone through the plugin exactly once.

use crate::fault::PluginFault;
use crate::instance::{Bindings, Guest, Setup, StartError, wrong_world};
use crate::isolate::{Breaker, CallError, Failure, transformation_errors};
use crate::plugin::Plugin;
use crate::stats::PluginStats;
use crate::text::{GUEST_TEXT_BYTES_MAX, clean};
use crate::wire::weigh;
use host_core::batch::{Applied, Batch, PatchLimits};
use host_core::error::RecordError;
use std::sync::Arc;

/// A configured transform of one task.
pub struct Transform {
    guest: Guest,
    breaker: Breaker,
}

/// What a transform did to a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Transformed {
    /// Numbers of records changed, dropped, inserted.
    pub applied: Applied,
    /// Records that failed. They are still in the batch, unchanged, at [`RecordError::record`], an index into the
    /// batch as it is now; ascending. [`Batch::remove`] takes them out if the policy is to skip them.
    pub errors: Vec<RecordError>,
}

impl Transform {
    /// Starts the plugin and configures it.
    pub fn new(setup: Setup) -> Result<Self, StartError> {
        Ok(Self {
            guest: Guest::new(setup)?,
            breaker: Breaker::default(),
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
    /// Applies the transform to all records, or to those at the ascending indexes of `selection` (the predicate's
    /// choice). On an error the task fails and the batch must be dropped.
    pub fn apply(
        &mut self,
        batch: &mut Batch,
        selection: Option<&[u32]>,
    ) -> Result<Transformed, CallError> {
        let mut done = Transformed::default();
        let bad = self.breaker.run(
            &mut self.guest,
            batch,
            selection,
            |guest, batch, range, _| {
                let applied = run(guest, batch, range)?;
                done.applied += applied;
                Ok(())
            },
        )?;
        done.errors = transformation_errors(bad, self.guest.class());
        Ok(done)
    }
}

fn run(guest: &mut Guest, batch: &mut Batch, range: Option<&[u32]>) -> Result<Applied, Failure> {
    guest.define()?;
    let stats = Arc::clone(&guest.stats);
    let Some((live, ledger, limits, schemas)) = guest.live() else {
        return Err(PluginFault::Trap("no instance".into()).into());
    };
    let (records, weight) = weigh(batch, range, None);
    let answer_bytes = limits.output_bytes(weight);
    stats.called(records);
    let answer = live.call(limits.batch_deadline_ms, answer_bytes, |bindings, store| {
        let Bindings::Transform(b) = bindings else {
            return Err(wrong_world());
        };
        batch.with_wire(range, |bytes| {
            b.tidegate_plugin_transformer().call_run(store, bytes)
        })
    });
    let output = answer?.map_err(from_guest)?;
    if output.patch.len() as u64 > answer_bytes {
        return Err(too_large(output.patch.len() as u64, answer_bytes).into());
    }
    ledger.take(output.schemas, &mut live.known, schemas, limits)?;
    let known = &live.known;
    let patch_limits = PatchLimits {
        bytes_max: answer_bytes,
        record_bytes_max: limits.record_bytes_max,
    };
    batch
        .apply_patch(range, &output.patch, |id| known.map(id), &patch_limits)
        .map_err(|e| PluginFault::BadAnswer(e.to_string()).into())
}

/// A guest's own error.
pub(crate) fn from_guest(e: crate::bindings::types::Error) -> Failure {
    use crate::bindings::types::Error;
    match e {
        Error::BadRecord(r) => Failure::Record {
            index: r.index,
            message: clean(&r.message, GUEST_TEXT_BYTES_MAX),
        },
        Error::Fatal(text) => Failure::Fatal(clean(&text, GUEST_TEXT_BYTES_MAX)),
    }
}

pub(crate) fn too_large(bytes: u64, allowed: u64) -> PluginFault {
    PluginFault::BadAnswer(format!(
        "it is {bytes} bytes and may be {allowed} for this batch"
    ))
}
