//! Refusals as Connect sends them: `{"error_code": 404, "message": "…"}`.
//!
//! Connect leaves the content type out where its server, not its own code, refuses (no such path or method, wrong
//! types); so does [`RestError::bare`]. It decides no status. Invariant: a message names no secret's value, because
//! whoever makes it must not give it one.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use host_runtime::herder::HerderError;
use serde::Serialize;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestError {
    status: StatusCode,
    message: String,
    typed: bool,
}

#[derive(Serialize)]
struct ErrorMessage<'a> {
    error_code: u16,
    message: &'a str,
}

impl RestError {
    /// A refusal with a message.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            typed: true,
        }
    }
    /// 400.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
    /// 404.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
    /// Jersey's own refusal, `HTTP 404 Not Found`, without content type.
    pub(crate) fn bare(status: StatusCode) -> Self {
        Self {
            typed: false,
            ..Self::jersey(status)
        }
    }
    /// The same text with a content type, as Jersey sends it from within a resource.
    pub(crate) fn jersey(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Unknown");
        Self::new(status, format!("HTTP {} {reason}", status.as_u16()))
    }
    #[cfg(test)]
    pub(crate) fn text(&self) -> (u16, &str) {
        (self.status.as_u16(), &self.message)
    }
}

impl From<HerderError> for RestError {
    fn from(e: HerderError) -> Self {
        let status = StatusCode::from_u16(e.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, e.message)
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let error = ErrorMessage {
            error_code: self.status.as_u16(),
            message: &self.message,
        };
        // A struct of a number and a string always serializes.
        let body = serde_json::to_vec(&error).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if self.typed {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let realm = HeaderValue::from_static("Basic realm=\"tidegate\"");
                headers.insert(WWW_AUTHENTICATE, realm);
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn errors_are_connects() {
        let typed = Some("application/json");
        let cases = [
            (
                RestError::bare(StatusCode::METHOD_NOT_ALLOWED),
                r#"{"error_code":405,"message":"HTTP 405 Method Not Allowed"}"#,
                None,
            ),
            (
                RestError::jersey(StatusCode::NOT_FOUND),
                r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#,
                typed,
            ),
            (
                HerderError::conflict("Connector a already exists").into(),
                r#"{"error_code":409,"message":"Connector a already exists"}"#,
                typed,
            ),
            (
                RestError::bad("a \"b\"\n"),
                r#"{"error_code":400,"message":"a \"b\"\n"}"#,
                typed,
            ),
        ];
        for (error, expected, content_type) in cases {
            let response = error.into_response();
            let found = response.headers().get(CONTENT_TYPE).cloned();
            assert_eq!(found.as_ref().map(|v| v.to_str().unwrap()), content_type);
            let body = axum::body::to_bytes(response.into_body(), 1024).await;
            assert_eq!(body.unwrap(), expected);
        }
    }
}
