//! One position for structure and rows: the global read lock, only as long as it takes, or what stands in for it.
//!
//! Where the server does not allow the global lock (RDS), the captured tables are locked until all rows are read.
//! Source: `BinlogSnapshotChangeEventSource.lockTablesForSchemaSnapshot`, MySQL manual "FLUSH".
//! Invariant: the position is never after the view. Under a lock nothing is written between the two; without one the
//! position is read first, so what is written meanwhile is seen in the view and comes again from the stream.

use crate::config::{Locking, MysqlConfig};
use crate::connection::{BinlogStatus, Doing, binlog_status, quoted, task_error};
use crate::table::TableId;
use host_core::error::TaskError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error};

/// What is held and where it stands.
pub(super) struct Locked {
    /// Position of the snapshot.
    pub status: BinlogStatus,
    global: bool,
}

fn failed(doing: &str) -> impl Fn(Error) -> TaskError {
    let doing = Doing::new(doing);
    move |e| task_error(&doing, e)
}

/// Locks, begins the consistent view, and reads the position.
pub(super) async fn begin(
    conn: &mut Conn,
    config: &MysqlConfig,
    captured: &[TableId],
) -> Result<Locked, TaskError> {
    let seconds = config.lock_timeout.as_secs().max(1);
    let setting = failed("preparing the session of the snapshot");
    for statement in [
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned(),
        format!("SET SESSION lock_wait_timeout={seconds}"),
        format!("SET SESSION innodb_lock_wait_timeout={seconds}"),
    ] {
        conn.query_drop(statement).await.map_err(&setting)?;
    }
    let mut global = false;
    if config.locking != Locking::None {
        match conn.query_drop("FLUSH TABLES WITH READ LOCK").await {
            Ok(()) => global = true,
            Err(Error::Server(e)) => {
                tracing::info!(error = %e.message, "no global read lock; locking the captured tables instead");
                lock_tables(conn, captured).await?;
            }
            Err(e) => return Err(failed("taking the global read lock")(e)),
        }
    }
    // Nothing holds writers off: read afterwards, the position would be beyond changes that the view does not have.
    let early = match config.locking {
        Locking::None => Some(status(conn).await?),
        _ => None,
    };
    // A transaction would end table locks; under them nothing changes anyway.
    if global || config.locking == Locking::None {
        conn.query_drop("START TRANSACTION WITH CONSISTENT SNAPSHOT")
            .await
            .map_err(failed("beginning the consistent snapshot"))?;
    }
    let status = match early {
        Some(status) => status,
        None => status(conn).await?,
    };
    Ok(Locked { status, global })
}

async fn status(conn: &mut Conn) -> Result<BinlogStatus, TaskError> {
    let status = binlog_status(conn)
        .await
        .map_err(failed("reading the binlog's position"))?;
    status.ok_or_else(|| {
        TaskError::fail(
            "MYSQL-BINLOG-OFF",
            "reading the binlog's position: the server has log_bin=OFF; start it with --log-bin",
        )
    })
}

async fn lock_tables(conn: &mut Conn, captured: &[TableId]) -> Result<(), TaskError> {
    if captured.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = captured
        .iter()
        .map(|t| format!("{}.{}", quoted(&t.database), quoted(&t.table)))
        .collect();
    conn.query_drop(format!("FLUSH TABLES {} WITH READ LOCK", names.join(",")))
        .await
        .map_err(failed(
            "locking the captured tables (needs LOCK TABLES; or set snapshot.locking.mode=none)",
        ))
}

/// Lets writers go on; the consistent view stays.
pub(super) async fn release_global(conn: &mut Conn, locked: &Locked) -> Result<(), TaskError> {
    if locked.global {
        conn.query_drop("UNLOCK TABLES")
            .await
            .map_err(failed("releasing the global read lock"))?;
    }
    Ok(())
}
