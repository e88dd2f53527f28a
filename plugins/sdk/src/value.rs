//! One value of a record, read where it lies.
//!
//! A [`Value`] is a slot, its schema and the bytes it points into; copying it copies 40 bytes, never data. It cannot be
//! changed: edits go through [`crate::Record`]. Invariant: no bytes make it panic; a value that does not have the
//! asked-for type is `None`.

use tidegate_layout::{Malformed, Reader, Slot, Tag};

use crate::schema::SchemaRef;

/// A value with its schema, if it has one.
#[derive(Debug, Clone, Copy)]
pub struct Value<'a> {
    reader: Reader<'a>,
    slot: Slot,
    schema: Option<SchemaRef>,
}

impl<'a> Value<'a> {
    /// The value of `slot`, whose addresses `reader` resolves.
    pub fn new(reader: Reader<'a>, slot: Slot, schema: Option<SchemaRef>) -> Self {
        Self {
            reader,
            slot,
            schema,
        }
    }
    /// Its schema.
    pub fn schema(&self) -> Option<SchemaRef> {
        self.schema
    }
    /// The slot itself: to put this value, by reference, somewhere else.
    pub fn slot(&self) -> Slot {
        self.slot
    }
    /// Resolves its addresses.
    pub fn reader(&self) -> Reader<'a> {
        self.reader
    }
    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        self.slot.is_null()
    }
    /// The text of a string.
    pub fn as_str(&self) -> Option<&'a str> {
        self.reader.str(self.slot).ok()
    }
    /// The bytes of a byte array, or of a decimal's unscaled number.
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        self.reader.data(self.slot).ok()
    }
    /// The number of any integer, date or time.
    pub fn as_i64(&self) -> Option<i64> {
        self.slot.as_i64()
    }
    /// The number of a float.
    pub fn as_f64(&self) -> Option<f64> {
        self.slot.as_f64()
    }
    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        self.slot.as_bool()
    }
    /// The field of a struct with this name, as it is: null where it is null, `None` where there is no such field.
    pub fn field(&self, name: &str) -> Option<Value<'a>> {
        self.field_at(self.schema?.index_of(name)?)
    }
    /// The field of a struct at this position.
    pub fn field_at(&self, index: usize) -> Option<Value<'a>> {
        let field = self.schema?.fields.get(index)?;
        let slot = self.reader.field(self.slot, index).ok()?;
        Some(Value::new(self.reader, slot, Some(field.schema)))
    }
    /// The same, or its schema's default where it is null: Connect's `Struct.get`.
    #[must_use]
    pub fn or_default(self) -> Value<'a> {
        if !self.is_null() {
            return self;
        }
        self.schema
            .and_then(|s| s.default_value())
            .map_or(self, |d| d)
    }
    /// The entry of a map (or field of a struct) with this name.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        match self.slot.tag {
            Tag::Map => self
                .entries()
                .ok()?
                .find(|(k, _)| k.as_str() == Some(name))
                .map(|(_, v)| v),
            _ => self.field(name),
        }
    }
    /// The elements of an array.
    pub fn elements(&self) -> Result<impl Iterator<Item = Value<'a>> + 'a, Malformed> {
        if self.slot.tag != Tag::Array {
            return Err(Malformed {
                what: "array",
                address: self.slot.payload,
            });
        }
        let (slots, me) = (self.reader.slots(self.slot)?, *self);
        let schema = self.schema.and_then(|s| s.value);
        Ok((0..slots.len()).map_while(move |i| {
            let slot = slots.get(i).ok()?;
            Some(Value::new(me.reader, slot, schema))
        }))
    }
    /// The entries of a map.
    pub fn entries(&self) -> Result<impl Iterator<Item = (Value<'a>, Value<'a>)> + 'a, Malformed> {
        if self.slot.tag != Tag::Map {
            return Err(Malformed {
                what: "map",
                address: self.slot.payload,
            });
        }
        let (slots, me) = (self.reader.slots(self.slot)?, *self);
        let (key, value) = (
            self.schema.and_then(|s| s.key),
            self.schema.and_then(|s| s.value),
        );
        Ok((0..slots.len() / 2).map_while(move |i| {
            let (k, v) = (slots.get(2 * i).ok()?, slots.get(2 * i + 1).ok()?);
            Some((
                Value::new(me.reader, k, key),
                Value::new(me.reader, v, value),
            ))
        }))
    }
}
