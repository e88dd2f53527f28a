//! `org.apache.kafka.connect.storage.StringConverter`: values as their Java `toString`.
//!
//! Texts as they are, structs as `Struct{a=1,b=x}`. A byte array has no stable text in Java (`[B@130c12b7`); here it is
//! `[B` and its length, so that what is written does not depend on addresses. Only UTF-8, US-ASCII and ISO-8859-1 are
//! offered as `converter.encoding`. Invariant: a null is Kafka's null.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Encoded, Error, Format, Importance, Key, Result, Tag,
    Value, Width, export_format, java,
};

/// The converter.
#[derive(Debug)]
pub struct StringConverter {
    /// Largest character the encoding has; a larger one becomes `?`, as in Java.
    largest: char,
    text: Vec<u8>,
}

/// Deepest nesting of a value.
const DEPTH_MAX: u32 = 64;
const ENCODING: &str = "converter.encoding";

impl Format for StringConverter {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1").key(Key::converter_type()).key(
            Key::string(ENCODING)
                .default("UTF-8")
                .importance(Importance::High)
                .doc("The name of the Java character set to use for encoding strings as byte arrays.")
                .display("Encoding", Width::Medium),
        )
    }
    fn new(_: &Context, config: &Config) -> Result<Self, Vec<ConfigError>> {
        let name = config.string(ENCODING);
        let largest = match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => char::MAX,
            "US-ASCII" | "ASCII" => '\u{7f}',
            "ISO-8859-1" | "ISO8859_1" | "LATIN1" => '\u{ff}',
            _ => {
                let text = "only UTF-8, ISO-8859-1 and US-ASCII are offered";
                return Err(vec![ConfigError::invalid(ENCODING, name, text)]);
            }
        };
        let text = Vec::new();
        Ok(Self { largest, text })
    }
    fn encode(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Result<Encoded> {
        if value.is_null() {
            return Ok(Encoded::Null);
        }
        if self.largest == char::MAX {
            append(value, DEPTH_MAX, out)?;
            return Ok(Encoded::Bytes);
        }
        self.text.clear();
        append(value, DEPTH_MAX, &mut self.text)?;
        let text = String::from_utf8_lossy(&self.text);
        // Both narrow encodings are the first characters of Unicode, one byte each.
        let narrow = |c: char| u8::try_from(c).ok().filter(|_| c <= self.largest);
        out.extend(text.chars().map(|c| narrow(c).unwrap_or(b'?')));
        Ok(Encoded::Bytes)
    }
}

/// `Object.toString`.
fn append(value: Value<'_>, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    let depth = depth
        .checked_sub(1)
        .ok_or_else(|| Error::record("writing a text: a value nested too deeply"))?;
    let (r, s) = (value.reader(), value.slot());
    match s.tag {
        Tag::Null => out.extend_from_slice(b"null"),
        Tag::Boolean => out.extend_from_slice(if s.payload == 0 { b"false" } else { b"true" }),
        Tag::Int8 | Tag::Int16 | Tag::Int32 | Tag::Int64 => java::integer(s.payload as i64, out),
        Tag::Float32 => java::float(f32::from_bits(s.payload as u32), out),
        Tag::Float64 => java::double(f64::from_bits(s.payload), out),
        Tag::Decimal => java::decimal(r.data(s)?, s.scale, out),
        Tag::Date => java::date_text(s.payload as i64 * java::DAY_MS, out),
        Tag::Time | Tag::Timestamp => java::date_text(s.payload as i64, out),
        Tag::String => out.extend_from_slice(r.str(s)?.as_bytes()),
        Tag::Bytes => {
            out.extend_from_slice(b"[B@");
            java::integer(i64::from(s.len), out);
        }
        Tag::Array => {
            out.push(b'[');
            for (i, element) in value.elements()?.enumerate() {
                separator(i, b", ", out);
                append(element, depth, out)?;
            }
            out.push(b']');
        }
        Tag::Map => {
            out.push(b'{');
            for (i, (key, held)) in value.entries()?.enumerate() {
                separator(i, b", ", out);
                append(key, depth, out)?;
                out.push(b'=');
                append(held, depth, out)?;
            }
            out.push(b'}');
        }
        Tag::Struct => fields(value, depth, out)?,
    }
    Ok(())
}

/// `Struct.toString`: fields that are null are left out.
fn fields(value: Value<'_>, depth: u32, out: &mut Vec<u8>) -> Result<()> {
    let schema = value.schema();
    let schema = schema.ok_or_else(|| Error::record("writing a text: a struct without schema"))?;
    out.extend_from_slice(b"Struct{");
    let set = |(i, f)| value.field_at(i).filter(|v| !v.is_null()).map(|v| (f, v));
    let set = schema.fields.iter().enumerate().filter_map(set);
    for (i, (field, held)) in set.enumerate() {
        let field: &tidegate_sdk::Field = field;
        separator(i, b",", out);
        out.extend_from_slice(field.name.as_bytes());
        out.push(b'=');
        append(held, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn separator(i: usize, text: &[u8], out: &mut Vec<u8>) {
    if i > 0 {
        out.extend_from_slice(text);
    }
}

export_format!(StringConverter);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed, recorded};
    use tidegate_sdk::{Part, SchemaId};

    fn encode(host: &mut Host, config: &[(&str, &str)], value: Typed) -> Option<Vec<u8>> {
        let f = host.format::<StringConverter>("StringConverter", Part::Value, config);
        let record = TestRecord::new("t", Typed::none(), value);
        host.encode(&mut f.unwrap(), Part::Value, &[record])
            .unwrap()
            .remove(0)
    }

    /// As printed by Java 17 and Connect 4.3.1.
    #[test]
    fn texts_are_javas() {
        let mut host = Host::new();
        let message = r#"{"schema":{"type":"struct","fields":[{"type":"int32","optional":false,"field":"a"},{"type":"array","items":{"type":"string","optional":false},"optional":false,"field":"l"},{"type":"double","optional":true,"field":"f"},{"type":"map","keys":{"type":"string","optional":false},"values":{"type":"int8","optional":false},"optional":false,"field":"m"}],"optional":false},"payload":{"a":1,"l":["x","y"],"f":null,"m":{"k":1,"j":2}}}"#;
        let row = recorded::typed(&mut host, Some(message)).unwrap();
        let text = encode(&mut host, &[], row).unwrap();
        assert_eq!(text, b"Struct{a=1,l=[x, y],m={k=1, j=2}}");
        let free = |d| Typed::new(SchemaId::NONE, d);
        for (data, want) in [
            (Data::from("é\""), "é\""),
            (Data::Float64(1e10), "1.0E10"),
            (Data::Timestamp(1000), "Thu Jan 01 00:00:01 UTC 1970"),
            (Data::Date(19_782), "Thu Feb 29 00:00:00 UTC 2024"),
        ] {
            assert_eq!(encode(&mut host, &[], free(data)).unwrap(), want.as_bytes());
        }
        assert_eq!(encode(&mut host, &[], Typed::none()), None);
        let latin = [(ENCODING, "ISO-8859-1")];
        assert_eq!(
            encode(&mut host, &latin, free("é€".into())).unwrap(),
            b"\xe9?"
        );
    }

    #[test]
    fn unknown_encodings_are_refused() {
        let host = Host::new();
        let made = host.format::<StringConverter>("s", Part::Key, &[(ENCODING, "EBCDIC")]);
        assert_eq!(made.unwrap_err()[0].key, ENCODING);
    }
}
