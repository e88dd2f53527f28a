//! A server of MySQL's family natively: MySQL itself or MariaDB, from this machine or from the cache.
//!
//! What is the same for both is here: finding the program, a data folder of its own, accounts, the socket, the start.
//! Accounts: `root` without a password from this machine, `debezium` with password `dbz` and the rights Debezium's manual
//! asks for. Deliberately leaves a system-wide server alone: only its program is used. Invariant: the data folder has its
//! final name only once it is initialised.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Service;
use super::debian::Tree;
use super::process::Process;
use crate::step;

/// Accounts, made at every start (all statements may be repeated). One statement a line, as `--init-file` reads it.
const ACCOUNTS: &str = include_str!("../../../docker/accounts.sql");

/// What tells one server of the family from the other.
pub(super) struct Family {
    pub(super) service: Service,
    /// File name of the program, in the path and in `usr/sbin` of a tree.
    pub(super) program: &'static str,
    /// Folder of a tree with messages and character sets.
    pub(super) share: &'static str,
    /// Package on Debian and on Ubuntu.
    pub(super) packages: [&'static str; 2],
    /// Fills a data folder: the state folder, and the data folder's name in it.
    pub(super) fill: fn(&Program, &Path, &str) -> Result<()>,
    /// Options of the running server.
    pub(super) settings: &'static [&'static str],
}

/// The server's program, with the files it needs.
pub(super) struct Program {
    family: &'static Family,
    place: Place,
}

enum Place {
    System(PathBuf),
    Unpacked(Tree),
}

/// Starts the server if it does not run; the caller waits until it answers.
pub(super) fn up(family: &'static Family, state: &Path) -> Result<()> {
    let process = Process::new(state);
    if process.pid().is_some() {
        return Ok(());
    }
    let program = Program::find(family)?;
    initialise(&program, state)?;
    let accounts = state.join("accounts.sql");
    std::fs::write(&accounts, ACCOUNTS)
        .with_context(|| format!("writing {}", accounts.display()))?;
    super::refuse_taken_port(family.service)?;
    let socket = socket(family.service);
    forget(&socket)?;
    let mut command = program.command(state, "data")?;
    command
        .args(family.settings)
        .arg(format!("--port={}", family.service.port()))
        .arg(format!("--socket={}", socket.display()))
        .arg(format!("--init-file={}", accounts.display()));
    process.start(&mut command)
}

fn initialise(program: &Program, state: &Path) -> Result<()> {
    const PART: &str = "data.part";
    let (data, part) = (state.join("data"), state.join(PART));
    if data.is_dir() {
        return Ok(());
    }
    if part.exists() {
        std::fs::remove_dir_all(&part).with_context(|| format!("removing {}", part.display()))?;
    }
    std::fs::create_dir_all(&part).with_context(|| format!("creating {}", part.display()))?;
    (program.family.fill)(program, state, PART)?;
    std::fs::rename(&part, &data).with_context(|| format!("naming {}", data.display()))
}

impl Program {
    fn find(family: &'static Family) -> Result<Self> {
        // MariaDB also installs a program called mysqld.
        let system = step::find_program(family.program).filter(|path| {
            let wanted = family.service == Service::Mariadb;
            step::output("asking for a version", Command::new(path).arg("--version"))
                .is_ok_and(|version| version.contains("MariaDB") == wanted)
        });
        let place = match system {
            Some(path) => Place::System(path),
            None => {
                let [debian, ubuntu] = family.packages;
                Place::Unpacked(Tree::of(family.service.name(), debian, ubuntu)?)
            }
        };
        Ok(Self { family, place })
    }

    /// `usr/share` of the machine or of the tree.
    pub(super) fn share(&self) -> PathBuf {
        match &self.place {
            Place::System(_) => "/usr/share".into(),
            Place::Unpacked(tree) => tree.path("usr/share"),
        }
    }

    /// The server with its own files and ours; `data` is a folder's name in the state folder.
    pub(super) fn command(&self, state: &Path, data: &str) -> Result<Command> {
        let mut command = match &self.place {
            Place::System(path) => Command::new(path),
            Place::Unpacked(tree) => tree.command(&format!("usr/sbin/{}", self.family.program))?,
        };
        command.arg("--no-defaults"); // must come first
        if let Place::Unpacked(tree) = &self.place {
            let share = self.family.share;
            for (option, path) in [
                ("basedir", "usr".to_owned()),
                ("lc-messages-dir", share.to_owned()),
                ("character-sets-dir", format!("{share}/charsets")),
                ("plugin-dir", "usr/lib/mysql/plugin".to_owned()),
            ] {
                command.arg(format!("--{option}={}", tree.path(&path).display()));
            }
        }
        command
            .arg(format!("--user={}", user()?))
            .arg(format!("--datadir={}", state.join(data).display()));
        Ok(command)
    }
}

/// The user who runs this; the server runs as the same one.
fn user() -> Result<String> {
    let name = step::output("asking who runs this", Command::new("id").arg("-un"))?;
    Ok(name.trim().to_owned())
}

/// A Unix socket's path; not in the state folder, because it may have 107 bytes at most.
fn socket(service: Service) -> PathBuf {
    PathBuf::from(format!(
        "/tmp/tidegate-{}-{}.sock",
        service.name(),
        service.port()
    ))
}

/// Removes what a killed server left of its socket: the number in the lock file may belong to another process by now, and
/// the server would refuse to start. Nobody of ours listens: the caller has looked.
fn forget(socket: &Path) -> Result<()> {
    let mut lock = socket.to_path_buf().into_os_string();
    lock.push(".lock");
    for file in [socket, Path::new(&lock)] {
        match std::fs::remove_file(file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("removing {}", file.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_one_statement_a_line_and_stay_out_of_the_binlog() {
        let statements: Vec<_> = ACCOUNTS
            .lines()
            .filter(|line| !line.starts_with("--") && !line.is_empty())
            .collect();
        assert_eq!(statements.first(), Some(&"SET SESSION sql_log_bin = 0;"));
        assert!(statements.iter().all(|line| line.ends_with(';')));
        assert!(statements.iter().all(|line| line.matches(';').count() == 1));
    }
}
