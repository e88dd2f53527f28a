//! The component's side of `wit/`: exports that hand their work to a [`crate::driver::Driver`].
//!
//! Only compiled for wasm32. Each world's bindings convert between WIT records and the SDK's own types; nothing here
//! decides anything. Invariant: calls out of their order answer an error, they never trap.
use std::cell::RefCell;

/// What an instance holds between calls: one thread, one plugin.
#[derive(Debug)]
pub struct Cell<D>(RefCell<Option<D>>);

impl<D> Default for Cell<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D> Cell<D> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
    /// Keeps a configured plugin.
    pub fn put(&self, driver: D) {
        *self.0.borrow_mut() = Some(driver);
    }
    /// Hands the plugin to `f`; `early` makes the error of a call that came before `configure`.
    pub fn with<T, E>(
        &self,
        early: impl FnOnce(String) -> E,
        f: impl FnOnce(&mut D) -> Result<T, E>,
    ) -> Result<T, E> {
        match self.0.borrow_mut().as_mut() {
            Some(d) => f(d),
            None => Err(early("called before configure".into())),
        }
    }
}

/// Sends the text of a panic to the host's log: what the host sees of it otherwise is a trap without a reason.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        log(crate::log::Level::Error, &panic.to_string());
    }));
}

/// Writes a line to the host's log.
pub fn log(level: crate::log::Level, message: &str) {
    use crate::log::Level as L;
    use transform::tidegate::plugin::log::{Level, log};
    let level = match level {
        L::Debug => Level::Debug,
        L::Info => Level::Info,
        L::Warn => Level::Warn,
        L::Error => Level::Error,
    };
    log(level, message);
}

/// Bindings of one world and the conversions its `lifecycle` needs.
macro_rules! world {
    ($name:ident, $bindings:ident) => {
        pub mod $name {
            //! One world's bindings.
            pub use $bindings::*;
            pub mod convert {
                //! Conversions between its records and the SDK's own types.
                #![allow(missing_docs, reason = "each is named by the record it converts")]
                use crate::config as sdk;
                use crate::driver::BatchError;
                use $bindings::tidegate::plugin::types as wit;

                pub fn error(e: BatchError) -> wit::Error {
                    match e {
                        BatchError::Record(index, message) => {
                            wit::Error::BadRecord(wit::BadRecord { index, message })
                        }
                        BatchError::Fatal(text) => wit::Error::Fatal(text),
                    }
                }
                pub fn part(p: wit::Part) -> sdk::Part {
                    match p {
                        wit::Part::Key => sdk::Part::Key,
                        wit::Part::Value => sdk::Part::Value,
                        wit::Part::Header => sdk::Part::Header,
                    }
                }
                pub fn context(c: wit::Context) -> sdk::Context {
                    sdk::Context {
                        class: c.class,
                        part: c.part.map(part),
                    }
                }
                pub fn entries(list: Vec<wit::ConfigEntry>) -> Vec<(String, String)> {
                    list.into_iter().map(|e| (e.key, e.value)).collect()
                }
                pub fn errors(list: Vec<sdk::ConfigError>) -> Vec<wit::ConfigError> {
                    list.into_iter()
                        .map(|e| wit::ConfigError {
                            key: e.key,
                            message: e.message,
                        })
                        .collect()
                }
                pub fn definition(def: sdk::ConfigDef) -> wit::Definition {
                    wit::Definition {
                        version: def.version.into(),
                        layout_min: tidegate_layout::LAYOUT_VERSION,
                        layout_max: tidegate_layout::LAYOUT_VERSION,
                        keys: def.keys.iter().map(key).collect(),
                    }
                }
                fn key(k: &sdk::Key) -> wit::ConfigKey {
                    use sdk::Type as T;
                    use wit::ConfigType as W;
                    wit::ConfigKey {
                        name: k.name.into(),
                        kind: match k.kind {
                            T::Boolean => W::Boolean,
                            T::String => W::String,
                            T::Int => W::Int,
                            T::Short => W::Short,
                            T::Long => W::Long,
                            T::Double => W::Double,
                            T::List => W::List,
                            T::Class => W::Class,
                            T::Password => W::Password,
                        },
                        required: k.required,
                        default_value: k.default.map(Into::into),
                        importance: match k.importance {
                            sdk::Importance::High => wit::Importance::High,
                            sdk::Importance::Medium => wit::Importance::Medium,
                            sdk::Importance::Low => wit::Importance::Low,
                        },
                        documentation: k.documentation.into(),
                        group: k.group.map(Into::into),
                        order_in_group: k.order_in_group,
                        width: match k.width {
                            sdk::Width::None => wit::Width::None,
                            sdk::Width::Short => wit::Width::Short,
                            sdk::Width::Medium => wit::Width::Medium,
                            sdk::Width::Long => wit::Width::Long,
                        },
                        display_name: k.display_name.into(),
                        dependents: Vec::new(),
                        recommended_values: k.recommended.iter().map(|s| (*s).into()).collect(),
                    }
                }
                const KINDS: [(wit::SchemaType, tidegate_layout::SchemaType); 12] = {
                    use tidegate_layout::SchemaType as T;
                    use wit::SchemaType as W;
                    [
                        (W::Int8, T::Int8),
                        (W::Int16, T::Int16),
                        (W::Int32, T::Int32),
                        (W::Int64, T::Int64),
                        (W::Float32, T::Float32),
                        (W::Float64, T::Float64),
                        (W::Boolean, T::Boolean),
                        (W::String, T::String),
                        (W::Bytes, T::Bytes),
                        (W::Array, T::Array),
                        (W::Map, T::Map),
                        (W::Struct, T::Struct),
                    ]
                };
                pub fn schema(s: wit::Schema) -> (u32, tidegate_layout::Schema) {
                    let kind = KINDS.iter().find(|k| k.0 == s.kind);
                    let kind = kind.map_or(tidegate_layout::SchemaType::Bytes, |k| k.1);
                    let mut out = tidegate_layout::Schema::new(kind);
                    out.optional = s.optional;
                    out.name = s.name.map(Into::into);
                    out.version = s.version;
                    out.doc = s.doc.map(Into::into);
                    for p in s.parameters {
                        out = out.parameter(p.name, p.value);
                    }
                    out.default = s.default_value.map(Into::into);
                    for f in s.fields {
                        out = out.field(f.name, tidegate_layout::SchemaId(f.schema));
                    }
                    out.key = tidegate_layout::SchemaId(s.key);
                    out.value = tidegate_layout::SchemaId(s.value);
                    (s.id, out)
                }
                pub fn own_schema(node: &crate::schema::SchemaRef) -> wit::Schema {
                    let (id, s) = (node.id, &node.plain);
                    let kind = KINDS.iter().find(|k| k.1 == s.kind);
                    wit::Schema {
                        id,
                        kind: kind.map_or(wit::SchemaType::Bytes, |k| k.0),
                        optional: s.optional,
                        name: s.name.as_deref().map(Into::into),
                        version: s.version,
                        doc: s.doc.as_deref().map(Into::into),
                        parameters: s
                            .parameters
                            .iter()
                            .map(|(name, value)| wit::Parameter {
                                name: name.to_string(),
                                value: value.to_string(),
                            })
                            .collect(),
                        default_value: s.default.as_deref().map(Into::into),
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
            }
        }
    };
}

world!(transform, tidegate_world_transform);
world!(predicate, tidegate_world_predicate);
world!(format, tidegate_world_format);
