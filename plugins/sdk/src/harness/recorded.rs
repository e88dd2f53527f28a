//! Recorded Kafka messages of Connect's `JsonConverter` (with schemas) as records.
//!
//! `JsonConverter.toConnectData`, for tests: paste what a Kafka consumer printed and run a plugin over it. Without a
//! schema in the message there is nothing to type a value by, so that is refused.
//! Invariant: a message that was read and is written again by the JSON format has the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use tidegate_layout::schema::default_value;
use tidegate_layout::validate::{DATE, DECIMAL, TIME, TIMESTAMP};
use tidegate_layout::{Schema, SchemaId, SchemaType};

use super::{Data, Host, Typed};

/// Reads a `{"schema":…,"payload":…}` message; Kafka's null is neither value nor schema.
pub fn typed(host: &mut Host, message: Option<&str>) -> Result<Typed, String> {
    let Some(message) = message else {
        return Ok(Typed::none());
    };
    let json: Json = serde_json::from_str(message).map_err(|e| e.to_string())?;
    let schema = json.get("schema").filter(|s| !s.is_null());
    let schema = self::schema(host, schema.ok_or("a message without schema")?)?;
    let payload = json.get("payload").unwrap_or(&Json::Null);
    Ok(Typed::new(schema, data(host, schema, payload)?))
}

/// Reads a schema's JSON.
pub fn schema(host: &mut Host, json: &Json) -> Result<SchemaId, String> {
    let text = |name: &str| json.get(name).and_then(Json::as_str);
    let kind = match text("type").unwrap_or_default() {
        "int8" => SchemaType::Int8,
        "int16" => SchemaType::Int16,
        "int32" => SchemaType::Int32,
        "int64" => SchemaType::Int64,
        "float" => SchemaType::Float32,
        "double" => SchemaType::Float64,
        "boolean" => SchemaType::Boolean,
        "string" => SchemaType::String,
        "bytes" => SchemaType::Bytes,
        "array" => SchemaType::Array,
        "map" => SchemaType::Map,
        "struct" => SchemaType::Struct,
        other => return Err(format!("schema of unknown type {other:?}")),
    };
    let mut out = Schema::new(kind);
    out.optional = json.get("optional").and_then(Json::as_bool) == Some(true);
    out.name = text("name").map(Into::into);
    out.version = json.get("version").and_then(Json::as_i64).map(|v| v as i32);
    out.doc = text("doc").map(Into::into);
    for (name, value) in json
        .get("parameters")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
    {
        out = out.parameter(name.as_str(), value.as_str().unwrap_or_default());
    }
    for f in json
        .get("fields")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let name = f.get("field").and_then(Json::as_str).unwrap_or_default();
        let id = schema(host, f)?;
        out = out.field(name, id);
    }
    if let Some(keys) = json.get("keys") {
        out.key = schema(host, keys)?;
    }
    if let Some(values) = json.get("items").or_else(|| json.get("values")) {
        out.value = schema(host, values)?;
    }
    if let Some(default) = json.get("default") {
        let plain = host.schema(out.clone());
        let value = data(host, plain, default)?;
        out = out.default_bytes(default_value(|arena| value.write(arena)));
    }
    Ok(host.schema(out))
}

/// Reads a value of this schema.
fn data(host: &Host, schema: SchemaId, json: &Json) -> Result<Data, String> {
    let s = host
        .schemas
        .get(schema)
        .ok_or("a schema that is not defined")?;
    let wrong = || format!("a value that is not of type {:?}", s.kind);
    if json.is_null() {
        return Ok(Data::Null);
    }
    // Kept as text by serde_json, so that no digit is lost.
    let number = || json.as_number().map(ToString::to_string).ok_or_else(wrong);
    let int = || json.as_i64().ok_or_else(wrong);
    let float = || match json.as_str() {
        Some(special) => special.parse::<f64>().map_err(|_| wrong()),
        None => number()?.parse::<f64>().map_err(|_| wrong()),
    };
    let bytes = || {
        let text = json.as_str().ok_or_else(wrong)?;
        STANDARD.decode(text).map_err(|e| e.to_string())
    };
    let scale = || {
        s.get_parameter("scale")
            .and_then(|v| v.parse().ok())
            .unwrap_or(0)
    };
    Ok(match (s.kind, s.name.as_deref()) {
        (SchemaType::Int32, Some(DATE)) => Data::Date(int()? as i32),
        (SchemaType::Int32, Some(TIME)) => Data::Time(int()? as i32),
        (SchemaType::Int64, Some(TIMESTAMP)) => Data::Timestamp(int()?),
        (SchemaType::Bytes, Some(DECIMAL)) => Data::Decimal(bytes()?, scale()),
        (SchemaType::Int8, _) => Data::Int8(int()? as i8),
        (SchemaType::Int16, _) => Data::Int16(int()? as i16),
        (SchemaType::Int32, _) => Data::Int32(int()? as i32),
        (SchemaType::Int64, _) => Data::Int64(int()?),
        (SchemaType::Float32, _) => Data::Float32(match json.as_str() {
            Some(special) => special.parse().map_err(|_| wrong())?,
            None => number()?.parse().map_err(|_| wrong())?,
        }),
        (SchemaType::Float64, _) => Data::Float64(float()?),
        (SchemaType::Boolean, _) => Data::Boolean(json.as_bool().ok_or_else(wrong)?),
        (SchemaType::String, _) => Data::String(json.as_str().ok_or_else(wrong)?.into()),
        (SchemaType::Bytes, _) => Data::Bytes(bytes()?),
        (SchemaType::Array, _) => {
            let list = json.as_array().ok_or_else(wrong)?;
            let list = list.iter().map(|v| data(host, s.value, v));
            Data::Array(list.collect::<Result<_, _>>()?)
        }
        (SchemaType::Struct, _) => {
            let null = Json::Null;
            let fields = s.fields.iter();
            let fields = fields.map(|f| data(host, f.schema, json.get(&*f.name).unwrap_or(&null)));
            Data::Struct(fields.collect::<Result<_, _>>()?)
        }
        (SchemaType::Map, _) => map(host, s, json).ok_or_else(wrong)??,
    })
}

/// A map is an object where its keys are strings, else an array of pairs.
fn map(host: &Host, s: &Schema, json: &Json) -> Option<Result<Data, String>> {
    let pairs: Vec<(Json, &Json)> = match (json.as_object(), json.as_array()) {
        (Some(object), _) => object
            .iter()
            .map(|(k, v)| (Json::from(k.as_str()), v))
            .collect(),
        (_, Some(list)) => {
            let mut out = Vec::new();
            for p in list {
                out.push((p.get(0)?.clone(), p.get(1)?));
            }
            out
        }
        _ => return None,
    };
    let read = |(k, v): (Json, &Json)| Ok((data(host, s.key, &k)?, data(host, s.value, v)?));
    Some(
        pairs
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Data::Map),
    )
}

/// A definition as `GET /connector-plugins/{plugin}/config` shows it.
pub fn definition(def: &crate::ConfigDef) -> Json {
    let key = |k: &crate::Key| {
        serde_json::json!({
            "name": k.name,
            "type": format!("{:?}", k.kind).to_uppercase(),
            "required": k.required,
            "default_value": k.default,
            "importance": format!("{:?}", k.importance).to_uppercase(),
            "documentation": k.documentation,
            "group": k.group,
            "order_in_group": k.order_in_group,
            "width": format!("{:?}", k.width).to_uppercase(),
            "display_name": k.display_name,
            "dependents": [],
        })
    };
    def.keys.iter().map(key).collect()
}
