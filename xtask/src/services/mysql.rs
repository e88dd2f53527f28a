//! MySQL natively: a `mysqld` already on this machine, else one unpacked into the cache.
//!
//! Settings are those change capture needs, with durability relaxed as far as a test machine may.
//! Accounts: `root` without a password from this machine, `debezium` with password `dbz` and the
//! rights Debezium's manual asks for. Deliberately leaves a system-wide server alone: only its
//! program is used. Invariant: the data folder has its final name only once initialised.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Service;
use super::debian::Tree;
use super::process::Process;
use crate::step;

/// The server's program: the machine's own or the cache's.
enum Program {
    System(std::path::PathBuf),
    Unpacked(Tree),
}

/// Starts MySQL if it does not run; the caller waits until it answers.
pub(super) fn up(state: &Path) -> Result<()> {
    let process = Process::new(state);
    if process.pid().is_some() {
        return Ok(());
    }
    let program = find()?;
    initialise(&program, state)?;
    super::write_accounts(state)?;
    super::refuse_taken_port(Service::Mysql)?;
    super::forget_socket(Service::Mysql)?;
    let mut command = program.command(state, "data")?;
    command.args(settings(state));
    process.start(&mut command)
}

fn find() -> Result<Program> {
    // MariaDB also installs a program of this name.
    let system = step::find_program("mysqld").filter(|path| {
        step::output("asking mysqld", Command::new(path).arg("--version"))
            .is_ok_and(|version| !version.contains("MariaDB"))
    });
    match system {
        Some(path) => Ok(Program::System(path)),
        None => Tree::of("mysql", "mysql-server-core", "default-mysql-server-core")
            .map(Program::Unpacked),
    }
}

fn initialise(program: &Program, state: &Path) -> Result<()> {
    let data = state.join("data");
    if data.is_dir() {
        return Ok(());
    }
    let part = state.join("data.part");
    if part.exists() {
        std::fs::remove_dir_all(&part).with_context(|| format!("removing {}", part.display()))?;
    }
    let mut command = program.command(state, "data.part")?;
    command.arg("--initialize-insecure");
    let log = state.join("initialize.log");
    step::logged("mysql: making its data folder", &log, &mut command)?;
    std::fs::rename(&part, &data).with_context(|| format!("naming {}", data.display()))
}

impl Program {
    /// mysqld with its own files and ours; `data` is a folder name inside the state folder.
    fn command(&self, state: &Path, data: &str) -> Result<Command> {
        let mut command = match self {
            Self::System(path) => Command::new(path),
            Self::Unpacked(tree) => tree.command("usr/sbin/mysqld")?,
        };
        command.arg("--no-defaults"); // must come first
        if let Self::Unpacked(tree) = self {
            let path = |relative| tree.path(relative).display().to_string();
            command
                .arg(format!("--basedir={}", path("usr")))
                .arg(format!("--lc-messages-dir={}", path("usr/share/mysql")))
                .arg(format!(
                    "--character-sets-dir={}",
                    path("usr/share/mysql/charsets")
                ))
                .arg(format!("--plugin-dir={}", path("usr/lib/mysql/plugin")));
        }
        command
            .arg(format!("--user={}", super::user()?))
            .arg(format!("--datadir={}", state.join(data).display()));
        Ok(command)
    }
}

/// Options of the running server.
fn settings(state: &Path) -> Vec<String> {
    let port = Service::Mysql.port();
    let mut options: Vec<String> = [
        "--bind-address=127.0.0.1",
        "--mysqlx=OFF",
        "--secure-file-priv=NULL",
        "--local-infile=ON",
        "--default-time-zone=+00:00",
        // Change capture: what Debezium's manual asks for; row metadata as MySQL ships it.
        "--server-id=1001",
        "--log-bin=mysql-bin",
        "--binlog-format=ROW",
        "--binlog-row-image=FULL",
        "--binlog-row-metadata=MINIMAL",
        "--gtid-mode=ON",
        "--enforce-gtid-consistency=ON",
        // A crash of mysqld loses nothing with these; only a crash of the machine could.
        "--innodb-flush-log-at-trx-commit=2",
        "--sync-binlog=0",
        // Two cores, little memory.
        "--innodb-buffer-pool-size=256M",
        "--table-open-cache=400",
        "--max-connections=200",
        "--max-allowed-packet=64M",
    ]
    .map(str::to_owned)
    .to_vec();
    options.extend([
        format!("--port={port}"),
        // Not in the state folder: a socket's path may have 107 bytes at most.
        format!("--socket={}", super::socket(Service::Mysql).display()),
        format!("--init-file={}", state.join("accounts.sql").display()),
    ]);
    options
}
