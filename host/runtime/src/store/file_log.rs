//! A file, or plain memory, as a [`KeyLog`], for a worker without Kafka storage.
//!
//! The file holds one JSON line for each entry, `["<key>","<value>"]` with base64 where a text is not UTF-8
//! (`{"b":"…"}`), and is written anew as a whole, then renamed, so that a crash leaves the old or the new one. It is not
//! Java's serialized map: Connect's standalone offset file is refused with a message.
//! Invariant: what is in memory is what is in the file.

use super::log::{Compacted, KeyEntry, KeyLog, KeyValues};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use host_core::error::TaskError;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// First bytes of Java's object serialization.
const JAVA_MAGIC: [u8; 2] = [0xac, 0xed];

/// Entries in memory, kept in a file where there is one.
pub struct FileLog {
    path: Option<PathBuf>,
    entries: Mutex<Vec<(Vec<u8>, Vec<u8>)>>,
}

impl FileLog {
    /// A log in this file; it is made with the first write.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            entries: Mutex::default(),
        }
    }
    /// A log that lives as long as the process.
    pub fn memory() -> Self {
        Self {
            path: None,
            entries: Mutex::default(),
        }
    }
    fn load(&self) -> Result<(), TaskError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(file_error("reading", path, &e.to_string())),
        };
        if bytes.starts_with(&JAVA_MAGIC) {
            let why = "it is a file of Connect's standalone worker (a serialized Java map), which cannot be read here; \
                       name another file, and set the offsets with PATCH /connectors/{c}/offsets";
            return Err(file_error("reading", path, why));
        }
        let mut all = Compacted::default();
        let text =
            std::str::from_utf8(&bytes).map_err(|e| file_error("reading", path, &e.to_string()))?;
        for (n, line) in text.lines().enumerate() {
            let entry = parse_line(line).ok_or_else(|| {
                file_error("reading", path, &format!("line {} is not an entry", n + 1))
            })?;
            all.apply((entry.0, Some(entry.1)));
        }
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = all.into_ordered();
        Ok(())
    }
    fn save(&self, new: Vec<KeyEntry>) -> Result<(), TaskError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = Compacted::default();
        for (k, v) in entries.iter().cloned() {
            all.apply((k, Some(v)));
        }
        for e in new {
            all.apply(e);
        }
        let all = all.into_ordered();
        if let Some(path) = &self.path {
            replace(path, &all).map_err(|e| file_error("writing", path, &e.to_string()))?;
        }
        *entries = all;
        Ok(())
    }
}

fn replace(path: &Path, all: &[(Vec<u8>, Vec<u8>)]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent)?;
    }
    let mut file = std::fs::File::create(&beside)?;
    let mut text = String::new();
    for (k, v) in all {
        text.push_str(&Value::Array(vec![to_json(k), to_json(v)]).to_string());
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn to_json(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => serde_json::json!({"b": STANDARD.encode(bytes)}),
    }
}

fn from_json(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Object(o) => STANDARD.decode(o.get("b")?.as_str()?).ok(),
        _ => None,
    }
}

fn parse_line(line: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let [key, value] = value.as_array()?.as_slice() else {
        return None;
    };
    Some((from_json(key)?, from_json(value)?))
}

fn file_error(doing: &str, path: &Path, why: &str) -> TaskError {
    TaskError::fail(
        "STORAGE-FILE",
        format!("{doing} the file {}: {why}", path.display()),
    )
}

impl KeyLog for FileLog {
    fn open(&self) -> BoxFuture<'_, Result<(), TaskError>> {
        Box::pin(async { self.load() })
    }
    fn read(&self) -> BoxFuture<'_, Result<KeyValues, TaskError>> {
        Box::pin(async {
            Ok(self
                .entries
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone())
        })
    }
    fn write(&self, entries: Vec<KeyEntry>) -> BoxFuture<'_, Result<(), TaskError>> {
        // Small files, written by one worker: blocking for the length of an fsync is what durability costs.
        Box::pin(async { self.save(entries) })
    }
}
