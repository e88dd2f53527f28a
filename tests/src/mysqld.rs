//! A MySQL server of a test's own, for settings that the shared one must not have.
//!
//! It runs the program of the shared server, which has to run on this machine, with a data folder, port and socket of its
//! own. Invariant: it ends with the value that holds it.

use crate::mysql::Session;
use crate::{services, until};
use anyhow::{Context, Result, ensure};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const START: Duration = Duration::from_mins(1);
/// Options of the shared server that this one sets itself, or leaves to its test.
const OWN: [&str; 10] = [
    "--init-file",
    "--datadir",
    "--port",
    "--socket",
    "--pid-file",
    "--server-id",
    "--log-bin",
    "--gtid-mode",
    "--enforce-gtid-consistency",
    "--innodb-buffer-pool-size",
];

/// The server; not running until it is started.
#[derive(Debug)]
pub struct Mysqld {
    command: Vec<String>,
    /// The option that makes the accounts at a start.
    accounts: String,
    folder: PathBuf,
    port: u16,
    child: Option<Child>,
}

impl Mysqld {
    /// Makes an empty data folder.
    pub fn prepare(name: &str) -> Result<Self> {
        let pid = services::folder()?.join("mysql/pid");
        let pid = std::fs::read_to_string(&pid).with_context(|| {
            format!(
                "reading {}: MySQL does not run on this machine",
                pid.display()
            )
        })?;
        let shared = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.trim()))
            .context("reading the command line of the shared MySQL")?;
        let own = |word: &str| OWN.iter().any(|o| word.split('=').next() == Some(o));
        let command: Vec<String> = shared
            .split_terminator('\0')
            .filter(|word| !own(word))
            .map(str::to_owned)
            .collect();
        let accounts = shared
            .split_terminator('\0')
            .find(|word| word.starts_with("--init-file="))
            .context("the shared MySQL has ended, or makes no accounts")?;
        let folder = services::checkout()
            .join("target/it")
            .join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let server = Self {
            command,
            accounts: accounts.to_owned(),
            folder,
            port,
            child: None,
        };
        let status = server.command(&["--initialize-insecure"])?.status()?;
        ensure!(
            status.success(),
            "making a data folder: {status}\n{}",
            server.log_text()
        );
        Ok(server)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn command(&self, options: &[&str]) -> Result<Command> {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())?;
        let (program, rest) = self.command.split_first().context("no command")?;
        let mut command = Command::new(program);
        command
            .args(rest)
            .arg(format!("--datadir={}", self.folder.join("data").display()))
            .arg("--server-id=1002")
            .arg("--innodb-buffer-pool-size=32M")
            .arg(format!("--port={}", self.port))
            // Not in the folder: a socket's path has 107 bytes at most.
            .arg(format!("--socket=/tmp/tidegate-it-{}.sock", self.port))
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    /// Starts it with these options as well and waits until it answers.
    pub fn start(&mut self, options: &[&str]) -> Result<()> {
        let mut command = self.command(options)?;
        self.child = Some(command.arg(&self.accounts).spawn()?);
        until::until("a MySQL of the test's own", START, || {
            self.session().map(Some)
        })
        .with_context(|| self.log_text())?;
        Ok(())
    }

    /// Kills it.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// A session of `root`.
    pub fn session(&self) -> Result<Session> {
        Session::open_as("127.0.0.1", self.port, "root", "")
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Mysqld {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already, or cannot be ended.
        drop(self.stop());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
