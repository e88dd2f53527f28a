//! Fields of an envelope named in the configuration: `op`, `source.ts_ms`, `source.snapshot:snap`.
//!
//! Debezium's `FieldReference`. Invariant: what a reference finds depends on the envelope's schema and value alone.

use tidegate_sdk::{Config, ConfigError, NewSchema, SchemaRef, Slot, Value};

/// Where a field is, and what it is called afterwards.
#[derive(Debug)]
pub(crate) struct FieldReference {
    /// The struct that holds it; `None` for the envelope itself.
    pub(crate) parent: Option<String>,
    /// Its name there.
    pub(crate) field: String,
    /// Its new name, with prefix.
    pub(crate) new_name: String,
}

/// A field that the envelope's schema has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// The field's own schema.
    pub(crate) schema: SchemaRef,
    /// Its value, without default.
    pub(crate) slot: Slot,
}

/// Reads the list under `key`.
pub(crate) fn references(
    config: &Config,
    key: &str,
    prefix: &str,
) -> Result<Vec<FieldReference>, Vec<ConfigError>> {
    let prefix = config.string(prefix);
    let read = |text: &String| {
        FieldReference::new(prefix, text).ok_or_else(|| {
            let message = format!("Unexpected field name: {text}");
            vec![ConfigError::invalid(key, config.string(key), &message)]
        })
    };
    config.list(key).iter().map(read).collect()
}

impl FieldReference {
    fn new(prefix: &str, text: &str) -> Option<Self> {
        let (path, name) = match text.split_once(':') {
            Some((_, name)) if name.contains(':') || name.is_empty() => return None,
            Some((path, name)) => (path, Some(name)),
            None => (text, None),
        };
        let (parent, field) = match path.split_once('.') {
            Some((parent, rest)) => (Some(parent), rest.split('.').next().unwrap_or(rest)),
            None => (home(path), path),
        };
        if field.is_empty() {
            return None;
        }
        let plain = match (path.contains('.'), parent) {
            (true, Some(parent)) => format!("{parent}_{field}"),
            _ => field.to_owned(),
        };
        Some(Self {
            parent: parent.map(str::to_owned),
            field: field.to_owned(),
            new_name: format!("{prefix}{}", name.unwrap_or(&plain)),
        })
    }

    /// The field; `None` where the schema has none, a null where its struct is null.
    pub(crate) fn find(&self, envelope: Value<'_>) -> Option<Found> {
        let root = envelope.schema()?;
        let parent = match &self.parent {
            Some(name) => root.field(name)?.schema,
            None => root,
        };
        let value = match &self.parent {
            Some(name) => envelope.field(name)?,
            None => envelope,
        };
        // A field that another transform put into the envelope itself is found there.
        let (schema, holder) = match parent.field(&self.field) {
            Some(f) => (f.schema, value),
            None => (root.field(&self.field)?.schema, envelope),
        };
        let absent = value.is_null();
        let slot = if absent {
            Slot::NULL
        } else {
            holder.field(&self.field)?.slot()
        };
        Some(Found { schema, slot })
    }
}

/// The struct that a bare name belongs to.
fn home(field: &str) -> Option<&'static str> {
    match field {
        "id" | "data_collection_order" | "total_order" => Some("transaction"),
        "op" | "ts_ms" | "ts_us" | "ts_ns" => None,
        "updateDescription" => Some("updateDescription"),
        _ => Some("source"),
    }
}

/// Connect's `SchemaUtil.copySchemaBasics`: without default, and required unless said otherwise.
pub(crate) fn basics(schema: SchemaRef, optional: bool) -> NewSchema {
    NewSchema {
        optional,
        default: None,
        ..schema.plain.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_debeziums() {
        for (text, parent, field, name) in [
            ("op", None, "op", "__op"),
            ("table", Some("source"), "table", "__table"),
            ("source.ts_ms", Some("source"), "ts_ms", "__source_ts_ms"),
            ("source.snapshot:snap", Some("source"), "snapshot", "__snap"),
            ("id", Some("transaction"), "id", "__id"),
            ("op:OPERATION", None, "op", "__OPERATION"),
        ] {
            let r = FieldReference::new("__", text).unwrap();
            let got = (r.parent.as_deref(), &*r.field, &*r.new_name);
            assert_eq!(got, (parent, field, name));
        }
        assert!(FieldReference::new("__", "a:b:c").is_none());
    }
}
