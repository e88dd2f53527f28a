//! Captures: the records of topics, written down as they came.
//!
//! The files are those of the recorded goldens: `{"topic","partitions","records":[{"partition","offset","key",
//! "headers","value"}]}`, texts where the bytes are UTF-8, `{"base64":…}` otherwise. Nothing is edited here.
//! Invariant: reading back what was written gives the same records.

use crate::json::Node;
use crate::kafka::{self, Record};
use anyhow::{Context, Result};
use base64::Engine;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// One record of a capture.
#[derive(Debug, Clone, PartialEq)]
pub struct Captured {
    /// Its partition.
    pub partition: i64,
    /// Key, `None` for null.
    pub key: Option<String>,
    /// Value, `None` for a tombstone.
    pub value: Option<String>,
    /// Header names and values.
    pub headers: Vec<(String, Option<String>)>,
}

/// Records by topic.
pub type Capture = BTreeMap<String, Vec<Captured>>;

/// Bytes as text, or marked as base64.
fn text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(t) => t.to_owned(),
        Err(_) => {
            json!({"base64": base64::engine::general_purpose::STANDARD.encode(bytes)}).to_string()
        }
    }
}

impl From<&Record> for Captured {
    fn from(r: &Record) -> Self {
        Self {
            partition: i64::from(r.partition),
            key: r.key.as_deref().map(text),
            value: r.value.as_deref().map(text),
            headers: r
                .headers
                .iter()
                .map(|(k, v)| (k.clone(), v.as_deref().map(text)))
                .collect(),
        }
    }
}

/// Reads the topics of the real broker.
pub fn from_kafka(matching: &dyn Fn(&str) -> bool) -> Result<Capture> {
    let all = kafka::read_all(matching)?.into_iter();
    Ok(all
        .map(|(topic, records)| (topic, records.iter().map(Captured::from).collect()))
        .collect())
}

/// Reads a folder of recorded topics.
pub fn from_folder(folder: &Path) -> Result<Capture> {
    let mut out = Capture::new();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let told = || format!("reading {}", path.display());
        let file: Value =
            serde_json::from_slice(&std::fs::read(&path).with_context(told)?).with_context(told)?;
        let topic = file["topic"].as_str().with_context(told)?.to_owned();
        let records = file["records"]
            .as_array()
            .with_context(told)?
            .iter()
            .map(recorded)
            .collect();
        out.insert(topic, records);
    }
    Ok(out)
}

fn recorded(r: &Value) -> Captured {
    let part = |v: &Value| match v {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    };
    let headers = r["headers"].as_array().into_iter().flatten();
    Captured {
        partition: r["partition"].as_i64().unwrap_or(-1),
        key: part(&r["key"]),
        value: part(&r["value"]),
        headers: headers
            .map(|h| (h[0].as_str().unwrap_or_default().to_owned(), part(&h[1])))
            .collect(),
    }
}

/// Writes a capture as files that can be recorded or looked at.
pub fn to_folder(capture: &Capture, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (topic, records) in capture {
        let rows: Vec<Value> = records
            .iter()
            .map(|r| json!({"partition": r.partition, "key": r.key, "headers": r.headers, "value": r.value}))
            .collect();
        let file = json!({"topic": topic, "records": rows});
        std::fs::write(
            folder.join(format!("{topic}.json")),
            serde_json::to_vec_pretty(&file)?,
        )?;
    }
    Ok(())
}

/// A text as a tree where it is JSON, and as a text otherwise.
pub fn tree(text: Option<&str>) -> Node {
    match text {
        None => Node::Plain("null".to_owned()),
        Some(t) => Node::parse(t).unwrap_or_else(|_| Node::Text(t.to_owned())),
    }
}
