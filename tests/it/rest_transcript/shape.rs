//! How a recorded body and ours are compared: same keys in the same order, same types, same text.
//!
//! Configurations are compared without order, because Connect keeps them in a Java hash map; lists of names likewise.
//! Lists of keys' definitions are matched by the key's name. A `trace` is compared by whether a FAILED task has one.

use super::exceptions::{
    BY_SHAPE, CLASS_LISTS, NO_ERRORS, NOT_MADE, OTHER_WORDS, TOLD_AS_WELL, VOLATILE,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Differences that are told of one answer.
const TOLD_MAX: usize = 12;

/// What is different between a recorded body and ours.
pub(super) fn differences(label: &str, expected: &Value, found: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let by_shape = CLASS_LISTS.contains(&label) || BY_SHAPE.iter().any(|(l, _)| *l == label);
    if by_shape {
        match (first(expected), first(found)) {
            (Some(e), Some(f)) => keys_and_types(e, f, &mut all),
            _ => all.push(format!("no entry: {found}")),
        }
    } else {
        let unordered = label.contains("get config");
        let (expected, found) = (meant(expected), without_more(expected, found));
        compare("", &expected, &found, unordered, &mut all);
    }
    let more = all.len().saturating_sub(TOLD_MAX);
    all.truncate(TOLD_MAX);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

fn first(of: &Value) -> Option<&Value> {
    match of {
        Value::Array(items) => items.first(),
        Value::Object(fields) => fields.values().next(),
        _ => None,
    }
}

fn keys_and_types(expected: &Value, found: &Value, all: &mut Vec<String>) {
    let keys = |v: &Value| v.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>());
    let (e, f) = (keys(expected), keys(found));
    if e != f {
        all.push(format!("fields {f:?}, not {e:?}"));
    }
}

fn compare(path: &str, expected: &Value, found: &Value, unordered: bool, all: &mut Vec<String>) {
    let whole = expected.is_object() || expected.is_array();
    if !whole && is_volatile(path) {
        if kind(expected) != kind(found) {
            all.push(format!("{path}: {found}, not a {}", kind(expected)));
        }
        return;
    }
    match (expected, found) {
        (Value::Object(e), Value::Object(f)) => objects(path, e, f, unordered, all),
        (Value::Array(e), Value::Array(f)) => arrays(path, e, f, all),
        _ if normal(expected) != normal(found) => {
            all.push(format!("{path}: {found}, not {expected}"));
        }
        _ => {}
    }
}

/// Whether a field's text is this run's: by its name, or as the value of a key of that name in a validation.
fn is_volatile(path: &str) -> bool {
    let listed = |name: &str| VOLATILE.iter().any(|(k, _)| *k == name);
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or_default();
    listed(last) || last == "value" && parts.any(listed)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A text without the names of users and hosts that MySQL puts into it.
fn normal(value: &Value) -> Value {
    let Some(text) = value.as_str().filter(|t| t.contains('@')) else {
        return value.clone();
    };
    let account = fancy_regex::Regex::new("'[a-z_]+'@'[^']+'").unwrap();
    account.replace_all(text, "'user'@'host'").as_ref().into()
}

type Fields = Map<String, Value>;

fn objects(path: &str, expected: &Fields, found: &Fields, unordered: bool, all: &mut Vec<String>) {
    if found.get("state").is_some_and(|s| s == "FAILED") {
        let told = found
            .get("trace")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if told.is_empty() {
            all.push(format!("{path}: FAILED without a trace"));
        }
    }
    let keys = |of: &Fields| {
        let mut keys: Vec<String> = of.keys().filter(|k| *k != "trace").cloned().collect();
        if unordered {
            keys.sort();
        }
        keys
    };
    let (e, f) = (keys(expected), keys(found));
    if e != f {
        all.push(format!("{path}: fields {f:?}, not {e:?}"));
    }
    for (key, value) in expected.iter().filter(|(k, _)| *k != "trace") {
        if let Some(ours) = found.get(key) {
            compare(&format!("{path}/{key}"), value, ours, key == "config", all);
        }
    }
}

fn arrays(path: &str, expected: &[Value], found: &[Value], all: &mut Vec<String>) {
    if expected.iter().chain(found).all(Value::is_string) {
        return texts(path, expected, found, all);
    }
    let named = |items: &[Value]| items.iter().all(|i| name(i).is_some());
    if !expected.is_empty() && named(expected) && named(found) {
        return definitions(path, expected, found, all);
    }
    if expected.len() != found.len() {
        all.push(format!(
            "{path}: {} entries, not {}",
            found.len(),
            expected.len()
        ));
    }
    for (n, (e, f)) in expected.iter().zip(found).enumerate() {
        compare(&format!("{path}/{n}"), e, f, false, all);
    }
}

/// Names without order. Classes are this host's own.
fn texts(path: &str, expected: &[Value], found: &[Value], all: &mut Vec<String>) {
    let set = |items: &[Value]| -> BTreeSet<String> {
        items.iter().map(|t| normal(t).to_string()).collect()
    };
    let (e, f) = (set(expected), set(found));
    let classes = e
        .iter()
        .any(|t| t.contains("io.debezium.") || t.contains("org.apache.kafka."));
    if e != f && !classes {
        all.push(format!("{path}: {f:?}, not {e:?}"));
    }
}

/// A recorded body without what calls had made that we refuse, and a validation without errors that are told twice or
/// tell nothing.
pub(super) fn meant(recorded: &Value) -> Value {
    let mut body = recorded.clone();
    let made = |e: &Value| {
        let of_offset = e.get("partition").map(Value::to_string);
        let id = of_offset.as_deref().or(e.as_str());
        id.is_none_or(|id| !NOT_MADE.contains(&id))
    };
    if let Value::Array(names) = &mut body {
        names.retain(made);
    }
    if let Some(offsets) = body.get_mut("offsets").and_then(Value::as_array_mut) {
        offsets.retain(made);
    }
    let mut count = 0;
    let configs = body.get_mut("configs").and_then(Value::as_array_mut);
    for entry in configs.into_iter().flatten() {
        let Some(errors) = entry
            .pointer_mut("/value/errors")
            .and_then(Value::as_array_mut)
        else {
            continue;
        };
        let mut seen = BTreeSet::new();
        errors.retain(|e| {
            let nothing = |t: &str| NO_ERRORS.iter().any(|(n, _)| t.contains(n));
            !e.as_str().is_some_and(nothing) && seen.insert(e.to_string())
        });
        count += errors.len();
    }
    if body.get("error_count").is_some() {
        body["error_count"] = count.into();
    }
    body
}

/// Our validation without the keys that we tell of as well.
fn without_more(recorded: &Value, found: &Value) -> Value {
    let mut body = found.clone();
    let listed = |key: &str| {
        let mut all = recorded["configs"].as_array().into_iter().flatten();
        all.any(|e| name(e) == Some(key))
    };
    let mut more = 0;
    if let Some(configs) = body.get_mut("configs").and_then(Value::as_array_mut) {
        configs.retain(|entry| {
            let key = name(entry).unwrap_or_default();
            let keep = !TOLD_AS_WELL.contains(&key) || listed(key);
            if !keep {
                more += entry["value"]["errors"].as_array().map_or(0, Vec::len);
            }
            keep
        });
    }
    if let Some(count) = body.get("error_count").and_then(Value::as_u64) {
        body["error_count"] = (count - more as u64).into();
    }
    body
}

/// What `validate` says of one key's value. Debezium leaves the value itself out of all its keys, so where none was
/// recorded ours may show one; a secret's is hidden.
fn value_of_key(path: &str, expected: &Value, found: &Value, all: &mut Vec<String>) {
    let (mut expected, secret) = (expected.clone(), path.contains("password"));
    let shown = found["value"].as_str();
    if expected["value"].is_null() && (!secret || shown == Some("[hidden]")) {
        expected["value"] = found["value"].clone();
    }
    for (recorded, both, _) in OTHER_WORDS {
        let holds =
            |v: &Value, what: &str| v["errors"][0].as_str().is_some_and(|t| t.contains(what));
        if holds(&expected, recorded) && holds(found, both) {
            expected["errors"] = found["errors"].clone();
        }
    }
    compare(path, &expected, found, false, all);
}

/// The key that an entry of `…/config` or `…/validate` defines.
fn name(entry: &Value) -> Option<&str> {
    let of_definition = entry["definition"]["name"].as_str();
    of_definition.or_else(|| entry["display_name"].as_str().and(entry["name"].as_str()))
}

fn definitions(path: &str, expected: &[Value], found: &[Value], all: &mut Vec<String>) {
    fn by_name(items: &[Value]) -> BTreeMap<&str, &Value> {
        items.iter().filter_map(|i| Some((name(i)?, i))).collect()
    }
    let (e, f) = (by_name(expected), by_name(found));
    let missing: Vec<_> = e.keys().filter(|k| !f.contains_key(*k)).collect();
    if !missing.is_empty() {
        all.push(format!(
            "{path}: {} keys are missing: {missing:?}",
            missing.len()
        ));
    }
    let extra: Vec<_> = f.keys().filter(|k| !e.contains_key(*k)).collect();
    if !extra.is_empty() {
        all.push(format!("{path}: {} keys more: {extra:?}", extra.len()));
    }
    for (key, entry) in e {
        let Some(ours) = f.get(key) else { continue };
        // Debezium's own mistake: the one key without a value in its validation result.
        let left_out = entry.get("value").is_some_and(Value::is_null);
        let path = format!("{path}/{key}");
        match entry.get("value").filter(|v| v.is_object()) {
            Some(value) => {
                keys_and_types(entry, ours, all);
                let (of, e, f) = (
                    format!("{path}/definition"),
                    &entry["definition"],
                    &ours["definition"],
                );
                compare(&of, e, f, false, all);
                value_of_key(&format!("{path}/value"), value, &ours["value"], all);
            }
            None if left_out => {}
            None => compare(&path, entry, ours, false, all),
        }
    }
}

#[test]
fn shapes_are_told_apart() {
    use serde_json::json;
    let status = json!({"name": "a", "tasks": [{"id": 0, "state": "FAILED", "worker_id": "w", "trace": "t"}]});
    let mut ours = status.clone();
    ours["tasks"][0]["worker_id"] = "v".into();
    assert!(differences("get status", &status, &ours).is_empty());
    ours["tasks"][0]["worker_id"] = 1.into();
    assert_eq!(differences("get status", &status, &ours).len(), 1);
    for (expected, found, count) in [
        (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), 1),
        (
            json!({"config": {"a": "1", "b": "2"}}),
            json!({"config": {"b": "2", "a": "1"}}),
            0,
        ),
        (json!(["v", "a/b", "y"]), json!(["y", "v"]), 0),
        (json!(["y"]), json!(["y", "a/b"]), 1),
        (json!(["v"]), json!([]), 1),
        (
            json!({"state": "FAILED", "trace": "t"}),
            json!({"state": "FAILED"}),
            1,
        ),
        (
            json!({"message": "'u'@'h' x"}),
            json!({"message": "'v'@'i' x"}),
            0,
        ),
        (json!({"message": "x"}), json!({"message": "y"}), 1),
        (
            json!([{"name": "k", "display_name": "K", "type": "INT"}]),
            json!([{"name": "k", "display_name": "K", "type": "LONG"}]),
            1,
        ),
    ] {
        let told = differences("", &expected, &found);
        assert_eq!(told.len(), count, "{expected} {found}: {told:?}");
    }
}
