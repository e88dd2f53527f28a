//! What happens after a fault: fresh instance, one replay, then a search for the records at fault.
//!
//! A guest is a pure function of configuration, schemas and batch, and nothing of a failed call is kept, so a call may
//! be repeated. Ranges of records are worked on in order, each until it succeeds or is one record; so every record
//! goes through exactly once or is reported. Whether a reported record is skipped or fails the task is the
//! connector's error policy. Invariant: the work is bounded by [`Limits::isolate_deadlines_max`](crate::Limits) and by
//! [`Limits::faulty_batches_max`](crate::Limits).

use crate::fault::PluginFault;
use crate::instance::{Guest, StartError};
use crate::limits::Limits;
use host_core::batch::Batch;
use host_core::error::{RecordError, Stage, TaskError};
use std::time::Duration;

/// How one call ended, when not well. Nothing of it has been kept.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The guest says that this record (counted in the call's selection) is at fault.
    Record { index: u32, message: String },
    /// The guest says that it cannot go on.
    Fatal(String),
    /// The guest failed.
    Fault(PluginFault),
}

impl From<PluginFault> for Failure {
    fn from(fault: PluginFault) -> Self {
        Self::Fault(fault)
    }
}

/// Why a plugin cannot go on: its task fails. The batch may have been changed in part and must not be delivered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It said so.
    #[error("{class} gave up: {message}")]
    Fatal {
        /// Its class.
        class: String,
        /// Its own words.
        message: String,
    },
    /// It failed too often or for too long.
    #[error("{class} failed {how}; the last time: {fault}")]
    Broken {
        /// Its class.
        class: String,
        /// How often or how long.
        how: String,
        /// The last fault.
        fault: PluginFault,
    },
    /// Its task has to stop; the batch must not be delivered.
    #[error("{}", PluginFault::Stopped)]
    Stopped,
    /// A fresh instance did not start.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl CallError {
    /// The task's error: FAILED, since only a person can help.
    pub fn to_task_error(&self) -> TaskError {
        let code = match self {
            Self::Fatal { .. } => "PLUGIN-FATAL",
            Self::Broken { .. } => "PLUGIN-BROKEN",
            Self::Stopped => "PLUGIN-STOPPED",
            Self::Start(_) => "PLUGIN-START",
        };
        TaskError::fail(code, self.to_string())
    }
}

/// Counts faulty batches in a row.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    faulty_batches: u32,
}

/// A record that failed: its position among the selected ones, its index in the batch as it is now, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) position: u32,
    pub(crate) index: u32,
    pub(crate) message: String,
}

/// Bad records as the chain judges them: transforms and their predicates are one stage, as in Connect.
pub(crate) fn transformation_errors(bad: Vec<Bad>, class: &str) -> Vec<RecordError> {
    let error = |b: Bad| RecordError {
        record: b.index,
        stage: Stage::Transformation,
        class: class.to_owned(),
        message: b.message,
    };
    bad.into_iter().map(error).collect()
}

/// A step of the work that is left; positions count selected records.
#[derive(Debug)]
enum Step {
    Try { lo: usize, hi: usize, replay: bool },
    Bad { position: usize, message: String },
}

/// Which records of a batch a call is for.
pub(crate) struct Selected {
    /// All records, in which case `indexes` is empty and counts nothing.
    all: Option<usize>,
    indexes: Vec<u32>,
    /// How far records have moved since the work began: those behind the current range, by inserts and drops.
    moved: i64,
}

impl Selected {
    pub(crate) fn new(batch: &Batch, selection: Option<&[u32]>) -> Self {
        let n = batch.records().len();
        let indexes = selection.map(|s| s.iter().copied().filter(|i| (*i as usize) < n).collect());
        Self {
            all: indexes.is_none().then_some(n),
            indexes: indexes.unwrap_or_default(),
            moved: 0,
        }
    }
    pub(crate) fn len(&self) -> usize {
        self.all.unwrap_or(self.indexes.len())
    }
    /// Index in the batch, as it is now, of a position at or behind the current range.
    fn index(&self, position: usize) -> u32 {
        let before = if self.all.is_some() {
            position as i64
        } else {
            self.indexes.get(position).map_or(0, |i| i64::from(*i))
        };
        u32::try_from(before + self.moved).unwrap_or(0)
    }
    fn range(&self, lo: usize, hi: usize) -> Option<Vec<u32>> {
        if self.all == Some(hi - lo) {
            return None;
        }
        Some((lo..hi).map(|p| self.index(p)).collect())
    }
}

impl Breaker {
    /// Runs `attempt` over the selected records until each has gone through or is known to be bad. `attempt` gets
    /// the indexes of a range (`None` for the whole batch), and its number of records; it keeps its results itself
    /// and is called in order of the records.
    pub(crate) fn run(
        &mut self,
        guest: &mut Guest,
        batch: &mut Batch,
        selection: Option<&[u32]>,
        mut attempt: impl FnMut(&mut Guest, &mut Batch, Option<&[u32]>, Slice) -> Result<(), Failure>,
    ) -> Result<Vec<Bad>, CallError> {
        let mut selected = Selected::new(batch, selection);
        let mut search = Search::new(guest.limits, guest.class(), selected.len());
        let mut bad = Vec::new();
        while let Some(step) = search.steps.pop() {
            let (lo, hi, replay) = match step {
                Step::Bad { position, message } => {
                    guest.stats.bad_record();
                    bad.push(Bad {
                        position: position as u32,
                        index: selected.index(position),
                        message,
                    });
                    continue;
                }
                Step::Try { lo, hi, replay } => (lo, hi, replay),
            };
            guest.revive()?;
            let before = batch.records().len() as i64;
            let began_ns = guest.stats.cpu_ns();
            let range = selected.range(lo, hi);
            let slice = Slice {
                position: lo,
                len: hi - lo,
            };
            let done = attempt(guest, batch, range.as_deref(), slice);
            search.spent += Duration::from_nanos(guest.stats.cpu_ns() - began_ns);
            match done {
                Ok(()) => selected.moved += batch.records().len() as i64 - before,
                Err(Failure::Fatal(message)) => {
                    guest.kill();
                    let class = guest.class().to_owned();
                    return Err(CallError::Fatal { class, message });
                }
                Err(Failure::Fault(PluginFault::Stopped)) => {
                    guest.kill();
                    return Err(CallError::Stopped);
                }
                Err(Failure::Record { index, message }) if (index as usize) < hi - lo => {
                    search.split_out(lo, hi, lo + index as usize, message);
                }
                Err(Failure::Record { index, .. }) => {
                    let text = format!("it named record {index} of {}", hi - lo);
                    let fault = PluginFault::BadAnswer(text);
                    search.faulted(guest, fault, lo, hi, replay);
                }
                Err(Failure::Fault(fault)) => search.faulted(guest, fault, lo, hi, replay),
            }
            search.check_time()?;
        }
        self.note(guest, search.last_fault)?;
        Ok(bad)
    }

    fn note(&mut self, guest: &Guest, fault: Option<PluginFault>) -> Result<(), CallError> {
        let Some(fault) = fault else {
            self.faulty_batches = 0;
            return Ok(());
        };
        self.faulty_batches += 1;
        if self.faulty_batches < guest.limits.faulty_batches_max {
            return Ok(());
        }
        Err(CallError::Broken {
            class: guest.class().to_owned(),
            how: format!("in {} batches in a row", self.faulty_batches),
            fault,
        })
    }
}

/// The records of one attempt: position of the first among the selected ones, and their number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice {
    pub(crate) position: usize,
    pub(crate) len: usize,
}

/// The state of the work on one batch.
struct Search {
    steps: Vec<Step>,
    /// CPU time of all calls, good ones included: a guest may be slow and right, or slow and find fault with each record.
    spent: Duration,
    spent_max: Duration,
    class: String,
    last_fault: Option<PluginFault>,
}

impl Search {
    fn new(limits: Limits, class: &str, len: usize) -> Self {
        let allowed_ms = limits
            .batch_deadline_ms
            .saturating_mul(u64::from(limits.isolate_deadlines_max));
        let all = Step::Try {
            lo: 0,
            hi: len,
            replay: true,
        };
        Self {
            steps: if len == 0 { Vec::new() } else { vec![all] },
            spent: Duration::ZERO,
            spent_max: Duration::from_millis(allowed_ms),
            class: class.to_owned(),
            last_fault: None,
        }
    }
    fn push(&mut self, lo: usize, hi: usize) {
        if lo < hi {
            self.steps.push(Step::Try {
                lo,
                hi,
                replay: false,
            });
        }
    }
    /// One record is known to be bad: the others before and behind it are tried again without it.
    fn split_out(&mut self, lo: usize, hi: usize, position: usize, message: String) {
        self.push(position + 1, hi);
        self.steps.push(Step::Bad { position, message });
        self.push(lo, position);
    }
    /// Gives up when the calls for one batch have taken too long and there is work left.
    fn check_time(&mut self) -> Result<(), CallError> {
        if self.steps.is_empty() || self.spent <= self.spent_max {
            return Ok(());
        }
        let spent_ms = self.spent.as_millis();
        let too_slow = || PluginFault::Deadline {
            deadline_ms: u64::try_from(self.spent_max.as_millis()).unwrap_or(u64::MAX),
        };
        Err(CallError::Broken {
            how: format!("for {spent_ms} ms of CPU time on one batch"),
            fault: self.last_fault.take().unwrap_or_else(too_slow),
            class: std::mem::take(&mut self.class),
        })
    }
    /// A range failed: it is replayed, halved, or known to be bad.
    fn faulted(
        &mut self,
        guest: &mut Guest,
        fault: PluginFault,
        lo: usize,
        hi: usize,
        replay: bool,
    ) {
        guest.kill();
        guest.stats.faulted(&fault);
        if replay {
            self.push(lo, hi);
        } else if hi - lo == 1 {
            self.steps.push(Step::Bad {
                position: lo,
                message: fault.to_string(),
            });
        } else {
            let middle = lo + (hi - lo) / 2;
            self.push(middle, hi);
            self.push(lo, middle);
        }
        self.last_fault = Some(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_spent_on_one_batch_is_bounded_whatever_the_guest_answers() {
        let limits = Limits {
            batch_deadline_ms: 100,
            isolate_deadlines_max: 3,
            ..Limits::default()
        };
        let mut search = Search::new(limits, "c", 8);
        assert!(matches!(
            search.steps.pop(),
            Some(Step::Try {
                lo: 0,
                hi: 8,
                replay: true
            })
        ));
        // The guest finds fault with record 2, slowly, and with 5, and so on; it never crashes.
        search.split_out(0, 8, 2, "bad".into());
        search.spent += Duration::from_millis(290);
        search.check_time().unwrap();
        search.spent += Duration::from_millis(20);
        let e = search.check_time().unwrap_err().to_string();
        assert_eq!(
            e,
            "c failed for 310 ms of CPU time on one batch; the last time: the plugin did not answer within 300 ms of CPU \
             time; make it do less work per record"
        );
        // A batch that is done is done, however long it took.
        search.steps.clear();
        search.check_time().unwrap();
    }
}
