//! `io.debezium.connector.mysql.MySqlConnector`: the source kind, and the open source.
//!
//! Opening decides between snapshot and streaming and starts the reader in a task of its own; the source hands its
//! batches on. Invariant: dropping the source ends the reader.

use crate::config::{DEFINITION, HistoryStore, MysqlConfig, SnapshotMode, understands, warnings};
use crate::connection::{Doing, Server, preflight, task_error, variable};
use crate::ddl::Session;
use crate::event::{Fixed, Writer};
use crate::history::History;
use crate::notification::Status;
use crate::position::{Position, Stored};
use crate::reader::{BATCHES_WAITING_MAX, Reader, ServerFacts, Stop};
use crate::structure::Structure;
use crate::table::Tables;
use crate::{snapshot, stream};
use futures_util::future::BoxFuture;
use host_core::access::Access;
use host_core::batch::Batch;
use host_core::config::{Config, ConfigDef, Finding};
use host_core::error::TaskError;
use host_core::offset::{JsonMap, Offset};
use host_core::source::{Source, SourceKind, TaskContext};
use mysql_async::Conn;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The MySQL connector.
#[derive(Debug, Default, Clone, Copy)]
pub struct MysqlKind;

impl SourceKind for MysqlKind {
    fn class(&self) -> &'static str {
        "io.debezium.connector.mysql.MySqlConnector"
    }
    fn version(&self) -> &'static str {
        crate::event::COMPATIBLE_VERSION
    }
    fn definition(&self) -> &ConfigDef {
        &DEFINITION
    }
    fn understands(&self, key: &str) -> bool {
        understands(key)
    }
    fn validate<'a>(
        &'a self,
        config: &'a Config,
        access: &'a Access,
        live: bool,
    ) -> BoxFuture<'a, Vec<Finding>> {
        Box::pin(async move {
            match MysqlConfig::parse(config) {
                Err(findings) => findings,
                Ok(parsed) => {
                    let mut findings = topics(&parsed, access);
                    findings.extend(files(&parsed, access));
                    if live && findings.is_empty() {
                        findings = preflight(&parsed, access).await;
                    }
                    findings
                }
            }
        })
    }
    fn task_configs(&self, config: &Config, _tasks_max: u32) -> Vec<Config> {
        vec![config.clone()]
    }
    fn open(
        &self,
        context: TaskContext,
        config: Config,
    ) -> BoxFuture<'_, Result<Box<dyn Source>, TaskError>> {
        Box::pin(async move {
            for warning in warnings(&config) {
                tracing::warn!(connector = %context.id, "{warning}");
            }
            let parsed = MysqlConfig::parse(&config).map_err(invalid)?;
            let source = Box::pin(MysqlSource::open(context, parsed)).await?;
            Ok(Box::new(source) as Box<dyn Source>)
        })
    }
    fn check_offset(&self, partition: &JsonMap, offset: Option<&JsonMap>) -> Result<(), String> {
        match partition.get("server") {
            Some(serde_json::Value::String(_)) if partition.len() == 1 => {}
            _ => return Err("the partition must be {\"server\": \"<topic.prefix>\"}".to_owned()),
        }
        offset.map_or(Ok(()), |o| Stored::parse(o).map(drop))
    }
}

/// Topics the connector itself names must be the tenant's.
fn topics(config: &MysqlConfig, access: &Access) -> Vec<Finding> {
    let mut used = vec![("topic.prefix", config.prefix.as_str())];
    if let Some((topic, _)) = &config.heartbeat {
        used.push(("topic.heartbeat.prefix", topic));
    }
    if let Some(topic) = &config.transaction_topic {
        used.push(("topic.transaction", topic));
    }
    if let Some(topic) = &config.notifications.topic {
        used.push(("notification.sink.topic.name", topic));
    }
    if let HistoryStore::Kafka { topic, .. } = &config.history.store {
        used.push(("schema.history.internal.kafka.topic", topic));
    }
    used.into_iter()
        .filter(|(_, topic)| !access.allows_topic(topic))
        .map(|(key, topic)| {
            Finding::new(key, format!("The '{key}' value is invalid: the topic {topic} is not among the topics of your tenant"))
        })
        .collect()
}

/// Files the connector itself names are the worker's: a tenant that may not reach them may not name any.
fn files(config: &MysqlConfig, access: &Access) -> Vec<Finding> {
    if !access.files_denied {
        return Vec::new();
    }
    let named = [
        (
            "schema.history.internal.file.filename",
            matches!(config.history.store, HistoryStore::File(_)),
        ),
        ("database.ssl.truststore", config.server.ssl_roots.is_some()),
        (
            "database.ssl.keystore",
            config.server.ssl_identity.is_some(),
        ),
    ];
    named
        .into_iter()
        .filter(|(_, named)| *named)
        .map(|(key, _)| {
            Finding::new(
                key,
                format!(
                    "The '{key}' value is invalid: this tenant may not name files of the worker"
                ),
            )
        })
        .collect()
}

fn invalid(findings: Vec<Finding>) -> TaskError {
    let all: Vec<String> = findings.into_iter().map(|f| f.message).collect();
    TaskError::fail(
        "CONFIG-INVALID",
        format!("reading the configuration: {}", all.join("; ")),
    )
}

/// Where to begin.
enum Start {
    /// A snapshot was all that was asked for, and it is complete.
    Nothing,
    Snapshot,
    /// The schema history first, then as below.
    Recover(Box<(Position, Stored)>),
    Stream(Box<(Position, Stored, Vec<String>)>),
}

/// An open connector.
#[derive(Debug)]
pub struct MysqlSource {
    batches: mpsc::Receiver<Batch>,
    reader: Option<JoinHandle<Result<(), TaskError>>>,
}

impl MysqlSource {
    async fn open(context: TaskContext, config: MysqlConfig) -> Result<Self, TaskError> {
        // A configuration stored before the tenant was restricted comes here unseen.
        let denied = files(&config, &context.access);
        if !denied.is_empty() {
            return Err(invalid(denied));
        }
        let config = Arc::new(config);
        let server = Server {
            config: config.server.clone(),
        };
        let mut conn = server.connect(&context.access).await?;
        let facts = facts(&mut conn)
            .await
            .map_err(|e| task_error(&Doing::new("reading the server's settings"), e))?;
        let fixed = Fixed::new(&context.schemas)
            .map_err(|e| TaskError::fail("SCHEMAS-FULL", e.to_string()))?;
        let history = History::open(Arc::clone(&config), &context)?;
        let mut tables = Tables::new(facts.lower_case);
        let start = start(&context, &config, &facts, &history, &mut conn, &mut tables).await?;
        drop(conn.disconnect().await);
        let run = uuid::Uuid::now_v7().to_string();
        let (sender, batches) = mpsc::channel(BATCHES_WAITING_MAX);
        let reader = Reader {
            server,
            facts,
            structure: Structure::new(
                tables,
                Arc::clone(&config),
                fixed.clone(),
                context.schemas.clone(),
            ),
            history,
            writer: Writer::new(
                Arc::clone(&config),
                fixed,
                context.schemas.clone(),
                context.id.task,
                &run,
            ),
            access: Arc::clone(&context.access),
            metrics: Arc::clone(&context.metrics),
            config,
            batches: sender,
        };
        Ok(Self {
            batches,
            reader: Some(tokio::spawn(read(reader, start))),
        })
    }
}

async fn read(mut reader: Reader, start: Start) -> Result<(), TaskError> {
    let outcome = Box::pin(run(&mut reader, start)).await;
    reader.metrics.set("connected", 0);
    match outcome {
        Ok(()) | Err(Stop::Closed) => Ok(()),
        Err(Stop::Failed(e)) => {
            // What was read before the failure is still good.
            match reader.hand_on().await {
                Ok(()) | Err(_) => Err(e),
            }
        }
    }
}

async fn run(reader: &mut Reader, start: Start) -> Result<(), Stop> {
    let streaming = match start {
        Start::Nothing => return Ok(()),
        Start::Snapshot => {
            let position = Box::pin(snapshot::run(reader)).await?;
            if reader.config.snapshot_mode == SnapshotMode::InitialOnly {
                return Ok(());
            }
            stream::Streaming::new(position, None, Vec::new(), reader)
        }
        Start::Recover(from) => {
            let (position, stored) = *from;
            let horizon = Box::pin(snapshot::recover(reader, &position, &stored)).await?;
            stream::Streaming::new(position, Some(&stored), Vec::new(), reader).knowing(horizon)
        }
        Start::Stream(from) => {
            let (position, stored, repeated) = *from;
            reader.notify(Status::Skipped);
            stream::Streaming::new(position, Some(&stored), repeated, reader)
        }
    };
    Box::pin(stream::run(reader, streaming)).await
}

async fn facts(conn: &mut Conn) -> Result<ServerFacts, mysql_async::Error> {
    let (major, minor, patch) = conn.server_version();
    let flag = |value: Option<String>| value.is_some_and(|v| v.eq_ignore_ascii_case("ON"));
    let mut session = Session::new("");
    session.version = u32::from(major) * 10_000 + u32::from(minor) * 100 + u32::from(patch);
    let mode = variable(conn, "sql_mode").await?.unwrap_or_default();
    session.ansi_quotes = mode.contains("ANSI_QUOTES");
    session.no_backslash_escapes = mode.contains("NO_BACKSLASH_ESCAPES");
    session.real_as_float = mode.contains("REAL_AS_FLOAT");
    session.explicit_timestamp = flag(variable(conn, "explicit_defaults_for_timestamp").await?);
    Ok(ServerFacts {
        session,
        gtids: flag(variable(conn, "gtid_mode").await?),
        lower_case: variable(conn, "lower_case_table_names")
            .await?
            .and_then(|v| v.parse().ok())
            .unwrap_or(0),
    })
}

async fn start(
    context: &TaskContext,
    config: &MysqlConfig,
    facts: &ServerFacts,
    history: &History,
    conn: &mut Conn,
    tables: &mut Tables,
) -> Result<Start, TaskError> {
    let own = |partition: &JsonMap| {
        partition.get("server").and_then(serde_json::Value::as_str) == Some(config.prefix.as_str())
    };
    let stored = context
        .offsets
        .iter()
        .find(|(partition, _)| own(&partition.0))
        .map(|(_, offset)| &offset.0);
    let recovers = config.snapshot_mode == SnapshotMode::Recovery;
    let Some(map) = stored else {
        if recovers {
            return Err(nothing_to_recover("no offset is stored"));
        }
        return Ok(Start::Snapshot);
    };
    let stored = Stored::parse(map).map_err(|why| {
        TaskError::fail("MYSQL-OFFSET", format!("reading the stored offset: {why}; correct it with PATCH /connectors/…/offsets or delete it"))
    })?;
    if recovers && stored.snapshot {
        return Err(nothing_to_recover("its snapshot has not finished"));
    }
    // A snapshot that did not finish starts over; so does one that is asked for every time.
    if stored.snapshot || config.snapshot_mode == SnapshotMode::Always {
        return Ok(Start::Snapshot);
    }
    if config.snapshot_mode == SnapshotMode::InitialOnly {
        return Ok(Start::Nothing);
    }
    let gtids = stored.gtids.as_deref().and_then(|g| g.parse().ok());
    let position = Position::new(&stored.file, stored.pos, gtids);
    let by_gtid =
        facts.gtids && !config.ignore_gtids && position.gtids().is_some_and(|g| !g.is_empty());
    if recovers {
        stream::check_available(conn, &position, by_gtid).await?;
        return Ok(Start::Recover(Box::new((position, stored))));
    }
    if !history.exists().await? {
        if config.snapshot_mode == SnapshotMode::WhenNeeded {
            return Ok(Start::Snapshot);
        }
        return Err(TaskError::fail(
            "MYSQL-HISTORY-MISSING",
            "The db history topic is missing. You may attempt to recover it by reconfiguring the connector to recovery; or set snapshot.mode=when_needed to take a new snapshot",
        ));
    }
    if config.snapshot_mode == SnapshotMode::WhenNeeded {
        match stream::check_available(conn, &position, by_gtid).await {
            Err(e) if e.code == "MYSQL-BINLOG-PURGED" => return Ok(Start::Snapshot),
            other => other?,
        }
    }
    let recovered = history.recover(map, &facts.session, tables).await?;
    tracing::info!(
        records = recovered.records,
        tables = tables.len(),
        "recovered the schema history"
    );
    Ok(Start::Stream(Box::new((
        position,
        stored,
        recovered.repeated,
    ))))
}

/// Debezium's error for the same, and what to do.
fn nothing_to_recover(why: &str) -> TaskError {
    TaskError::fail(
        "MYSQL-NOTHING-TO-RECOVER",
        format!(
            "Could not find existing redo log information while attempting schema only recovery snapshot: {why}; \
             snapshot.mode=recovery restores the schema history of a connector that has streamed: set it to initial"
        ),
    )
}

impl Source for MysqlSource {
    fn next_batch(&mut self) -> BoxFuture<'_, Result<Option<Batch>, TaskError>> {
        Box::pin(async move {
            if let Some(batch) = self.batches.recv().await {
                return Ok(Some(batch));
            }
            let Some(reader) = self.reader.take() else {
                return Ok(None);
            };
            match reader.await {
                Ok(outcome) => outcome.map(|()| None),
                Err(e) => Err(TaskError::retry(
                    "MYSQL-READER",
                    format!(
                        "reading the binlog: the reader ended unexpectedly ({e}); starting it again"
                    ),
                )),
            }
        })
    }
    fn committed<'a>(&'a mut self, _offset: &'a Offset) -> BoxFuture<'a, Result<(), TaskError>> {
        // The binlog is kept by the server's own rules; nothing is acknowledged.
        Box::pin(async { Ok(()) })
    }
}

impl Drop for MysqlSource {
    fn drop(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.abort();
        }
    }
}

#[cfg(test)]
mod tests;
