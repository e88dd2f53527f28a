//! The bytes of one rows event: bitmaps, images, and the values in them.
//!
//! Knows the table's plan and nothing of positions or records. Source: MySQL "Rows_event".
//! Invariant: bytes that do not fit the plan are an error that names the column, never a guess and never a panic.

use super::super::event::{RowsKind, RowsOp};
use crate::bytes::{packed, take};
use crate::decode::{Raw, WireType, patched};
use crate::event::TableEvents;
use crate::table::ColumnType;
use host_core::layout::{Arena, Slot};

/// The columns part of a rows event and its rows.
pub(super) struct Body<'a> {
    pub columns: usize,
    pub before: &'a [u8],
    pub after: &'a [u8],
    pub rows: &'a [u8],
}

pub(super) fn body(data: &[u8], kind: RowsKind) -> Option<Body<'_>> {
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
pub(super) enum JsonMode {
    Ignore,
    Keep,
    Patch,
}

/// JSON columns of the image before, for an image after that holds differences to it.
#[derive(Debug)]
pub(super) struct Json<'a> {
    pub mode: JsonMode,
    pub before: Vec<(usize, &'a [u8])>,
    pub partial: Vec<usize>,
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
pub(super) struct Cursor<'a> {
    pub plan: &'a TableEvents,
    pub wires: &'a [WireType],
    pub rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads one image; slots of columns that nobody wants stay NULL. JSON columns' own bytes are kept in `json`.
    pub(super) fn image(
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
                to.push(column.slot(Raw::Null, arena).map_err(|e| self.bad(i, &e))?);
                continue;
            }
            let raw = wire
                .read(&mut self.rest, column.unsigned)
                .map_err(|e| self.bad(i, &e))?;
            let patch = json.step(i, raw);
            let slot = match patch {
                Some(_) if column.converter.is_none() => Ok(Slot::NULL),
                Some((before, diffs)) => patched(before, diffs, arena),
                None => column.slot(raw, arena),
            };
            to.push(slot.map_err(|e| self.bad(i, &e))?);
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

    /// Reads the next row: its images, and for an update both. Slots of earlier rows are overwritten.
    pub(super) fn row(
        &mut self,
        body: &Body<'_>,
        kind: RowsKind,
        (old, new): (&mut Vec<Slot>, &mut Vec<Slot>),
        arena: &mut Arena,
    ) -> Result<(), String> {
        let mut json = Json {
            mode: if kind.partial {
                JsonMode::Keep
            } else {
                JsonMode::Ignore
            },
            before: Vec::new(),
            partial: Vec::new(),
        };
        self.image(body.before, &mut json, old, arena)?;
        if kind.op != RowsOp::Update {
            return Ok(());
        }
        if kind.partial {
            json.mode = JsonMode::Patch;
        }
        self.image(body.after, &mut json, new, arena)
    }

    /// Goes over a row without decoding it.
    pub(super) fn skip_row(&mut self, body: &Body<'_>, kind: RowsKind) -> Result<(), String> {
        self.skip(body.before)?;
        if kind.op != RowsOp::Update {
            return Ok(());
        }
        if kind.partial {
            self.partial_columns().ok_or("a malformed partial update")?;
        }
        self.skip(body.after)
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
