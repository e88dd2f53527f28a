//! A compacted log: the newest value of every key, in order of writing.
//!
//! The seam under all stores. A Kafka topic (`kafka_log`) and a file or plain memory (`file_log`) implement it; one test
//! holds both to the same behaviour. What keys mean is the stores' business.
//! Invariant: [`KeyLog::write`] returns only when the entries are durable, and a later [`KeyLog::read`] shows them.

use futures_util::future::BoxFuture;
use host_core::error::TaskError;

/// A key and its value; `None` deletes.
pub type KeyEntry = (Vec<u8>, Option<Vec<u8>>);

/// Keys with their values.
pub type KeyValues = Vec<(Vec<u8>, Vec<u8>)>;

/// A compacted log.
pub trait KeyLog: Send + Sync {
    /// Makes sure that the log is there and fit for its use.
    fn open(&self) -> BoxFuture<'_, Result<(), TaskError>>;
    /// All entries that have not been overwritten or deleted, oldest first.
    fn read(&self) -> BoxFuture<'_, Result<KeyValues, TaskError>>;
    /// Writes entries in order and waits until they are durable.
    fn write(&self, entries: Vec<KeyEntry>) -> BoxFuture<'_, Result<(), TaskError>>;
}

/// A shared log is a log; tests look at it from outside.
impl<L: KeyLog + ?Sized> KeyLog for std::sync::Arc<L> {
    fn open(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        (**self).open()
    }
    fn read(&self) -> BoxFuture<'_, Result<KeyValues, TaskError>> {
        (**self).read()
    }
    fn write(&self, entries: Vec<KeyEntry>) -> BoxFuture<'_, Result<(), TaskError>> {
        (**self).write(entries)
    }
}

/// A key or value that should be text; what is not UTF-8 is not Connect's and will not be understood.
pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Entries by key, in order of their last write.
#[derive(Debug, Default)]
pub(crate) struct Compacted {
    entries: std::collections::HashMap<Vec<u8>, (u64, Vec<u8>)>,
    next: u64,
}

impl Compacted {
    pub(crate) fn apply(&mut self, (key, value): KeyEntry) {
        match value {
            Some(value) => {
                self.entries.insert(key, (self.next, value));
                self.next += 1;
            }
            None => drop(self.entries.remove(&key)),
        }
    }
    pub(crate) fn into_ordered(self) -> KeyValues {
        let mut all: Vec<_> = self
            .entries
            .into_iter()
            .map(|(k, (n, v))| (n, k, v))
            .collect();
        all.sort_unstable_by_key(|(n, _, _)| *n);
        all.into_iter().map(|(_, k, v)| (k, v)).collect()
    }
}
