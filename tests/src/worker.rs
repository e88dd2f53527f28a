//! A worker of either product: the same properties, the same REST calls, another program.
//!
//! Each has a folder with its properties and log, and topics of its own. Invariant: a dropped worker leaves no process
//! behind.

use crate::http::Client;
use crate::watch::watch;
use crate::{peer, services};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Limit for a start; Connect takes half a minute on two busy cores.
const START: Duration = Duration::from_mins(5);
const STOP: Duration = Duration::from_mins(1);
/// Limit for a REST call to be accepted: a worker may be busy taking up what changed before.
const ACCEPT: Duration = Duration::from_mins(2);
const LOG_BYTES_SHOWN_MAX: usize = 4000;

/// Whose worker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// The host.
    Tidegate,
    /// Kafka Connect with Debezium's MySQL connector.
    Debezium,
}

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    /// Its REST interface.
    pub rest: Client,
    folder: PathBuf,
    child: Child,
}

impl Worker {
    /// Starts one under this name, with its files in `target/<purpose>/<name>`; also how long it took until
    /// `GET /connectors` was answered.
    pub fn start(product: Product, purpose: &str, name: &str) -> Result<(Self, Duration)> {
        let folder = services::checkout().join("target").join(purpose).join(name);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = match product {
            Product::Tidegate => tidegate(&folder, name, port)?,
            Product::Debezium => peer::command(&folder, name, port)?,
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
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A call that must be accepted, tried again while it is refused; the answer and when the accepted try began.
    pub fn order(
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
    pub fn log_tail(&self) -> String {
        let path = self.folder.join("worker.log");
        let text = std::fs::read(&path).unwrap_or_default();
        let from = text.len().saturating_sub(LOG_BYTES_SHOWN_MAX);
        let tail = String::from_utf8_lossy(text.get(from..).unwrap_or_default());
        format!("{}:\n{tail}", path.display())
    }

    /// Asks it to stop, waits, and removes its folder: the log of a run that went well is of no use.
    pub fn stop(mut self) -> Result<()> {
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
    let properties = peer::write(
        folder,
        "worker.properties",
        &(peer::properties(name, port)? + &format!("plugin.storage.topic={name}-plugins\n")),
    )?;
    let mut command = Command::new(services::executable()?);
    command.arg("worker").arg(properties);
    Ok(command)
}
