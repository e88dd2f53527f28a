//! `tidegate tail`: the events of a live MySQL on the terminal, without Kafka.
//!
//! The same source, transforms and formats as in a worker; only the end differs. Without `--offsets` it keeps no state and
//! begins with what happens now (or, with `--snapshot`, with what is there). Invariant: a stored offset is that of a
//! printed record or an earlier one.

mod history;

use crate::logging;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use host_core::access::Access;
use host_core::batch::Batch;
use host_core::config::Config;
use host_core::error::{Disposition, TaskError};
use host_core::id::{ConnectorId, TaskId, TenantId};
use host_core::schema::SharedSchemas;
use host_core::source::{Source, SourceKind, TaskContext};
use host_mysql::MysqlKind;
use host_runtime::chain::{Chain, ChainBuilder, Prepared};
use host_runtime::store::{FileLog, OffsetStore};
use host_runtime::tenant::{Meter, Quotas};
use host_wasm::compile::{Compiler, Settings};
use host_wasm::{Catalog, Engine, Limits, Pace, Upload};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Name under which offsets are stored.
const NAME: &str = "tail";
/// Stack of the thread that calls guests: their own stack and room for the host.
const GUEST_THREAD_STACK_BYTES: usize = 4 * 1024 * 1024;
/// Batches that wait to be printed.
const BATCHES_WAITING_MAX: usize = 4;
/// Attempts to reach a server that has gone away, and the pause between them.
const ATTEMPTS_MAX: u32 = 10;
const ATTEMPT_PAUSE: Duration = Duration::from_secs(2);

/// Arguments of `tidegate tail`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The server: mysql://user:password@host:port/ (the password may come from TIDEGATE_MYSQL_PASSWORD instead).
    #[arg(long)]
    mysql: String,
    /// Tables to follow: a list of regular expressions on `database.table`, as in table.include.list.
    #[arg(long)]
    tables: Option<String>,
    /// A transform: a `.wasm` file, or a class (`org.apache.kafka.connect.transforms.MaskField$Value`).
    #[arg(long)]
    transform: Option<String>,
    /// A key of the transform, `key=value`; may be given several times.
    #[arg(long = "transform-config", value_name = "KEY=VALUE")]
    transform_config: Vec<String>,
    /// How values are written: `json` (without schemas), `json-schemas`, `string`, or a converter class.
    #[arg(long, default_value = "json")]
    format: String,
    /// Print the rows that are there before following changes.
    #[arg(long)]
    snapshot: bool,
    /// Print topic and key before each value, separated by tabs.
    #[arg(long)]
    keys: bool,
    /// Keep the position in this file (and the schema history beside it) and go on from it next time.
    #[arg(long, value_name = "FILE")]
    offsets: Option<PathBuf>,
    /// Replica id towards the server; must differ from every other replica's.
    #[arg(long, default_value_t = 18_999)]
    server_id: u32,
    /// A further key of the connector, `key=value`; may be given several times.
    #[arg(long = "config", value_name = "KEY=VALUE")]
    config: Vec<String>,
}

/// Runs until the source ends or Ctrl-C.
pub fn run(options: Options) -> Result<()> {
    logging::start(logging::Form::Text, "warn")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(follow(options))
}

async fn follow(options: Options) -> Result<()> {
    let config = connector_config(&options)?;
    let findings = MysqlKind.validate(&config, &Access::default(), true).await;
    if !findings.is_empty() {
        let all: Vec<_> = findings
            .into_iter()
            .map(|f| format!("  {}: {}", f.key, f.message))
            .collect();
        bail!("the configuration has errors:\n{}", all.join("\n"));
    }
    let id = ConnectorId::new(TenantId::default(), NAME);
    let schemas = SharedSchemas::default();
    let chain = build_chain(&options, &config, &id, &schemas)?;
    let log = options
        .offsets
        .as_ref()
        .map_or_else(FileLog::memory, FileLog::file);
    let offsets = OffsetStore::open(Box::new(log)).await?;
    let follow = Follow {
        options,
        config,
        id,
        schemas,
        offsets,
        chain: Some(chain),
    };
    tokio::select! {
        done = Box::pin(follow.run()) => done,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// The connector's configuration, as it would be posted.
fn connector_config(options: &Options) -> Result<Config> {
    let server = mysql_async::Opts::from_url(&options.mysql)
        .context("reading --mysql: expected mysql://user:password@host:port/")?;
    let mut c = Config::default();
    c.set("connector.class", MysqlKind.class());
    c.set("name", NAME);
    c.set("topic.prefix", NAME);
    c.set("database.hostname", server.ip_or_hostname());
    c.set("database.port", server.tcp_port().to_string());
    c.set("database.user", server.user().unwrap_or("root"));
    let password = server
        .pass()
        .map(str::to_owned)
        .or_else(|| std::env::var("TIDEGATE_MYSQL_PASSWORD").ok());
    if let Some(password) = password {
        c.set("database.password", password);
    }
    c.set("database.server.id", options.server_id.to_string());
    c.set(
        "snapshot.mode",
        if options.snapshot {
            "initial"
        } else {
            "no_data"
        },
    );
    c.set("include.schema.changes", "false");
    c.set("tombstones.on.delete", "false");
    if let Some(tables) = &options.tables {
        c.set("table.include.list", tables.as_str());
    }
    match &options.offsets {
        Some(file) => {
            let mut history = file.clone().into_os_string();
            history.push(".history");
            c.set(
                "schema.history.internal",
                "io.debezium.storage.file.history.FileSchemaHistory",
            );
            c.set(
                "schema.history.internal.file.filename",
                history.to_string_lossy(),
            );
        }
        None => {
            c.set("schema.history.internal.kafka.topic", "in-memory");
            c.set(
                "schema.history.internal.kafka.bootstrap.servers",
                "in-memory",
            );
        }
    }
    for (key, value) in pairs(&options.config)? {
        c.set(key, value);
    }
    Ok(c)
}

fn pairs(entries: &[String]) -> Result<Vec<(&str, &str)>> {
    let split = |e: &'_ String| -> Result<()> {
        e.contains('=')
            .then_some(())
            .with_context(|| format!("reading {e}: expected key=value"))
    };
    entries.iter().try_for_each(split)?;
    Ok(entries.iter().filter_map(|e| e.split_once('=')).collect())
}

fn build_chain(
    options: &Options,
    config: &Config,
    id: &ConnectorId,
    schemas: &SharedSchemas,
) -> Result<Chain> {
    let mut config = config.clone();
    let engine = Engine::new().context("starting the WebAssembly engine")?;
    let cache = std::env::temp_dir().join(format!("tidegate-cache-{}", user_id()));
    let compiler = Arc::new(Compiler::new(engine, Settings::new(cache))?);
    let limits = Limits::default();
    let catalog = Arc::new(Catalog::open(compiler, limits)?);
    let (class, schemas_enable) = match options.format.as_str() {
        "json" => ("org.apache.kafka.connect.json.JsonConverter", Some("false")),
        "json-schemas" => ("org.apache.kafka.connect.json.JsonConverter", Some("true")),
        "string" => ("org.apache.kafka.connect.storage.StringConverter", None),
        class => (class, None),
    };
    for part in ["key", "value"] {
        config.set(format!("{part}.converter"), class);
        if let Some(enable) = schemas_enable {
            config.set(format!("{part}.converter.schemas.enable"), enable);
        }
    }
    if let Some(transform) = &options.transform {
        config.set("transforms", "t");
        if Path::new(transform)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("wasm"))
        {
            let bytes = std::fs::read(transform).with_context(|| format!("reading {transform}"))?;
            let upload = Upload {
                tenant: &id.tenant,
                name: "tail.Transform",
                version: "0.0.0",
                bytes: &bytes,
                memory_bytes: 0,
            };
            catalog
                .upload(upload)
                .with_context(|| format!("loading {transform}"))?;
            config.set("transforms.t.type", "wasm.tail.Transform");
        } else {
            config.set("transforms.t.type", transform.as_str());
        }
        for (key, value) in pairs(&options.transform_config)? {
            config.set(format!("transforms.t.{key}"), value);
        }
    }
    let builder = ChainBuilder {
        catalog,
        id: id.clone(),
        worker: Arc::default(),
        limits,
        quotas: Quotas::default(),
        meter: Arc::new(Meter::default()),
    };
    let pace = Pace::default();
    builder
        .build(&config, schemas, &pace)
        .map_err(|e| anyhow!("{e}"))
}

/// The user's number, so that two users do not share a cache directory.
fn user_id() -> u32 {
    #[allow(
        unsafe_code,
        reason = "getuid(2) always succeeds and touches no memory"
    )]
    unsafe {
        libc::getuid()
    }
}

struct Follow {
    options: Options,
    config: Config,
    id: ConnectorId,
    schemas: SharedSchemas,
    offsets: OffsetStore,
    chain: Option<Chain>,
}

/// A printed batch.
type Printed = Result<Prepared, TaskError>;

impl Follow {
    async fn run(mut self) -> Result<()> {
        let (batches, mut printed) = self.printer()?;
        let mut attempts = 0;
        loop {
            let failed = match self.open().await {
                Ok(mut source) => {
                    attempts = 0;
                    match self.pump(source.as_mut(), &batches, &mut printed).await? {
                        None => return Ok(()),
                        Some(e) => e,
                    }
                }
                Err(e) => e,
            };
            attempts += 1;
            if failed.disposition == Disposition::Fail || attempts > ATTEMPTS_MAX {
                bail!("{failed}");
            }
            eprintln!("tidegate: {failed}; trying again");
            tokio::time::sleep(ATTEMPT_PAUSE).await;
        }
    }

    async fn open(&self) -> Result<Box<dyn Source>, TaskError> {
        let context = TaskContext {
            id: TaskId {
                connector: self.id.clone(),
                task: 0,
            },
            offsets: self.offsets.get(&self.id),
            schemas: self.schemas.clone(),
            logs: Arc::new(history::MemoryLogs::default()),
            access: Arc::default(),
            metrics: Arc::default(),
        };
        MysqlKind.open(context, self.config.clone()).await
    }

    /// A thread that runs the chain and prints; guests are called synchronously.
    #[allow(clippy::type_complexity, reason = "two ends of two channels")]
    fn printer(
        &mut self,
    ) -> Result<(
        tokio::sync::mpsc::Sender<Batch>,
        tokio::sync::mpsc::Receiver<Printed>,
    )> {
        let mut chain = self.chain.take().context("the chain is in use")?;
        let (batches, mut waiting) = tokio::sync::mpsc::channel::<Batch>(BATCHES_WAITING_MAX);
        let (done, printed) = tokio::sync::mpsc::channel(BATCHES_WAITING_MAX);
        let keys = self.options.keys;
        std::thread::Builder::new()
            .name("tail".to_owned())
            .stack_size(GUEST_THREAD_STACK_BYTES)
            .spawn(move || {
                while let Some(batch) = waiting.blocking_recv() {
                    let answer = chain.run(batch).and_then(|mut prepared| {
                        print(&prepared, keys)?;
                        prepared.ended.take().map_or(Ok(prepared), Err)
                    });
                    if done.blocking_send(answer).is_err() {
                        return;
                    }
                }
            })?;
        Ok((batches, printed))
    }

    /// Moves batches until the source ends (`None`) or fails.
    async fn pump(
        &self,
        source: &mut dyn Source,
        batches: &tokio::sync::mpsc::Sender<Batch>,
        printed: &mut tokio::sync::mpsc::Receiver<Printed>,
    ) -> Result<Option<TaskError>> {
        loop {
            let batch = match source.next_batch().await {
                Ok(Some(batch)) => batch,
                Ok(None) => return Ok(None),
                Err(e) => return Ok(Some(e)),
            };
            let (table, last) = (
                Arc::clone(batch.offsets()),
                batch.source_records().saturating_sub(1),
            );
            batches
                .send(batch)
                .await
                .ok()
                .context("the printing thread has ended")?;
            printed
                .recv()
                .await
                .context("the printing thread has ended")??;
            if self.options.offsets.is_some()
                && let Some((partition, offset)) = (0..=last).rev().find_map(|i| table.offset(i))
            {
                self.offsets
                    .commit(&self.id, &[(partition, Some(offset.clone()))])
                    .await?;
                source.committed(&offset).await?;
            }
        }
    }
}

fn print(prepared: &Prepared, keys: bool) -> Result<(), TaskError> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = |record: &host_runtime::chain::Outgoing<'_>| -> std::io::Result<()> {
        if keys {
            let entry = prepared.batch.records().get(record.index).map(|r| r.entry);
            let topic = entry
                .and_then(|e| prepared.batch.reader().topic(&e).ok())
                .unwrap_or_default();
            write!(out, "{topic}\t")?;
            out.write_all(record.key.unwrap_or(b"null"))?;
            out.write_all(b"\t")?;
        }
        out.write_all(record.value.unwrap_or(b"null"))?;
        out.write_all(b"\n")
    };
    let written = prepared
        .outgoing()
        .try_for_each(|r| line(&r))
        .and_then(|()| out.flush());
    written.map_err(|e| TaskError::fail("STDOUT", format!("printing: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(mysql: &str, config: &[&str]) -> Options {
        Options {
            mysql: mysql.to_owned(),
            tables: Some("testdb\\..*".to_owned()),
            transform: None,
            transform_config: vec![],
            format: "json".to_owned(),
            snapshot: false,
            keys: false,
            offsets: Some(PathBuf::from("/state/offsets")),
            server_id: 7,
            config: config.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn arguments_become_a_connector() {
        let c = connector_config(&options("mysql://me:secret@db:3307/", &["a=b=c"])).unwrap();
        let keys = [
            "database.hostname",
            "database.port",
            "database.user",
            "database.password",
            "database.server.id",
        ];
        assert_eq!(
            keys.map(|k| c.get(k).unwrap_or_default()),
            ["db", "3307", "me", "secret", "7"]
        );
        assert_eq!(c.get("a"), Some("b=c"));
        assert_eq!(
            c.get("schema.history.internal.file.filename"),
            Some("/state/offsets.history")
        );
        assert!(connector_config(&options("db", &[])).is_err());
        assert!(connector_config(&options("mysql://db", &["novalue"])).is_err());
    }
}
