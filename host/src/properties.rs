//! Reading `worker.properties`.
//!
//! Java's own format (comments, continued lines, escapes), so that a Connect worker's file can be used as it is. What the
//! keys mean is the runtime's. Invariant: of a key that is given twice the last counts, as in Java.

use anyhow::{Context, Result};
use host_core::config::Config;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The keys of a file, sorted by name.
pub fn read(file: &Path) -> Result<Config> {
    let told = || format!("reading the worker configuration {}", file.display());
    let opened = File::open(file).with_context(told)?;
    let map = java_properties::read(BufReader::new(opened)).with_context(told)?;
    let mut entries: Vec<(String, String)> = map.into_iter().collect();
    entries.sort();
    Ok(entries
        .into_iter()
        .map(|(k, v)| (k, v.trim_end().to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connect_workers_file_is_read() {
        let path = std::env::temp_dir().join(format!("tidegate-properties-{}", std::process::id()));
        let text = "# a comment\nbootstrap.servers=a:9092,\\\n  b:9092\ngroup.id = one\ngroup.id: two\nkey.converter=x \n";
        std::fs::write(&path, text).unwrap();
        let config = read(&path).unwrap();
        let keys = ["bootstrap.servers", "group.id", "key.converter"]
            .map(|k| config.get(k).unwrap().to_owned());
        assert_eq!(keys, ["a:9092,b:9092", "two", "x"]);
        std::fs::remove_file(&path).unwrap();
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("tidegate-properties"));
    }
}
