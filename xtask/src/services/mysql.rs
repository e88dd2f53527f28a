//! MySQL: how its data folder is made, and the options change capture needs.
//!
//! Durability is relaxed as far as a test machine may. Finding and starting it is [`super::mysqld`]'s work. Invariant: row
//! metadata is as MySQL ships it, so that nothing here is easier than at a user's.

use std::path::Path;

use anyhow::Result;

use super::Service;
use super::mysqld::{Family, Program};
use crate::step;

pub(super) const FAMILY: Family = Family {
    service: Service::Mysql,
    program: "mysqld",
    share: "usr/share/mysql",
    packages: ["mysql-server-core", "default-mysql-server-core"],
    fill,
    settings: &[
        "--bind-address=127.0.0.1",
        "--mysqlx=OFF",
        "--secure-file-priv=NULL",
        "--local-infile=ON",
        "--default-time-zone=+00:00",
        // Change capture: what Debezium's manual asks for.
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
    ],
};

fn fill(program: &Program, state: &Path, data: &str) -> Result<()> {
    let mut command = program.command(state, data)?;
    command.arg("--initialize-insecure");
    let log = state.join("initialize.log");
    step::logged("mysql: making its data folder", &log, &mut command)
}
