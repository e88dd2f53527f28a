//! Runs the MySQL source of a connector's JSON and writes its records to a folder, for comparison by hand.
//!
//!     cargo run -p host-mysql --example dump -- connector.json out-folder [idle-seconds]
//!
//! One file a topic, as JSON with schemas, in the form of the recorded captures; the schema history as a topic of its own;
//! the last offset in `offset.json`, from which the next run goes on. It ends when nothing came for `idle-seconds`
//! (default 3). With `DUMP_VALIDATE` set it only shows what validation finds. Development only: the JSON here is not the host's own format.

mod json;

use futures_util::future::BoxFuture;
use host_core::access::Access;
use host_core::batch::Batch;
use host_core::config::Config;
use host_core::error::TaskError;
use host_core::id::{ConnectorId, TaskId, TenantId};
use host_core::log::{LogProvider, RecordLog};
use host_core::offset::{Offset, SourcePartition};
use host_core::source::{SourceKind as _, TaskContext};
use host_mysql::MysqlKind;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Topics as files of JSON strings, one a line.
struct Files(PathBuf);

struct FileTopic(PathBuf);

fn io(e: &std::io::Error) -> TaskError {
    TaskError::fail("FILE", e.to_string())
}

impl RecordLog for FileTopic {
    fn exists(&self) -> BoxFuture<'_, Result<bool, TaskError>> {
        Box::pin(async { Ok(self.0.exists()) })
    }
    fn create(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async { self.write(&[]).map_err(|e| io(&e)) })
    }
    fn append(&self, records: Vec<String>) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async move { self.write(&records).map_err(|e| io(&e)) })
    }
    fn read<'a>(
        &'a self,
        each: &'a mut (dyn FnMut(&str) -> Result<(), TaskError> + Send),
    ) -> BoxFuture<'a, Result<(), TaskError>> {
        Box::pin(async move {
            let text = std::fs::read_to_string(&self.0).map_err(|e| io(&e))?;
            for line in text.lines() {
                let record: String = serde_json::from_str(line)
                    .map_err(|e| TaskError::fail("FILE", e.to_string()))?;
                each(&record)?;
            }
            Ok(())
        })
    }
}

impl FileTopic {
    fn write(&self, records: &[String]) -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.0)?;
        for record in records {
            writeln!(file, "{}", Value::from(record.as_str()))?;
        }
        Ok(())
    }
}

impl LogProvider for Files {
    fn topic(
        &self,
        _: &str,
        topic: &str,
        _: &BTreeMap<String, String>,
    ) -> Result<Box<dyn RecordLog>, TaskError> {
        Ok(Box::new(FileTopic(self.0.join(format!("{topic}.log")))))
    }
}

fn main() -> Outcome<()> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(run())
}

async fn run() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let (Some(config), Some(out)) = (args.next(), args.next()) else {
        return Err("usage: dump connector.json out-folder [idle-seconds]".into());
    };
    let idle = Duration::from_secs(args.next().map_or(Ok(3), |s| s.parse())?);
    let out = PathBuf::from(out);
    std::fs::create_dir_all(&out)?;
    let document: Value = serde_json::from_str(&std::fs::read_to_string(config)?)?;
    let config: Config =
        serde_json::from_value(document.get("config").cloned().unwrap_or(document))?;
    if std::env::var_os("DUMP_VALIDATE").is_some() {
        let findings = MysqlKind.validate(&config, &Access::default(), true).await;
        println!("{findings:#?}");
        return Ok(());
    }
    let context = context(&out)?;
    let schemas = context.schemas.clone();
    let metrics = Arc::clone(&context.metrics);
    let mut topics: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut source = MysqlKind.open(context, config).await?;
    let started = std::time::Instant::now();
    let (mut records, mut bytes) = (0u64, 0usize);
    let count_only = std::env::var_os("DUMP_COUNT_ONLY").is_some();
    while let Ok(next) = tokio::time::timeout(idle, source.next_batch()).await {
        let Some(batch) = next? else { break };
        records += u64::from(batch.source_records());
        bytes = bytes.max(batch.weight_bytes());
        let last = batch.source_records().saturating_sub(1);
        if let Some((_, Offset(offset))) = batch.offsets().offset(last) {
            std::fs::write(out.join("offset.json"), Value::Object(offset).to_string())?;
        }
        if !count_only {
            add(&batch, &schemas, &mut topics)?;
        }
    }
    eprintln!(
        "{records} records in {:.2} s, largest batch {bytes} bytes, {:?}",
        started.elapsed().as_secs_f64(),
        metrics.snapshot()
    );
    history(&out, &mut topics)?;
    for (topic, records) in topics {
        let file = out.join(format!("{topic}.json"));
        std::fs::write(
            file,
            serde_json::to_string(&json!({"topic": topic, "partitions": [0], "records": records}))?,
        )?;
    }
    Ok(())
}

fn context(out: &Path) -> Outcome<TaskContext> {
    let mut offsets = Vec::new();
    if let Ok(text) = std::fs::read_to_string(out.join("offset.json")) {
        let prefix = std::env::var("DUMP_PREFIX").unwrap_or_default();
        let partition = serde_json::from_value(json!({"server": prefix}))?;
        offsets.push((
            SourcePartition(partition),
            Offset(serde_json::from_str(&text)?),
        ));
    }
    Ok(TaskContext {
        id: TaskId {
            connector: ConnectorId::new(TenantId::default(), "dump"),
            task: 0,
        },
        offsets,
        schemas: host_core::schema::SharedSchemas::default(),
        logs: Arc::new(Files(out.to_owned())),
        access: Arc::new(Access::default()),
        metrics: Arc::default(),
    })
}

fn add(
    batch: &Batch,
    schemas: &host_core::schema::SharedSchemas,
    topics: &mut BTreeMap<String, Vec<Value>>,
) -> Outcome<()> {
    let (reader, schemas) = (batch.reader(), schemas.read());
    for record in batch.records() {
        let r = &record.entry;
        let mut headers = Vec::new();
        for i in 0..r.headers_len {
            let h = reader.header(r, i)?;
            let value = json::payload(h.value, h.schema, reader, &schemas)?;
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            headers.push(json!([reader.name_at(h.name, h.name_len)?, text]));
        }
        let records = topics.entry(reader.topic(r)?.to_owned()).or_default();
        records.push(json!({
            "partition": 0,
            "offset": records.len(),
            "key": json::message(r.key, r.key_schema, reader, &schemas)?,
            "headers": headers,
            "value": json::message(r.value, r.value_schema, reader, &schemas)?,
        }));
    }
    Ok(())
}

/// The schema history as a topic.
fn history(out: &Path, topics: &mut BTreeMap<String, Vec<Value>>) -> Outcome<()> {
    for entry in std::fs::read_dir(out)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "log") {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path)?;
            let records: Result<Vec<Value>, serde_json::Error> = text
                .lines()
                .map(|l| Ok(json!({"partition": 0, "key": null, "headers": [], "value": serde_json::from_str::<String>(l)?})))
                .collect();
            topics.insert(name, records?);
        }
    }
    Ok(())
}
