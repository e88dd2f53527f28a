//! Schema history in a file, as Debezium's `FileSchemaHistory` keeps it: one JSON document a line; and in memory.
//!
//! The Kafka topic is the runtime's. Invariant: a line is written whole and synced before `append` answers.

use futures_util::future::BoxFuture;
use host_core::error::TaskError;
use host_core::log::RecordLog;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

/// `FileSchemaHistory`.
#[derive(Debug)]
pub struct FileLog(PathBuf);

impl FileLog {
    /// The history in this file.
    pub fn new(path: &str) -> Self {
        Self(path.into())
    }
    fn failed(&self, doing: &str, e: &std::io::Error) -> TaskError {
        TaskError::fail(
            "MYSQL-HISTORY-FILE",
            format!(
                "{doing} the schema history file {}: {e}; check schema.history.internal.file.filename",
                self.0.display()
            ),
        )
    }
    async fn write(&self, records: Vec<String>) -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.0)
            .await?;
        for record in records {
            file.write_all(record.as_bytes()).await?;
            file.write_all(b"\n").await?;
        }
        file.flush().await?;
        file.sync_data().await
    }
}

impl RecordLog for FileLog {
    fn exists(&self) -> BoxFuture<'_, Result<bool, TaskError>> {
        Box::pin(async {
            let found = tokio::fs::metadata(&self.0).await;
            Ok(found.is_ok_and(|m| m.len() > 0))
        })
    }
    fn create(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async {
            if let Some(folder) = self.0.parent() {
                tokio::fs::create_dir_all(folder)
                    .await
                    .map_err(|e| self.failed("creating the folder of", &e))?;
            }
            self.write(Vec::new())
                .await
                .map_err(|e| self.failed("creating", &e))
        })
    }
    fn append(&self, records: Vec<String>) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async move {
            self.write(records)
                .await
                .map_err(|e| self.failed("writing", &e))
        })
    }
    fn read<'a>(
        &'a self,
        each: &'a mut (dyn FnMut(&str) -> Result<(), TaskError> + Send),
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move {
            let file = File::open(&self.0)
                .await
                .map_err(|e| self.failed("opening", &e))?;
            let mut lines = BufReader::new(file).lines();
            while let Some(line) = lines
                .next_line()
                .await
                .map_err(|e| self.failed("reading", &e))?
            {
                if !line.trim().is_empty() {
                    each(&line)?;
                }
            }
            Ok(())
        })
    }
}

/// `MemorySchemaHistory`: gone with the task.
#[derive(Debug, Default)]
pub struct MemoryLog(Mutex<Vec<String>>);

impl MemoryLog {
    fn records(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecordLog for MemoryLog {
    fn exists(&self) -> BoxFuture<'_, Result<bool, TaskError>> {
        Box::pin(async { Ok(!self.records().is_empty()) })
    }
    fn create(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async { Ok(()) })
    }
    fn append(&self, records: Vec<String>) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async move {
            self.records().extend(records);
            Ok(())
        })
    }
    fn read<'a>(
        &'a self,
        each: &'a mut (dyn FnMut(&str) -> Result<(), TaskError> + Send),
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move {
            let all = self.records().clone();
            all.iter().try_for_each(|r| each(r))
        })
    }
}
