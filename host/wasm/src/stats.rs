//! Numbers of one plugin instance, for metrics and quotas.
//!
//! Counters only; whoever publishes them adds the labels. They outlive the instances that are dropped after faults.
//! Invariant: counters never go down, except [`PluginStats::memory_bytes`], which is the current amount.

use crate::fault::PluginFault;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counters of one transform, predicate or format of one task.
#[derive(Debug, Default)]
pub struct PluginStats {
    calls: AtomicU64,
    records: AtomicU64,
    cpu_ns: AtomicU64,
    instances: AtomicU64,
    memory_bytes: AtomicU64,
    bad_records: AtomicU64,
    log_lines: AtomicU64,
    log_lines_dropped: AtomicU64,
    traps: AtomicU64,
    deadlines: AtomicU64,
    memory_faults: AtomicU64,
    bad_answers: AtomicU64,
    rejections: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatsSnapshot {
    /// Batch calls made, replays and searches included.
    pub calls: u64,
    /// Records handed to those calls.
    pub records: u64,
    /// CPU time of this plugin's calls, in nanoseconds.
    pub cpu_ns: u64,
    /// Instances made so far; all but one were dropped after a fault.
    pub instances: u64,
    /// Linear memory held now, in bytes.
    pub memory_bytes: u64,
    /// Records that failed, by the plugin's own word or after a search.
    pub bad_records: u64,
    /// Log lines written.
    pub log_lines: u64,
    /// Log lines over the rate limit.
    pub log_lines_dropped: u64,
    /// Traps.
    pub traps: u64,
    /// Calls that ran out of time.
    pub deadlines: u64,
    /// Calls that asked for too much memory.
    pub memory_faults: u64,
    /// Answers that were not valid.
    pub bad_answers: u64,
    /// Refusals by the plugin itself.
    pub rejections: u64,
}

impl PluginStats {
    pub(crate) fn called(&self, records: u64) {
        self.calls.fetch_add(1, Relaxed);
        self.records.fetch_add(records, Relaxed);
    }
    pub(crate) fn spent(&self, cpu: Duration) {
        let ns = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        self.cpu_ns.fetch_add(ns, Relaxed);
    }
    pub(crate) fn instantiated(&self) {
        self.instances.fetch_add(1, Relaxed);
    }
    pub(crate) fn holds_memory(&self, bytes: usize) {
        self.memory_bytes.store(bytes as u64, Relaxed);
    }
    pub(crate) fn bad_record(&self) {
        self.bad_records.fetch_add(1, Relaxed);
    }
    pub(crate) fn logged(&self, dropped: bool) {
        let counter = if dropped {
            &self.log_lines_dropped
        } else {
            &self.log_lines
        };
        counter.fetch_add(1, Relaxed);
    }
    pub(crate) fn faulted(&self, fault: &PluginFault) {
        let counter = match fault {
            PluginFault::Rejected(_) => &self.rejections,
            PluginFault::Trap(_) => &self.traps,
            PluginFault::Deadline { .. } => &self.deadlines,
            PluginFault::Memory { .. } => &self.memory_faults,
            PluginFault::BadAnswer(_) => &self.bad_answers,
            PluginFault::Stopped => return,
        };
        counter.fetch_add(1, Relaxed);
    }
    /// CPU time of this plugin's calls so far, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Relaxed)
    }
    /// All counters.
    pub fn snapshot(&self) -> StatsSnapshot {
        StatsSnapshot {
            calls: self.calls.load(Relaxed),
            records: self.records.load(Relaxed),
            cpu_ns: self.cpu_ns.load(Relaxed),
            instances: self.instances.load(Relaxed),
            memory_bytes: self.memory_bytes.load(Relaxed),
            bad_records: self.bad_records.load(Relaxed),
            log_lines: self.log_lines.load(Relaxed),
            log_lines_dropped: self.log_lines_dropped.load(Relaxed),
            traps: self.traps.load(Relaxed),
            deadlines: self.deadlines.load(Relaxed),
            memory_faults: self.memory_faults.load(Relaxed),
            bad_answers: self.bad_answers.load(Relaxed),
            rejections: self.rejections.load(Relaxed),
        }
    }
}
