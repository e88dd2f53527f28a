//! The table of configuration keys of one class: Kafka's `ConfigDef`.
//!
//! A definition is data, so the same table answers `GET /connector-plugins/{c}/config`, `validate` and the parser.
//! It holds no code. Invariant: a key is listed once.

use serde::{Deserialize, Serialize};

/// Kafka's `ConfigDef.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub enum Type {
    Boolean,
    String,
    Int,
    Short,
    Long,
    Double,
    List,
    Class,
    Password,
}

/// Kafka's `ConfigDef.Importance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// Kafka's `ConfigDef.Width`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub enum Width {
    None,
    Short,
    Medium,
    Long,
}

/// One key: Connect's `ConfigKeyInfo`, field for field (`order_in_group` since 4.2), plus what is ours and not sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are Connect's own")]
pub struct ConfigKey {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: Type,
    pub required: bool,
    pub default_value: Option<String>,
    pub importance: Importance,
    pub documentation: String,
    pub group: Option<String>,
    pub order_in_group: i32,
    pub width: Width,
    pub display_name: Option<String>,
    pub dependents: Vec<String>,
    /// Values offered by `validate`; for an enumeration, all of them.
    #[serde(default, skip_serializing)]
    pub recommended_values: Vec<String>,
    /// A key that `validate` answers with `visible: false`, because no user should need it.
    #[serde(default, skip_serializing)]
    pub hidden: bool,
    /// A key that is known but not built yet: using it with another value than its default is refused, because an
    /// ignored key (a mask, say) would do harm in silence.
    #[serde(default, skip_serializing)]
    pub unsupported: bool,
}

impl ConfigKey {
    /// A key of middle importance without group; callers set what differs.
    pub fn new(name: &str, kind: Type, documentation: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            required: false,
            default_value: None,
            importance: Importance::Medium,
            documentation: documentation.to_owned(),
            group: None,
            order_in_group: -1,
            width: Width::None,
            display_name: Some(name.to_owned()),
            dependents: Vec::new(),
            recommended_values: Vec::new(),
            hidden: false,
            unsupported: false,
        }
    }
    /// The same, required.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }
    /// The same with a default.
    #[must_use]
    pub fn default(mut self, value: &str) -> Self {
        self.default_value = Some(value.to_owned());
        self
    }
    /// The same with an importance.
    #[must_use]
    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }
    /// The same in a group.
    #[must_use]
    pub fn group(mut self, group: &str, order: i32, width: Width, display_name: &str) -> Self {
        self.group = Some(group.to_owned());
        self.order_in_group = order;
        self.width = width;
        self.display_name = Some(display_name.to_owned());
        self
    }
}

/// All keys of one class, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigDef {
    /// The keys.
    pub keys: Vec<ConfigKey>,
}

impl ConfigDef {
    /// A definition of these keys.
    pub fn new(keys: Vec<ConfigKey>) -> Self {
        Self { keys }
    }
    /// The key of this name.
    pub fn get(&self, name: &str) -> Option<&ConfigKey> {
        self.keys.iter().find(|k| k.name == name)
    }
}
