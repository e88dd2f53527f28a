//! Where the schema history is kept: a Kafka topic, a file, or memory; and reading it back.
//!
//! Records and their replay are `schema_history`'s; here is storage and which records count for an offset
//! (`AbstractSchemaHistory.recover`, `BinlogHistoryRecordComparator`).
//! Invariant: a record is durable before any row that it describes is handed on.

mod compare;
mod store;

pub use compare::at_or_before;
pub use store::{FileLog, MemoryLog};

use crate::config::{HistoryStore, MysqlConfig};
use crate::ddl::{SchemaChange, Session};
use crate::schema_history::record::{HistoryRecord, replay};
use crate::table::Tables;
use host_core::error::TaskError;
use host_core::failpoint;
use host_core::log::RecordLog;
use host_core::offset::JsonMap;
use host_core::source::TaskContext;
use serde_json::Value;
use std::sync::Arc;

/// Records written together while a snapshot runs.
const APPEND_RECORDS_MAX: usize = 1024;

/// The history of one connector.
pub struct History {
    log: Box<dyn RecordLog>,
    config: Arc<MysqlConfig>,
    waiting: Vec<String>,
}

/// What was read back.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Records that counted.
    pub records: usize,
    /// Statements recorded at the very offset: reading on will meet them once more.
    pub repeated: Vec<String>,
}

impl History {
    /// Opens the store that the configuration names, without creating it.
    pub fn open(config: Arc<MysqlConfig>, context: &TaskContext) -> Result<Self, TaskError> {
        let log: Box<dyn RecordLog> = match &config.history.store {
            HistoryStore::Kafka { bootstrap, topic } => {
                if !context.access.allows_topic(topic) {
                    return Err(TaskError::fail(
                        "TOPIC-NOT-ALLOWED",
                        format!(
                            "opening the schema history topic {topic}: it is not among the topics of your tenant; choose another schema.history.internal.kafka.topic"
                        ),
                    ));
                }
                context
                    .logs
                    .topic(bootstrap, topic, &config.history.client)?
            }
            HistoryStore::File(path) => Box::new(FileLog::new(path)),
            HistoryStore::Memory => Box::new(MemoryLog::default()),
        };
        Ok(Self {
            log,
            config,
            waiting: Vec::new(),
        })
    }

    /// Whether it exists.
    pub async fn exists(&self) -> Result<bool, TaskError> {
        self.log.exists().await
    }
    /// Creates it if it is missing.
    pub async fn create(&self) -> Result<(), TaskError> {
        self.log.create().await
    }

    /// Queues a change's record; [`History::flush`] makes it durable.
    pub async fn record(
        &mut self,
        position: JsonMap,
        ts_ms: i64,
        change: &SchemaChange,
    ) -> Result<(), TaskError> {
        let mut source = JsonMap::new();
        source.insert("server".into(), Value::from(self.config.prefix.as_str()));
        let record = HistoryRecord::new(source, position, ts_ms, change);
        let comments = self.config.values.comments;
        self.waiting.push(match self.config.history.store {
            // Debezium writes a document a line to files, and pretty-prints to Kafka.
            HistoryStore::File(_) => record.to_json(comments).to_string(),
            _ => record.to_pretty(comments),
        });
        if self.waiting.len() >= APPEND_RECORDS_MAX {
            self.flush().await?;
        }
        Ok(())
    }
    /// Waits until all queued records are durable.
    pub async fn flush(&mut self) -> Result<(), TaskError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        // The definitions in memory are ahead of the log now.
        failpoint::hit("after_ddl_before_history");
        self.log.append(std::mem::take(&mut self.waiting)).await
    }

    /// Rebuilds the tables as they were at an offset.
    pub async fn recover(
        &self,
        offset: &JsonMap,
        session: &Session,
        tables: &mut Tables,
    ) -> Result<Recovered, TaskError> {
        let mut recovered = Recovered::default();
        let (config, server) = (
            Arc::clone(&self.config),
            Value::from(self.config.prefix.as_str()),
        );
        let gtids = offset.get("gtids").and_then(Value::as_str);
        let mut each = |text: &str| -> Result<(), TaskError> {
            let record = HistoryRecord::parse(text.as_bytes())
                .map_err(|e| TaskError::fail("MYSQL-HISTORY-RECORD", e.to_string()))?;
            if record.source.get("server") != Some(&server)
                || !at_or_before(&record.position, offset, config.gtid_sources.as_ref())
            {
                return Ok(());
            }
            recovered.records += 1;
            let same =
                gtids.is_some() && record.position.get("gtids").and_then(Value::as_str) == gtids;
            if same && !record.position.contains_key("snapshot") {
                recovered.repeated.extend(record.ddl.clone());
            }
            match replay(&record, session, tables) {
                Err(e) if !config.history.skip_unparseable => Err(TaskError::fail(
                    "MYSQL-HISTORY-REPLAY",
                    format!(
                        "{e}; set schema.history.internal.skip.unparseable.ddl=true to go on without it"
                    ),
                )),
                Err(e) => {
                    tracing::warn!(error = %e, "skipped a statement of the schema history");
                    Ok(())
                }
                Ok(()) => Ok(()),
            }
        };
        self.log.read(&mut each).await?;
        Ok(recovered)
    }
}
