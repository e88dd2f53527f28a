//! A worker of either product: the same properties, the same REST calls, another program.
//!
//! Each has a folder with its properties and log, and topics of its own. Invariant: a dropped worker leaves no process
//! behind.

use crate::watch::watch;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tests::http::Client;
use tests::services;

/// Limit for a start; Connect takes half a minute on two busy cores.
const START: Duration = Duration::from_mins(5);
const STOP: Duration = Duration::from_mins(1);
/// Limit for a REST call to be accepted: a worker may be busy taking up what changed before.
const ACCEPT: Duration = Duration::from_mins(2);
const LOG_BYTES_SHOWN_MAX: usize = 4000;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Product {
    Tidegate,
    /// Kafka Connect with Debezium's MySQL connector.
    Debezium,
}

/// A running worker.
#[derive(Debug)]
pub(crate) struct Worker {
    /// Its REST interface.
    pub(crate) rest: Client,
    folder: PathBuf,
    child: Child,
}

impl Worker {
    /// Starts one under this name; also how long it took until `GET /connectors` was answered.
    pub(crate) fn start(product: Product, name: &str) -> Result<(Self, Duration)> {
        let folder = services::checkout().join("target/bench").join(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = match product {
            Product::Tidegate => tidegate(&folder, name, port)?,
            Product::Debezium => connect(&folder, name, port)?,
        };
        let log = std::fs::File::create(folder.join("worker.log"))?;
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let mut worker = Self {
            rest: Client::new(&format!("http://127.0.0.1:{port}")),
            folder,
            child,
        };
        let answers = watch(name, Duration::from_millis(5), START, || {
            if let Some(status) = worker.child.try_wait()? {
                bail!("{name} ended with {status} while starting");
            }
            let answer = worker.rest.get("/connectors");
            Ok(answer.is_ok_and(|a| a.status == 200).then_some(()))
        });
        let took = started.elapsed();
        answers.with_context(|| worker.log_tail())?;
        Ok((worker, took))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A call that must be accepted, tried again while it is refused; the answer and when the accepted try began.
    pub(crate) fn order(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Value, Instant)> {
        let mut last = String::new();
        let accepted = watch(
            &format!("{method} {path} to be accepted"),
            Duration::from_millis(100),
            ACCEPT,
            || {
                let begun = Instant::now();
                let answer = match body {
                    Some(body) => self.rest.send(method, path, body)?,
                    None => self.rest.bare(method, path)?,
                };
                last = format!("{} {}", answer.status, answer.body);
                if !(200..300).contains(&answer.status) {
                    return Ok(None);
                }
                let value = if answer.body.trim().is_empty() {
                    Value::Null
                } else {
                    answer.json()?
                };
                Ok(Some((value, begun)))
            },
        );
        accepted.with_context(|| format!("{last}\n{}", self.log_tail()))
    }

    /// Its last lines.
    pub(crate) fn log_tail(&self) -> String {
        let path = self.folder.join("worker.log");
        let text = std::fs::read(&path).unwrap_or_default();
        let from = text.len().saturating_sub(LOG_BYTES_SHOWN_MAX);
        let tail = String::from_utf8_lossy(text.get(from..).unwrap_or_default());
        format!("{}:\n{tail}", path.display())
    }

    /// Asks it to stop, waits, and removes its folder: the log of a run that went well is of no use.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .context("asking a worker to stop")?;
        watch("a worker to end", Duration::from_millis(50), STOP, || {
            Ok(self.child.try_wait()?.map(drop))
        })?;
        std::fs::remove_dir_all(&self.folder)
            .with_context(|| format!("removing {}", self.folder.display()))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended already; either way nothing is left to do.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn tidegate(folder: &Path, name: &str, port: u16) -> Result<Command> {
    let properties = write(
        folder,
        "worker.properties",
        &(common(name, port)? + &format!("plugin.storage.topic={name}-plugins\n")),
    )?;
    let mut command = Command::new(services::executable()?);
    command.arg("worker").arg(properties);
    Ok(command)
}

/// Connect as its own start script runs it, with the heap that script gives.
fn connect(folder: &Path, name: &str, port: u16) -> Result<Command> {
    const LOGGING: &str = "\
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = OUT
appender.out.type = Console
appender.out.name = OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c:%L)%n
";
    let variable = |name: &str| {
        std::env::var_os(name).map(PathBuf::from).with_context(|| {
            format!("reading {name}: it is not set; run this through `cargo x bench e2e`")
        })
    };
    let (java, jars) = (
        variable("TIDEGATE_BENCH_JAVA")?,
        variable("TIDEGATE_BENCH_CONNECT")?,
    );
    let plugins = jars.join("plugins");
    let own = format!(
        "plugin.path={}\nscheduled.rebalance.max.delay.ms=0\n",
        plugins.display()
    );
    let properties = write(folder, "worker.properties", &(common(name, port)? + &own))?;
    let logging = write(folder, "log4j2.properties", LOGGING)?;
    let mut command = Command::new(java);
    command
        .args([
            "-Xms256m",
            "-Xmx2g",
            "-XX:+UseG1GC",
            "-XX:MaxGCPauseMillis=20",
        ])
        .arg("-Djava.awt.headless=true")
        .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
        .arg("-cp")
        .arg(format!("{}/*", jars.join("libs").display()))
        .arg("org.apache.kafka.connect.cli.ConnectDistributed")
        .arg(properties);
    Ok(command)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// What both products are told.
fn common(name: &str, port: u16) -> Result<String> {
    let kafka = services::kafka()?;
    Ok(format!(
        "\
bootstrap.servers={kafka}
listeners=http://127.0.0.1:{port}
group.id={name}
config.storage.topic={name}-configs
offset.storage.topic={name}-offsets
status.storage.topic={name}-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
offset.storage.partitions=5
status.storage.replication.factor=1
status.storage.partitions=2
offset.flush.interval.ms=2000
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
"
    ))
}
