//! `org.apache.kafka.connect.converters.ByteArrayConverter`: byte arrays as they are.
//!
//! Anything else is refused, as in Connect. Invariant: the bytes are never changed.

use tidegate_sdk::{
    Config, ConfigDef, ConfigError, Context, Encoded, Error, Format, Key, Result, SchemaType, Tag,
    Value, export_format,
};

/// The converter.
#[derive(Debug)]
pub struct ByteArrayConverter;

impl Format for ByteArrayConverter {
    fn config() -> ConfigDef {
        ConfigDef::new("4.3.1").key(Key::converter_type())
    }
    fn new(_: &Context, _: &Config) -> Result<Self, Vec<ConfigError>> {
        Ok(Self)
    }
    fn encode(&mut self, value: Value<'_>, out: &mut Vec<u8>) -> Result<Encoded> {
        let kind = value.schema().map(|s| s.kind());
        if let Some(kind) = kind.filter(|k| *k != SchemaType::Bytes) {
            let kind = format!("{kind:?}").to_uppercase();
            return Err(Error::record(format!(
                "Invalid schema type for ByteArrayConverter: {kind}"
            )));
        }
        match (value.slot().tag, value.as_bytes()) {
            (Tag::Null, _) => Ok(Encoded::Null),
            (Tag::Bytes, Some(bytes)) => {
                out.extend_from_slice(bytes);
                Ok(Encoded::Bytes)
            }
            (tag, _) => Err(Error::record(format!(
                "ByteArrayConverter is not compatible with objects of type {tag:?}"
            ))),
        }
    }
}

export_format!(ByteArrayConverter);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
    use super::*;
    use tidegate_sdk::harness::{Data, Host, TestRecord, Typed};
    use tidegate_sdk::{NewSchema, Part, SchemaId};

    #[test]
    fn bytes_pass_and_nothing_else_does() {
        let mut host = Host::new();
        let text = host.schema(NewSchema::new(SchemaType::String));
        let mut encode = |value| {
            let f = host.format::<ByteArrayConverter>("b", Part::Value, &[]);
            let record = TestRecord::new("t", Typed::none(), value);
            host.encode(&mut f.unwrap(), Part::Value, &[record])
                .map(|mut v| v.remove(0))
        };
        let free = |d| Typed::new(SchemaId::NONE, d);
        assert_eq!(
            encode(free(Data::Bytes(vec![0, 255]))),
            Ok(Some(vec![0, 255]))
        );
        assert_eq!(encode(Typed::none()), Ok(None));
        assert!(encode(free("x".into())).is_err());
        let error = format!("{:?}", encode(Typed::new(text, "x".into())).unwrap_err());
        assert!(error.contains("Invalid schema type for ByteArrayConverter: STRING"));
    }
}
