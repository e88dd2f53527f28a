//! Connect schemas (`org.apache.kafka.connect.data.Schema`) by number.
//!
//! A schema is sent to a guest once; records name it by [`SchemaId`]. Nested schemas are schemas of their own, so
//! that equal parts (a row, the source block) are shared. Nothing here reads values.
//! Invariant: within one [`Schemas`], equal schemas have one id, ids are dense from 1, and a schema only refers to
//! smaller ids, so there are no cycles.

use std::collections::HashMap;
use std::sync::Arc;

/// Number of a schema within its [`Schemas`]; 0 stands for no schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SchemaId(pub u32);

impl SchemaId {
    /// No schema.
    pub const NONE: Self = Self(0);
    /// Whether there is a schema.
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// First id that a guest may give to schemas of its own; smaller ids are the host's.
pub const GUEST_SCHEMA_BASE: u32 = 0x8000_0000;

/// Connect's `Schema.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are Connect's own")]
pub enum SchemaType {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
    Bytes,
    Array,
    Map,
    Struct,
}

/// A field of a struct schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: Box<str>,
    /// Its schema.
    pub schema: SchemaId,
}

/// One schema, all that Connect's `ConnectSchema` holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Schema {
    /// The type.
    pub kind: SchemaType,
    /// Whether null is allowed.
    pub optional: bool,
    /// Name of a struct or of a logical type.
    pub name: Option<Box<str>>,
    /// Version of the named schema.
    pub version: Option<i32>,
    /// Documentation.
    pub doc: Option<Box<str>>,
    /// Parameters in their order.
    pub parameters: Vec<(Box<str>, Box<str>)>,
    /// Default value: one slot followed by its data, addressed from the slot's first byte.
    pub default: Option<Box<[u8]>>,
    /// Fields of a struct.
    pub fields: Vec<Field>,
    /// Key schema of a map.
    pub key: SchemaId,
    /// Element schema of an array, value schema of a map.
    pub value: SchemaId,
}

impl Schema {
    /// A required schema of this type.
    pub fn new(kind: SchemaType) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: Vec::new(),
            default: None,
            fields: Vec::new(),
            key: SchemaId::NONE,
            value: SchemaId::NONE,
        }
    }
    /// The same, allowing null.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
    /// The same with a name.
    #[must_use]
    pub fn named(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }
    /// The same with a version.
    #[must_use]
    pub fn version(mut self, version: i32) -> Self {
        self.version = Some(version);
        self
    }
    /// The same with one more parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<Box<str>>, value: impl Into<Box<str>>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }
    /// The same with one more field.
    #[must_use]
    pub fn field(mut self, name: impl Into<Box<str>>, schema: SchemaId) -> Self {
        self.fields.push(Field {
            name: name.into(),
            schema,
        });
        self
    }
    /// The same with a default: the bytes of an [`crate::Arena`] whose first 16 bytes are the slot (see
    /// [`default_value`]).
    #[must_use]
    pub fn default_bytes(mut self, bytes: impl Into<Box<[u8]>>) -> Self {
        self.default = Some(bytes.into());
        self
    }
    /// An array of `value`.
    pub fn array(value: SchemaId) -> Self {
        Self {
            value,
            ..Self::new(SchemaType::Array)
        }
    }
    /// A map from `key` to `value`.
    pub fn map(key: SchemaId, value: SchemaId) -> Self {
        Self {
            key,
            value,
            ..Self::new(SchemaType::Map)
        }
    }
    /// Position of the field with this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| &*f.name == name)
    }
    /// Value of a parameter.
    pub fn get_parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(k, _)| &**k == name)
            .map(|(_, v)| &**v)
    }
    /// The schemas it refers to.
    pub fn references(&self) -> impl Iterator<Item = SchemaId> + '_ {
        let own = [self.key, self.value].into_iter().filter(|id| id.is_some());
        self.fields.iter().map(|f| f.schema).chain(own)
    }
    /// Bytes it takes in memory, roughly; used for bounds.
    pub fn weight_bytes(&self) -> usize {
        let text = |s: &Option<Box<str>>| s.as_ref().map_or(0, |s| s.len());
        let parameters: usize = self
            .parameters
            .iter()
            .map(|(k, v)| k.len() + v.len() + 32)
            .sum();
        let fields: usize = self.fields.iter().map(|f| f.name.len() + 24).sum();
        128 + text(&self.name)
            + text(&self.doc)
            + parameters
            + fields
            + self.default.as_ref().map_or(0, |d| d.len())
    }
}

/// Encodes a default value: `build` writes its data and answers its slot.
pub fn default_value(build: impl FnOnce(&mut crate::Arena) -> crate::Slot) -> Box<[u8]> {
    let mut arena = crate::Arena::new(0);
    arena.raw(&[0; crate::slot::SLOT_BYTES]);
    let slot = build(&mut arena);
    let mut bytes = arena.into_bytes();
    bytes[..crate::slot::SLOT_BYTES].copy_from_slice(&slot.to_bytes());
    bytes.into()
}

/// Why a schema was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaError {
    /// It refers to a schema that is not there.
    UnknownReference(SchemaId),
    /// The table is full: the bound in schemas or in bytes.
    Full,
}

impl std::fmt::Display for SchemaError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownReference(id) => {
                write!(f, "schema refers to schema {} which is not defined", id.0)
            }
            Self::Full => write!(f, "too many schemas in one task"),
        }
    }
}

impl std::error::Error for SchemaError {}

/// All schemas of one task, by id.
#[derive(Debug)]
pub struct Schemas {
    by_id: Vec<Arc<Schema>>,
    ids: HashMap<Arc<Schema>, SchemaId>,
    bytes: usize,
    bytes_max: usize,
}

impl Schemas {
    /// A table that holds at most `bytes_max` bytes of schemas.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            by_id: Vec::new(),
            ids: HashMap::new(),
            bytes: 0,
            bytes_max,
        }
    }
    /// The id of this schema, which is stored if it is new.
    pub fn intern(&mut self, schema: Schema) -> Result<SchemaId, SchemaError> {
        if let Some(id) = self.ids.get(&schema) {
            return Ok(*id);
        }
        if let Some(unknown) = schema.references().find(|id| self.get(*id).is_none()) {
            return Err(SchemaError::UnknownReference(unknown));
        }
        let weight = schema.weight_bytes();
        let next = self.by_id.len() as u64 + 1;
        if self.bytes + weight > self.bytes_max || next >= u64::from(GUEST_SCHEMA_BASE) {
            return Err(SchemaError::Full);
        }
        let (id, schema) = (SchemaId(next as u32), Arc::new(schema));
        self.bytes += weight;
        self.by_id.push(Arc::clone(&schema));
        self.ids.insert(schema, id);
        Ok(id)
    }
    /// The schema with this id.
    pub fn get(&self, id: SchemaId) -> Option<&Arc<Schema>> {
        self.by_id.get((id.0 as usize).checked_sub(1)?)
    }
    /// How many there are; also the largest id.
    pub fn len(&self) -> u32 {
        self.by_id.len() as u32
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_schemas_share_an_id_and_refer_backwards() {
        let mut s = Schemas::new(10_000);
        let a = s.intern(Schema::new(SchemaType::Int32)).unwrap();
        assert_eq!(s.intern(Schema::new(SchemaType::Int32)).unwrap(), a);
        let row = Schema::new(SchemaType::Struct)
            .named("t.Value")
            .field("id", a);
        let id = s.intern(row.clone()).unwrap();
        assert_eq!((id, s.len()), (SchemaId(2), 2));
        assert_eq!(s.intern(row.clone().optional()).unwrap(), SchemaId(3));
        let dangling = row.field("x", SchemaId(9));
        assert_eq!(
            s.intern(dangling),
            Err(SchemaError::UnknownReference(SchemaId(9)))
        );
    }

    #[test]
    fn the_bound_in_bytes_holds() {
        let mut s = Schemas::new(300);
        assert!(s.intern(Schema::new(SchemaType::Int8)).is_ok());
        assert!(s.intern(Schema::new(SchemaType::Int16)).is_ok());
        assert_eq!(
            s.intern(Schema::new(SchemaType::Int32)),
            Err(SchemaError::Full)
        );
    }
}
