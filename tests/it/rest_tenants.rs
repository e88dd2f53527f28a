//! Roles at the REST interface: bearer tokens, what a viewer, an author and an operator may do, and a used-up quota.
//!
//! That tenants are apart, and a hostile one, are in `tenants`. Invariant: every refusal is asked for by a real request
//! to a real worker.

use crate::faults::connector;
use serde_json::{Value, json};
use tests::host::{Host, password_hash};
use tests::http::Client;
use tests::services;

/// A worker with two tenants and an operator, all with the password `pw`.
fn start() -> Host {
    let hash = password_hash("pw").unwrap();
    let user = |role: &str| format!("{{ role = \"{role}\", hash = \"{hash}\" }}");
    let file = format!(
        "[operators]\nroot = \"{hash}\"\n\
         [tenants.acme.users]\nann = {}\nvic = {}\n\
         [tenants.bolt.users]\nbea = {}\n",
        user("author"),
        user("viewer"),
        user("author")
    );
    let folder = services::checkout().join("target/it");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("auth-{}.toml", std::process::id()));
    std::fs::write(&path, file).unwrap();
    Host::start(
        "rest-tenants",
        &[("tidegate.auth.file", path.to_str().unwrap())],
    )
    .unwrap()
}

fn as_user(host: &Host, user: &str) -> Client {
    let token = format!("Bearer {user}:pw");
    Client::new(host.rest.base()).with_header("authorization", &token)
}

fn stopped(name: &str) -> Value {
    json!({"name": name, "initial_state": "STOPPED", "config": connector("rest_tenants")})
}

#[test]
fn roles_and_quotas() {
    let _servers = tests::servers();
    let host = start();
    let stranger = host.rest.get("/connectors").unwrap();
    assert_eq!(stranger.status, 401);
    let realm = (
        "www-authenticate".to_owned(),
        "Basic realm=\"tidegate\"".to_owned(),
    );
    assert!(stranger.headers.contains(&realm), "{:?}", stranger.headers);
    assert_eq!(host.rest.get("/health").unwrap().status, 200);
    let [ann, vic, bea, root] =
        ["acme/ann", "acme/vic", "bolt/bea", "operator/root"].map(|user| as_user(&host, user));

    for tenant in ["acme", "bolt"] {
        let path = format!("/admin/tenants/{tenant}");
        assert_eq!(ann.send("PUT", &path, &json!({})).unwrap().status, 403);
        let open = json!({"topic_prefixes": [""], "database_hosts": ["*"], "connectors": 1});
        let answer = root.send("PUT", &path, &open).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json().unwrap()["connectors"], 1);
    }

    // The same name is two connectors; a viewer reads, and changes nothing.
    for (client, status) in [(&vic, 403), (&ann, 201), (&bea, 201), (&root, 403)] {
        let answer = client.send("POST", "/connectors", &stopped("c")).unwrap();
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let listed = vic.get("/connectors").unwrap().json().unwrap();
    assert_eq!(listed, json!(["c"]));
    assert_eq!(bea.bare("DELETE", "/connectors/c").unwrap().status, 204);
    assert_eq!(bea.get("/connectors/acme%2Fc").unwrap().status, 400);
    assert_eq!(vic.get("/connectors/c").unwrap().status, 200);

    // One upload may be as large as the quota says; another tenant's may be larger, and is then no component.
    let limited = json!({"topic_prefixes": [""], "database_hosts": ["*"], "connectors": 1, "upload_bytes": 1000});
    let answer = root.send("PUT", "/admin/tenants/acme", &limited).unwrap();
    assert_eq!(answer.json().unwrap()["upload_bytes"], 1000);
    for (client, bytes, status) in [(&ann, 1001, 413), (&ann, 1000, 422), (&bea, 1001, 422)] {
        let path = "/plugins/acme.Large/versions/1.0.0";
        let answer = client.call(
            "PUT",
            path,
            &[("content-type", "application/wasm")],
            &vec![7; bytes],
        );
        let answer = answer.unwrap();
        assert_eq!(answer.status, status, "{bytes}: {}", answer.body);
        assert!(
            status != 413 || answer.body.contains("1000 bytes"),
            "{}",
            answer.body
        );
    }

    // A used-up quota is 403 and names the quota; an unknown tenant has no usage.
    let over = ann.send("POST", "/connectors", &stopped("d")).unwrap();
    assert_eq!(over.status, 403, "{}", over.body);
    assert!(over.body.contains("connectors"), "{}", over.body);
    assert_eq!(root.get("/admin/tenants/nobody/usage").unwrap().status, 404);
    assert_eq!(root.get("/metrics").unwrap().status, 200);
    assert_eq!(ann.get("/metrics").unwrap().status, 403);
    let wrong = Client::new(host.rest.base()).with_header("authorization", "Bearer acme/ann:no");
    assert_eq!(wrong.get("/connectors").unwrap().status, 401);
    assert!(!host.log().contains("pw\""), "a password is in the log");
}
