//! Row images: from a rows event straight into change events.
//!
//! A plan joins a table map's wire forms with the table's converters; it is made once for a table map's content and
//! version of the structure. Nothing is allocated for a row but its slots. Invariant: a row is decoded with the structure
//! in force at its position, and one that does not fit it is an error, never a guess.

use super::Streaming;
use super::event::{BinlogEvent, RowsKind, RowsOp};
use super::table_map::{TableMap, table_id};
use crate::bytes::{packed, take};
use crate::config::{Inconsistent, MysqlConfig};
use crate::decode::{Raw, WireType, patched};
use crate::event::{Images, Origin, Place, TableEvents};
use crate::reader::{Reader, Stop};
use crate::structure::Structure;
use crate::table::{ColumnType, TableId};
use host_core::error::TaskError;
use host_core::layout::{Arena, Slot};
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
    ) -> Result<(), String> {
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
            plan(map, &table, structure)?
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

/// The columns part of a rows event and its rows.
struct Body<'a> {
    columns: usize,
    before: &'a [u8],
    after: &'a [u8],
    rows: &'a [u8],
}

fn body(data: &[u8], kind: RowsKind) -> Option<Body<'_>> {
    let mut rest = data.get(8..)?;
    if kind.extra {
        let len = usize::from(u16::from_le_bytes(take(&mut rest, 2)?.try_into().ok()?));
        take(&mut rest, len.checked_sub(2)?)?;
    }
    let columns = usize::try_from(packed(&mut rest)?).ok()?;
    let bytes = columns.div_ceil(8);
    let first = take(&mut rest, bytes)?;
    let second = if kind.op == RowsOp::Update {
        take(&mut rest, bytes)?
    } else {
        first
    };
    Some(Body {
        columns,
        before: first,
        after: second,
        rows: rest,
    })
}

fn bit(bits: &[u8], at: usize) -> bool {
    bits.get(at / 8).is_some_and(|b| b & 1 << (at % 8) != 0)
}

/// What to do with the bytes of JSON columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JsonMode {
    Ignore,
    Keep,
    Patch,
}

/// JSON columns of the image before, for an image after that holds differences to it.
#[derive(Debug)]
struct Json<'a> {
    mode: JsonMode,
    before: Vec<(usize, &'a [u8])>,
    partial: Vec<usize>,
}

impl<'a> Json<'a> {
    /// Notes a value, or answers the value before and the differences it is made of.
    fn step(&mut self, column: usize, raw: Raw<'a>) -> Option<(&'a [u8], &'a [u8])> {
        let Raw::Bytes(bytes) = raw else { return None };
        match self.mode {
            JsonMode::Ignore => None,
            JsonMode::Keep => {
                self.before.push((column, bytes));
                None
            }
            JsonMode::Patch if self.partial.contains(&column) => {
                let before = self
                    .before
                    .iter()
                    .find(|(i, _)| *i == column)
                    .map(|(_, b)| *b);
                Some((before.unwrap_or_default(), bytes))
            }
            JsonMode::Patch => None,
        }
    }
}

/// One table's rows, being read.
struct Cursor<'a> {
    plan: &'a TableEvents,
    wires: &'a [WireType],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads one image; slots of columns that nobody wants stay NULL. JSON columns' own bytes are kept in `json`.
    fn image(
        &mut self,
        present: &[u8],
        json: &mut Json<'a>,
        to: &mut Vec<Slot>,
        arena: &mut Arena,
    ) -> Result<(), String> {
        to.clear();
        if json.mode == JsonMode::Patch {
            json.partial = self.partial_columns().ok_or("a malformed partial update")?;
        }
        let used = (0..self.wires.len()).filter(|i| bit(present, *i)).count();
        let nulls = take(&mut self.rest, used.div_ceil(8)).ok_or("a row ends too early")?;
        for (i, (wire, column)) in self.wires.iter().zip(&self.plan.columns).enumerate() {
            if !bit(present, i) {
                return Err(format!(
                    "a row of {} lacks columns; set binlog_row_image=FULL on the server",
                    self.plan.name
                ));
            }
            // All columns are present, so the null bits count them all.
            if bit(nulls, i) {
                to.push(Slot::NULL);
                continue;
            }
            let raw = wire
                .read(&mut self.rest, column.unsigned)
                .map_err(|e| self.bad(i, &e))?;
            let patch = json.step(i, raw);
            to.push(match (&column.converter, patch) {
                (None, _) => Slot::NULL,
                (Some(_), Some((before, diffs))) => {
                    patched(before, diffs, arena).map_err(|e| self.bad(i, &e))?
                }
                (Some(converter), None) => {
                    converter.convert(raw, arena).map_err(|e| self.bad(i, &e))?
                }
            });
        }
        Ok(())
    }

    /// Columns of the after-image that hold differences, by the bits before it: one for each JSON column.
    fn partial_columns(&mut self) -> Option<Vec<usize>> {
        const PARTIAL_JSON: u64 = 1;
        let json: Vec<usize> = (0..self.wires.len())
            .filter(|i| {
                self.plan
                    .table
                    .columns
                    .get(*i)
                    .is_some_and(|c| c.ty == ColumnType::Json)
            })
            .collect();
        if packed(&mut self.rest)? & PARTIAL_JSON == 0 {
            return Some(Vec::new());
        }
        let bits = take(&mut self.rest, json.len().div_ceil(8))?;
        Some(
            json.into_iter()
                .enumerate()
                .filter(|(n, _)| bit(bits, *n))
                .map(|(_, i)| i)
                .collect(),
        )
    }

    fn bad(&self, column: usize, why: &dyn std::fmt::Display) -> String {
        let name = self
            .plan
            .table
            .columns
            .get(column)
            .map_or("", |c| c.name.as_str());
        format!("column {name} of {} holds {why}", self.plan.name)
    }

    /// Goes over an image without decoding it.
    fn skip(&mut self, present: &[u8]) -> Result<(), String> {
        let used = (0..self.wires.len()).filter(|i| bit(present, *i)).count();
        let nulls = take(&mut self.rest, used.div_ceil(8)).ok_or("a row ends too early")?;
        let there = self.wires.iter().enumerate();
        let there = there.filter(|(i, _)| bit(present, *i));
        for (at, (i, wire)) in there.enumerate() {
            if !bit(nulls, at) {
                let _value: Raw<'_> = wire
                    .read(&mut self.rest, false)
                    .map_err(|e| self.bad(i, &e))?;
            }
        }
        Ok(())
    }
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
            What::Read(events, wires) => {
                let body = body(e.data, kind).filter(|b| b.columns == wires.len());
                let body = body.ok_or_else(|| self.malformed("a malformed rows event"))?;
                self.read(reader, events, wires, &body, kind, skip).await
            }
        }
    }

    fn unknown(&self, reader: &Reader, id: &TableId) -> Result<(), TaskError> {
        let message = format!(
            "reading rows of {id} at {}:{}: its structure is not in the schema history, which may be incomplete; take a new snapshot, or set inconsistent.schema.handling.mode=skip",
            self.position.file, self.position.pos
        );
        match reader.config.inconsistent {
            Inconsistent::Fail => return Err(TaskError::fail("MYSQL-TABLE-UNKNOWN", message)),
            Inconsistent::Warn => tracing::warn!("{message}"),
            Inconsistent::Skip => {}
        }
        Ok(())
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
            let mut json = Json {
                mode: if kind.partial {
                    JsonMode::Keep
                } else {
                    JsonMode::Ignore
                },
                before: Vec::new(),
                partial: Vec::new(),
            };
            if row < skip {
                cursor
                    .skip(body.before)
                    .map_err(|why| self.malformed(&why))?;
                if kind.op == RowsOp::Update {
                    if kind.partial {
                        cursor
                            .partial_columns()
                            .ok_or_else(|| self.malformed("a malformed partial update"))?;
                    }
                    cursor
                        .skip(body.after)
                        .map_err(|why| self.malformed(&why))?;
                }
                row += 1;
                continue;
            }
            let arena = reader.writer.arena();
            cursor
                .image(body.before, &mut json, &mut old, arena)
                .map_err(|why| self.malformed(&why))?;
            let images = match kind.op {
                RowsOp::Write => Images::Create(&old),
                RowsOp::Delete => Images::Delete(&old),
                RowsOp::Update => {
                    if kind.partial {
                        json.mode = JsonMode::Patch;
                    }
                    cursor
                        .image(body.after, &mut json, &mut new, arena)
                        .map_err(|why| self.malformed(&why))?;
                    Images::Update(&old, &new)
                }
            };
            let place = Place {
                event: self.position.event,
                rows: row + 1,
                row,
                ends: true,
            };
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

#[cfg(test)]
mod tests;
