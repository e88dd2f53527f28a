//! Values as JSON: `JsonConverter.convertToJson`.
//!
//! A schema is compiled once into a [`Plan`]: its fields' names are ready to be copied, and only what the schema
//! leaves open is decided for each value. Invariant: nesting is bounded, whatever a value refers to.

use tidegate_sdk::{Error, Reader, Result, SchemaRef, SchemaType, Slot, Tag, append, java};

use crate::text::quoted;

/// Deepest nesting of a value without a schema (as in the host's check).
const DEPTH_MAX: u32 = 64;

/// How to write values of one schema.
#[derive(Debug)]
pub(crate) struct Plan {
    shape: Shape,
    schema: SchemaRef,
}

#[derive(Debug)]
enum Shape {
    Scalar,
    /// Each field with what is written before it: `{"id":`, then `,"name":` …
    Struct(Vec<(Box<[u8]>, Plan)>),
    Array(Box<Plan>),
    /// Keys are strings: a JSON object.
    Object(Box<Plan>),
    /// Other keys: an array of pairs.
    Pairs(Box<Plan>, Box<Plan>),
}

impl Plan {
    /// Compiles a schema.
    pub(crate) fn new(schema: SchemaRef) -> Self {
        let inner = |s: Option<SchemaRef>| s.map(|s| Box::new(Self::new(s)));
        let shape = match (schema.kind(), inner(schema.key), inner(schema.value)) {
            (SchemaType::Struct, ..) => Shape::Struct(fields(schema)),
            (SchemaType::Array, _, Some(element)) => Shape::Array(element),
            (SchemaType::Map, Some(key), Some(value)) => {
                if key.schema.kind() == SchemaType::String {
                    Shape::Object(value)
                } else {
                    Shape::Pairs(key, value)
                }
            }
            _ => Shape::Scalar,
        };
        Self { shape, schema }
    }
}

fn fields(schema: SchemaRef) -> Vec<(Box<[u8]>, Plan)> {
    let fields = schema.fields.iter().enumerate();
    let field = |(i, f): (usize, &tidegate_sdk::Field)| {
        let mut prefix = vec![if i == 0 { b'{' } else { b',' }];
        quoted(f.name.as_bytes(), &mut prefix);
        prefix.push(b':');
        (prefix.into_boxed_slice(), Plan::new(f.schema))
    };
    fields.map(field).collect()
}

/// Writes values; the options that concern them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Writer {
    /// `decimal.format=NUMERIC`
    pub(crate) numeric_decimals: bool,
    /// `replace.null.with.default`
    pub(crate) defaults: bool,
}

impl Writer {
    /// Appends a value of the plan's schema.
    pub(crate) fn planned(
        self,
        plan: &Plan,
        r: Reader<'_>,
        s: Slot,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if s.is_null() {
            return self.null(plan, out);
        }
        match (&plan.shape, s.tag) {
            (Shape::Scalar, _) => self.scalar(r, s, out),
            (Shape::Struct(fields), Tag::Struct) => {
                let slots = r.slots(s)?;
                if fields.is_empty() {
                    out.push(b'{');
                }
                for (i, (prefix, field)) in fields.iter().enumerate() {
                    append(out, prefix);
                    self.planned(field, r, slots.get(i)?, out)?;
                }
                out.push(b'}');
                Ok(())
            }
            (Shape::Array(element), Tag::Array) => {
                let slots = r.slots(s)?;
                list(slots.len(), out, |i, out| {
                    self.planned(element, r, slots.get(i)?, out)
                })
            }
            (Shape::Object(value), Tag::Map) => {
                let slots = r.slots(s)?;
                object(slots.len() / 2, out, |i, out| {
                    quoted(r.text(slots.get(2 * i)?)?, out);
                    out.push(b':');
                    self.planned(value, r, slots.get(2 * i + 1)?, out)
                })
            }
            (Shape::Pairs(key, value), Tag::Map) => {
                let slots = r.slots(s)?;
                list(slots.len() / 2, out, |i, out| {
                    out.push(b'[');
                    self.planned(key, r, slots.get(2 * i)?, out)?;
                    out.push(b',');
                    self.planned(value, r, slots.get(2 * i + 1)?, out)?;
                    out.push(b']');
                    Ok(())
                })
            }
            (_, tag) => Err(Error::record(format!(
                "converting to json: a value of type {tag:?} for a schema of type {:?}",
                plan.schema.kind()
            ))),
        }
    }

    fn null(self, plan: &Plan, out: &mut Vec<u8>) -> Result<()> {
        let default = plan.schema.default_value().filter(|_| self.defaults);
        if let Some(d) = default {
            return self.planned(plan, d.reader(), d.slot(), out);
        }
        if plan.schema.is_optional() {
            append(out, b"null");
            return Ok(());
        }
        Err(Error::record(
            "Conversion error: null value for field that is required and has no default value",
        ))
    }

    #[inline]
    fn scalar(self, r: Reader<'_>, s: Slot, out: &mut Vec<u8>) -> Result<()> {
        match s.tag {
            Tag::Null => append(out, b"null"),
            Tag::Boolean => {
                append(out, if s.payload == 0 { b"false" } else { b"true" });
            }
            Tag::Int8
            | Tag::Int16
            | Tag::Int32
            | Tag::Int64
            | Tag::Date
            | Tag::Time
            | Tag::Timestamp => java::integer(s.payload as i64, out),
            Tag::Float32 => {
                let v = f32::from_bits(s.payload as u32);
                float_text(v.is_finite(), out, |o| java::float(v, o));
            }
            Tag::Float64 => {
                let v = f64::from_bits(s.payload);
                float_text(v.is_finite(), out, |o| java::double(v, o));
            }
            Tag::String => quoted(r.text(s)?, out),
            Tag::Decimal if self.numeric_decimals => java::decimal(r.data(s)?, s.scale, out),
            Tag::Bytes | Tag::Decimal => {
                out.push(b'"');
                java::base64(r.data(s)?, out);
                out.push(b'"');
            }
            Tag::Array | Tag::Map | Tag::Struct => {
                return Err(Error::record(
                    "converting to json: a value that is not a scalar",
                ));
            }
        }
        Ok(())
    }

    /// Appends a value that has no schema.
    pub(crate) fn schemaless(self, r: Reader<'_>, s: Slot, out: &mut Vec<u8>) -> Result<()> {
        self.free(r, s, DEPTH_MAX, out)
    }

    fn free(self, r: Reader<'_>, s: Slot, depth: u32, out: &mut Vec<u8>) -> Result<()> {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| Error::record("converting to json: a value nested too deeply"))?;
        match s.tag {
            Tag::Array => {
                let slots = r.slots(s)?;
                list(slots.len(), out, |i, out| {
                    self.free(r, slots.get(i)?, depth, out)
                })
            }
            Tag::Map => {
                let slots = r.slots(s)?;
                let texts = (0..slots.len() / 2)
                    .all(|i| slots.get(2 * i).is_ok_and(|k| k.tag == Tag::String));
                if texts {
                    return object(slots.len() / 2, out, |i, out| {
                        self.free(r, slots.get(2 * i)?, depth, out)?;
                        out.push(b':');
                        self.free(r, slots.get(2 * i + 1)?, depth, out)
                    });
                }
                list(slots.len() / 2, out, |i, out| {
                    out.push(b'[');
                    self.free(r, slots.get(2 * i)?, depth, out)?;
                    out.push(b',');
                    self.free(r, slots.get(2 * i + 1)?, depth, out)?;
                    out.push(b']');
                    Ok(())
                })
            }
            // Connect has no schemaless form of these: `ConnectSchema.schemaType` knows no class for them.
            Tag::Decimal | Tag::Date | Tag::Time | Tag::Timestamp | Tag::Struct => {
                let tag = s.tag;
                Err(Error::record(format!(
                    "converting to json: a value of type {tag:?} has no schema"
                )))
            }
            _ => self.scalar(r, s, out),
        }
    }
}

/// Numbers that JSON has no form for become strings, as Jackson writes them.
fn float_text(finite: bool, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if finite {
        return write(out);
    }
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn list(
    len: usize,
    out: &mut Vec<u8>,
    mut element: impl FnMut(usize, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(b'[');
    for i in 0..len {
        if i > 0 {
            out.push(b',');
        }
        element(i, out)?;
    }
    out.push(b']');
    Ok(())
}

fn object(
    len: usize,
    out: &mut Vec<u8>,
    mut member: impl FnMut(usize, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    out.push(b'{');
    for i in 0..len {
        if i > 0 {
            out.push(b',');
        }
        member(i, out)?;
    }
    out.push(b'}');
    Ok(())
}
