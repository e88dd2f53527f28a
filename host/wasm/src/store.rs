//! What the host keeps beside each instance: its memory account, its clock and its log.
//!
//! It enforces memory, table and instance counts while a guest runs; time is `cpu`'s work.
//! Invariant: an instance whose growth was refused traps at once ([`Limiter::memory_growing`] answers an error), so a
//! guest cannot go on with a failed allocation.

use crate::cpu::CallClock;
use crate::fault::{PluginFault, with_backtrace};
use crate::host_log::HostLog;
use crate::stats::PluginStats;
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// Core instances of one component: its own, and the shims that componentizing adds.
const INSTANCES_MAX: usize = 16;
/// Linear memories of one instance.
const MEMORIES_MAX: usize = 4;
/// Tables of one instance.
const TABLES_MAX: usize = 8;
/// Elements of all tables of one instance; a JavaScript engine has about 10 000 functions in its table.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The data of a `Store`.
pub(crate) struct State {
    pub(crate) limiter: Limiter,
    pub(crate) clock: CallClock,
    pub(crate) stats: Arc<PluginStats>,
    pub(crate) log: HostLog,
}

impl State {
    /// Classifies what a call or an instantiation ended with.
    pub(crate) fn fault(&self, error: &wasmtime::Error, deadline_ms: u64) -> PluginFault {
        if let Some(wanted_bytes) = self.limiter.refused_bytes() {
            return PluginFault::Memory {
                wanted_bytes,
                limit_bytes: self.limiter.limit_bytes(),
            };
        }
        if self.clock.is_stopped() {
            return PluginFault::Stopped;
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::Interrupt) => PluginFault::Deadline { deadline_ms },
            Some(trap) => PluginFault::Trap(with_backtrace(&trap.to_string(), error)),
            // wasmtime keeps this error's type to itself; its text is pinned by a test (an output bomb).
            None if error
                .root_cause()
                .to_string()
                .contains("fuel allocated for hostcalls") =>
            {
                PluginFault::BadAnswer(
                    "it is larger than its limit (see output and record limits)".into(),
                )
            }
            None => PluginFault::Trap(with_backtrace(&error.root_cause().to_string(), error)),
        }
    }
}

/// Counts an instance's memories together, where wasmtime's own limiter would count each by itself.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit_bytes: usize,
    used_bytes: usize,
    table_elements: usize,
    refused_bytes: Option<usize>,
}

impl Limiter {
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            used_bytes: 0,
            table_elements: 0,
            refused_bytes: None,
        }
    }
    pub(crate) fn limit_bytes(&self) -> usize {
        self.limit_bytes
    }
    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes
    }
    /// What the instance asked for when it was refused, if it was.
    pub(crate) fn refused_bytes(&self) -> Option<usize> {
        self.refused_bytes
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let total = self.used_bytes.saturating_add(more);
        if total > self.limit_bytes {
            self.refused_bytes = Some(total);
            return Err(wasmtime::Error::msg("memory limit of the plugin reached"));
        }
        self.used_bytes = total;
        Ok(true)
    }
    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if total > TABLE_ELEMENTS_MAX {
            return Err(wasmtime::Error::msg(format!(
                "a table grew beyond {TABLE_ELEMENTS_MAX} elements"
            )));
        }
        self.table_elements = total;
        Ok(true)
    }
    fn instances(&self) -> usize {
        INSTANCES_MAX
    }
    fn tables(&self) -> usize {
        TABLES_MAX
    }
    fn memories(&self) -> usize {
        MEMORIES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_counted_together() {
        let mut l = Limiter::new(100);
        assert!(matches!(l.memory_growing(0, 60, None), Ok(true)));
        assert!(matches!(l.memory_growing(0, 30, None), Ok(true)));
        assert!(l.memory_growing(60, 80, None).is_err());
        assert_eq!((l.refused_bytes(), l.used_bytes()), (Some(110), 90));
        assert!(l.table_growing(0, TABLE_ELEMENTS_MAX + 1, None).is_err());
    }
}
