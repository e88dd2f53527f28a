//! An uploaded plugin's life: stored, shown, used, and deleted once nobody uses it.
//!
//! Uploads that are refused are in `bad_input`; guests that misbehave once loaded are tested beside the engine.
//! Invariant: a version in use is never deleted.

use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use tests::host::Host;
use tests::http::Answer;
use tests::services;

fn put(host: &Host, version: &str, bytes: &[u8]) -> Answer {
    let path = format!("/plugins/acme.MaskPii/versions/{version}");
    let headers = [("content-type", "application/wasm")];
    host.rest.call("PUT", &path, &headers, bytes).unwrap()
}

#[test]
fn an_uploads_life() {
    let _servers = tests::servers();
    let host = Host::start("rest-uploads", &[]).unwrap();
    let folder = services::plugins().unwrap();
    let component = std::fs::read(folder.join("mask-pii.wasm")).unwrap();
    let path = "/plugins/acme.MaskPii/versions/1.0.0";

    let began_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let began_ms = began_ms.as_millis() as u64;
    let stored = put(&host, "1.0.0", &component);
    assert_eq!(stored.status, 201, "{}", stored.body);
    let stored = stored.json().unwrap();
    assert_eq!(stored["class"], "wasm.acme.MaskPii");
    assert_eq!(stored["bytes"], component.len());
    assert!(stored["created_ms"].as_u64() >= Some(began_ms), "{stored}");
    assert_eq!(put(&host, "1.0.0", &component).status, 200);
    let mut other = component.clone();
    // A custom section at the end: another component that does the same.
    other.extend([0, 2, 1, b'x']);
    let conflict = put(&host, "1.0.0", &other);
    assert_eq!(conflict.status, 409, "{}", conflict.body);
    assert_eq!(put(&host, "1.1.0", &other).status, 201);

    let one = host.rest.get(path).unwrap().json().unwrap();
    assert_eq!(one["sha256"], stored["sha256"]);
    assert!(
        one["config"]
            .as_array()
            .is_some_and(|keys| !keys.is_empty()),
        "{one}"
    );
    assert_eq!(one["used_by"], json!([]));
    let config = json!({
        "connector.class": "FileStreamSource", "topic": "rest-uploads", "file": "/nonexistent",
        "transforms": "m", "transforms.m.type": "wasm.acme.MaskPii",
        "transforms.m.plugin.version": "1.0.0", "transforms.m.fields": "line"
    });
    let made = json!({"name": "uses", "config": config, "initial_state": "STOPPED"});
    let answer = host.rest.send("POST", "/connectors", &made).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    let one: Value = host.rest.get(path).unwrap().json().unwrap();
    assert_eq!(one["used_by"], json!(["uses"]));
    let in_use = host.rest.bare("DELETE", path).unwrap();
    assert_eq!(in_use.status, 409, "{}", in_use.body);
    assert!(in_use.body.contains("uses"), "{}", in_use.body);
    assert_eq!(
        host.rest
            .bare("DELETE", "/plugins/acme.MaskPii/versions/1.1.0")
            .unwrap()
            .status,
        204
    );
    assert_eq!(
        host.rest.bare("DELETE", "/connectors/uses").unwrap().status,
        204
    );
    assert_eq!(host.rest.bare("DELETE", path).unwrap().status, 204);
    assert_eq!(host.rest.get(path).unwrap().status, 404);
}
