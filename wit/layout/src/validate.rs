//! Whether values fit their schemas: the check on everything a guest puts out.
//!
//! It follows Connect's `ConnectSchema.validateValue`: a null needs an optional schema or a default, types must match,
//! a struct has one slot a field. It changes nothing. Invariant: the work is bounded by [`Budget`], so that a guest
//! cannot make the host walk a small answer that refers to itself a billion times.

use crate::read::Reader;
use crate::schema::{Schema, SchemaId, SchemaType, Schemas};
use crate::slot::{Slot, Tag};
use crate::{Malformed, RecordEntry};

/// Name of Connect's decimal type.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Name of Connect's date type.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// Name of Connect's time type.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// Name of Connect's timestamp type.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";

/// Deepest nesting of a value.
pub const DEPTH_MAX: u32 = 64;

/// How much may still be walked.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Slots.
    pub slots: u64,
    /// Bytes of strings and byte arrays, counted each time they are referred to: it bounds what a format would write.
    pub bytes: u64,
}

/// Why a value was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invalid {
    /// Its bytes do not follow the layout.
    Malformed(Malformed),
    /// It names a schema that is not defined.
    UnknownSchema(u32),
    /// A null where the schema allows none.
    NullNotAllowed,
    /// A tag that does not fit the schema's type.
    WrongType(Tag, SchemaType),
    /// A struct with another number of fields than its schema.
    FieldCount(u32, usize),
    /// Nested too deeply, or larger than the budget.
    TooLarge,
}

impl From<Malformed> for Invalid {
    fn from(m: Malformed) -> Self {
        Self::Malformed(m)
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(m) => m.fmt(f),
            Self::UnknownSchema(id) => write!(f, "schema {id} is not defined"),
            Self::NullNotAllowed => write!(
                f,
                "null for a schema that is neither optional nor has a default"
            ),
            Self::WrongType(tag, kind) => {
                write!(f, "a value of type {tag:?} for a schema of type {kind:?}")
            }
            Self::FieldCount(is, want) => {
                write!(f, "a struct of {is} fields for a schema of {want}")
            }
            Self::TooLarge => write!(
                f,
                "a value that is nested too deeply or larger than its limit"
            ),
        }
    }
}

impl std::error::Error for Invalid {}

/// Checks a record's topic, key, value and headers.
pub fn record(
    r: &RecordEntry,
    reader: Reader<'_>,
    schemas: &Schemas,
    budget: &mut Budget,
) -> Result<(), Invalid> {
    budget.bytes = budget
        .bytes
        .checked_sub(u64::from(r.topic_len))
        .ok_or(Invalid::TooLarge)?;
    reader.topic(r)?;
    value(r.key, SchemaId(r.key_schema), reader, schemas, budget)?;
    value(r.value, SchemaId(r.value_schema), reader, schemas, budget)?;
    for i in 0..r.headers_len {
        let h = reader.header(r, i)?;
        budget.bytes = budget
            .bytes
            .checked_sub(u64::from(h.name_len))
            .ok_or(Invalid::TooLarge)?;
        reader.name_at(h.name, h.name_len)?;
        value(h.value, SchemaId(h.schema), reader, schemas, budget)?;
    }
    Ok(())
}

/// Checks one value against its schema; without a schema only its own form is checked.
pub fn value(
    s: Slot,
    id: SchemaId,
    r: Reader<'_>,
    schemas: &Schemas,
    budget: &mut Budget,
) -> Result<(), Invalid> {
    Walk {
        reader: r,
        schemas,
        budget,
    }
    .value(s, id, DEPTH_MAX)
}

struct Walk<'a> {
    reader: Reader<'a>,
    schemas: &'a Schemas,
    budget: &'a mut Budget,
}

impl Walk<'_> {
    fn value(&mut self, s: Slot, id: SchemaId, depth: u32) -> Result<(), Invalid> {
        let depth = depth.checked_sub(1).ok_or(Invalid::TooLarge)?;
        self.budget.slots = self.budget.slots.checked_sub(1).ok_or(Invalid::TooLarge)?;
        let schemas = self.schemas;
        let schema = if id.is_some() {
            Some(&**schemas.get(id).ok_or(Invalid::UnknownSchema(id.0))?)
        } else {
            None
        };
        if s.is_null() {
            let allowed = schema.is_none_or(|x| x.optional || x.default.is_some());
            return if allowed {
                Ok(())
            } else {
                Err(Invalid::NullNotAllowed)
            };
        }
        if let Some(x) = schema.filter(|x| !fits(s.tag, x)) {
            return Err(Invalid::WrongType(s.tag, x.kind));
        }
        match s.tag {
            Tag::String => {
                self.spend(s.len)?;
                self.reader.str(s)?;
            }
            Tag::Bytes | Tag::Decimal => {
                self.spend(s.len)?;
                self.reader.data(s)?;
            }
            Tag::Struct | Tag::Array | Tag::Map => self.nested(s, schema, depth)?,
            _ => {}
        }
        Ok(())
    }

    fn nested(&mut self, s: Slot, schema: Option<&Schema>, depth: u32) -> Result<(), Invalid> {
        let slots = self.reader.slots(s)?;
        match (s.tag, schema) {
            // A struct's shape is its schema's: without one it means nothing.
            (Tag::Struct, None) => return Err(Invalid::UnknownSchema(0)),
            (Tag::Struct, Some(x)) => {
                if slots.len() != x.fields.len() {
                    return Err(Invalid::FieldCount(s.len, x.fields.len()));
                }
                for (i, f) in x.fields.iter().enumerate() {
                    self.value(slots.get(i)?, f.schema, depth)?;
                }
            }
            (_, schema) => {
                let ids = schema.map_or([SchemaId::NONE; 2], |x| [x.key, x.value]);
                for (i, slot) in slots.iter().enumerate() {
                    let id = if s.tag == Tag::Map {
                        ids[i % 2]
                    } else {
                        ids[1]
                    };
                    self.value(slot?, id, depth)?;
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: u32) -> Result<(), Invalid> {
        self.budget.bytes = self
            .budget
            .bytes
            .checked_sub(u64::from(bytes))
            .ok_or(Invalid::TooLarge)?;
        Ok(())
    }
}

/// Whether a value with this tag is one of the schema's type; a logical type asks for its own tag.
fn fits(tag: Tag, schema: &Schema) -> bool {
    let logical = |name: &str| schema.name.as_deref() == Some(name);
    match (schema.kind, tag) {
        (SchemaType::Int32, Tag::Date) => logical(DATE),
        (SchemaType::Int32, Tag::Time) => logical(TIME),
        (SchemaType::Int32, Tag::Int32) => !logical(DATE) && !logical(TIME),
        (SchemaType::Int64, Tag::Timestamp) => logical(TIMESTAMP),
        (SchemaType::Int64, Tag::Int64) => !logical(TIMESTAMP),
        (SchemaType::Bytes, Tag::Decimal) => logical(DECIMAL),
        (SchemaType::Bytes, Tag::Bytes) => !logical(DECIMAL),
        (SchemaType::Int8, Tag::Int8)
        | (SchemaType::Int16, Tag::Int16)
        | (SchemaType::Float32, Tag::Float32)
        | (SchemaType::Float64, Tag::Float64)
        | (SchemaType::Boolean, Tag::Boolean)
        | (SchemaType::String, Tag::String)
        | (SchemaType::Array, Tag::Array)
        | (SchemaType::Map, Tag::Map)
        | (SchemaType::Struct, Tag::Struct) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use proptest::prelude::*;

    fn budget() -> Budget {
        Budget {
            slots: 10_000,
            bytes: 10_000,
        }
    }

    #[test]
    fn values_are_held_to_their_schema() {
        let mut schemas = Schemas::new(10_000);
        let int = schemas.intern(Schema::new(SchemaType::Int32)).unwrap();
        let text = schemas
            .intern(Schema::new(SchemaType::String).optional())
            .unwrap();
        let row = Schema::new(SchemaType::Struct)
            .field("id", int)
            .field("name", text);
        let row = schemas.intern(row).unwrap();
        let mut a = Arena::new(0);
        let name = a.string("é");
        let good = a.structure(&[Slot::int32(1), name]);
        let null = a.structure(&[Slot::NULL, name]);
        let short = a.structure(&[Slot::int32(1)]);
        let typed = a.structure(&[Slot::int64(1), name]);
        let bytes = a.into_bytes();
        let check = |s| value(s, row, Reader::new(&bytes), &schemas, &mut budget());
        assert_eq!(check(good), Ok(()));
        assert_eq!(check(null), Err(Invalid::NullNotAllowed));
        assert_eq!(check(short), Err(Invalid::FieldCount(1, 2)));
        assert_eq!(
            check(typed),
            Err(Invalid::WrongType(Tag::Int64, SchemaType::Int32))
        );
        let cut = Slot { len: 1, ..name };
        assert!(matches!(
            value(cut, text, Reader::new(&bytes), &schemas, &mut budget()),
            Err(Invalid::Malformed(_))
        ));
    }

    #[test]
    fn a_value_that_refers_to_itself_ends() {
        // An array of two slots, both of which are the array itself.
        let own = Slot {
            tag: Tag::Array,
            scale: 0,
            len: 2,
            payload: 0,
        };
        let bytes = [own.to_bytes(), own.to_bytes()].concat();
        let got = value(
            own,
            SchemaId::NONE,
            Reader::new(&bytes),
            &Schemas::new(0),
            &mut budget(),
        );
        assert_eq!(got, Err(Invalid::TooLarge));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), at in 0u64..450, len in any::<u32>(), tag in 0u8..17) {
            let slot = Slot { tag: Tag::from_u8(tag).unwrap_or(Tag::Null), scale: 0, len, payload: at };
            drop(value(slot, SchemaId::NONE, Reader::new(&bytes), &Schemas::new(0), &mut budget()));
            if let Ok(b) = crate::BatchView::new(&bytes) {
                (0..b.len()).for_each(|i| drop(b.record(i)));
            }
            if let Ok(p) = crate::Patch::parse(&bytes) {
                p.ops().for_each(drop);
            }
        }
    }
}
