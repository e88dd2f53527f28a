//! Slots and schemas as Connect's JsonConverter writes them, with schemas; slow and for the eye.
//!
//! Numbers are spelled as Java spells them. Invariant: a malformed slot is an error.

use base64::Engine as _;
use host_core::layout::schema::Schemas;
use host_core::layout::{Malformed, Reader, Schema, SchemaId, SchemaType, Slot, Tag};
use serde_json::{Map, Value, json};

const MARK: &str = "<float>";

/// Key or value of a record, as text; `None` for a real null.
pub(crate) fn message(
    slot: Slot,
    schema: u32,
    r: Reader<'_>,
    schemas: &Schemas,
) -> Result<Option<String>, Malformed> {
    if schema == 0 && slot.is_null() {
        return Ok(None);
    }
    let envelope = json!({"schema": describe(SchemaId(schema), schemas, None)?, "payload": payload(slot, schema, r, schemas)?});
    let marked = envelope.to_string();
    Ok(Some(
        marked
            .replace(&format!("\"{MARK}"), "")
            .replace(&format!("{MARK}\""), ""),
    ))
}

/// The value itself.
pub(crate) fn payload(
    slot: Slot,
    schema: u32,
    r: Reader<'_>,
    schemas: &Schemas,
) -> Result<Value, Malformed> {
    let schema = schemas.get(SchemaId(schema));
    if slot.is_null() {
        return match schema.and_then(|s| s.default.as_deref()) {
            Some(bytes) => default(bytes, schema.map_or(SchemaType::String, |s| s.kind)),
            None => Ok(Value::Null),
        };
    }
    let base64 = |b: &[u8]| Value::from(base64::engine::general_purpose::STANDARD.encode(b));
    Ok(match slot.tag {
        Tag::Null => Value::Null,
        Tag::Boolean => slot.as_bool().into(),
        Tag::Float32 => number(slot.as_f64().unwrap_or(0.0), true),
        Tag::Float64 => number(slot.as_f64().unwrap_or(0.0), false),
        Tag::String => r.str(slot)?.into(),
        Tag::Bytes | Tag::Decimal => base64(r.data(slot)?),
        Tag::Struct => {
            let mut map = Map::new();
            for (i, field) in schema.map_or(&[][..], |s| &s.fields).iter().enumerate() {
                map.insert(
                    field.name.to_string(),
                    payload(r.slots(slot)?.get(i)?, field.schema.0, r, schemas)?,
                );
            }
            Value::Object(map)
        }
        Tag::Array | Tag::Map => {
            let of = schema.map_or(0, |s| s.value.0);
            let all: Result<Vec<Value>, Malformed> = r
                .slots(slot)?
                .iter()
                .map(|s| payload(s?, of, r, schemas))
                .collect();
            Value::Array(all?)
        }
        _ => slot.as_i64().into(),
    })
}

fn default(bytes: &[u8], _: SchemaType) -> Result<Value, Malformed> {
    let slot = bytes
        .first_chunk::<16>()
        .and_then(Slot::from_bytes)
        .unwrap_or(Slot::NULL);
    payload(slot, 0, Reader::new(bytes), &Schemas::new(0))
}

fn describe(id: SchemaId, schemas: &Schemas, field: Option<&str>) -> Result<Value, Malformed> {
    let Some(s) = schemas.get(id) else {
        return Ok(Value::Null);
    };
    let mut map = Map::new();
    map.insert("type".into(), type_name(s).into());
    if s.kind == SchemaType::Struct {
        let fields: Result<Vec<Value>, Malformed> = s
            .fields
            .iter()
            .map(|f| describe(f.schema, schemas, Some(&f.name)))
            .collect();
        map.insert("fields".into(), Value::Array(fields?));
    }
    if s.kind == SchemaType::Array {
        map.insert("items".into(), describe(s.value, schemas, None)?);
    }
    map.insert("optional".into(), s.optional.into());
    if let Some(name) = &s.name {
        map.insert("name".into(), Value::from(&**name));
    }
    if let Some(version) = s.version {
        map.insert("version".into(), version.into());
    }
    if let Some(doc) = &s.doc {
        map.insert("doc".into(), Value::from(&**doc));
    }
    if !s.parameters.is_empty() {
        let parameters: Map<String, Value> = s
            .parameters
            .iter()
            .map(|(k, v)| (k.to_string(), Value::from(&**v)))
            .collect();
        map.insert("parameters".into(), Value::Object(parameters));
    }
    if let Some(bytes) = s.default.as_deref() {
        map.insert("default".into(), default(bytes, s.kind)?);
    }
    if let Some(field) = field {
        map.insert("field".into(), field.into());
    }
    Ok(Value::Object(map))
}

fn type_name(s: &Schema) -> &'static str {
    match s.kind {
        SchemaType::Int8 => "int8",
        SchemaType::Int16 => "int16",
        SchemaType::Int32 => "int32",
        SchemaType::Int64 => "int64",
        SchemaType::Float32 => "float",
        SchemaType::Float64 => "double",
        SchemaType::Boolean => "boolean",
        SchemaType::String => "string",
        SchemaType::Bytes => "bytes",
        SchemaType::Array => "array",
        SchemaType::Map => "map",
        SchemaType::Struct => "struct",
    }
}

/// `Double.toString` and `Float.toString`; marked so that the text survives (`serde_json` has its own spelling).
fn number(value: f64, single: bool) -> Value {
    let text = if single {
        format!("{:e}", value as f32)
    } else {
        format!("{value:e}")
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let spelled = if value == 0.0 || (-3..7).contains(&exponent) {
        let plain = if single {
            format!("{:?}", value as f32)
        } else {
            format!("{value:?}")
        };
        if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        }
    } else {
        let mantissa = if mantissa.contains('.') {
            mantissa.to_owned()
        } else {
            format!("{mantissa}.0")
        };
        format!("{mantissa}E{exponent}")
    };
    // Between marks, which `message` takes away with the quotes.
    Value::from(format!("{MARK}{spelled}{MARK}"))
}
