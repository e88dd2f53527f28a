//! Connect's answer to `PUT /connector-plugins/{c}/config/validate`: `ConfigInfos`.
//!
//! It joins a definition, a configuration and findings into the JSON that Connect 4.3 sends, field for field.
//! Invariant: `error_count` is the number of errors listed, as in Connect's `AbstractHerder.generateResult`.

use super::{Config, ConfigDef, ConfigKey, Finding};
use crate::secret::is_secret_key;
use serde::Serialize;

/// The whole answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the fields are Connect's own")]
pub struct ConfigInfos {
    pub name: String,
    pub error_count: usize,
    pub groups: Vec<String>,
    pub configs: Vec<ConfigInfo>,
}

/// One key: definition and value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the fields are Connect's own")]
pub struct ConfigInfo {
    pub definition: ConfigKey,
    pub value: ConfigValueInfo,
}

/// The value of one key and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the fields are Connect's own")]
pub struct ConfigValueInfo {
    pub name: String,
    pub value: Option<String>,
    pub recommended_values: Vec<String>,
    pub errors: Vec<String>,
    pub visible: bool,
}

impl ConfigInfos {
    /// Joins the parts. Findings about keys that no definition lists get an entry of their own, as Connect gives
    /// them, without a secret's value.
    pub fn new(class: &str, def: &ConfigDef, config: &Config, findings: &[Finding]) -> Self {
        let errors = |key: &str| -> Vec<String> {
            let mut all: Vec<String> = Vec::new();
            for f in findings.iter().filter(|f| f.key == key) {
                if !all.contains(&f.message) {
                    all.push(f.message.clone());
                }
            }
            all
        };
        let mut configs: Vec<ConfigInfo> = def
            .keys
            .iter()
            .map(|k| info(k, config, errors(&k.name)))
            .collect();
        for f in findings {
            if def.get(&f.key).is_none() && !configs.iter().any(|c| c.value.name == f.key) {
                let key = ConfigKey::new(&f.key, super::Type::String, "");
                configs.push(info(&key, config, errors(&f.key)));
            }
        }
        let mut groups: Vec<String> = Vec::new();
        for g in def.keys.iter().filter_map(|k| k.group.as_ref()) {
            if !groups.contains(g) {
                groups.push(g.clone());
            }
        }
        let error_count = configs.iter().map(|c| c.value.errors.len()).sum();
        Self {
            name: class.to_owned(),
            error_count,
            groups,
            configs,
        }
    }
}

fn info(key: &ConfigKey, config: &Config, errors: Vec<String>) -> ConfigInfo {
    let hidden = key.kind == super::Type::Password || is_secret_key(&key.name);
    let given = config.get(&key.name).map(str::to_owned);
    let value = given
        .or_else(|| key.default_value.clone())
        .map(|v| if hidden { "[hidden]".to_owned() } else { v });
    ConfigInfo {
        definition: key.clone(),
        value: ConfigValueInfo {
            name: key.name.clone(),
            value,
            recommended_values: key.recommended_values.clone(),
            errors,
            visible: !key.hidden,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Type;
    use super::*;

    #[test]
    fn errors_are_counted_once_and_secrets_are_hidden() {
        let mut inner = ConfigKey::new("inner", Type::Class, "").default("a.B");
        inner.hidden = true;
        let def = ConfigDef::new(vec![
            ConfigKey::new("port", Type::Int, "").default("1"),
            ConfigKey::new("database.password", Type::Password, ""),
            inner,
        ]);
        let config: Config = [("port", "x"), ("database.password", "hunter2")]
            .into_iter()
            .collect();
        let found = [
            Finding::new("port", "one"),
            Finding::new("port", "one"),
            Finding::new("port", "two"),
            Finding::new("unlisted", "three"),
        ];
        let infos = ConfigInfos::new("C", &def, &config, &found);
        assert_eq!(infos.error_count, 3);
        let told: Vec<_> = infos
            .configs
            .iter()
            .map(|c| {
                (
                    c.value.value.as_deref(),
                    c.value.errors.len(),
                    c.value.visible,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("x"), 2, true),
                (Some("[hidden]"), 0, true),
                (Some("a.B"), 0, false),
                (None, 1, true),
            ]
        );
    }
}
