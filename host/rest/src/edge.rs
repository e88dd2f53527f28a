//! The outermost layer: spans, the access log, time-outs, trailing slashes and `OPTIONS`.
//!
//! It knows no route. The access log is one line a request at debug level with method, path, status and time; the query
//! and all headers and bodies stay out of it. Invariant: an answer is given within the request's limit.

use crate::error::RestError;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::{Duration, Instant};
use tracing::Instrument;
use tracing::field::Empty;

/// Limit of a request, Connect's `RestServer.DEFAULT_REST_REQUEST_TIMEOUT_MS`.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);
/// Limit of an upload, which is sent over slow lines and then compiled.
pub(crate) const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);
/// Longest path that the log shows.
const LOGGED_PATH_CHARS_MAX: usize = 256;

/// Runs a request within its span and limit.
pub(crate) async fn edge(mut request: Request, next: Next) -> Response {
    strip_trailing_slash(request.uri_mut());
    let started = Instant::now();
    let method = request.method().clone();
    let path: String = request
        .uri()
        .path()
        .chars()
        .take(LOGGED_PATH_CHARS_MAX)
        .collect();
    let limit = limit(&method, &path);
    let span = tracing::info_span!("request", %method, path, tenant = Empty, user = Empty);
    let answer = tokio::time::timeout(limit, next.run(request))
        .instrument(span.clone())
        .await;
    let response = match answer {
        Ok(response) if method == Method::OPTIONS => answer_options(response),
        Ok(response) => response,
        Err(_) => timed_out(&method, &path, limit),
    };
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    span.in_scope(|| tracing::debug!(status, elapsed_ms = elapsed.as_millis() as u64, "answered"));
    response
}

fn limit(method: &Method, path: &str) -> Duration {
    if *method == Method::PUT && path.starts_with("/plugins/") {
        UPLOAD_TIMEOUT
    } else {
        REQUEST_TIMEOUT
    }
}

/// Connect's text of `HerderRequestHandler`, with the request as the stage.
fn timed_out(method: &Method, path: &str, limit: Duration) -> Response {
    let message = format!(
        "Request timed out. The worker is currently handling {method} {path}, which began {} s ago",
        limit.as_secs()
    );
    RestError::new(StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
}

/// `/connectors/` is `/connectors`, as in Jersey.
fn strip_trailing_slash(uri: &mut Uri) {
    let path = uri.path();
    let Some(shorter) = path.strip_suffix('/').filter(|p| !p.is_empty()) else {
        return;
    };
    let text = uri
        .query()
        .map_or_else(|| shorter.to_owned(), |q| format!("{shorter}?{q}"));
    let mut parts = uri.clone().into_parts();
    // A part of a valid path is a valid path; if not, the request stays as it was and finds no route.
    let Ok(path_and_query) = PathAndQuery::try_from(text) else {
        return;
    };
    parts.path_and_query = Some(path_and_query);
    if let Ok(stripped) = Uri::from_parts(parts) {
        *uri = stripped;
    }
}

/// Turns "method not allowed" into the list of those that are, in the order of Java's hash set.
fn answer_options(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allowed = response.headers().get(ALLOW).and_then(|v| v.to_str().ok());
    let allowed: Vec<&str> = allowed
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .collect();
    let methods = ["HEAD", "DELETE", "POST", "GET", "OPTIONS", "PUT", "PATCH"];
    let listed = methods
        .into_iter()
        .filter(|m| *m == "OPTIONS" || allowed.contains(m));
    let listed = listed.collect::<Vec<_>>().join(",");
    let mut answer = Response::new(Body::empty());
    let headers = answer.headers_mut();
    // Names of methods are always valid in a header.
    if let Ok(value) = HeaderValue::from_str(&listed) {
        headers.insert(ALLOW, value);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_go() {
        for (from, to) in [
            ("/connectors/", "/connectors"),
            (
                "/connectors/?expand=info&x=/",
                "/connectors?expand=info&x=/",
            ),
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("http://h:1/a/", "http://h:1/a"),
        ] {
            let mut uri: Uri = from.parse().unwrap();
            strip_trailing_slash(&mut uri);
            assert_eq!(uri.to_string(), to);
        }
    }

    #[test]
    fn uploads_may_take_longer() {
        assert_eq!(
            limit(&Method::PUT, "/plugins/a.B/versions/1.0.0"),
            UPLOAD_TIMEOUT
        );
        assert_eq!(limit(&Method::PUT, "/connectors/a/config"), REQUEST_TIMEOUT);
    }
}
