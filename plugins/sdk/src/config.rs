//! What a plugin can be configured with, and what it was configured with.
//!
//! [`ConfigDef`] holds the fields of Kafka's `ConfigDef.ConfigKey`; [`Config`] the values, with defaults filled in.
//! Error texts are Kafka's. Recommenders and dynamic visibility are not offered: no plugin of Connect's own has them.
//! Invariant: a plugin's `new` only ever sees values that have their declared type and pass their validator.

use std::collections::BTreeMap;

/// Kafka's `ConfigDef.Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub enum Importance {
    High,
    Medium,
    Low,
}

/// Kafka's `ConfigDef.Width`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are Kafka's own")]
pub enum Width {
    None,
    Short,
    Medium,
    Long,
}

/// Which of a record's parts a format was configured for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Part {
    Key,
    Value,
    Header,
}

/// What the plugin was configured as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The class of the configuration, e.g. `org.apache.kafka.connect.transforms.MaskField$Value`.
    pub class: String,
    /// For a format, the part.
    pub part: Option<Part>,
}

/// One finding about a configured key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, without prefix.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

impl ConfigError {
    /// Kafka's `ConfigException(name, value, message)`.
    pub fn invalid(key: &str, value: &str, message: &str) -> Self {
        Self {
            key: key.into(),
            message: format!("Invalid value {value} for configuration {key}: {message}"),
        }
    }
}

/// Key in which Connect tells a converter its part.
pub(crate) const CONVERTER_TYPE: &str = "converter.type";

/// Checks a value beyond its type; answers what is wrong.
pub type Validator = fn(&str) -> Result<(), String>;

/// One key: Connect's `ConfigKeyInfo`.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the names are Connect's own")]
pub struct Key {
    pub name: &'static str,
    pub kind: Type,
    pub required: bool,
    pub default: Option<&'static str>,
    pub importance: Importance,
    pub documentation: &'static str,
    pub group: Option<&'static str>,
    pub order_in_group: i32,
    pub width: Width,
    pub display_name: &'static str,
    /// Values offered by `validate`; for an enumeration, all of them.
    pub recommended: &'static [&'static str],
    pub validator: Option<Validator>,
    /// Whether a list must have entries, each once.
    pub distinct: bool,
}

impl Key {
    /// A required key of low importance, shown by its name.
    pub fn new(name: &'static str, kind: Type) -> Self {
        Self {
            name,
            kind,
            required: true,
            default: None,
            importance: Importance::Low,
            documentation: "",
            group: None,
            order_in_group: -1,
            width: Width::None,
            display_name: name,
            recommended: &[],
            validator: None,
            distinct: false,
        }
    }
    /// The key in which Connect's worker tells a converter its part; the user does not set it.
    pub fn converter_type() -> Self {
        Self::string(CONVERTER_TYPE)
            .doc("How this converter will be used.")
            .validate(known_part)
    }
    /// A required string.
    pub fn string(name: &'static str) -> Self {
        Self::new(name, Type::String)
    }
    /// A required boolean.
    pub fn boolean(name: &'static str) -> Self {
        Self::new(name, Type::Boolean)
    }
    /// A required list, comma-separated.
    pub fn list(name: &'static str) -> Self {
        Self::new(name, Type::List)
    }
    /// A required 32-bit integer.
    pub fn int(name: &'static str) -> Self {
        Self::new(name, Type::Int)
    }
    /// Not required, with this default.
    #[must_use]
    pub fn default(mut self, value: &'static str) -> Self {
        (self.required, self.default) = (false, Some(value));
        self
    }
    /// Not required, with no default.
    #[must_use]
    pub fn optional(mut self) -> Self {
        (self.required, self.default) = (false, None);
        self
    }
    /// How much it matters.
    #[must_use]
    pub fn importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }
    /// What it does.
    #[must_use]
    pub fn doc(mut self, text: &'static str) -> Self {
        self.documentation = text;
        self
    }
    /// Where user interfaces show it.
    #[must_use]
    pub fn group(mut self, group: Option<&'static str>, order: i32) -> Self {
        (self.group, self.order_in_group) = (group, order);
        self
    }
    /// How user interfaces show it.
    #[must_use]
    pub fn display(mut self, name: &'static str, width: Width) -> Self {
        (self.display_name, self.width) = (name, width);
        self
    }
    /// A further check.
    #[must_use]
    pub fn validate(mut self, validator: Validator) -> Self {
        self.validator = Some(validator);
        self
    }
    /// The list must have entries, each once.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.distinct = true;
        self
    }
    /// The values offered for it.
    #[must_use]
    pub fn recommend(mut self, values: &'static [&'static str]) -> Self {
        self.recommended = values;
        self
    }
}

/// All keys of a plugin, and its version.
#[derive(Debug, Clone)]
pub struct ConfigDef {
    /// Semantic version, shown for built-ins; an upload's version is its URL's.
    pub version: &'static str,
    /// The keys in the order in which they are shown.
    pub keys: Vec<Key>,
}

impl ConfigDef {
    /// No keys.
    pub fn new(version: &'static str) -> Self {
        Self {
            version,
            keys: Vec::new(),
        }
    }
    /// One more key.
    #[must_use]
    pub fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// Values by key with defaults filled in, or all that is wrong with them.
    pub fn parse(&self, entries: &[(String, String)]) -> Result<Config, Vec<ConfigError>> {
        let mut values: BTreeMap<_, _> = entries.iter().cloned().collect();
        let mut errors = Vec::new();
        for key in &self.keys {
            match (values.get(key.name), key.default) {
                (Some(value), _) => {
                    let checked = check_type(key.kind, value);
                    let checked = checked.and_then(|()| key.validator.map_or(Ok(()), |v| v(value)));
                    if let Err(message) = checked {
                        errors.push(ConfigError::invalid(key.name, value, &message));
                    } else if key.distinct {
                        errors.extend(check_distinct(key.name, value).err());
                    }
                }
                (None, Some(default)) => {
                    values.insert(key.name.into(), default.into());
                }
                (None, None) if key.required => errors.push(ConfigError {
                    key: key.name.into(),
                    message: format!(
                        "Missing required configuration \"{}\" which has no default value.",
                        key.name
                    ),
                }),
                (None, None) => {}
            }
        }
        if errors.is_empty() {
            Ok(Config { values })
        } else {
            Err(errors)
        }
    }
}

/// Kafka's `ConfigDef.parseType`, as far as it can fail.
fn check_type(kind: Type, value: &str) -> Result<(), String> {
    let value = value.trim();
    let ok = match kind {
        Type::Boolean if !is_bool(value) => {
            return Err("Expected value to be either true or false".into());
        }
        Type::Int => value.parse::<i32>().is_ok(),
        Type::Short => value.parse::<i16>().is_ok(),
        Type::Long => value.parse::<i64>().is_ok(),
        Type::Double => value.parse::<f64>().is_ok(),
        _ => true,
    };
    let name = format!("{kind:?}").to_uppercase();
    if ok {
        Ok(())
    } else {
        Err(format!("Not a number of type {name}"))
    }
}

fn is_bool(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

/// Kafka's `ConfigDef.NonEmptyString`.
pub fn non_empty(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("String must be non-empty".into());
    }
    Ok(())
}

/// Kafka's `ValidList.anyNonDuplicateValues(false, false)`, with its texts.
fn check_distinct(key: &str, value: &str) -> Result<(), ConfigError> {
    let items: Vec<&str> = split_list(value).collect();
    let wrong = if items.is_empty() {
        "must not be empty. Valid values include: any non-empty value"
    } else if (1..items.len()).any(|i| items[..i].contains(&items[i])) {
        "values must not be duplicated."
    } else if items.iter().any(|s| s.is_empty()) {
        "values must not be empty."
    } else {
        return Ok(());
    };
    Err(ConfigError {
        key: key.into(),
        message: format!("Configuration '{key}' {wrong}"),
    })
}

fn known_part(value: &str) -> Result<(), String> {
    if ["key", "value", "header"].contains(&value) {
        return Ok(());
    }
    Err("String must be one of: key, value, header".into())
}

fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let value = value.trim();
    let items = (!value.is_empty()).then(|| value.split(','));
    items.into_iter().flatten().map(str::trim)
}

/// Configured values: every key of the definition that has a value, and keys the definition does not know.
#[derive(Debug, Clone, Default)]
pub struct Config {
    values: BTreeMap<String, String>,
}

impl Config {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }
    /// The value of a string key as it was given (Kafka trims every other type); empty where there is none.
    pub fn string(&self, key: &str) -> &str {
        self.get(key).unwrap_or_default()
    }
    /// The value of a boolean key; false where there is none.
    pub fn boolean(&self, key: &str) -> bool {
        self.string(key).trim().eq_ignore_ascii_case("true")
    }
    /// The value of an integer key; 0 where there is none.
    pub fn int(&self, key: &str) -> i64 {
        self.string(key).trim().parse().unwrap_or(0)
    }
    /// The values of a list key.
    pub fn list(&self, key: &str) -> Vec<String> {
        split_list(self.string(key)).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_and_defaults_filled_in() {
        let def = ConfigDef::new("1")
            .key(Key::list("fields").distinct())
            .key(Key::int("n").default("3"))
            .key(Key::boolean("on").optional());
        let with = |e: &[(&str, &str)]| {
            let entries: Vec<_> = e.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
            def.parse(&entries)
        };
        let good = with(&[("fields", " a , b"), ("on", "TRUE")]).unwrap();
        assert_eq!(good.list("fields"), ["a", "b"]);
        assert_eq!((good.int("n"), good.boolean("on")), (3, true));
        let bad = with(&[("n", "x"), ("on", "yes")]).unwrap_err();
        let texts: Vec<&str> = bad.iter().map(|e| &*e.message).collect();
        assert_eq!(
            texts,
            [
                "Missing required configuration \"fields\" which has no default value.",
                "Invalid value x for configuration n: Not a number of type INT",
                "Invalid value yes for configuration on: Expected value to be either true or false",
            ]
        );
        for (value, want) in [
            ("a,a", "values must not be duplicated."),
            (
                "",
                "must not be empty. Valid values include: any non-empty value",
            ),
            ("a,,b", "values must not be empty."),
        ] {
            let error = with(&[("fields", value)]).unwrap_err().remove(0);
            assert_eq!(error.message, format!("Configuration 'fields' {want}"));
        }
    }
}
