//! MariaDB natively: a `mariadbd` already on this machine, else one unpacked into the cache.
//!
//! The data folder is made by feeding MariaDB's own SQL files to `mariadbd --bootstrap`, which is
//! what `mariadb-install-db` does; that script cannot run a server from an unpacked tree.
//! Accounts are those of MySQL. Deliberately leaves a system-wide server alone. Invariant: the data
//! folder has its final name only once initialised.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Service;
use super::debian::Tree;
use super::process::Process;
use crate::step;

/// Under `share/mariadb`, in the order of `mariadb-install-db`. The first two file names of a
/// group are alternatives: MariaDB 11 renamed them.
const BOOTSTRAP: [&[&str]; 5] = [
    &["mariadb_system_tables.sql", "mysql_system_tables.sql"],
    &[
        "mariadb_performance_tables.sql",
        "mysql_performance_tables.sql",
    ],
    &[
        "mariadb_system_tables_data.sql",
        "mysql_system_tables_data.sql",
    ],
    &["maria_add_gis_sp_bootstrap.sql"],
    &["mariadb_sys_schema.sql", "mysql_sys_schema.sql"],
];

enum Program {
    System(PathBuf),
    Unpacked(Tree),
}

/// Starts MariaDB if it does not run; the caller waits until it answers.
pub(super) fn up(state: &Path) -> Result<()> {
    let process = Process::new(state);
    if process.pid().is_some() {
        return Ok(());
    }
    let program = match step::find_program("mariadbd") {
        Some(path) => Program::System(path),
        None => Program::Unpacked(Tree::of(
            "mariadb",
            "mariadb-server-core",
            "mariadb-server-core",
        )?),
    };
    initialise(&program, state)?;
    super::write_accounts(state)?;
    super::refuse_taken_port(Service::Mariadb)?;
    super::forget_socket(Service::Mariadb)?;
    let mut command = program.command(state, "data")?;
    command.args(settings(state));
    process.start(&mut command)
}

impl Program {
    fn share(&self) -> PathBuf {
        match self {
            Self::System(_) => "/usr/share".into(),
            Self::Unpacked(tree) => tree.path("usr/share"),
        }
    }

    fn command(&self, state: &Path, data: &str) -> Result<Command> {
        let mut command = match self {
            Self::System(path) => Command::new(path),
            Self::Unpacked(tree) => tree.command("usr/sbin/mariadbd")?,
        };
        command.arg("--no-defaults"); // must come first
        if let Self::Unpacked(tree) = self {
            let path = |relative| tree.path(relative).display().to_string();
            command
                .arg(format!("--basedir={}", path("usr")))
                .arg(format!("--lc-messages-dir={}", path("usr/share/mariadb")))
                .arg(format!(
                    "--character-sets-dir={}",
                    path("usr/share/mariadb/charsets")
                ))
                .arg(format!("--plugin-dir={}", path("usr/lib/mysql/plugin")));
        }
        command
            .arg(format!("--user={}", super::user()?))
            .arg(format!("--datadir={}", state.join(data).display()));
        Ok(command)
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
    std::fs::create_dir_all(&part).with_context(|| format!("creating {}", part.display()))?;
    let script = state.join("bootstrap.sql");
    std::fs::write(&script, bootstrap(&program.share())?)
        .with_context(|| format!("writing {}", script.display()))?;
    let log = state.join("initialize.log");
    let mut command = program.command(state, "data.part")?;
    command
        .args([
            "--bootstrap",
            "--skip-networking",
            "--enforce-storage-engine=",
        ])
        .stdin(Stdio::from(
            File::open(&script).context("opening the bootstrap script")?,
        ));
    step::logged_with_input("mariadb: making its data folder", &log, &mut command)?;
    std::fs::rename(&part, &data).with_context(|| format!("naming {}", data.display()))
}

/// What `mariadb-install-db --auth-root-authentication-method=normal` feeds to the server: a
/// `root` without a password and no anonymous users.
fn bootstrap(share: &Path) -> Result<String> {
    let mut script = String::from(
        "create database mysql;\nuse mysql;\nSET @auth_root_socket=NULL;\nSET @skip_auth_anonymous=1;\n",
    );
    for names in BOOTSTRAP {
        let text = ["mariadb", "mysql"].iter().find_map(|folder| {
            let read = |name| std::fs::read_to_string(share.join(folder).join(name)).ok();
            names.iter().find_map(read)
        });
        let Some(text) = text else {
            bail!(
                "making MariaDB's data folder: no {} under {}",
                names[0],
                share.display()
            );
        };
        script.push_str(&text);
        script.push('\n');
    }
    Ok(script)
}

/// Options of the running server.
fn settings(state: &Path) -> Vec<String> {
    let mut options: Vec<String> = [
        "--bind-address=127.0.0.1",
        "--local-infile=ON",
        "--default-time-zone=+00:00",
        // Change capture, as for MySQL; MariaDB always has GTIDs.
        "--server-id=2001",
        "--log-bin=mariadb-bin",
        "--binlog-format=ROW",
        "--binlog-row-image=FULL",
        "--gtid-strict-mode=ON",
        "--innodb-flush-log-at-trx-commit=2",
        "--innodb-buffer-pool-size=128M",
        "--max-allowed-packet=64M",
    ]
    .map(str::to_owned)
    .to_vec();
    options.extend([
        format!("--port={}", Service::Mariadb.port()),
        format!("--socket={}", super::socket(Service::Mariadb).display()),
        format!("--init-file={}", state.join("accounts.sql").display()),
    ]);
    options
}
