//! Schemas as a plugin sees them: nodes that point to each other, known for the life of the instance.
//!
//! The host sends each schema once; [`Schemas`] links it to the ones it refers to. A plugin's own schemas are interned
//! here and handed to the host once, beside the patch that first names them. Schemas are leaked on purpose: the host
//! bounds their bytes, they live as long as the instance does, and a `&'static` makes every later look-up free.
//!
//! Invariant: equal schemas have one id, so comparing ids compares schemas.

use std::collections::HashMap;

use tidegate_layout::schema::GUEST_SCHEMA_BASE;
use tidegate_layout::slot::SLOT_BYTES;
use tidegate_layout::{Reader, SchemaId, SchemaType, Slot};

use crate::error::{Error, Result};
use crate::value::Value;

/// A schema known to this instance.
pub type SchemaRef = &'static Schema;

/// Ids a host may give: a bound on the table, far above what its byte limit allows.
const HOST_SCHEMAS_MAX: u32 = 1 << 20;

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: Box<str>,
    /// Its schema.
    pub schema: SchemaRef,
}

/// Connect's `Schema`.
#[derive(Debug)]
pub struct Schema {
    /// Its id; below 0x8000_0000 the host's, from there on this instance's own.
    pub id: u32,
    /// All of it but references, which `fields`, `key` and `value` resolve.
    pub plain: tidegate_layout::Schema,
    /// Fields of a struct.
    pub fields: Box<[Field]>,
    /// Key schema of a map.
    pub key: Option<SchemaRef>,
    /// Element schema of an array, value schema of a map.
    pub value: Option<SchemaRef>,
    default: Option<Slot>,
}

impl Schema {
    /// The type.
    pub fn kind(&self) -> SchemaType {
        self.plain.kind
    }
    /// The name of a struct or of a logical type.
    pub fn name(&self) -> Option<&str> {
        self.plain.name.as_deref()
    }
    /// Whether null is allowed.
    pub fn is_optional(&self) -> bool {
        self.plain.optional
    }
    /// Position of the field with this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| &*f.name == name)
    }
    /// The field with this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| &*f.name == name)
    }
    /// The default value.
    pub fn default_value(&'static self) -> Option<Value<'static>> {
        let bytes = self.plain.default.as_deref()?;
        Some(Value::new(Reader::new(bytes), self.default?, Some(self)))
    }
    /// Whether a null is to be read as the default.
    pub fn has_default(&self) -> bool {
        self.default.is_some()
    }
    /// The id in the form in which schemas refer to each other.
    pub fn schema_id(&self) -> SchemaId {
        SchemaId(self.id)
    }
}

/// All schemas of an instance.
#[derive(Debug, Default)]
pub struct Schemas {
    host: Vec<Option<SchemaRef>>,
    own: Vec<SchemaRef>,
    ids: HashMap<tidegate_layout::Schema, SchemaRef>,
    /// How many of `own` the host has been told of.
    told: usize,
}

impl Schemas {
    /// The schema with this id; `None` for 0.
    pub fn get(&self, id: u32) -> Result<Option<SchemaRef>> {
        let found = match id {
            0 => return Ok(None),
            id if id >= GUEST_SCHEMA_BASE => {
                self.own.get((id - GUEST_SCHEMA_BASE) as usize).copied()
            }
            id => self.host.get(id as usize).copied().flatten(),
        };
        let unknown = || Error::fatal(format!("a record names schema {id} which was not defined"));
        found.map(Some).ok_or_else(unknown)
    }

    /// Takes a schema that the host sends.
    pub fn define(&mut self, id: u32, schema: tidegate_layout::Schema) -> Result<(), String> {
        if id == 0 || id >= HOST_SCHEMAS_MAX {
            return Err(format!("schema id {id} is outside 1..{HOST_SCHEMAS_MAX}"));
        }
        let node = self.link(id, schema).map_err(|e| e.to_string())?;
        let at = id as usize;
        if self.host.len() <= at {
            self.host.resize(at + 1, None);
        }
        self.host[at] = Some(node);
        self.ids.entry(node.plain.clone()).or_insert(node);
        Ok(())
    }

    /// The schema equal to this one, made known if it is new.
    pub fn intern(&mut self, schema: tidegate_layout::Schema) -> Result<SchemaRef> {
        if let Some(known) = self.ids.get(&schema) {
            return Ok(known);
        }
        let next = u32::try_from(self.own.len()).unwrap_or(u32::MAX);
        let id = GUEST_SCHEMA_BASE
            .checked_add(next)
            .ok_or_else(|| Error::fatal("too many schemas of this plugin's own"))?;
        let node = self.link(id, schema)?;
        self.own.push(node);
        self.ids.insert(node.plain.clone(), node);
        Ok(node)
    }

    /// Own schemas that the host has not been told of yet; it counts as told from now on.
    pub fn take_news(&mut self) -> &[SchemaRef] {
        let news = self.own.get(self.told..).unwrap_or_default();
        self.told = self.own.len();
        news
    }

    fn link(&self, id: u32, schema: tidegate_layout::Schema) -> Result<SchemaRef> {
        let mut fields = Vec::with_capacity(schema.fields.len());
        for f in &schema.fields {
            let node = self.get(f.schema.0)?.ok_or_else(|| {
                Error::fatal(format!("field {} of schema {id} has no schema", f.name))
            })?;
            fields.push(Field {
                name: f.name.clone(),
                schema: node,
            });
        }
        let default = match schema.default.as_deref() {
            None => None,
            Some(bytes) => {
                let head = bytes.get(..SLOT_BYTES).and_then(|b| b.try_into().ok());
                let slot = head.and_then(Slot::from_bytes);
                Some(slot.ok_or_else(|| {
                    Error::fatal(format!("the default of schema {id} is malformed"))
                })?)
            }
        };
        Ok(Box::leak(Box::new(Schema {
            id,
            fields: fields.into(),
            key: self.get(schema.key.0)?,
            value: self.get(schema.value.0)?,
            default: default.filter(|s| !s.is_null()),
            plain: schema,
        })))
    }
}

/// Something worked out once for each schema: a plan, the positions of columns, a rendered text.
#[derive(Debug)]
pub struct PerSchema<T> {
    host: Vec<Option<T>>,
    own: Vec<Option<T>>,
}

impl<T> Default for PerSchema<T> {
    fn default() -> Self {
        Self {
            host: Vec::new(),
            own: Vec::new(),
        }
    }
}

impl<T> PerSchema<T> {
    /// What is known of this schema, worked out by `make` the first time.
    pub fn get(&mut self, schema: SchemaRef, make: impl FnOnce() -> T) -> &mut T {
        let (list, at) = if schema.id >= GUEST_SCHEMA_BASE {
            (&mut self.own, (schema.id - GUEST_SCHEMA_BASE) as usize)
        } else {
            (&mut self.host, schema.id as usize)
        };
        if list.len() <= at {
            list.resize_with(at + 1, || None);
        }
        list[at].get_or_insert_with(make)
    }
}
