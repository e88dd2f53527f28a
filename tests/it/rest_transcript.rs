//! The recorded calls of Kafka Connect's REST interface, replayed against this host.
//!
//! 164 calls that a real Connect 4.3.1 with Debezium 3.6.1 answered are sent in their order; status, content type and
//! body must be as recorded, but for the listed exceptions. What a call waits for is in `script`, what may differ in
//! `exceptions`, how bodies are compared in `shape`. Invariant: an exception that is not needed fails the test.

mod exceptions;
mod script;
mod shape;

use anyhow::{Context, Result};
use exceptions::Exception;
use script::Script;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tests::http::Answer;
use tests::services;

/// One recorded call.
#[derive(Debug, Deserialize)]
struct Call {
    label: String,
    request: Request,
    response: Response,
}

#[derive(Debug, Deserialize)]
struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    /// An object, raw text, or null for no body.
    body: Value,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Call {
    fn line(&self) -> String {
        format!(
            "{} {} ({})",
            self.request.method, self.request.path, self.label
        )
    }
}

fn recorded() -> Result<Vec<Call>> {
    let file = services::checkout().join("tests/golden/rest/transcript.json");
    let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

#[test]
fn connects_transcript() {
    let _servers = tests::servers();
    let calls = recorded().unwrap();
    let mut script = Script::start().unwrap();
    let mut unused: Vec<&Exception> = exceptions::REFUSED.iter().collect();
    let mut wrong = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let exception = exceptions::of(&call.label, &call.request.path);
        let found = script.play(call, |answer| compare(call, answer, exception));
        let differences = found.unwrap_or_else(|e| vec![format!("{e:#}")]);
        if let Some(exception) = exception {
            unused.retain(|e| e.label != exception.label);
        }
        if !differences.is_empty() {
            let told = differences.join("\n    ");
            wrong.push(format!("{index} {}\n    {told}", call.line()));
        }
    }
    script.end().unwrap();
    let equal = calls.len() - wrong.len();
    println!(
        "REST transcript: {equal} of {} as recorded or as listed ({} calls are listed exceptions)",
        calls.len(),
        exceptions::REFUSED.len()
    );
    assert!(unused.is_empty(), "no such call: {unused:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The comparison takes what was recorded, and nothing recorded would pass for an exception.
#[test]
fn the_transcript_is_equal_to_itself() {
    let calls = recorded().unwrap();
    assert_eq!(calls.len(), 164);
    for call in &calls {
        let headers = call.response.headers.iter();
        let answer = Answer {
            status: call.response.status,
            headers: headers
                .map(|(k, v)| (k.to_ascii_lowercase(), v.clone()))
                .collect(),
            body: serde_json::from_str(&call.response.body)
                .map_or(call.response.body.clone(), |b| shape::meant(&b).to_string()),
        };
        let exception = exceptions::of(&call.label, &call.request.path);
        let found = compare(call, &answer, exception);
        let needless = exception.is_some() && call.response.status != 400;
        assert_eq!(!found.is_empty(), needless, "{}: {found:?}", call.line());
    }
}

/// What is different between a recorded answer and ours.
fn compare(call: &Call, answer: &Answer, exception: Option<&Exception>) -> Vec<String> {
    if let Some(exception) = exception {
        return exception.differences(call.response.status, answer);
    }
    let mut differences = Vec::new();
    if answer.status != call.response.status {
        let (expected, found) = (call.response.status, answer.status);
        differences.push(format!("status {found}, not {expected}: {}", answer.body));
        return differences;
    }
    for name in ["Content-Type", "Allow", "Location"] {
        let expected = call.response.headers.get(name).map(String::as_str);
        let lower = name.to_ascii_lowercase();
        let found = answer.headers.iter().find(|(k, _)| *k == lower);
        let found = found.map(|(_, v)| v.as_str());
        // 405 must say what is allowed; Jersey does not.
        let told_more = name == "Allow" && expected.is_none();
        if !told_more && expected.map(after_host) != found.map(after_host) {
            differences.push(format!("{name}: {found:?}, not {expected:?}"));
        }
    }
    differences.extend(bodies(call, answer));
    differences
}

/// The part of an address after the host; other texts as they are.
fn after_host(text: &str) -> &str {
    let rest = text.strip_prefix("http://");
    rest.and_then(|r| r.find('/').map(|at| &r[at..]))
        .unwrap_or(text)
}

fn bodies(call: &Call, answer: &Answer) -> Vec<String> {
    if call.response.body.is_empty() || answer.body.is_empty() {
        let same = call.response.body == answer.body;
        let told = format!("body {:?}, not {:?}", answer.body, call.response.body);
        return if same { Vec::new() } else { vec![told] };
    }
    let Ok(expected) = serde_json::from_str::<Value>(&call.response.body) else {
        return vec!["the recorded body is not JSON".to_owned()];
    };
    match serde_json::from_str(&answer.body) {
        Ok(found) => shape::differences(&call.label, &expected, &found),
        Err(e) => vec![format!("not JSON: {e}: {}", answer.body)],
    }
}
