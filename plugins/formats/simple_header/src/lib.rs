//! `org.apache.kafka.connect.storage.SimpleHeaderConverter`: Connect's default for headers.
//!
//! Texts as they are, everything else as `Values.convertToString` writes it: like JSON, without a schema, and with
//! quotes and backslashes as the only escapes. It has no configuration. Invariant: a null is Kafka's null.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Encoded, Error, Format, Result, Tag, Value,
    export_format, java,
};

/// The converter.
#[derive(Debug)]
pub struct SimpleHeaderConverter;

/// Deepest nesting of a value.
const DEPTH_MAX: u32 = 64;

impl Format for SimpleHeaderConverter {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1")
    }
    fn new(_: &Context, _: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self)
    }
    fn encode(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Result<Encoded> {
        if value.is_null() {
            return Ok(Encoded::Null);
        }
        append(value, false, DEPTH_MAX, out)?;
        Ok(Encoded::Bytes)
    }
}

/// `Values.append`; `embedded` within another value.
fn append(value: Value<'_>, embedded: bool, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| Error::record("writing a header: a value nested too deeply"))?;
    let (r, s) = (value.reader(), value.slot());
    match s.tag {
        Tag::Null => out.extend_from_slice(b"null"),
        Tag::Boolean => out.extend_from_slice(if s.payload == 0 { b"false" } else { b"true" }),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => java::integer(s.payload as i64, out),
        Tag::Float32 => java::float(f32::from_bits(s.payload as u32), out),
        Tag::Float64 => java::double(f64::from_bits(s.payload), out),
        Tag::Decimal => java::decimal(r.data(s)?, s.scale, out),
        Tag::Date => java::timestamp_text(s.payload as i64 * java::DAY_MS, out),
        Tag::Time | Tag::Timestamp => java::timestamp_text(s.payload as i64, out),
        Tag::String if embedded => quoted(r.str(s)?, out),
        Tag::String => out.extend_from_slice(r.str(s)?.as_bytes()),
        Tag::Bytes => {
            let quote: &[u8] = if embedded { b"\"" } else { b"" };
            out.extend_from_slice(quote);
            java::base64(r.data(s)?, out);
            out.extend_from_slice(quote);
        }
        Tag::Array => {
            out.push(b'[');
            for (i, element) in value.elements()?.enumerate() {
                comma(i, out);
                append(element, true, depth, out)?;
            }
            out.push(b']');
        }
        Tag::Map => {
            out.push(b'{');
            for (i, (key, held)) in value.entries()?.enumerate() {
                comma(i, out);
                append(key, true, depth, out)?;
                out.push(b':');
                append(held, true, depth, out)?;
            }
            out.push(b'}');
        }
        Tag::Struct => fields(value, depth, out)?,
    }
    Ok(())
}

fn fields(value: Value<'_>, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    let schema = value.schema();
    let schema =
        schema.ok_or_else(|| Error::record("writing a header: a struct without schema"))?;
    out.push(b'{');
    for (i, f) in schema.fields.iter().enumerate() {
        comma(i, out);
        quoted(&f.name, out);
        out.push(b':');
        let held = value.field_at(i);
        let held = held.ok_or_else(|| Error::record("writing a header: a struct lacks a field"))?;
        append(held.or_default(), true, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn comma(i: usize, out: &mut Vec<u8>) {
    if i > 0 {
        out.push(b',');
    }
}

/// `Values.escape`: backslashes and double quotes, nothing else.
fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for b in text.bytes() {
        if matches!(b, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
}

export_format!(SimpleHeaderConverter);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use serde_json::Value as Json;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed, recorded};
    use tidegate_sdk::{Part, SchemaId};

    fn encode(host: &mut Host, headers: Vec<Typed>) -> Vec<Option<String>> {
        let f = host.format::<SimpleHeaderConverter>("SimpleHeaderConverter", Part::Header, &[]);
        let mut record = TestRecord::new("t", Typed::none(), Typed::none());
        record.headers = headers.into_iter().map(|v| ("h".into(), v)).collect();
        let out = host
            .encode(&mut f.unwrap(), Part::Header, &[record])
            .unwrap();
        let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
        out.into_iter().map(|v| v.map(text)).collect()
    }

    /// Debezium's key-change headers hold the other key; a recorded header equals that key's recorded message.
    #[test]
    fn recorded_key_change_headers_are_repeated() {
        let text =
            include_str!("../../../../tests/golden/keys/default/topics/keys_default.inv.one.json");
        let topic: Json = serde_json::from_str(text).unwrap();
        let mut seen = 0;
        for record in topic["records"].as_array().unwrap() {
            for h in record["headers"].as_array().unwrap() {
                let old = h[0].as_str().unwrap().strip_prefix("__debezium.");
                if !matches!(old, Some("newkey" | "oldkey")) {
                    continue;
                }
                // The key's schema is that of the record's own key.
                let (key, value) = (record["key"].as_str().unwrap(), h[1].as_str().unwrap());
                let (schema, _) = key.split_once(",\"payload\":").unwrap();
                let mut host = Host::new();
                let message = format!("{schema},\"payload\":{value}}}");
                let typed = recorded::typed(&mut host, Some(&message)).unwrap();
                assert_eq!(encode(&mut host, vec![typed]), [Some(value.to_owned())]);
                seen += 1;
            }
        }
        assert!(seen > 5, "only {seen} headers were seen");
    }

    /// As printed by Connect 4.3.1's `Values.convertToString`.
    #[test]
    fn values_are_connects() {
        let mut host = Host::new();
        let free = |d| Typed::new(SchemaId::NONE, d);
        let list = Data::Array(vec!["he\"l\\lo\n".into(), Data::Null, Data::Bytes(vec![1])]);
        let map = Data::Map(vec![
            ("k".into(), Data::Int8(1)),
            (2.into(), Data::Float64(1e10)),
        ]);
        let values = vec![
            free("ra\"w".into()),
            free(Data::Null),
            free(Data::Bytes(vec![1])),
            free(list),
            free(map),
            free(Data::Decimal(vec![1], -3)),
            free(Data::Time(1000)),
            free(Data::Date(400)),
            free(Data::Timestamp(1_704_164_645_678)),
        ];
        let want = [
            Some("ra\"w"),
            None,
            Some("AQ=="),
            Some("[\"he\\\"l\\\\lo\n\",null,\"AQ==\"]"),
            Some("{\"k\":1,2:1.0E10}"),
            Some("1E+3"),
            Some("00:00:01.000Z"),
            Some("1971-02-05"),
            Some("2024-01-02T03:04:05.678Z"),
        ];
        assert_eq!(
            encode(&mut host, values),
            want.map(|w| w.map(str::to_owned))
        );
    }
}
