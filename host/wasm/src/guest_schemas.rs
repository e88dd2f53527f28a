//! The schemas of one instance: which of the host's it knows, and which are its own.
//!
//! It maps a guest's ids (from 0x8000_0000 on) to the host's, bounds how many a plugin may define over its life, and
//! knows how much text a schema stands for. It never trusts a guest's schema: form, references, depth and default
//! are checked. Invariant: an id in the map names a schema that is stored in the task's table.

use crate::bindings::types as wit;
use crate::convert;
use crate::fault::PluginFault;
use crate::limits::Limits;
use host_core::layout::schema::GUEST_SCHEMA_BASE;
use host_core::layout::validate::DEPTH_MAX;
use host_core::schema::{Schema, SchemaId, SchemaType, Schemas, SharedSchemas};
use std::collections::HashMap;

/// Schemas handed to one `define` call; more are split.
const DEFINE_SCHEMAS_MAX: u32 = 1_000;

/// What one instance knows of schemas. Dropped with the instance.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Host schemas up to this id have been sent.
    sent: u32,
    own: HashMap<u32, SchemaId>,
}

impl Known {
    /// The host's id for an id in a patch; `None` where it is not defined.
    pub(crate) fn map(&self, id: u32) -> Option<SchemaId> {
        if id >= GUEST_SCHEMA_BASE {
            self.own.get(&id).copied()
        } else {
            // The guest may only name what it has been told of.
            (id <= self.sent).then_some(SchemaId(id))
        }
    }
    /// The next schemas to send, if any, and the id up to which they go.
    pub(crate) fn next_to_send(&self, schemas: &SharedSchemas) -> Option<(u32, Vec<wit::Schema>)> {
        let table = schemas.read();
        let to = table
            .len()
            .min(self.sent.saturating_add(DEFINE_SCHEMAS_MAX));
        if to <= self.sent {
            return None;
        }
        let all = (self.sent + 1..=to).filter_map(|id| {
            let id = SchemaId(id);
            table.get(id).map(|s| convert::schema_to_wit(id, s))
        });
        Some((to, all.collect()))
    }
    pub(crate) fn sent(&mut self, to: u32) {
        self.sent = to;
    }
}

/// What a plugin has defined over its life, and the sizes of all schemas. Survives its instances.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    defined: u32,
    defined_bytes: usize,
    /// Bytes and depth of schema `i + 1` with all it refers to, counted as often as it refers to them.
    sizes: Vec<(u64, u32)>,
}

impl Ledger {
    /// Takes a guest's new schemas into the task's table.
    pub(crate) fn take(
        &mut self,
        new: Vec<wit::Schema>,
        known: &mut Known,
        schemas: &SharedSchemas,
        limits: &Limits,
    ) -> Result<(), PluginFault> {
        for s in new {
            let id = s.id;
            let bad = |why: String| PluginFault::BadAnswer(format!("schema {id:#x}: {why}"));
            if id < GUEST_SCHEMA_BASE {
                return Err(bad(
                    "ids of a plugin's own schemas begin at 0x80000000".into()
                ));
            }
            let schema = convert::schema_from_wit(s, |id| known.map(id))?;
            convert::check_schema(&schema).map_err(bad)?;
            self.check_depth(&schema, schemas).map_err(bad)?;
            let host_id = self.intern(schema, schemas, limits).map_err(bad)?;
            if known
                .own
                .insert(id, host_id)
                .is_some_and(|old| old != host_id)
            {
                return Err(bad("it was defined before, as another schema".into()));
            }
        }
        Ok(())
    }

    fn intern(
        &mut self,
        schema: Schema,
        schemas: &SharedSchemas,
        limits: &Limits,
    ) -> Result<SchemaId, String> {
        self.defined = self.defined.saturating_add(1);
        self.defined_bytes = self.defined_bytes.saturating_add(schema.weight_bytes());
        if self.defined > limits.schemas_max || self.defined_bytes > limits.schema_bytes_max {
            return Err(format!(
                "the plugin has defined more than {} schemas or {} bytes of them; define each shape once and use its \
                 id again",
                limits.schemas_max, limits.schema_bytes_max
            ));
        }
        if let Some(default) = schema.default.clone() {
            let mut bare = schema.clone();
            bare.default = None;
            let id = schemas.intern(bare).map_err(|e| e.to_string())?;
            convert::check_default(&default, id, &schemas.read())?;
        }
        schemas.intern(schema).map_err(|e| e.to_string())
    }

    /// A schema deeper than a value may be is refused before anybody walks it.
    fn check_depth(&mut self, schema: &Schema, schemas: &SharedSchemas) -> Result<(), String> {
        let table = schemas.read();
        self.measure(&table);
        let depth = schema
            .references()
            .map(|id| self.size(id).1)
            .max()
            .unwrap_or(0);
        if depth >= DEPTH_MAX {
            return Err(format!("nested more than {DEPTH_MAX} deep"));
        }
        if schema.kind == SchemaType::Struct && schema.fields.len() > u16::MAX as usize {
            return Err("a struct of more than 65535 fields".into());
        }
        Ok(())
    }

    /// Brings the sizes up to date; each schema refers to earlier ones, so one pass does.
    pub(crate) fn measure(&mut self, table: &Schemas) {
        for id in self.sizes.len() as u32 + 1..=table.len() {
            let Some(s) = table.get(SchemaId(id)) else {
                break;
            };
            let mut bytes = s.weight_bytes() as u64;
            let mut depth = 0;
            for other in s.references() {
                let (b, d) = self.size(other);
                bytes = bytes.saturating_add(b);
                depth = depth.max(d);
            }
            self.sizes.push((bytes, depth + 1));
        }
    }
    fn size(&self, id: SchemaId) -> (u64, u32) {
        let index = (id.0 as usize).checked_sub(1);
        index
            .and_then(|i| self.sizes.get(i).copied())
            .unwrap_or((0, 0))
    }
    /// Bytes that a schema stands for when it is written out beside a value.
    pub(crate) fn bytes(&self, id: u32) -> u64 {
        self.size(SchemaId(id)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::Schema as WitSchema;

    fn guest(id: u32, kind: wit::SchemaType) -> WitSchema {
        let own = Schema::new(SchemaType::Int8);
        WitSchema {
            kind,
            ..convert::schema_to_wit(SchemaId(id), &own)
        }
    }
    const BASE: u32 = GUEST_SCHEMA_BASE;

    #[test]
    fn a_guests_schemas_are_mapped_and_checked() {
        let (mut ledger, mut known) = (Ledger::default(), Known::default());
        let (schemas, limits) = (SharedSchemas::default(), Limits::default());
        let host = schemas.intern(Schema::new(SchemaType::String)).unwrap();
        let mut take =
            |known: &mut Known, s: WitSchema| ledger.take(vec![s], known, &schemas, &limits);
        take(&mut known, guest(BASE, wit::SchemaType::Int32)).unwrap();
        let list = WitSchema {
            value: BASE,
            ..guest(BASE + 1, wit::SchemaType::Array)
        };
        take(&mut known, list.clone()).unwrap();
        let id = known.map(BASE + 1).unwrap();
        assert_eq!(schemas.get(id).unwrap().value, known.map(BASE).unwrap());
        assert_eq!(known.map(host.0), None, "not sent yet");
        known.sent(host.0);
        assert_eq!(known.map(host.0), Some(host));
        let dup = wit::Field {
            name: "a".into(),
            schema: BASE,
        };
        for (bad, why) in [
            (guest(7, wit::SchemaType::Int8), "begin at"),
            (guest(BASE, wit::SchemaType::Int16), "another schema"),
            (guest(BASE + 9, wit::SchemaType::Map), "element schemas"),
            (
                WitSchema {
                    value: 99,
                    ..list.clone()
                },
                "not defined",
            ),
            (
                WitSchema {
                    fields: vec![dup.clone(), dup],
                    ..guest(BASE + 9, wit::SchemaType::Struct)
                },
                "two fields",
            ),
            (
                WitSchema {
                    default_value: Some(vec![9; 16]),
                    ..guest(BASE + 9, wit::SchemaType::Int8)
                },
                "default",
            ),
        ] {
            let e = take(&mut known, bad).unwrap_err().to_string();
            assert!(e.contains(why), "{e} should contain {why}");
        }
    }

    #[test]
    fn nesting_and_number_are_bounded() {
        let (mut ledger, mut known) = (Ledger::default(), Known::default());
        let schemas = SharedSchemas::default();
        let limits = Limits {
            schemas_max: 70,
            ..Limits::default()
        };
        let mut list = vec![guest(BASE, wit::SchemaType::Int8)];
        list.extend((1..80).map(|i| WitSchema {
            value: BASE + i - 1,
            ..guest(BASE + i, wit::SchemaType::Array)
        }));
        let e = ledger
            .take(list, &mut known, &schemas, &limits)
            .unwrap_err();
        assert!(e.to_string().contains("deep"), "{e}");
        let flat = (0..100).map(|i| guest(BASE + 200 + i, wit::SchemaType::Int8));
        let e = ledger.take(flat.collect(), &mut known, &schemas, &limits);
        assert!(e.unwrap_err().to_string().contains("defined more than"));
    }
}
