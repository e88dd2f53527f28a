//! Which content types a route takes and gives.
//!
//! As Jersey does for Connect's resources: a body that is not said to be JSON is 415, a client that does not want JSON is
//! 406, each after path and method are known to be right. A body without content type is taken for JSON.
//! Invariant: a refusal here has changed nothing.

use crate::error::RestError;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The layer of routes that take and give JSON.
pub(crate) async fn json_only(request: Request, next: Next) -> Response {
    let reads_body = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    if reads_body && !is_json(request.headers()) {
        return RestError::bare(StatusCode::UNSUPPORTED_MEDIA_TYPE).into_response();
    }
    if !accepts_json(request.headers()) {
        return RestError::bare(StatusCode::NOT_ACCEPTABLE).into_response();
    }
    next.run(request).await
}

/// The media type of the body in lower case, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media = value.split(';').next().unwrap_or_default().trim();
    Some(media.to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    !headers.contains_key(CONTENT_TYPE)
        || content_type(headers).is_some_and(|t| t == "application/json")
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    values
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .any(is_json_range)
}

/// Whether one range of an `Accept` header (`application/*;q=0.5`) covers JSON.
fn is_json_range(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    let refused = parts
        .filter_map(|p| p.strip_prefix("q="))
        .any(|q| q.trim().parse().is_ok_and(|q: f32| q <= 0.0));
    let covers = ["application/json", "application/*", "*/*", "*", ""].contains(&media.as_str());
    covers && !refused
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: Option<&str>) -> HeaderMap {
        let all = value.map(|v| (name, v.parse().unwrap()));
        all.into_iter().collect()
    }

    #[test]
    fn accept_headers() {
        for (value, expected) in [
            (None, true),
            (Some("application/json"), true),
            (Some("text/html, application/*;q=0.8"), true),
            (Some("text/html, image/gif, *; q=.2, */*; q=.2"), true),
            (Some("text/plain"), false),
            (Some("application/json;q=0"), false),
            (Some("text/plain, Application/JSON; charset=utf-8"), true),
        ] {
            assert_eq!(accepts_json(&headers(ACCEPT, value)), expected, "{value:?}");
        }
    }

    #[test]
    fn content_types() {
        for (value, expected) in [
            (None, true),
            (Some("application/json"), true),
            (Some("application/json; charset=UTF-8"), true),
            (Some("APPLICATION/JSON"), true),
            (Some("text/plain"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (Some("application/jsonx"), false),
        ] {
            let all = headers(CONTENT_TYPE, value);
            assert_eq!(is_json(&all), expected, "{value:?}");
        }
    }
}
