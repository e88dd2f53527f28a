//! The initial snapshot: structure and rows as of one position of the binlog.
//!
//! `lock` finds that position, `structure` writes the schema history as Debezium does, `rows` reads the tables. A snapshot
//! that did not finish starts over. Invariant: every row read is as of the position that streaming starts from, or with
//! snapshot.locking.mode=none of one after it: then the stream repeats what lies between, and nothing is lost.

mod lock;
mod rows;
mod structure;

use crate::config::{Locking, SnapshotMode};
use crate::connection::{BinlogStatus, Doing, task_error};
use crate::gtid::GtidSet;
use crate::position::Position;
use crate::reader::{Reader, Stop};
use crate::table::TableId;
use host_core::error::TaskError;
use mysql_async::Conn;

/// Takes the snapshot; the position to stream from.
pub(crate) async fn run(reader: &mut Reader) -> Result<Position, Stop> {
    tokio::time::sleep(reader.config.snapshot_delay).await;
    let mut conn = reader.server.connect(&reader.access).await?;
    let outcome = Box::pin(take(reader, &mut conn)).await;
    // Ending the session ends its transaction and its locks.
    drop(conn.disconnect().await);
    outcome
}

async fn take(reader: &mut Reader, conn: &mut Conn) -> Result<Position, Stop> {
    let tables = structure::all_tables(conn)
        .await
        .map_err(|e| task_error(&Doing::new("listing the tables"), e))?;
    let captured = captured(reader, &tables)?;
    reader
        .metrics
        .set("total_table_count", captured.len() as i64);
    reader.metrics.set("snapshot_running", 1);
    let locked = lock::begin(conn, &reader.config, &captured).await?;
    let status = locked.status.clone();
    let position = position(reader, &status)?;
    let statements = structure::read(conn, reader, &tables).await?;
    if reader.config.locking == Locking::Minimal {
        lock::release_global(conn, &locked).await?;
    }
    reader.history.create().await?;
    structure::record(reader, statements, &position).await?;
    reader.history.flush().await?;
    if reader.config.snapshot_mode != SnapshotMode::NoData {
        rows::read(reader, conn, &captured, &position).await?;
    }
    reader.hand_on().await?;
    reader.metrics.set("snapshot_running", 0);
    reader.metrics.set("snapshot_completed", 1);
    Ok(position)
}

/// The tables whose rows are read, in the order in which they are read.
fn captured(reader: &Reader, tables: &[TableId]) -> Result<Vec<TableId>, TaskError> {
    let config = &reader.config;
    let mut captured: Vec<TableId> = tables
        .iter()
        .filter(|id| config.tables.captures(id))
        .filter(|id| {
            config
                .snapshot_tables
                .as_ref()
                .is_none_or(|only| only.captures(id))
        })
        .cloned()
        .collect();
    config.tables.sort(&mut captured);
    let (most, fails) = config.guardrail;
    if most > 0 && captured.len() > most {
        let message = format!(
            "choosing the captured tables: {} are more than guardrail.collections.max={most}; narrow table.include.list",
            captured.len()
        );
        if fails {
            return Err(TaskError::fail("MYSQL-GUARDRAIL", message));
        }
        tracing::warn!("{message}");
    }
    Ok(captured)
}

fn position(reader: &Reader, status: &BinlogStatus) -> Result<Position, TaskError> {
    let gtids = match (&status.gtids, reader.facts.gtids) {
        (Some(text), true) => Some(
            text.parse::<GtidSet>()
                .map_err(|e| TaskError::fail("MYSQL-GTIDS", e.to_string()))?,
        ),
        _ => None,
    };
    Ok(Position::new(&status.file, status.pos, gtids))
}
