//! `FileStreamSource`: the lines of a file as records, as `org.apache.kafka.connect.file` does it.
//!
//! The second kind of source, without schema, snapshot or DDL, which keeps the seam honest. It follows a growing file;
//! it does not notice rotation or truncation, as Connect's does not.
//! Invariant: an offset is the position after a whole line, so a restart repeats or loses none.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use host_core::access::Access;
use host_core::batch::{Batch, BatchBuilder};
use host_core::config::{Config, ConfigDef, ConfigKey, Finding, Importance, Parser, Type};
use host_core::error::TaskError;
use host_core::layout::Slot;
use host_core::offset::{JsonMap, Offset, OffsetTable, SourcePartition};
use host_core::schema::{Schema, SchemaId, SchemaType};
use host_core::source::{Source, SourceKind, TaskContext};
use std::io::SeekFrom;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

/// Longest line that is read.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes read from the file at a time.
const READ_BYTES: usize = 64 * 1024;
/// How often a file that has not grown is looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The kind: `org.apache.kafka.connect.file.FileStreamSourceConnector`.
#[derive(Debug)]
pub struct FileStreamKind {
    definition: ConfigDef,
}

impl Default for FileStreamKind {
    fn default() -> Self {
        let file = "Source filename. If not specified, the standard input will be used";
        let batch = "The maximum number of records the source task can read from the file each time it is polled";
        let definition = ConfigDef::new(vec![
            ConfigKey::new("file", Type::String, file).importance(Importance::High),
            ConfigKey::new("topic", Type::String, "The topic to publish data to")
                .required()
                .importance(Importance::High),
            ConfigKey::new("batch.size", Type::Int, batch)
                .default("2000")
                .importance(Importance::Low),
        ]);
        Self { definition }
    }
}

struct Settings {
    file: String,
    topic: String,
    batch_records_max: usize,
}

impl FileStreamKind {
    fn parse(&self, config: &Config, access: &Access) -> Result<Settings, Vec<Finding>> {
        let mut p = Parser::new(&self.definition, config);
        let file: String = p.or("file", String::new());
        let topic: String = p.or("topic", String::new());
        let batch = p.or("batch.size", 2000i32);
        if file.is_empty() {
            p.reject(
                "file",
                "The 'file' value is invalid: a worker has no standard input to read; name a file",
            );
        }
        if access.files_denied {
            p.reject(
                "file",
                "The 'file' value is invalid: this tenant may not read files of the worker",
            );
        }
        if topic.is_empty() {
            p.reject("topic", "The 'topic' value is invalid: A value is required");
        }
        if batch < 1 {
            p.reject(
                "batch.size",
                format!("Invalid value {batch} for configuration batch.size: must be at least 1"),
            );
        }
        if p.findings.is_empty() {
            Ok(Settings {
                file,
                topic,
                batch_records_max: usize::try_from(batch).unwrap_or(1),
            })
        } else {
            Err(p.findings)
        }
    }
}

impl SourceKind for FileStreamKind {
    fn class(&self) -> &'static str {
        "org.apache.kafka.connect.file.FileStreamSourceConnector"
    }
    fn task_class(&self) -> String {
        "org.apache.kafka.connect.file.FileStreamSourceTask".to_owned()
    }
    fn version(&self) -> &'static str {
        "4.3.1"
    }
    fn definition(&self) -> &ConfigDef {
        &self.definition
    }
    fn understands(&self, _: &str) -> bool {
        false
    }
    fn validate<'a>(
        &'a self,
        config: &'a Config,
        access: &'a Access,
        _live: bool,
    ) -> BoxFuture<'a, Vec<Finding>> {
        async move {
            let mut findings = self.parse(config, access).err().unwrap_or_default();
            // That the topic is missing has been said already, in Connect's words.
            findings.retain(|f| f.key != "topic" || config.get("topic").is_some());
            findings
        }
        .boxed()
    }
    fn task_configs(&self, config: &Config, _tasks_max: u32) -> Vec<Config> {
        vec![config.clone()]
    }
    fn open(
        &self,
        context: TaskContext,
        config: Config,
    ) -> BoxFuture<'_, Result<Box<dyn Source>, TaskError>> {
        async move {
            let settings = self.parse(&config, &context.access).map_err(|findings| {
                let all: Vec<_> = findings.into_iter().map(|f| f.message).collect();
                TaskError::fail("CONFIG-INVALID", all.join("; "))
            })?;
            Ok(Box::new(FileStream::new(settings, &context)?) as Box<dyn Source>)
        }
        .boxed()
    }
    fn check_offset(&self, partition: &JsonMap, offset: Option<&JsonMap>) -> Result<(), String> {
        if !partition
            .get("filename")
            .is_some_and(serde_json::Value::is_string)
        {
            return Err(
                "Partition objects for FileStreamSourceConnector must contain the key 'filename'"
                    .to_owned(),
            );
        }
        match offset.map(|o| o.get("position").and_then(serde_json::Value::as_u64)) {
            Some(None) => Err(
                "Offset objects must contain a non-negative integer under the key 'position'"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

struct FileStream {
    settings: Settings,
    context: TaskContext,
    text: SchemaId,
    file: Option<File>,
    /// Position in the file of the first byte in `pending`.
    position: u64,
    /// Bytes read that do not make a whole line yet, and lines beyond a full batch.
    pending: Vec<u8>,
    sequence: u64,
}

impl FileStream {
    fn new(settings: Settings, context: &TaskContext) -> Result<Self, TaskError> {
        let schema = Schema::new(SchemaType::String);
        let text = context
            .schemas
            .intern(schema)
            .map_err(|e| TaskError::fail("SCHEMAS-FULL", e.to_string()))?;
        let own = |p: &SourcePartition| {
            p.0.get("filename").and_then(|f| f.as_str()) == Some(&settings.file)
        };
        let stored = context
            .offsets
            .iter()
            .find(|(p, _)| own(p))
            .and_then(|(_, o)| o.0.get("position")?.as_u64());
        let position = stored.unwrap_or(0);
        Ok(Self {
            settings,
            context: context.clone(),
            text,
            file: None,
            position,
            pending: Vec::new(),
            sequence: 0,
        })
    }

    /// Reads more of the file; the number of bytes, 0 where it has not grown or is not there yet.
    async fn read_more(&mut self) -> Result<usize, TaskError> {
        let name = &self.settings.file;
        let failed = |doing: &str, e: std::io::Error| {
            TaskError::retry(
                "FILE-READ",
                format!(
                    "{doing} {name} of connector {}: {e}",
                    self.context.id.connector
                ),
            )
        };
        if self.file.is_none() {
            let mut file = match File::open(name).await {
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
                other => other.map_err(|e| failed("opening", e))?,
            };
            let at = self.position + self.pending.len() as u64;
            file.seek(SeekFrom::Start(at))
                .await
                .map_err(|e| failed("seeking in", e))?;
            self.file = Some(file);
        }
        let Some(file) = self.file.as_mut() else {
            return Ok(0);
        };
        let mut chunk = vec![0; READ_BYTES];
        let n = file
            .read(&mut chunk)
            .await
            .map_err(|e| failed("reading", e))?;
        self.pending.extend_from_slice(&chunk[..n]);
        Ok(n)
    }

    /// A batch of the whole lines in hand, or `None`.
    fn take_lines(&mut self) -> Result<Option<Batch>, TaskError> {
        let mut builder = BatchBuilder::new(self.context.schemas.clone());
        let mut positions = Vec::new();
        let mut from = 0;
        let now_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_millis() as i64);
        while positions.len() < self.settings.batch_records_max {
            let Some(end) = self.pending[from..].iter().position(|b| *b == b'\n') else {
                break;
            };
            let line = &self.pending[from..from + end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let value = builder.arena.string(&String::from_utf8_lossy(line));
            builder.push(
                &self.settings.topic,
                (SchemaId::NONE, Slot::NULL),
                (self.text, value),
                &[],
            );
            from += end + 1;
            positions.push(self.position + from as u64);
        }
        if positions.is_empty() {
            if self.pending.len() > LINE_BYTES_MAX {
                let message = format!(
                    "reading {} at {}: a line of more than {LINE_BYTES_MAX} bytes; split it",
                    self.settings.file, self.position
                );
                return Err(TaskError::fail("FILE-LINE-TOO-LONG", message));
            }
            return Ok(None);
        }
        self.pending.drain(..from);
        self.position += from as u64;
        let offsets = Positions {
            file: self.settings.file.clone(),
            positions,
        };
        let mut batch = builder.finish(self.sequence, Arc::new(offsets))?;
        let stamped = batch.records().iter().map(|r| {
            let mut r = *r;
            r.entry.timestamp_ms = Some(now_ms);
            r
        });
        let stamped = stamped.collect();
        batch.replace_records(stamped);
        self.sequence += 1;
        Ok(Some(batch))
    }
}

impl Source for FileStream {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Option<Batch>, TaskError>> {
        async move {
            loop {
                if let Some(batch) = self.take_lines()? {
                    return Ok(Some(batch));
                }
                if self.read_more().await? == 0 {
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
        .boxed()
    }
    fn committed<'a>(&'a mut self, _: &'a Offset) -> BoxFuture<'a, Result<(), TaskError>> {
        async { Ok(()) }.boxed()
    }
}

/// Positions after each line of a batch.
#[derive(Debug)]
struct Positions {
    file: String,
    positions: Vec<u64>,
}

impl OffsetTable for Positions {
    fn offset(&self, index: u32) -> Option<(SourcePartition, Offset)> {
        let position = *self.positions.get(index as usize)?;
        let map = |k: &str, v: serde_json::Value| JsonMap::from_iter([(k.to_owned(), v)]);
        let partition = SourcePartition(map("filename", self.file.clone().into()));
        Some((partition, Offset(map("position", position.into()))))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;
    use host_core::id::{ConnectorId, TaskId, TenantId};
    use host_core::log::{LogProvider, RecordLog};

    struct NoLogs;
    impl LogProvider for NoLogs {
        fn topic(
            &self,
            _: &str,
            topic: &str,
            _: &std::collections::BTreeMap<String, String>,
        ) -> Result<Box<dyn RecordLog>, TaskError> {
            Err(TaskError::fail("TEST", topic.to_owned()))
        }
    }

    fn context(offsets: Vec<(SourcePartition, Offset)>) -> TaskContext {
        TaskContext {
            id: TaskId {
                connector: ConnectorId::new(TenantId::default(), "f"),
                task: 0,
            },
            offsets,
            schemas: Default::default(),
            logs: Arc::new(NoLogs),
            access: Default::default(),
            metrics: Default::default(),
        }
    }

    fn texts(batch: &Batch) -> Vec<String> {
        batch
            .records()
            .iter()
            .map(|r| batch.reader().str(r.entry.value).unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn whole_lines_are_read_and_resumed() {
        let path = std::env::temp_dir().join(format!("tidegate-file-{}", std::process::id()));
        std::fs::write(&path, "one\r\ntwo\nthr").unwrap();
        let kind = FileStreamKind::default();
        let config: Config = [
            ("file", path.to_str().unwrap()),
            ("topic", "t"),
            ("batch.size", "1"),
        ]
        .into_iter()
        .collect();
        let mut source = kind.open(context(vec![]), config.clone()).await.unwrap();
        let first = source.next_batch().await.unwrap().unwrap();
        assert_eq!((texts(&first), first.sequence), (vec!["one".to_owned()], 0));
        let stored = first.offsets().offset(0).unwrap();
        let mut again = kind.open(context(vec![stored]), config).await.unwrap();
        let second = again.next_batch().await.unwrap().unwrap();
        assert_eq!(texts(&second), ["two"]);
        std::fs::write(&path, "one\r\ntwo\nthree\n").unwrap();
        assert_eq!(
            texts(&again.next_batch().await.unwrap().unwrap()),
            ["three"]
        );
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let kind = FileStreamKind::default();
        let parse = |c: &[(&str, &str)], access: &Access| {
            let config: Config = c.iter().copied().collect();
            kind.parse(&config, access)
                .err()
                .unwrap_or_default()
                .into_iter()
                .map(|f| f.key)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            parse(&[("file", "f"), ("topic", "t")], &Access::default()),
            Vec::<String>::new()
        );
        assert_eq!(
            parse(&[("batch.size", "0")], &Access::default()),
            ["file", "topic", "batch.size"]
        );
        let denied = Access {
            files_denied: true,
            ..Access::default()
        };
        assert_eq!(parse(&[("file", "f"), ("topic", "t")], &denied), ["file"]);
    }
}
