//! Requests through the layers, down to routes that need no herder.

use super::*;
use crate::body::JSON_BYTES_MAX;
use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Request};
use axum::response::IntoResponse;
use host_runtime::tenant::hash_password;
use tower::ServiceExt;
use tracing::level_filters::LevelFilter;

/// Names and values.
type Headers = [(&'static str, &'static str)];

/// Log levels as the operator's route, and one small route of a tenant.
fn small(tenants: Option<Arc<Tenants>>) -> Router {
    let loggers = Loggers::new(LevelFilter::INFO, &["host_mysql"], |_| Ok(()));
    let echo = async |body: crate::body::Json<crate::body::ConfigJson>| {
        axum::Json(body.0.into_config()).into_response()
    };
    let of_tenant = Router::new()
        .route("/things", get(async || "[]").post(echo))
        .route(
            "/things/{connector}",
            get(async |id: crate::access::OfConnector| id.0.stored_name()),
        )
        .route_layer(from_fn(json_only))
        .route_layer(from_fn(tenant_role));
    let host = log_levels().route_layer(from_fn(operator_only));
    let open = Router::new().route("/health", get(async || "{}"));
    shell(of_tenant.merge(host), open, tenants, Arc::new(loggers))
}

async fn send(app: &Router, request: Request<Body>) -> (u16, HeaderMap, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    (parts.status.as_u16(), parts.headers, text)
}

async fn call(
    app: &Router,
    line: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, HeaderMap, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (k, v) in headers {
        request = request.header(*k, *v);
    }
    send(app, request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn refusals_and_odd_methods_are_jerseys() {
    let app = small(None);
    let json = ("content-type", "application/json");
    let text = ("content-type", "text/plain");
    let plain = ("accept", "text/plain");
    let cases: [(&str, &Headers, &str, u16, &str); 14] = [
        (
            "GET /nope",
            &[],
            "",
            404,
            r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#,
        ),
        (
            "DELETE /things",
            &[],
            "",
            405,
            r#"{"error_code":405,"message":"HTTP 405 Method Not Allowed"}"#,
        ),
        (
            "POST /things",
            &[text],
            "{}",
            415,
            r#"{"error_code":415,"message":"HTTP 415 Unsupported Media Type"}"#,
        ),
        (
            "GET /things",
            &[plain],
            "",
            406,
            r#"{"error_code":406,"message":"HTTP 406 Not Acceptable"}"#,
        ),
        (
            "GET /nope",
            &[plain],
            "",
            404,
            r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#,
        ),
        ("GET /things/", &[], "", 200, "[]"),
        ("HEAD /things", &[], "", 200, ""),
        (
            "POST /things",
            &[json],
            r#"{"b":1,"a":true}"#,
            200,
            r#"{"b":"1","a":"true"}"#,
        ),
        (
            "POST /things",
            &[],
            "",
            400,
            r#"{"error_code":400,"message":"The request body is empty: send a JSON object"}"#,
        ),
        ("GET /things/x%20y", &[], "", 200, "x y"),
        (
            "GET /admin/loggers/root",
            &[],
            "",
            200,
            r#"{"level":"INFO","last_modified":null}"#,
        ),
        (
            "PUT /admin/loggers/host_mysql",
            &[json],
            r#"{"level":"warn"}"#,
            200,
            r#"["host_mysql"]"#,
        ),
        (
            "PUT /admin/loggers/host_mysql?scope=cluster",
            &[json],
            r#"{"level":"INFO"}"#,
            204,
            "",
        ),
        (
            "PUT /admin/loggers/root",
            &[json],
            "{}",
            400,
            r#"{"error_code":400,"message":"Desired 'level' parameter was not specified in request."}"#,
        ),
    ];
    for (line, headers, body, status, expected) in cases {
        let (found, _, answer) = call(&app, line, headers, body).await;
        assert_eq!((found, answer.as_str()), (status, expected), "{line}");
    }
    let (status, headers, body) = call(&app, "OPTIONS /things", &[], "").await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(headers[ALLOW], "HEAD,POST,GET,OPTIONS");
    assert_eq!(headers[CONTENT_TYPE], "application/json");
}

#[tokio::test]
async fn a_slash_in_a_name_reaches_no_tenant() {
    let app = small(None);
    let (status, _, body) = call(&app, "GET /things/acme%2Fx", &[], "").await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("may not contain a slash"), "{body}");
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_413() {
    let app = small(None);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(JSON_BYTES_MAX));
    let (status, _, body) = call(&app, "POST /things", &[], &long).await;
    assert_eq!(status, 413, "{body}");
    assert!(body.contains("1048576 bytes"), "{body}");
}

#[tokio::test]
async fn strangers_and_roles() {
    let hash = hash_password("s").unwrap();
    let file = format!(
        "[operators]\nroot = \"{hash}\"\n[tenants.acme.users]\nann = {{ role = \"author\", hash = \"{hash}\" }}\n\
         vic = {{ role = \"viewer\", hash = \"{hash}\" }}\n"
    );
    let path = std::env::temp_dir().join(format!("tidegate-rest-auth-{}.toml", std::process::id()));
    std::fs::write(&path, file).unwrap();
    let app = small(Some(Arc::new(Tenants::load(&path).unwrap())));
    let (status, headers, _) = call(&app, "GET /things", &[], "").await;
    assert_eq!(status, 401);
    assert_eq!(headers[WWW_AUTHENTICATE], "Basic realm=\"tidegate\"");
    for (who, line, expected) in [
        ("", "GET /health", 200),
        ("", "GET /nope", 401),
        ("acme/ann:wrong", "GET /things", 401),
        ("nobody/ann:s", "GET /things", 401),
        ("acme/vic:s", "GET /things", 200),
        ("acme/vic:s", "POST /things", 403),
        ("acme/ann:s", "POST /things", 200),
        ("acme/ann:s", "GET /admin/loggers", 403),
        ("operator/root:s", "GET /admin/loggers", 200),
        ("operator/root:s", "GET /things", 403),
    ] {
        let bearer = format!("Bearer {who}");
        let headers = [(AUTHORIZATION.as_str(), bearer.as_str())];
        let headers = if who.is_empty() {
            &[][..]
        } else {
            &headers[..]
        };
        let (status, _, body) = call(&app, line, headers, "{}").await;
        assert_eq!(status, expected, "{who} {line}: {body}");
    }
    // The same connector name is another tenant's another connector.
    let basic = [("authorization", "Basic YWNtZS9hbm46cw==")];
    let (_, _, body) = call(&app, "GET /things/x", &basic, "").await;
    assert_eq!(body, "acme/x");
    std::fs::remove_file(path).unwrap();
}
