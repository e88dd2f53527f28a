//! A row as the record's value: fields added, fields dropped, `__deleted`.
//!
//! Schemas are made once for each row schema, envelope schema and set of dropped fields. Invariant: without anything to
//! add or to drop, the row's own slots are referred to.

use std::collections::HashMap;

use tidegate_sdk::{NewSchema, Record, Result, SchemaRef, SchemaType, Slot, Value};

use crate::reference::{FieldReference, basics};

const DELETED: &str = "__deleted";

/// What rows become.
#[derive(Debug)]
pub(crate) struct Rows {
    add: Vec<FieldReference>,
    deleted_field: bool,
    defaults: bool,
    schemas: HashMap<(u32, u32), Vec<Made>>,
    slots: Vec<Slot>,
}

/// The schema made for one set of dropped fields.
#[derive(Debug)]
struct Made {
    dropped: Vec<String>,
    schema: SchemaRef,
    /// Positions of the row's fields that stay; `None` where all do and nothing is added.
    kept: Option<Vec<usize>>,
    /// Positions within `add` of the fields that are there and stay.
    added: Vec<usize>,
}

/// Sets of dropped fields remembered for one schema: they come from headers, so there could be any number.
const DROPPED_SETS_MAX: usize = 64;

impl Rows {
    pub(crate) fn new(add: Vec<FieldReference>, deleted_field: bool, defaults: bool) -> Self {
        Self {
            add,
            deleted_field,
            defaults,
            schemas: HashMap::new(),
            slots: Vec::new(),
        }
    }

    /// Sets the record's value to this row; `drop` names fields to drop, and whether only optional ones go.
    pub(crate) fn set(
        &mut self,
        r: &mut Record<'_>,
        envelope: Value<'_>,
        row: Value<'_>,
        deleted: bool,
        drop: (&[String], bool),
    ) -> Result<()> {
        let (Some(of), Some(outer)) = (row.schema(), envelope.schema()) else {
            return Ok(());
        };
        let key = (of.id, outer.id);
        let known = self.schemas.get(&key).into_iter().flatten();
        let found = known.enumerate().find(|(_, m)| m.dropped == drop.0);
        let at = match found {
            Some((at, _)) => at,
            None => {
                let made = self.make(r, envelope, of, drop)?;
                let list = self.schemas.entry(key).or_default();
                list.truncate(DROPPED_SETS_MAX);
                list.push(made);
                list.len() - 1
            }
        };
        let Some(made) = self.schemas.get(&key).and_then(|l| l.get(at)) else {
            return Ok(());
        };
        let Some(kept) = &made.kept else {
            r.set_value(Some(made.schema), row.slot());
            return Ok(());
        };
        self.slots.clear();
        for &i in kept {
            let Some(field) = row.field_at(i) else {
                continue;
            };
            // Debezium writes `__deleted` by InsertField, which fills in defaults; otherwise nulls stay.
            let fill = self.deleted_field && self.defaults && field.is_null();
            let slot = if fill {
                r.copy(field.or_default())?
            } else {
                field.slot()
            };
            self.slots.push(slot);
        }
        if self.deleted_field {
            self.slots
                .push(r.text(if deleted { "true" } else { "false" }));
        }
        for &i in &made.added {
            let found = self.add.get(i).and_then(|a| a.find(envelope));
            self.slots.push(found.map_or(Slot::NULL, |f| f.slot));
        }
        let value = r.arena().structure(&self.slots);
        r.set_value(Some(made.schema), value);
        Ok(())
    }

    fn make(
        &self,
        r: &mut Record<'_>,
        envelope: Value<'_>,
        row: SchemaRef,
        (dropped, optional_only): (&[String], bool),
    ) -> Result<Made> {
        let goes = |name: &str, optional: bool| {
            (optional || !optional_only) && dropped.iter().any(|d| d == name)
        };
        let all = row.fields.iter().enumerate();
        let stays = all.filter(|(_, f)| !goes(&f.name, f.schema.is_optional()));
        let kept: Vec<usize> = stays.map(|(i, _)| i).collect();
        let mut schema = basics(row, false);
        schema.fields = Vec::new();
        for f in kept.iter().filter_map(|i| row.fields.get(*i)) {
            schema = schema.field(f.name.clone(), f.schema.schema_id());
        }
        if self.deleted_field {
            let text = NewSchema::new(SchemaType::String).optional();
            let text = r.schemas().intern(text)?;
            schema = schema.field(DELETED, text.schema_id());
        }
        let mut added = Vec::new();
        for (i, a) in self.add.iter().enumerate() {
            let Some(found) = a.find(envelope).filter(|_| !goes(&a.new_name, true)) else {
                continue;
            };
            let own = r.schemas().intern(basics(found.schema, true))?;
            schema = schema.field(a.new_name.as_str(), own.schema_id());
            added.push(i);
        }
        let same = kept.len() == row.fields.len() && added.is_empty() && !self.deleted_field;
        Ok(Made {
            dropped: dropped.to_vec(),
            schema: r.schemas().intern(schema)?,
            kept: (!same).then_some(kept),
            added,
        })
    }
}
