//! `org.apache.kafka.connect.json.JsonConverter` of Connect 4.3, for keys, values and headers.
//!
//! Bytes are equal to Connect's: the order of a schema's members, Java's number forms, Jackson's escapes. Only the way
//! out is here (source connectors); `schema.content`, which only sinks read, is accepted and ignored, and so is
//! `schemas.cache.size`: schemas are rendered once each.
//! Invariant: a null is Kafka's null only where value and schema are both missing.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

mod plan;
mod schema_json;
mod text;

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Encoded, Error, Format, Importance, Key, PerSchema,
    Result, SchemaRef, Value, Width, export_format,
};

use plan::{Plan, Writer};

/// A configured converter.
#[derive(Debug)]
pub struct JsonConverter {
    schemas_enable: bool,
    writer: Writer,
    known: PerSchema<Result<Known, String>>,
}

/// What is worked out once for a schema.
#[derive(Debug)]
struct Known {
    /// `{"schema":…,"payload":`
    prefix: Vec<u8>,
    plan: Plan,
}

impl Format for JsonConverter {
    fn config() -> ConfigDef {
        let (schemas, serialization) = (Some("Schemas"), Some("Serialization"));
        ConfigDef::new("4.3.1")
            .key(Key::converter_type())
            .key(
                Key::boolean("schemas.enable")
                    .default("true")
                    .importance(Importance::High)
                    .doc("Include schemas within each of the serialized values and keys.")
                    .group(schemas, 0)
                    .display("Enable Schemas", Width::Medium),
            )
            .key(
                Key::int("schemas.cache.size")
                    .default("1000")
                    .importance(Importance::High)
                    .doc("The maximum number of schemas that can be cached in this converter instance.")
                    .group(schemas, 1)
                    .display("Schema Cache Size", Width::Medium),
            )
            .key(
                Key::string("schema.content")
                    .optional()
                    .importance(Importance::High)
                    .doc("When set, this is used as the schema for all messages, and the schemas within each of the message will be ignored.Otherwise, the schema will be included in the content of each message. This configuration applies only 'schemas.enable' is true, and it exclusively affects the sink connector.")
                    .group(schemas, 2)
                    .display("Schema Content", Width::Medium),
            )
            .key(
                Key::string("decimal.format")
                    .default("BASE64")
                    .doc("Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'")
                    .group(serialization, 0)
                    .display("Decimal Format", Width::Medium)
                    .validate(decimal_format),
            )
            .key(
                Key::boolean("replace.null.with.default")
                    .default("true")
                    .doc("Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.")
                    .group(serialization, 1)
                    .display("Replace null with default", Width::Medium),
            )
    }

    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self {
            schemas_enable: config.boolean("schemas.enable"),
            writer: Writer {
                numeric_decimals: config
                    .string("decimal.format")
                    .eq_ignore_ascii_case("NUMERIC"),
                defaults: config.boolean("replace.null.with.default"),
            },
            known: PerSchema::default(),
        })
    }

    fn encode(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Result<Encoded> {
        let Some(schema) = value.schema() else {
            return self.encode_schemaless(value, out);
        };
        let writer = self.writer;
        let known = self.known.get(schema, || Known::new(writer, schema));
        let known = known.as_ref().map_err(|e| Error::record(e.as_str()))?;
        if self.schemas_enable {
            out.extend_from_slice(&known.prefix);
        }
        writer.planned(&known.plan, value.reader(), value.slot(), out)?;
        if self.schemas_enable {
            out.push(b'}');
        }
        Ok(Encoded::Bytes)
    }
}

impl JsonConverter {
    fn encode_schemaless(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Result<Encoded> {
        if value.is_null() {
            return Ok(Encoded::Null);
        }
        if self.schemas_enable {
            out.extend_from_slice(b"{\"schema\":null,\"payload\":");
        }
        self.writer.schemaless(value.reader(), value.slot(), out)?;
        if self.schemas_enable {
            out.push(b'}');
        }
        Ok(Encoded::Bytes)
    }
}

impl Known {
    fn new(writer: Writer, schema: SchemaRef) -> Result<Self, String> {
        let mut prefix = b"{\"schema\":".to_vec();
        schema_json::render(schema, None, writer, &mut prefix).map_err(|e| e.to_string())?;
        prefix.extend_from_slice(b",\"payload\":");
        let plan = Plan::new(schema);
        Ok(Self { prefix, plan })
    }
}

fn decimal_format(value: &str) -> Result<(), String> {
    let known = ["BASE64", "NUMERIC"]
        .iter()
        .any(|s| s.eq_ignore_ascii_case(value));
    if known {
        Ok(())
    } else {
        Err("String must be one of (case insensitive): NUMERIC, BASE64".into())
    }
}

export_format!(JsonConverter);
