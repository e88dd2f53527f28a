//! MariaDB: how its data folder is made, and the options change capture needs.
//!
//! The data folder is made by feeding MariaDB's own SQL files to `mariadbd --bootstrap`, which is
//! what `mariadb-install-db` does; that script cannot run a server from an unpacked tree. Finding
//! and starting it is [`super::mysqld`]'s work. Invariant: as in MySQL's folder, `root` has no
//! password and nobody is anonymous.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::Service;
use super::mysqld::{Family, Program};
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

pub(super) const FAMILY: Family = Family {
    service: Service::Mariadb,
    program: "mariadbd",
    share: "usr/share/mariadb",
    packages: ["mariadb-server-core"; 2],
    fill,
    settings: &[
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
    ],
};

fn fill(program: &Program, state: &Path, data: &str) -> Result<()> {
    let script = state.join("bootstrap.sql");
    std::fs::write(&script, bootstrap(&program.share())?)
        .with_context(|| format!("writing {}", script.display()))?;
    let log = state.join("initialize.log");
    let mut command = program.command(state, data)?;
    command
        .args([
            "--bootstrap",
            "--skip-networking",
            "--enforce-storage-engine=",
        ])
        .stdin(Stdio::from(
            File::open(&script).context("opening the bootstrap script")?,
        ));
    step::logged_with_input("mariadb: making its data folder", &log, &mut command)
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
