//! A transform whose patches do not follow the layout: for every check of the host on answers.
//!
//! `variant` chooses what is wrong; the patch is written by hand. Invariant: each variant breaks one rule and no other.

use tidegate_layout::schema::GUEST_SCHEMA_BASE;
use tidegate_layout::{Arena, BatchView, Op, PatchWriter, Slot, Tag};
use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Key, Record, Result, Transform, export_transform,
};

/// What can be wrong.
const VARIANTS: [&str; 12] = [
    "bad-magic",
    "cut-short",
    "unknown-operation",
    "record-out-of-bounds",
    "operations-backwards",
    "address-out-of-bounds",
    "unknown-schema",
    "wrong-type",
    "not-utf8",
    "self-reference",
    "deep-nesting",
    "insert-out-of-bounds",
];

/// The transform.
#[derive(Debug)]
pub struct Malformed {
    variant: String,
}

impl Transform for Malformed {
    fn config() -> ConfigDef {
        let variant = Key::string("variant")
            .default("bad-magic")
            .recommend(&VARIANTS);
        ConfigDef::new("0.1.0").key(variant.doc("What is wrong with the patch.").validate(known))
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        let variant = config.string("variant").into();
        Ok(Self { variant })
    }
    fn apply(&mut self, record: &mut Record<'_>) -> Result<()> {
        record.topic().map(|_| ())
    }
    fn answer(&mut self, batch: &[u8]) -> Option<Vec<u8>> {
        Some(patch(&self.variant, batch))
    }
}

fn known(value: &str) -> Result<(), String> {
    let known = VARIANTS.contains(&value);
    known
        .then_some(())
        .ok_or_else(|| format!("must be one of {}", VARIANTS.join(", ")))
}

fn patch(variant: &str, batch: &[u8]) -> Vec<u8> {
    let Ok(view) = BatchView::new(batch) else {
        return Vec::new();
    };
    let (base, last) = (view.arena_len(), view.len().saturating_sub(1));
    let schema = view.record(0).map_or(0, |r| r.value_schema);
    let mut w = PatchWriter::new(base);
    let at = |tag, len, payload| Slot {
        tag,
        scale: 0,
        len,
        payload,
    };
    match variant {
        "record-out-of-bounds" => w.push(last + 1, Op::Drop),
        "operations-backwards" => {
            w.push(1, Op::Drop);
            w.push(0, Op::Drop);
        }
        "address-out-of-bounds" => {
            w.push(0, Op::SetValue(0, at(Tag::String, 16, u64::from(u32::MAX))));
        }
        "unknown-schema" => w.push(0, Op::SetValue(GUEST_SCHEMA_BASE + 7, Slot::int32(1))),
        // No schema of a change event is one of booleans.
        "wrong-type" => w.push(0, Op::SetValue(schema, Slot::boolean(true))),
        "not-utf8" => {
            let address = w.arena.raw(&[0xff, 0xfe]);
            w.push(0, Op::SetTopic(address, 2));
        }
        "self-reference" => {
            // An array whose two elements are the array itself.
            let own = at(Tag::Array, 2, u64::from(base));
            w.arena.structure(&[own, own]);
            w.push(0, Op::SetValue(0, own));
        }
        "deep-nesting" => {
            let deep = nested(&mut w.arena, 1000);
            w.push(0, Op::SetValue(0, deep));
        }
        "insert-out-of-bounds" => w.push(0, Op::Insert(u32::MAX - 8)),
        _ => w.push(0, Op::Drop),
    }
    let mut bytes = w.finish();
    match variant {
        "bad-magic" => bytes[0] = b'X',
        "cut-short" => bytes.truncate(bytes.len() - 1),
        "unknown-operation" => bytes[16] = 99,
        _ => {}
    }
    bytes
}

fn nested(arena: &mut Arena, levels: u32) -> Slot {
    (0..levels).fold(Slot::NULL, |inner, _| arena.array(&[inner]))
}

export_transform!(Malformed);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_layout::validate::{Budget, value};
    use tidegate_layout::{Patch, Reader, RecordEntry, SchemaId, Schemas};
    use tidegate_sdk::harness::{Host, TestRecord, Typed};
    use tidegate_sdk::{NewSchema, SchemaType};

    /// What a host must find, with the layout's own checks.
    fn fault(patch: &[u8], batch: &[u8], schemas: &Schemas) -> Option<String> {
        let view = BatchView::new(batch).unwrap();
        let parsed = match Patch::parse(patch) {
            Ok(p) => p,
            Err(e) => return Some(e.to_string()),
        };
        let bytes = [&batch[..view.arena_len() as usize], parsed.data].concat();
        let reader = Reader::new(&bytes);
        let mut budget = Budget {
            slots: 1000,
            bytes: 1000,
        };
        for op in parsed.ops() {
            let checked = match op {
                Err(e) => Err(e.to_string()),
                Ok((r, _)) if r >= view.len() => Err("a record out of bounds".into()),
                Ok((_, Op::SetValue(id, s))) => {
                    value(s, SchemaId(id), reader, schemas, &mut budget).map_err(|e| e.to_string())
                }
                Ok((_, Op::SetTopic(at, n))) => {
                    reader.name_at(at, n).map(|_| ()).map_err(|e| e.to_string())
                }
                Ok((_, Op::Insert(at))) => {
                    let entry: Result<RecordEntry, _> = reader.record(u64::from(at));
                    entry.map(|_| ()).map_err(|e| e.to_string())
                }
                Ok(_) => Ok(()),
            };
            if let Err(e) = checked {
                return Some(e);
            }
        }
        None
    }

    #[test]
    fn every_variant_is_found_by_the_layouts_checks() {
        let mut host = Host::new();
        let text = host.schema(NewSchema::new(SchemaType::String));
        let record = TestRecord::new("t", Typed::none(), Typed::new(text, "v".into()));
        let batch = host.batch(&[record.clone(), record]);
        for variant in VARIANTS {
            let mut t = host
                .transform::<Malformed>("m", &[("variant", variant)])
                .unwrap();
            let patch = t.driver(&host).run(&batch).unwrap();
            let found = fault(&patch, &batch, &host.schemas);
            assert!(found.is_some(), "{variant} was not found");
        }
    }
}
