//! Between the host's schemas and definitions and their WIT forms.
//!
//! What comes from a guest is bounded and checked here; what goes to one is copied. Ids of guest schemas are mapped to
//! the host's. Invariant: a schema that is taken from a guest refers only to known ids, its default fits it, and it
//! nests no deeper than a value may.

use crate::bindings::types as wit;
use crate::context::Part;
use crate::fault::PluginFault;
use crate::text::clean;
use host_core::config::{Config, ConfigDef, ConfigKey, Finding, Importance, Type, Width};
use host_core::layout::validate::{self, Budget};
use host_core::layout::{Reader, Slot, slot::SLOT_BYTES};
use host_core::schema::{Field, Schema, SchemaId, SchemaType, Schemas};

/// Keys of one definition.
const KEYS_MAX: usize = 256;
/// Bytes of one text of a definition.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A host schema for a guest.
pub(crate) fn schema_to_wit(id: SchemaId, s: &Schema) -> wit::Schema {
    let text = |t: &Option<Box<str>>| t.as_deref().map(str::to_owned);
    wit::Schema {
        id: id.0,
        kind: kind_to_wit(s.kind),
        optional: s.optional,
        name: text(&s.name),
        version: s.version,
        doc: text(&s.doc),
        parameters: s
            .parameters
            .iter()
            .map(|(k, v)| wit::Parameter {
                name: k.to_string(),
                value: v.to_string(),
            })
            .collect(),
        default_value: s.default.as_deref().map(<[u8]>::to_vec),
        fields: s
            .fields
            .iter()
            .map(|f| wit::Field {
                name: f.name.to_string(),
                schema: f.schema.0,
            })
            .collect(),
        key: s.key.0,
        value: s.value.0,
    }
}

/// A guest's schema for the host; `map` answers the host's id for any id the guest may use.
pub(crate) fn schema_from_wit(
    s: wit::Schema,
    map: impl Fn(u32) -> Option<SchemaId>,
) -> Result<Schema, PluginFault> {
    let id = s.id;
    let known = |other: u32| {
        map(other).ok_or_else(|| {
            let text = format!("schema {id:#x} refers to schema {other:#x}, which is not defined");
            PluginFault::BadAnswer(text)
        })
    };
    let optional = |other: u32| {
        if other == 0 {
            Ok(SchemaId::NONE)
        } else {
            known(other)
        }
    };
    let fields = s
        .fields
        .into_iter()
        .map(|f| {
            Ok(Field {
                schema: known(f.schema)?,
                name: f.name.into(),
            })
        })
        .collect::<Result<Vec<_>, PluginFault>>()?;
    Ok(Schema {
        kind: kind_from_wit(s.kind),
        optional: s.optional,
        name: s.name.map(Into::into),
        version: s.version,
        doc: s.doc.map(Into::into),
        parameters: s
            .parameters
            .into_iter()
            .map(|p| (p.name.into(), p.value.into()))
            .collect(),
        default: s.default_value.map(Into::into),
        fields,
        key: optional(s.key)?,
        value: optional(s.value)?,
    })
}

/// Checks the form of a guest's schema: the parts that its type asks for, and field names.
pub(crate) fn check_schema(s: &Schema) -> Result<(), String> {
    let (has_key, has_value) = (s.key.is_some(), s.value.is_some());
    let want = match s.kind {
        SchemaType::Array => (false, true),
        SchemaType::Map => (true, true),
        _ => (false, false),
    };
    if (has_key, has_value) != want {
        return Err(format!(
            "a schema of type {:?} with wrong element schemas",
            s.kind
        ));
    }
    if s.kind != SchemaType::Struct && !s.fields.is_empty() {
        return Err(format!("a schema of type {:?} with fields", s.kind));
    }
    let mut names: Vec<&str> = s.fields.iter().map(|f| &*f.name).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
        let name = clean(twice[0], 200);
        return Err(format!("a struct schema with two fields named {name}"));
    }
    Ok(())
}

/// Checks a default value against its own schema, whose id is that of the same schema without default.
pub(crate) fn check_default(bytes: &[u8], id: SchemaId, schemas: &Schemas) -> Result<(), String> {
    let slot = bytes
        .get(..SLOT_BYTES)
        .and_then(|b| b.try_into().ok())
        .and_then(Slot::from_bytes)
        .ok_or("a default value without a slot")?;
    let mut budget = Budget {
        slots: 100_000,
        bytes: (bytes.len() as u64).saturating_mul(4),
    };
    validate::value(slot, id, Reader::new(bytes), schemas, &mut budget)
        .map_err(|e| format!("a default value that does not fit: {e}"))
}

fn kind_to_wit(k: SchemaType) -> wit::SchemaType {
    use wit::SchemaType as W;
    match k {
        SchemaType::Int8 => W::Int8,
        SchemaType::Int16 => W::Int16,
        SchemaType::Int32 => W::Int32,
        SchemaType::Int64 => W::Int64,
        SchemaType::Float32 => W::Float32,
        SchemaType::Float64 => W::Float64,
        SchemaType::Boolean => W::Boolean,
        SchemaType::String => W::String,
        SchemaType::Bytes => W::Bytes,
        SchemaType::Array => W::Array,
        SchemaType::Map => W::Map,
        SchemaType::Struct => W::Struct,
    }
}

fn kind_from_wit(k: wit::SchemaType) -> SchemaType {
    use wit::SchemaType as W;
    match k {
        W::Int8 => SchemaType::Int8,
        W::Int16 => SchemaType::Int16,
        W::Int32 => SchemaType::Int32,
        W::Int64 => SchemaType::Int64,
        W::Float32 => SchemaType::Float32,
        W::Float64 => SchemaType::Float64,
        W::Boolean => SchemaType::Boolean,
        W::String => SchemaType::String,
        W::Bytes => SchemaType::Bytes,
        W::Array => SchemaType::Array,
        W::Map => SchemaType::Map,
        W::Struct => SchemaType::Struct,
    }
}

/// A guest's definition: version, range of layouts, keys.
pub(crate) fn definition(d: wit::Definition) -> Result<(String, ConfigDef), PluginFault> {
    let layout = host_core::layout::LAYOUT_VERSION;
    if !(d.layout_min..=d.layout_max).contains(&layout) {
        return Err(PluginFault::BadAnswer(format!(
            "it understands batch layouts {} to {}, and this host writes {layout}; build it with a matching sdk",
            d.layout_min, d.layout_max
        )));
    }
    if d.keys.len() > KEYS_MAX {
        return Err(PluginFault::BadAnswer(format!(
            "it defines {} configuration keys, more than {KEYS_MAX}",
            d.keys.len()
        )));
    }
    let mut keys: Vec<ConfigKey> = Vec::with_capacity(d.keys.len());
    for k in d.keys {
        let key = config_key(k);
        if keys.iter().any(|other| other.name == key.name) {
            let text = format!("it defines configuration key {} twice", key.name);
            return Err(PluginFault::BadAnswer(text));
        }
        keys.push(key);
    }
    Ok((clean(&d.version, 64), ConfigDef::new(keys)))
}

fn config_key(k: wit::ConfigKey) -> ConfigKey {
    let text = |t: String| clean(&t, TEXT_BYTES_MAX);
    ConfigKey {
        name: text(k.name),
        kind: match k.kind {
            wit::ConfigType::Boolean => Type::Boolean,
            wit::ConfigType::String => Type::String,
            wit::ConfigType::Int => Type::Int,
            wit::ConfigType::Short => Type::Short,
            wit::ConfigType::Long => Type::Long,
            wit::ConfigType::Double => Type::Double,
            wit::ConfigType::List => Type::List,
            wit::ConfigType::Class => Type::Class,
            wit::ConfigType::Password => Type::Password,
        },
        required: k.required,
        // Not cleaned: it is handed back to the guest as a value.
        default_value: k.default_value.filter(|v| v.len() <= TEXT_BYTES_MAX),
        importance: match k.importance {
            wit::Importance::High => Importance::High,
            wit::Importance::Medium => Importance::Medium,
            wit::Importance::Low => Importance::Low,
        },
        documentation: text(k.documentation),
        group: k.group.map(text),
        order_in_group: k.order_in_group,
        width: match k.width {
            wit::Width::None => Width::None,
            wit::Width::Short => Width::Short,
            wit::Width::Medium => Width::Medium,
            wit::Width::Long => Width::Long,
        },
        display_name: Some(text(k.display_name)),
        dependents: k.dependents.into_iter().take(KEYS_MAX).map(text).collect(),
        recommended_values: k
            .recommended_values
            .into_iter()
            .take(KEYS_MAX)
            .map(text)
            .collect(),
        hidden: false,
        unsupported: false,
    }
}

/// Key in which Connect's worker tells a converter what it converts.
const CONVERTER_TYPE: &str = "converter.type";

/// A format's keys with its part in `converter.type`, whatever the user wrote there: Connect's `Converter.configure`
/// and `Plugins.newHeaderConverter` do the same. Others' keys stay as they are.
pub(crate) fn with_part(def: &ConfigDef, config: &Config, part: Option<Part>) -> Config {
    let mut config = config.clone();
    if let Some(part) = part.filter(|_| def.get(CONVERTER_TYPE).is_some()) {
        let name = match part {
            Part::Key => "key",
            Part::Value => "value",
            Part::Header => "header",
        };
        config.set(CONVERTER_TYPE, name);
    }
    config
}

/// What a guest is configured with: the user's keys, a format's part, and defaults for keys that were not given.
pub(crate) fn config_entries(
    def: &ConfigDef,
    config: &Config,
    part: Option<Part>,
) -> Vec<wit::ConfigEntry> {
    let config = with_part(def, config, part);
    let given = config.iter();
    let defaults = def.keys.iter().filter_map(|k| {
        let value = k.default_value.as_deref()?;
        config.get(&k.name).is_none().then_some((&*k.name, value))
    });
    given
        .chain(defaults)
        .map(|(key, value)| wit::ConfigEntry {
            key: key.to_owned(),
            value: value.to_owned(),
        })
        .collect()
}

/// A guest's findings about its configuration.
pub(crate) fn findings(errors: Vec<wit::ConfigError>) -> Vec<Finding> {
    errors
        .into_iter()
        .take(KEYS_MAX)
        .map(|e| {
            Finding::new(
                clean(&e.key, 256),
                clean(&e.message, crate::text::GUEST_TEXT_BYTES_MAX),
            )
        })
        .collect()
}
