//! A Connect schema as JSON: `JsonConverter.asJsonSchema`.
//!
//! Rendered once for each schema. Invariant: members come in Connect's order, and `field` (the name within a struct)
//! comes last.

use tidegate_sdk::{Result, SchemaRef, SchemaType, java};

use crate::plan::{Plan, Writer};
use crate::text::quoted;

/// Appends the schema's JSON; `field` is its name where it is a struct's field.
pub(crate) fn render(
    schema: SchemaRef,
    field: Option<&str>,
    writer: Writer,
    out: &mut Vec<u8>,
) -> Result<()> {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(type_name(schema.kind()).as_bytes());
    out.push(b'"');
    for (member, inner) in [("keys", schema.key), (value_member(schema), schema.value)] {
        if let Some(inner) = inner {
            member_name(member, out);
            render(inner, None, writer, out)?;
        }
    }
    if schema.kind() == SchemaType::Struct {
        member_name("fields", out);
        out.push(b'[');
        for (i, f) in schema.fields.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            render(f.schema, Some(&f.name), writer, out)?;
        }
        out.push(b']');
    }
    member_name("optional", out);
    out.extend_from_slice(if schema.is_optional() {
        b"true"
    } else {
        b"false"
    });
    annotations(schema, writer, out)?;
    if let Some(name) = field {
        member_name("field", out);
        quoted(name.as_bytes(), out);
    }
    out.push(b'}');
    Ok(())
}

fn annotations(schema: SchemaRef, writer: Writer, out: &mut Vec<u8>) -> Result<()> {
    if let Some(name) = schema.name() {
        member_name("name", out);
        quoted(name.as_bytes(), out);
    }
    if let Some(version) = schema.plain.version {
        member_name("version", out);
        java::integer(i64::from(version), out);
    }
    if let Some(doc) = &schema.plain.doc {
        member_name("doc", out);
        quoted(doc.as_bytes(), out);
    }
    if !schema.plain.parameters.is_empty() {
        member_name("parameters", out);
        for (i, (name, value)) in schema.plain.parameters.iter().enumerate() {
            out.push(if i == 0 { b'{' } else { b',' });
            quoted(name.as_bytes(), out);
            out.push(b':');
            quoted(value.as_bytes(), out);
        }
        out.push(b'}');
    }
    if let Some(default) = schema.default_value() {
        member_name("default", out);
        writer.planned(&Plan::new(schema), default.reader(), default.slot(), out)?;
    }
    Ok(())
}

fn member_name(name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn value_member(schema: SchemaRef) -> &'static str {
    if schema.kind() == SchemaType::Map {
        "values"
    } else {
        "items"
    }
}

fn type_name(kind: SchemaType) -> &'static str {
    match kind {
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
