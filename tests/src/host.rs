//! The real host process, started as a user starts it.
//!
//! Each [`Host`] has a folder of its own with its worker.properties and log. It can be stopped politely, killed with
//! `kill -9`, and started again on the same state. Invariant: a dropped host leaves no process behind.

use crate::http::Client;
use crate::{kafka, services, until};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Limit for a start: compiling the built-ins on a busy machine included.
const START: Duration = Duration::from_mins(2);
/// Limit for a polite stop.
const STOP: Duration = Duration::from_secs(30);

static COUNTER: AtomicU32 = AtomicU32::new(0);
static TIDY: Once = Once::new();

/// Storage topics that a worker of an earlier test run has left: thousands would make a broker's start slow.
fn left_over(topic: &str) -> bool {
    let mut parts = topic.rsplitn(4, '-');
    let (kind, number, pid) = (parts.next(), parts.next(), parts.next());
    let is_number = |part: Option<&str>| part.is_some_and(|p| p.parse::<u32>().is_ok());
    matches!(kind, Some("configs" | "offsets" | "status" | "plugins"))
        && is_number(number)
        && is_number(pid)
        && pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists())
}

/// A worker and its folder.
#[derive(Debug)]
pub struct Host {
    /// Folder with worker.properties, log and, for a standalone worker, its state.
    pub folder: PathBuf,
    /// Its REST interface.
    pub rest: Client,
    /// Variables of its environment, for failpoints.
    pub environment: Vec<(String, String)>,
    port: u16,
    child: Option<Child>,
}

impl Host {
    /// A worker with Connect's topics under names of its own and JSON converters, plus these properties; not started.
    pub fn prepare(name: &str, properties: &[(&str, &str)]) -> Result<Self> {
        let id = format!(
            "{name}-{}-{}",
            std::process::id(),
            COUNTER.fetch_add(1, Ordering::Relaxed)
        );
        let folder = services::checkout().join("target/it").join(&id);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        let given = properties
            .iter()
            .find(|(k, _)| *k == "listeners")
            .and_then(|(_, v)| v.rsplit(':').next()?.parse().ok());
        // A broker that is away is the business of whoever tests that.
        TIDY.call_once(|| drop(kafka::delete_topics(&left_over)));
        let port = match given {
            Some(port) => port,
            None => TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
        };
        let json = "org.apache.kafka.connect.json.JsonConverter";
        let mut all = vec![
            ("bootstrap.servers".to_owned(), services::kafka()?),
            ("listeners".to_owned(), format!("http://127.0.0.1:{port}")),
            ("group.id".to_owned(), id.clone()),
            ("config.storage.topic".to_owned(), format!("{id}-configs")),
            ("offset.storage.topic".to_owned(), format!("{id}-offsets")),
            ("status.storage.topic".to_owned(), format!("{id}-status")),
            ("plugin.storage.topic".to_owned(), format!("{id}-plugins")),
            (
                "config.storage.replication.factor".to_owned(),
                "1".to_owned(),
            ),
            (
                "offset.storage.replication.factor".to_owned(),
                "1".to_owned(),
            ),
            (
                "status.storage.replication.factor".to_owned(),
                "1".to_owned(),
            ),
            // More than one, and few: a broker that is killed recovers each of them.
            ("offset.storage.partitions".to_owned(), "2".to_owned()),
            ("status.storage.partitions".to_owned(), "1".to_owned()),
            ("offset.flush.interval.ms".to_owned(), "1000".to_owned()),
            ("key.converter".to_owned(), json.to_owned()),
            ("value.converter".to_owned(), json.to_owned()),
        ];
        for (k, v) in properties {
            all.retain(|(key, _)| key != k);
            all.push(((*k).to_owned(), (*v).to_owned()));
        }
        // An empty value takes a default away: a standalone worker has no group.
        let lines: Vec<String> = all
            .iter()
            .filter(|(_, v)| !v.is_empty())
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        let text = lines.join("\n") + "\n";
        std::fs::write(folder.join("worker.properties"), text)?;
        let rest = Client::new(&format!("http://127.0.0.1:{port}"));
        Ok(Self {
            folder,
            rest,
            environment: Vec::new(),
            port,
            child: None,
        })
    }
    /// The same, started.
    pub fn start(name: &str, properties: &[(&str, &str)]) -> Result<Self> {
        let mut host = Self::prepare(name, properties)?;
        host.run(&[])?;
        Ok(host)
    }
    /// Starts the process and waits until it is healthy.
    pub fn run(&mut self, arguments: &[&str]) -> Result<()> {
        self.spawn(arguments)?;
        self.wait_healthy()
    }
    /// Starts the process without waiting.
    pub fn spawn(&mut self, arguments: &[&str]) -> Result<()> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        let mut command = Command::new(services::executable()?);
        command
            .arg("worker")
            .arg(self.folder.join("worker.properties"))
            .args(arguments);
        command.envs(self.environment.iter().map(|(k, v)| (k, v)));
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        self.child = Some(child.context("starting tidegate")?);
        Ok(())
    }
    /// Waits until `/health` says so.
    pub fn wait_healthy(&mut self) -> Result<()> {
        let rest = self.rest.clone();
        let child = self.child.as_mut().context("the host was not started")?;
        let mut gone = None;
        let waited = until::until("the host to be healthy", START, || {
            if let Some(status) = child.try_wait()? {
                gone = Some(status);
                return Ok(Some(()));
            }
            Ok((rest.get("/health")?.status == 200).then_some(()))
        });
        if let Some(status) = gone {
            bail!(
                "the host ended with {status} while starting:\n{}",
                self.log_tail(40)
            );
        }
        waited.with_context(|| self.log_tail(40))
    }
    /// Waits until the process ends by itself.
    pub fn wait_exit(&mut self, limit: Duration) -> Result<std::process::ExitStatus> {
        let child = self.child.as_mut().context("the host was not started")?;
        let status = until::until("the host to end", limit, || Ok(child.try_wait()?));
        let status = status.with_context(|| tail(&self.folder.join("worker.log"), 40))?;
        self.child = None;
        Ok(status)
    }
    /// Asks it to stop (SIGTERM) and waits.
    pub fn stop(&mut self) -> Result<std::process::ExitStatus> {
        self.signal(libc::SIGTERM)?;
        self.wait_exit(STOP)
    }
    /// `kill -9`.
    pub fn kill(&mut self) -> Result<()> {
        self.signal(libc::SIGKILL)?;
        self.wait_exit(STOP).map(drop)
    }
    fn signal(&self, signal: i32) -> Result<()> {
        let pid = self.pid()?;
        #[allow(
            unsafe_code,
            reason = "kill(2) has no safe form in std; the pid is of a child we have not waited for"
        )]
        let answer = unsafe { libc::kill(pid, signal) };
        if answer == 0 {
            Ok(())
        } else {
            Err(std::io::Error::last_os_error()).context("signalling the host")
        }
    }
    /// Its process id.
    pub fn pid(&self) -> Result<i32> {
        Ok(self.child.as_ref().context("the host is not running")?.id() as i32)
    }
    /// Resident memory in KiB and its peak.
    pub fn resident_kib(&self) -> Result<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()?))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name))?;
            line.trim().split(' ').next()?.parse().ok()
        };
        Ok((
            field("VmRSS:").context("VmRSS")?,
            field("VmHWM:").context("VmHWM")?,
        ))
    }
    /// Port of its REST interface.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// Its log file.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join("worker.log")
    }
    /// All of its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }
    /// Its last lines.
    pub fn log_tail(&self, lines: usize) -> String {
        tail(&self.log_file(), lines)
    }
    /// Creates a connector.
    pub fn create(&self, name: &str, config: &Value) -> Result<()> {
        let answer = self.rest.send(
            "POST",
            "/connectors",
            &serde_json::json!({"name": name, "config": config}),
        )?;
        if answer.status != 201 {
            bail!("creating {name}: {} {}", answer.status, answer.body);
        }
        Ok(())
    }
    /// Waits until a connector's task 0 has this state; the status then.
    pub fn wait_state(&self, name: &str, state: &str, limit: Duration) -> Result<Value> {
        let mut last = Value::Null;
        let waited = until::until(&format!("{name} to be {state}"), limit, || {
            last = self
                .rest
                .get(&format!("/connectors/{name}/status"))?
                .json()?;
            Ok((last["tasks"][0]["state"] == state).then(|| last.clone()))
        });
        waited.with_context(|| format!("{last}\n{}", self.log_tail(30)))
    }
    /// Waits until a MySQL connector's snapshot is over and it is connected to the binlog, as its metrics tell.
    pub fn wait_streaming(&self, name: &str, limit: Duration) -> Result<()> {
        let label = format!("connector=\"{name}\"");
        let connected = |line: &str| {
            let shows = line.starts_with("debezium_mysql_connected{") && line.contains(&label);
            shows && line.ends_with(" 1")
        };
        let waited = until::until(&format!("{name} to stream"), limit, || {
            let status = self.rest.get(&format!("/connectors/{name}/status"))?;
            if status.body.contains("FAILED") {
                return Ok(Some(Err(status.body)));
            }
            let metrics = self.rest.get("/metrics")?.body;
            Ok(metrics.lines().any(connected).then_some(Ok(())))
        });
        match waited.with_context(|| self.log_tail(30))? {
            Ok(()) => Ok(()),
            Err(status) => bail!("{name} failed: {status}\n{}", self.log_tail(30)),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already; either way nothing is left to do.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The hash of a password, as an operator makes it with `tidegate auth hash`.
pub fn password_hash(password: &str) -> Result<String> {
    let mut child = Command::new(services::executable()?)
        .args(["auth", "hash"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting tidegate auth hash")?;
    let mut input = child.stdin.take().context("its standard input")?;
    input.write_all(password.as_bytes())?;
    drop(input);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("tidegate auth hash: {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn tail(file: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    format!(
        "{}:\n{}",
        file.display(),
        all[all.len().saturating_sub(lines)..].join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_topics_of_ended_runs_are_left_over() {
        let own = format!("crash_a_1-{}-3-configs", std::process::id());
        for (topic, expected) in [
            ("crash_a_1-4194305-3-configs", true),
            ("golden-tx-4194305-0-plugins", true),
            (own.as_str(), false),
            ("connect-configs", false),
            ("a-1-b-configs", false),
            ("crash_a_1-4194305-3-data", false),
        ] {
            assert_eq!(left_over(topic), expected, "{topic}");
        }
    }
}
