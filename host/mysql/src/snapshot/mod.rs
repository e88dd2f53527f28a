//! The initial snapshot: structure and rows as of one position of the binlog; and the recovery of a lost schema history.
//!
//! `lock` finds that position, `structure` writes the schema history as Debezium does, `rows` reads the tables. A snapshot
//! that did not finish starts over. Invariant: every row read is as of the position that streaming starts from, or with
//! snapshot.locking.mode=none of one after it: then the stream repeats what lies between, and nothing is lost.

mod lock;
mod rows;
mod structure;

use crate::config::{Locking, SnapshotMode, SnapshotOrder};
use crate::connection::{BinlogStatus, Doing, task_error};
use crate::event::Place;
use crate::gtid::GtidSet;
use crate::notification::Status;
use crate::position::{Position, Stored};
use crate::reader::{Reader, Stop};
use crate::stream::Horizon;
use crate::table::TableId;
use host_core::error::TaskError;
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use std::collections::HashMap;

/// Takes the snapshot; the position to stream from.
pub(crate) async fn run(reader: &mut Reader) -> Result<Position, Stop> {
    tokio::time::sleep(reader.config.snapshot_delay).await;
    let mut conn = reader.server.connect(&reader.access).await?;
    reader.notify(Status::Started);
    let outcome = Box::pin(take(reader, &mut conn)).await;
    reader.notify(match &outcome {
        Ok(_) => Status::Completed,
        Err(_) => Status::Aborted,
    });
    if outcome.is_ok() {
        reader.hand_on().await?;
    }
    // Ending the session ends its transaction and its locks.
    drop(conn.disconnect().await);
    outcome
}

async fn take(reader: &mut Reader, conn: &mut Conn) -> Result<Position, Stop> {
    let tables = structure::all_tables(conn)
        .await
        .map_err(|e| task_error(&Doing::new("listing the tables"), e))?;
    let mut captured = captured(reader, &tables)?;
    order(reader, conn, &mut captured).await?;
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
    let rows_follow =
        reader.config.snapshot_mode != SnapshotMode::NoData && rows::any(conn, &captured).await?;
    let offset = (&position.base(true), Place::after_events(0));
    structure::record(reader, statements, offset, rows_follow).await?;
    reader.history.flush().await?;
    if reader.config.snapshot_mode != SnapshotMode::NoData {
        rows::read(reader, conn, &captured, &position).await?;
    }
    reader.hand_on().await?;
    reader.metrics.set("snapshot_running", 0);
    reader.metrics.set("snapshot_completed", 1);
    Ok(position)
}

/// Writes the structure of the tables as it is now into the schema history, at the stored offset that streaming goes on
/// from (`snapshot.mode=recovery`); up to where it holds without the stream's statements. None of the records carries an
/// offset: until all is written, a restart begins it again.
///
/// Rows written before a later change of their table are read with the structure as it is now, and are misread or fail;
/// Debezium warns of the same.
pub(crate) async fn recover(
    reader: &mut Reader,
    position: &Position,
    stored: &Stored,
) -> Result<Horizon, Stop> {
    let mut conn = reader.server.connect(&reader.access).await?;
    let tables = structure::all_tables(&mut conn)
        .await
        .map_err(|e| task_error(&Doing::new("listing the tables"), e))?;
    let captured = captured(reader, &tables)?;
    let locked = lock::begin(&mut conn, &reader.config, &captured).await?;
    let statements = structure::read(&mut conn, reader, &tables).await?;
    // Ending the session ends its transaction and its locks.
    drop(conn.disconnect().await);
    tracing::warn!(
        statements = statements.len(),
        file = locked.status.file,
        pos = locked.status.pos,
        from_file = &*position.file,
        from_pos = position.pos,
        "writing the structure as it is now into the schema history; set snapshot.mode back to what it was"
    );
    reader.history.create().await?;
    let place = Place::after_events(stored.event).followed();
    structure::record(reader, statements, (&position.base(true), place), false).await?;
    reader.history.flush().await?;
    reader.hand_on().await?;
    let by_gtid = reader.facts.gtids && position.gtids().is_some();
    Ok(Horizon::new(&locked.status, by_gtid))
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

/// Orders the tables by the server's estimate of their rows, where that is asked for
/// (`RelationalSnapshotChangeEventSource.sortByRowCount`).
async fn order(reader: &Reader, conn: &mut Conn, tables: &mut [TableId]) -> Result<(), TaskError> {
    if reader.config.snapshot_order == SnapshotOrder::Disabled {
        return Ok(());
    }
    let query =
        "SELECT TABLE_SCHEMA, TABLE_NAME, COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES";
    let rows: Vec<(String, String, u64)> = conn
        .query(query)
        .await
        .map_err(|e| task_error(&Doing::new("reading the number of rows of the tables"), e))?;
    let rows: HashMap<TableId, u64> = rows
        .into_iter()
        .map(|(database, table, n)| (TableId::new(database, table), n))
        .collect();
    let rows = |id: &TableId| rows.get(id).copied().unwrap_or(0);
    match reader.config.snapshot_order {
        SnapshotOrder::Descending => tables.sort_by_key(|id| std::cmp::Reverse(rows(id))),
        _ => tables.sort_by_key(rows),
    }
    Ok(())
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
