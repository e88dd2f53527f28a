//! Row images: from a rows event straight into change events.
//!
//! A plan joins a table map's wire forms with the table's converters; it is made once for a table map's content and
//! version of the structure. Nothing is allocated for a row but its slots. Invariant: a row is decoded with the structure
//! in force at its position, and one that does not fit it is an error, never a guess.

mod cursor;

use super::Streaming;
use super::event::{BinlogEvent, RowsKind, RowsOp};
use super::table_map::{TableMap, table_id};
use crate::config::{FailureHandling, MysqlConfig};
use crate::decode::WireType;
use crate::event::{Images, Origin, Place, TableEvents};
use crate::reader::{Reader, Stop};
use crate::structure::Structure;
use crate::table::TableId;
use cursor::{Body, Cursor, body};
use host_core::error::TaskError;
use std::collections::HashMap;
use std::sync::Arc;

/// Table maps remembered: the server numbers a table anew whenever it opens it.
const PLANS_MAX: usize = 4096;

/// How one table id's rows are read.
#[derive(Debug)]
struct RowPlan {
    map: Box<[u8]>,
    version: u64,
    id: TableId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Not captured.
    Skip,
    /// Captured, but its structure is not known.
    Unknown,
    /// Captured, but its rows cannot be read: why.
    Unreadable(String),
    Read(Arc<TableEvents>, Box<[WireType]>),
}

/// Plans by table id.
#[derive(Debug, Default)]
pub(super) struct RowPlans(HashMap<u64, Arc<RowPlan>>);

impl RowPlans {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes note of a table map.
    pub(super) fn table_map(
        &mut self,
        data: &[u8],
        structure: &mut Structure,
        config: &MysqlConfig,
    ) -> Result<(), &'static str> {
        let id = table_id(data).ok_or("a malformed table map")?;
        if self
            .0
            .get(&id)
            .is_some_and(|p| p.version == structure.version && *p.map == *data)
        {
            return Ok(());
        }
        let map = TableMap::parse(data).ok_or("a malformed table map")?;
        let table = structure.tables.id(&map.database, &map.table);
        let what = if config.tables.captures(&table) {
            plan(map, &table, structure).unwrap_or_else(What::Unreadable)
        } else {
            What::Skip
        };
        if self.0.len() >= PLANS_MAX {
            self.0.clear();
        }
        let plan = RowPlan {
            map: data.into(),
            version: structure.version,
            id: table,
            what,
        };
        self.0.insert(id, Arc::new(plan));
        Ok(())
    }
}

fn plan(map: TableMap, table: &TableId, structure: &mut Structure) -> Result<What, String> {
    let Some(events) = structure.plan(table).map_err(|e| e.message)? else {
        return Ok(What::Unknown);
    };
    if events.columns.len() != map.columns.len() {
        return Err(format!(
            "{table} has {} columns here and {} in the schema history, which is not the structure of this position; take a new \
             snapshot (delete the offsets and the history topic)",
            map.columns.len(),
            events.columns.len()
        ));
    }
    let wires: Result<Vec<WireType>, _> = map.columns.into_iter().collect();
    let wires = wires.map_err(|e| format!("{table}: {e}; exclude it (table.exclude.list)"))?;
    Ok(What::Read(events, wires.into()))
}

impl Streaming {
    pub(super) async fn rows(
        &mut self,
        reader: &mut Reader,
        e: &BinlogEvent<'_>,
        kind: RowsKind,
    ) -> Result<(), Stop> {
        let skip = std::mem::take(&mut self.skip_rows);
        if self.skipping {
            self.skip_rows = skip;
            return Ok(());
        }
        if self.foreign {
            return Ok(());
        }
        let id = table_id(e.data).ok_or_else(|| self.malformed("a malformed rows event"))?;
        let Some(plan) = self.plans.0.get(&id).cloned() else {
            return Err(self
                .malformed("rows of a table without its table map")
                .into());
        };
        match &plan.what {
            What::Skip => Ok(()),
            What::Unknown => self.unknown(reader, &plan.id).map_err(Stop::from),
            What::Unreadable(why) => self.unreadable(reader, why).map_err(Stop::from),
            What::Read(events, wires) => {
                let body = body(e.data, kind).filter(|b| b.columns == wires.len());
                let Some(body) = body else {
                    return Ok(self.unreadable(reader, "a malformed rows event")?);
                };
                self.read(reader, events, wires, &body, kind, skip).await
            }
        }
    }

    fn unknown(&self, reader: &Reader, id: &TableId) -> Result<(), TaskError> {
        let message = format!(
            "reading rows of {id} at {}:{}: its structure is not in the schema history, which may be incomplete; take a new snapshot, or set inconsistent.schema.handling.mode=skip",
            self.position.file, self.position.pos
        );
        passed_over(
            reader,
            reader.config.inconsistent,
            TaskError::fail("MYSQL-TABLE-UNKNOWN", message),
        )
    }

    /// Rows that cannot be decoded.
    fn unreadable(&self, reader: &Reader, why: &str) -> Result<(), TaskError> {
        passed_over(reader, reader.config.failures, self.undecodable_row(why))
    }

    async fn read(
        &mut self,
        reader: &mut Reader,
        events: &TableEvents,
        wires: &[WireType],
        body: &Body<'_>,
        kind: RowsKind,
        skip: u32,
    ) -> Result<(), Stop> {
        let origin = Origin {
            db: events.table.id.database.as_str().into(),
            table: Some(events.table.id.table.as_str().into()),
            ..self.origin()
        };
        reader
            .writer
            .at(self.transactions.base(&self.position), self.ts_ns);
        let mut cursor = Cursor {
            plan: events,
            wires,
            rest: body.rows,
        };
        let (mut old, mut new) = (
            Vec::with_capacity(wires.len()),
            Vec::with_capacity(wires.len()),
        );
        let mut row = 0u32;
        while !cursor.rest.is_empty() {
            let begins = cursor.rest;
            let read = if row < skip {
                cursor.skip_row(body, kind).map(|()| false)
            } else {
                let images = (&mut old, &mut new);
                let read = cursor.row(body, kind, images, reader.writer.arena());
                read.map(|()| true)
            };
            match read {
                Ok(true) => {}
                Ok(false) => {
                    row += 1;
                    continue;
                }
                Err(why) => {
                    self.unreadable(reader, &why)?;
                    // A value costs its row; bytes whose end is not known cost the rest of the event.
                    cursor.rest = begins;
                    if cursor.skip_row(body, kind).is_err() {
                        return Ok(());
                    }
                    row += 1;
                    continue;
                }
            }
            let images = match kind.op {
                RowsOp::Write => Images::Create(&old),
                RowsOp::Delete => Images::Delete(&old),
                RowsOp::Update => Images::Update(&old, &new),
            };
            let place = Place {
                event: self.position.event,
                rows: row + 1,
                row,
                ends: true,
            };
            self.last_row = row;
            let in_transaction = self.position.in_transaction();
            let transactions = &mut self.transactions;
            let made = reader
                .writer
                .change(events, images, &origin, place, &mut |w| {
                    transactions.count(w, &events.name, in_transaction)
                });
            reader
                .metrics
                .add("total_number_of_events_seen", i64::from(made));
            row += 1;
            reader.hand_on_full().await?;
        }
        Ok(())
    }
}

/// Fails, or goes on without what failed: counted and logged, for nothing is lost in silence.
fn passed_over(reader: &Reader, how: FailureHandling, e: TaskError) -> Result<(), TaskError> {
    match how {
        FailureHandling::Fail => return Err(e),
        FailureHandling::Warn => tracing::warn!(code = e.code, "skipped: {}", e.message),
        FailureHandling::Skip => tracing::info!(code = e.code, "skipped: {}", e.message),
    }
    reader.metrics.add("number_of_erroneous_events", 1);
    Ok(())
}

#[cfg(test)]
mod tests;
