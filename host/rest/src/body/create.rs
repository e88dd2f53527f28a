//! The body of `POST /connectors`: Connect's `CreateConnectorRequest`.
//!
//! It validates no configuration. Invariant: the name it yields is trimmed and holds no slash, and is the
//! configuration's `name`.

use super::config_json::{ConfigJson, Scalar};
use crate::access::check_name;
use crate::error::RestError;
use host_core::config::Config;
use host_runtime::herder::entity::TargetState;
use serde::Deserialize;

/// The body as sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateRequest {
    #[serde(default)]
    name: Scalar,
    config: Option<ConfigJson>,
    initial_state: Option<String>,
}

impl CreateRequest {
    /// Name, configuration and first state of the connector to make.
    pub(crate) fn into_parts(self) -> Result<(String, Config, TargetState), RestError> {
        let initial = initial_state(self.initial_state.as_deref())?;
        let name = trim(self.name.0.as_deref().unwrap_or_default()).to_owned();
        check_name(&name)?;
        let missing = "The field 'config' is missing or null: send the connector's configuration as a JSON object";
        let config = self.config.ok_or_else(|| RestError::bad(missing))?;
        let mut config = config.into_config();
        put_name(&mut config, &name)?;
        Ok((name, config, initial))
    }
}

/// Connect's `CreateConnectorRequest.InitialState`, whose case does not matter.
fn initial_state(text: Option<&str>) -> Result<TargetState, RestError> {
    let Some(text) = text else {
        return Ok(TargetState::Started);
    };
    let states = [
        ("RUNNING", TargetState::Started),
        ("PAUSED", TargetState::Paused),
        ("STOPPED", TargetState::Stopped),
    ];
    let found = states.iter().find(|(n, _)| n.eq_ignore_ascii_case(text));
    found.map(|(_, state)| *state).ok_or_else(|| {
        RestError::bad(format!(
            "Unknown initial_state {text}: it must be one of RUNNING, PAUSED, STOPPED"
        ))
    })
}

/// Java's `String.trim`: everything up to the space goes.
fn trim(name: &str) -> &str {
    name.trim_matches(|c: char| c <= ' ')
}

/// Puts the name into the configuration, or refuses another one there: Connect's `checkAndPutConnectorConfigName`.
pub(crate) fn put_name(config: &mut Config, name: &str) -> Result<(), RestError> {
    match config.get("name") {
        None => config.set("name", name),
        Some(included) if included == name => {}
        Some(included) => {
            return Err(RestError::bad(format!(
                "Connector name configuration ({included}) doesn't match connector name in the URL ({name})"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(json: &str) -> Result<(String, Config, TargetState), RestError> {
        serde_json::from_str::<CreateRequest>(json)
            .unwrap()
            .into_parts()
    }

    #[test]
    fn names_go_into_the_configuration() {
        for (json, name) in [
            (r#"{"name":" x ","config":{}}"#, "x"),
            (r#"{"name":"x","config":{"name":"x"}}"#, "x"),
            (r#"{"name":7,"config":{}}"#, "7"),
            (r#"{"config":{}}"#, ""),
            (r#"{"name":null,"config":{"name":null}}"#, ""),
        ] {
            let (found, config, state) = parts(json).unwrap();
            assert_eq!((found.as_str(), config.get("name")), (name, Some(name)));
            assert_eq!(state, TargetState::Started);
        }
    }

    #[test]
    fn refusals_are_connects() {
        let mismatch = "Connector name configuration (y) doesn't match connector name in the URL";
        for (json, expected) in [
            (
                r#"{"name":"x","config":{"name":"y"}}"#,
                format!("{mismatch} (x)"),
            ),
            (r#"{"config":{"name":"y"}}"#, format!("{mismatch} ()")),
            (
                r#"{"name":"x"}"#,
                "The field 'config' is missing".to_owned(),
            ),
            (
                r#"{"name":"x","config":null}"#,
                "The field 'config' is missing".to_owned(),
            ),
            (
                r#"{"name":"a/b","config":{}}"#,
                "may not contain a slash".to_owned(),
            ),
            (
                r#"{"name":"x","config":{},"initial_state":"BOGUS"}"#,
                "one of RUNNING, PAUSED, STOPPED".to_owned(),
            ),
        ] {
            let error = parts(json).unwrap_err();
            let (status, text) = error.text();
            assert_eq!(status, 400);
            assert!(text.contains(&expected), "{json}: {text}");
        }
    }

    #[test]
    fn initial_states() {
        for (text, expected) in [
            ("RUNNING", TargetState::Started),
            ("paused", TargetState::Paused),
            ("Stopped", TargetState::Stopped),
        ] {
            assert_eq!(initial_state(Some(text)).unwrap(), expected);
        }
        assert!(
            initial_state(Some("STARTED")).is_err(),
            "that is a state of ours"
        );
    }
}
