//! Request bodies: JSON of bounded size, with errors that say where.
//!
//! Connect answers 500 to malformed JSON; here it is 400 with line and column. Invariant: no more than the route's limit
//! is kept, and what is beyond it is 413.

mod bounded;
mod config_json;
mod create;

pub(crate) use bounded::read;
pub(crate) use config_json::ConfigJson;
pub(crate) use create::{CreateRequest, put_name};

use crate::error::RestError;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

/// Largest body of a configuration, offsets or quotas.
pub(crate) const JSON_BYTES_MAX: usize = 1024 * 1024;

/// A body that was a JSON object.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = RestError;

    async fn from_request(request: Request, _: &S) -> Result<Self, RestError> {
        let bytes = read(request, JSON_BYTES_MAX).await?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RestError> {
    match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'{') => {}
        None => {
            return Err(RestError::bad(
                "The request body is empty: send a JSON object",
            ));
        }
        // Before serde, which would take an array for a structure.
        Some(b'[') => {
            return Err(RestError::bad(
                "The request body is a JSON array: send a JSON object",
            ));
        }
        Some(_) => {
            return Err(RestError::bad(
                "The request body is not a JSON object: it does not begin with '{'",
            ));
        }
    }
    serde_json::from_slice(bytes).map_err(|e| {
        RestError::bad(if e.is_data() {
            format!("The request body is not what was expected: {e}")
        } else {
            format!("The request body is not valid JSON: {e}")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_runtime::herder::entity::ConnectorOffsets;

    fn refusal<T: DeserializeOwned>(body: &str) -> String {
        let error = parse::<T>(body.as_bytes()).err().unwrap();
        assert_eq!(error.text().0, 400, "{body}");
        error.text().1.to_owned()
    }

    #[test]
    fn mistakes_are_400_and_say_where() {
        for (body, expected) in [
            (
                r#"{"name": "x", "config": {"#,
                "EOF while parsing an object at line 1 column 25",
            ),
            ("", "is empty"),
            (" \n", "is empty"),
            ("[]", "array"),
            (r#"["x", {}, null]"#, "array"),
            ("a=b", "does not begin with '{'"),
            ("null", "does not begin with '{'"),
            (
                r#"{"name": "x", "extra": 1}"#,
                "unknown field `extra`, expected one of `name`, `config`, `initial_state` at line 1 column 21",
            ),
            (
                r#"{"config": {"a": {"b": 1}}}"#,
                "value of key 'a' is an object",
            ),
            (r#"{"config": {"a": [1]}}"#, "value of key 'a' is an array"),
            (r#"{"config": 7}"#, "expected a JSON object of strings"),
            ("{\"config\":\n{\"a\": tru}}", "line 2"),
            (r#"{"name": "x"} x"#, "trailing characters"),
        ] {
            let found = refusal::<CreateRequest>(body);
            assert!(found.contains(expected), "{body}: {found}");
        }
        let found = refusal::<ConnectorOffsets>(r#"{"nope":1}"#);
        assert!(found.contains("unknown field `nope`"), "{found}");
    }
}
