//! Connect's `Predicate`: which records a transform sees.
//!
//! It calls `test` and checks the answer's length. It changes nothing and does not negate (`negate` is the chain's).
//! Invariant: there is one answer for each record, also for those that failed (false).

use crate::fault::PluginFault;
use crate::instance::{Bindings, Guest, Setup, StartError, wrong_world};
use crate::isolate::{Breaker, CallError, Failure, transformation_errors};
use crate::plugin::Plugin;
use crate::stats::PluginStats;
use crate::transform::from_guest;
use crate::wire::weigh;
use host_core::batch::Batch;
use host_core::error::RecordError;
use std::sync::Arc;

/// A configured predicate of one task.
pub struct Predicate {
    guest: Guest,
    breaker: Breaker,
}

/// A predicate's answer for a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tested {
    /// One answer for each record of the batch, in order; false for a record that failed.
    pub holds: Vec<bool>,
    /// Records that failed, by index in the batch, ascending.
    pub errors: Vec<RecordError>,
}

impl Predicate {
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
    /// Tests every record. The batch is not changed (it is `&mut` because its wire form is written behind it for
    /// the time of the call).
    pub fn test(&mut self, batch: &mut Batch) -> Result<Tested, CallError> {
        let mut holds = vec![false; batch.records().len()];
        let bad = self.breaker.run(
            &mut self.guest,
            batch,
            None,
            |guest, batch, range, slice| {
                let answer = test(guest, batch, range, slice.len)?;
                for (to, from) in holds.iter_mut().skip(slice.position).zip(answer) {
                    *to = from == 1;
                }
                Ok(())
            },
        )?;
        let errors = transformation_errors(bad, self.guest.class());
        Ok(Tested { holds, errors })
    }
}

fn test(
    guest: &mut Guest,
    batch: &mut Batch,
    range: Option<&[u32]>,
    len: usize,
) -> Result<Vec<u8>, Failure> {
    guest.define()?;
    let stats = Arc::clone(&guest.stats);
    let Some((live, _, limits, _)) = guest.live() else {
        return Err(PluginFault::Trap("no instance".into()).into());
    };
    let (records, _) = weigh(batch, range, None);
    stats.called(records);
    let answer = live.call(limits.batch_deadline_ms, len as u64, |bindings, store| {
        let Bindings::Predicate(b) = bindings else {
            return Err(wrong_world());
        };
        batch.with_wire(range, |bytes| {
            b.tidegate_plugin_predicate_tester().call_test(store, bytes)
        })
    });
    let answer = answer?.map_err(from_guest)?;
    if answer.len() != len || answer.iter().any(|b| *b > 1) {
        let text = format!(
            "{} answers, for {len} records, each of which must be 0 or 1",
            answer.len()
        );
        return Err(PluginFault::BadAnswer(text).into());
    }
    Ok(answer)
}
