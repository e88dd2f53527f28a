//! A schema history that lasts as long as the process, for `tail` without state.
//!
//! Invariant: it holds at most [`HISTORY_BYTES_MAX`].

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use host_core::error::TaskError;
use host_core::log::{LogProvider, RecordLog};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of history that are kept.
const HISTORY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Logs in memory, one for every topic.
#[derive(Debug, Default)]
pub(super) struct MemoryLogs(Mutex<BTreeMap<String, MemoryLog>>);

#[derive(Debug, Clone, Default)]
struct MemoryLog(Arc<Mutex<Option<Records>>>);

#[derive(Debug, Clone, Default)]
struct Records {
    all: Vec<String>,
    bytes: usize,
}

impl LogProvider for MemoryLogs {
    fn topic(
        &self,
        _: &str,
        topic: &str,
        _: &BTreeMap<String, String>,
    ) -> Result<Box<dyn RecordLog>, TaskError> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Box::new(all.entry(topic.to_owned()).or_default().clone()))
    }
}

impl RecordLog for MemoryLog {
    fn exists(&self) -> BoxFuture<'_, Result<bool, TaskError>> {
        async {
            Ok(self
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some())
        }
        .boxed()
    }
    fn create(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_default();
        async { Ok(()) }.boxed()
    }
    fn append(&self, records: Vec<String>) -> BoxFuture<'_, Result<(), TaskError>> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let log = log.get_or_insert_default();
        log.bytes += records.iter().map(String::len).sum::<usize>();
        log.all.extend(records);
        let kept = if log.bytes > HISTORY_BYTES_MAX {
            let message = format!(
                "keeping schema history: more than {HISTORY_BYTES_MAX} bytes; give --offsets FILE"
            );
            Err(TaskError::fail("HISTORY-TOO-LARGE", message))
        } else {
            Ok(())
        };
        async { kept }.boxed()
    }
    fn read<'a>(
        &'a self,
        each: &'a mut (dyn FnMut(&str) -> Result<(), TaskError> + Send),
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        let all = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .unwrap_or_default();
        async move { all.all.iter().try_for_each(|r| each(r)) }.boxed()
    }
}
