//! Change events: one row change becomes one to three records.
//!
//! A delete has a tombstone; a changed key is a delete, a tombstone and a create (`RelationalChangeRecordEmitter`).
//! Rows are columns' slots, written before. Nothing here decodes.
//! Invariant: the last record of a row change carries that row's offset, the others none: a restart between them makes
//! the row's records again.

use super::fixed::name_slot;
use super::table::{ColumnPlan, TableEvents};
use super::writer::{Origin, Record, Writer, now_ns};
use host_core::layout::{Arena, Reader, Slot, Tag};
use host_core::schema::SchemaId;
use std::sync::Arc;

/// One image of a row: a slot for each column of the table.
pub type Row<'a> = &'a [Slot];

/// What happened to a row.
#[derive(Debug, Clone, Copy)]
pub enum Images<'a> {
    /// Read by a snapshot.
    Read(Row<'a>),
    /// INSERT.
    Create(Row<'a>),
    /// UPDATE: before and after.
    Update(Row<'a>, Row<'a>),
    /// DELETE.
    Delete(Row<'a>),
}

/// Place of a change in its offset: events and rows delivered once it is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Events since BEGIN.
    pub event: u64,
    /// Rows of this event delivered with this one.
    pub rows: u32,
    /// Number of the row in its event.
    pub row: u32,
    /// Whether this is the last record of what the place counts: only that one carries the offset.
    pub ends: bool,
}

impl Place {
    /// Where events are delivered and no rows.
    pub fn after_events(event: u64) -> Self {
        Self {
            event,
            rows: 0,
            row: 0,
            ends: true,
        }
    }
    /// The same place for a record that others of the same change follow.
    #[must_use]
    pub fn followed(self) -> Self {
        self.followed_if(true)
    }
    /// [`Place::followed`], if others follow.
    #[must_use]
    pub fn followed_if(self, more: bool) -> Self {
        Self {
            ends: self.ends && !more,
            ..self
        }
    }
}

/// The transaction block's values.
#[derive(Debug, Clone)]
pub struct Block {
    /// Transaction id.
    pub id: Arc<str>,
    /// Order in the transaction.
    pub total_order: u64,
    /// Order among the table's events.
    pub order: u64,
}

const NEW_KEY: &str = "__debezium.newkey";
const OLD_KEY: &str = "__debezium.oldkey";

impl Writer {
    /// The arena that a row's slots must be written to.
    pub fn arena(&mut self) -> &mut Arena {
        &mut self.builder.arena
    }

    /// Writes a row change. `order` counts it in its transaction, where metadata is on; it is called once for each
    /// change event. Answers the number of change events, tombstones not counted.
    pub fn change(
        &mut self,
        table: &TableEvents,
        images: Images<'_>,
        origin: &Origin,
        place: Place,
        order: &mut dyn FnMut(&mut Self) -> Option<Block>,
    ) -> u32 {
        let skipped = self.config.skipped;
        match images {
            Images::Read(row) => {
                self.event(table, 'r', (None, Some(row)), origin, place, None, order);
            }
            Images::Create(_) if skipped.create => return 0,
            Images::Delete(_) if skipped.delete => return 0,
            Images::Update(..) if skipped.update => return 0,
            Images::Create(row) => {
                self.event(table, 'c', (None, Some(row)), origin, place, None, order);
            }
            Images::Delete(row) => {
                let at = place.followed_if(self.config.tombstones);
                self.event(table, 'd', (Some(row), None), origin, at, None, order);
                self.tombstone(table, row, place, None);
            }
            Images::Update(old, new) => return self.update(table, old, new, origin, place, order),
        }
        1
    }

    fn update(
        &mut self,
        table: &TableEvents,
        old: Row<'_>,
        new: Row<'_>,
        origin: &Origin,
        place: Place,
        order: &mut dyn FnMut(&mut Self) -> Option<Block>,
    ) -> u32 {
        if self.config.skip_unchanged && self.shown_alike(table, old, new) {
            return 0;
        }
        let reader = Reader::new(self.builder.arena.bytes());
        let same = |i: &usize| match (old.get(*i), new.get(*i)) {
            (Some(a), Some(b)) => equal(reader, *a, *b),
            _ => false,
        };
        if table.key.iter().all(same) {
            self.event(
                table,
                'u',
                (Some(old), Some(new)),
                origin,
                place,
                None,
                order,
            );
            return 1;
        }
        let schema = table.key_schema.unwrap_or(SchemaId::NONE);
        let (old_key, new_key) = (self.key(table, old).1, self.key(table, new).1);
        let newer = Some((NEW_KEY, schema, new_key));
        let at = place.followed();
        self.event(table, 'd', (Some(old), None), origin, at, newer, order);
        self.tombstone(table, old, at, newer);
        self.event(
            table,
            'c',
            (None, Some(new)),
            origin,
            place,
            Some((OLD_KEY, schema, old_key)),
            order,
        );
        2
    }

    /// Whether both images of a row look the same in the event.
    fn shown_alike(&mut self, table: &TableEvents, old: Row<'_>, new: Row<'_>) -> bool {
        table
            .columns
            .iter()
            .zip(old.iter().zip(new))
            .all(|(c, (old, new))| {
                if !c.in_value {
                    return true;
                }
                let (old, new) = (self.shown(c, *old), self.shown(c, *new));
                equal(Reader::new(self.builder.arena.bytes()), old, new)
            })
    }

    /// A column's value as the row shows it.
    fn shown(&mut self, column: &ColumnPlan, value: Slot) -> Slot {
        match &column.mapping {
            None => value,
            Some(mapping) => mapping.apply(value, &mut self.builder),
        }
    }

    fn key(&mut self, table: &TableEvents, row: Row<'_>) -> (SchemaId, Slot) {
        let Some(schema) = table.key_schema else {
            return (SchemaId::NONE, Slot::NULL);
        };
        let origin = table.key_origin.as_deref();
        let origin = origin.map(|text| name_slot(self.builder.name(text)));
        let from = self.builder.arena.end();
        for i in &table.key {
            let slot = row.get(*i).copied().unwrap_or(Slot::NULL);
            self.builder.arena.raw(&slot.to_bytes());
        }
        if let Some(origin) = origin {
            self.builder.arena.raw(&origin.to_bytes());
        }
        let fields = table.key.len() + usize::from(origin.is_some());
        (schema, structure(from, fields))
    }

    fn value(&mut self, table: &TableEvents, row: Option<Row<'_>>) -> Slot {
        let Some(row) = row else { return Slot::NULL };
        if table.mapped {
            let columns = table.columns.iter().zip(row).filter(|(c, _)| c.in_value);
            let shown: Vec<Slot> = columns.map(|(c, slot)| self.shown(c, *slot)).collect();
            return self.builder.arena.structure(&shown);
        }
        let from = self.builder.arena.end();
        let mut fields = 0;
        for (column, slot) in table.columns.iter().zip(row) {
            if column.in_value {
                self.builder.arena.raw(&slot.to_bytes());
                fields += 1;
            }
        }
        structure(from, fields)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one record has that many parts; a struct would name each once more"
    )]
    fn event(
        &mut self,
        table: &TableEvents,
        op: char,
        (before, after): (Option<Row<'_>>, Option<Row<'_>>),
        origin: &Origin,
        place: Place,
        header: Option<(&str, SchemaId, Slot)>,
        order: &mut dyn FnMut(&mut Self) -> Option<Block>,
    ) {
        let key = match after.or(before) {
            Some(row) => self.key(table, row),
            None => (SchemaId::NONE, Slot::NULL),
        };
        let (before, after) = (self.value(table, before), self.value(table, after));
        let source = self.source(origin, place.row);
        let block = order(self).map_or(Slot::NULL, |b| {
            let id = name_slot(self.builder.name(&b.id));
            self.builder.arena.structure(&[
                id,
                Slot::int64(b.total_order as i64),
                Slot::int64(b.order as i64),
            ])
        });
        let mut text = [0; 4];
        let op = name_slot(self.builder.name(op.encode_utf8(&mut text)));
        let ns = now_ns();
        let value = self.builder.arena.structure(&[
            before,
            after,
            source,
            block,
            op,
            Slot::int64(ns.div_euclid(1_000_000)),
            Slot::int64(ns.div_euclid(1000)),
            Slot::int64(ns),
        ]);
        let record = Record {
            topic: &table.topic,
            partition: None,
            key,
            value: (table.envelope_schema, value),
            context: true,
            header,
        };
        self.push(record, place);
    }

    fn tombstone(
        &mut self,
        table: &TableEvents,
        row: Row<'_>,
        place: Place,
        header: Option<(&str, SchemaId, Slot)>,
    ) {
        if !self.config.tombstones {
            return;
        }
        let key = self.key(table, row);
        let record = Record {
            topic: &table.topic,
            partition: None,
            key,
            value: (SchemaId::NONE, Slot::NULL),
            context: true,
            header,
        };
        self.push(record, place);
    }

    /// TRUNCATE, where it is not skipped: no key, no images.
    pub fn truncate(
        &mut self,
        table: &TableEvents,
        origin: &Origin,
        place: Place,
        order: &mut dyn FnMut(&mut Self) -> Option<Block>,
    ) {
        if !self.config.skipped.truncate {
            self.event(table, 't', (None, None), origin, place, None, order);
        }
    }
}

fn structure(from: u32, fields: usize) -> Slot {
    Slot {
        tag: Tag::Struct,
        scale: 0,
        len: fields as u32,
        payload: u64::from(from),
    }
}

/// Whether two values of one column are equal.
fn equal(reader: Reader<'_>, a: Slot, b: Slot) -> bool {
    if a.tag != b.tag || a.scale != b.scale || a.len != b.len {
        return false;
    }
    let (len, kind) = (u64::from(a.len), "value");
    match a.tag {
        Tag::String | Tag::Bytes | Tag::Decimal => {
            reader.bytes_at(a.payload, len, kind) == reader.bytes_at(b.payload, len, kind)
        }
        Tag::Struct | Tag::Array => match (reader.slots(a), reader.slots(b)) {
            (Ok(these), Ok(those)) => {
                (0..these.len()).all(|i| match (these.get(i), those.get(i)) {
                    (Ok(left), Ok(right)) => equal(reader, left, right),
                    _ => false,
                })
            }
            _ => false,
        },
        _ => a.payload == b.payload,
    }
}
