//! Numbers a source shows while it runs.
//!
//! Names are Debezium's JMX attributes in snake case (`milli_seconds_behind_source`, `rows_scanned`); the runtime
//! publishes them with tenant, connector and task labels. It keeps numbers only, no text and nothing secret.
//! Invariant: names are constants of the code, so their number is bounded.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Current numbers of one source, by name.
#[derive(Debug, Default)]
pub struct SourceMetrics(Mutex<BTreeMap<&'static str, i64>>);

impl SourceMetrics {
    /// Sets a number.
    pub fn set(&self, name: &'static str, value: i64) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, value);
    }
    /// Adds to a number.
    pub fn add(&self, name: &'static str, value: i64) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let n = all.entry(name).or_default();
        *n = n.saturating_add(value);
    }
    /// All numbers.
    pub fn snapshot(&self) -> BTreeMap<&'static str, i64> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
