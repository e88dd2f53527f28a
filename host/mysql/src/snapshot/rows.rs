//! The rows of the captured tables, streamed through one prepared SELECT a table.
//!
//! The binary protocol gives numbers and dates as they are and text in UTF-8. One row is held back, because the last one
//! of a table and of the snapshot is marked as such. Source: `RelationalSnapshotChangeEventSource`.
//! Invariant: memory holds one batch and one row, whatever the table's size.

use crate::connection::{Doing, quoted, task_error};
use crate::decode::{DateTime, Raw};
use crate::event::{Images, Marker, Origin, Place, TableEvents};
use crate::notification::Status;
use crate::position::{Base, Position};
use crate::reader::{Reader, Stop};
use crate::table::TableId;
use host_core::error::TaskError;
use host_core::failpoint;
use host_core::layout::Slot;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};
use std::sync::Arc;

/// A row that waits to be told whether it is the last.
struct Held {
    plan: Arc<TableEvents>,
    wanted: Arc<[usize]>,
    row: Row,
    ts_ns: i64,
    first_table: bool,
    first_row: bool,
    last_row: bool,
}

/// Whether a table has a row.
pub(super) async fn any(conn: &mut Conn, tables: &[TableId]) -> Result<bool, TaskError> {
    for id in tables {
        let name = format!("{}.{}", quoted(&id.database), quoted(&id.table));
        let row: Option<u8> = conn
            .query_first(format!("SELECT 1 FROM {name} LIMIT 1"))
            .await
            .map_err(|e| task_error(&Doing::new(format!("looking for rows of {id}")), e))?;
        if row.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reads all rows.
pub(super) async fn read(
    reader: &mut Reader,
    conn: &mut Conn,
    tables: &[TableId],
    position: &Position,
) -> Result<(), Stop> {
    let mut held: Option<Held> = None;
    for (order, id) in tables.iter().enumerate() {
        let Some(plan) = reader.structure.plan(id)? else {
            return Err(unknown(id).into());
        };
        reader.notify(Status::InProgress(id, tables));
        let scanned = table(reader, conn, (order == 0, id, plan), position, &mut held).await;
        reader.notify(match &scanned {
            Ok(rows) => Status::TableScanned(id, tables, *rows),
            Err(_) => Status::TableFailed(id),
        });
        scanned?;
        if let Some(h) = held.as_mut().filter(|h| h.plan.table.id == *id) {
            h.last_row = true;
        }
        reader
            .metrics
            .set("remaining_table_count", (tables.len() - order - 1) as i64);
    }
    if let Some(last) = held {
        // The last record's offset says that the snapshot is complete.
        emit(reader, &last, Marker::Last, position, &position.base(false))?;
    }
    Ok(())
}

fn unknown(id: &TableId) -> TaskError {
    TaskError::fail(
        "MYSQL-TABLE-UNKNOWN",
        format!(
            "reading the rows of {id}: its structure could not be read; exclude it (table.exclude.list)"
        ),
    )
}

/// Rows between two passages of the crash window `mid_snapshot`.
const FAILPOINT_EVERY_ROWS: i64 = 1000;

async fn table(
    reader: &mut Reader,
    conn: &mut Conn,
    (first_table, id, plan): (bool, &TableId, Arc<TableEvents>),
    position: &Position,
    held: &mut Option<Held>,
) -> Result<i64, Stop> {
    let failed = |e| task_error(&Doing::new(format!("reading the rows of {id}")), e);
    let wanted: Arc<[usize]> = (0..plan.columns.len())
        .filter(|i| plan.columns.get(*i).is_some_and(|c| c.converter.is_some()))
        .collect();
    let select = select(reader, id, &plan, &wanted);
    let seconds: Option<i64> = conn
        .query_first("SELECT UNIX_TIMESTAMP()")
        .await
        .map_err(failed)?;
    let ts_ns = seconds.unwrap_or(0).saturating_mul(1_000_000_000);
    let during = position.base(true);
    let statement = conn.prep(select).await.map_err(failed)?;
    let mut result = conn.exec_iter(&statement, ()).await.map_err(failed)?;
    let mut first_row = true;
    let mut scanned = 0i64;
    while let Some(row) = result.next().await.map_err(failed)? {
        if let Some(h) = held.take() {
            emit(reader, &h, marker(&h), position, &during)?;
            reader.hand_on_full().await?;
        }
        *held = Some(Held {
            plan: Arc::clone(&plan),
            wanted: Arc::clone(&wanted),
            row,
            ts_ns,
            first_table,
            first_row,
            last_row: false,
        });
        first_row = false;
        scanned += 1;
        if scanned % FAILPOINT_EVERY_ROWS == 0 {
            failpoint::hit("mid_snapshot");
        }
    }
    reader.metrics.add("rows_scanned", scanned);
    drop(result);
    conn.close(statement).await.map_err(failed)?;
    Ok(scanned)
}

fn select(reader: &Reader, id: &TableId, plan: &TableEvents, wanted: &[usize]) -> String {
    if let Some(own) = reader.config.snapshot_selects.get(&id.to_string()) {
        return own.clone();
    }
    let columns: Vec<String> = wanted
        .iter()
        .filter_map(|i| plan.table.columns.get(*i))
        .map(|c| quoted(&c.name))
        .collect();
    let columns = if columns.is_empty() {
        "NULL".to_owned()
    } else {
        columns.join(", ")
    };
    format!(
        "SELECT {columns} FROM {}.{}",
        quoted(&id.database),
        quoted(&id.table)
    )
}

/// `SnapshotMarkerResolver.resolve`, but for the last row of all.
fn marker(h: &Held) -> Marker {
    match (h.first_table && h.first_row, h.last_row, h.first_row) {
        (true, _, _) => Marker::First,
        (_, true, _) => Marker::LastInTable,
        (_, _, true) => Marker::FirstInTable,
        _ => Marker::True,
    }
}

fn emit(
    reader: &mut Reader,
    h: &Held,
    marker: Marker,
    position: &Position,
    base: &Base,
) -> Result<(), TaskError> {
    let plan = &h.plan;
    let mut slots = vec![Slot::NULL; plan.columns.len()];
    for (at, index) in h.wanted.iter().enumerate() {
        let (Some(column), Some(to)) = (plan.columns.get(*index), slots.get_mut(*index)) else {
            continue;
        };
        let Some(value) = h.row.as_ref(at) else {
            return Err(TaskError::fail(
                "MYSQL-SNAPSHOT-SELECT",
                format!(
                    "reading the rows of {}: the statement of snapshot.select.statement.overrides yields fewer columns than the table has",
                    plan.name
                ),
            ));
        };
        *to = column
            .slot(raw(value), reader.writer.arena())
            .map_err(|e| {
                let name = plan
                    .table
                    .columns
                    .get(*index)
                    .map_or("", |c| c.name.as_str());
                TaskError::fail(
                    "MYSQL-VALUE",
                    format!("reading the rows of {}: column {name} holds {e}", plan.name),
                )
            })?;
    }
    let origin = Origin {
        ts_ns: h.ts_ns,
        marker,
        db: plan.table.id.database.as_str().into(),
        table: Some(plan.table.id.table.as_str().into()),
        gtid: None,
        file: Arc::clone(&position.file),
        pos: position.pos,
        server_id: 0,
        thread: None,
        query: None,
    };
    reader.writer.at(base.clone(), h.ts_ns);
    let place = Place::after_events(0);
    reader
        .writer
        .change(plan, Images::Read(&slots), &origin, place, &mut |_| None);
    Ok(())
}

/// A value of the binary protocol.
fn raw(value: &Value) -> Raw<'_> {
    match value {
        Value::NULL => Raw::Null,
        Value::Bytes(b) => Raw::Utf8(b),
        Value::Int(n) => Raw::Int(*n),
        Value::UInt(n) => Raw::UInt(*n),
        Value::Float(f) => Raw::Float(*f),
        Value::Double(f) => Raw::Double(*f),
        Value::Date(year, month, day, hour, minute, second, micros) => Raw::DateTime(DateTime {
            year: *year,
            month: *month,
            day: *day,
            hour: *hour,
            minute: *minute,
            second: *second,
            micros: *micros,
        }),
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let clock = i64::from(*hours) * 3600 + i64::from(*minutes) * 60 + i64::from(*seconds);
            let us = (i64::from(*days) * 86_400 + clock) * 1_000_000 + i64::from(*micros);
            Raw::Time(if *negative { -us } else { us })
        }
    }
}
