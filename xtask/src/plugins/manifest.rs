//! `target/plugins/manifest.json`: what was built, for `host/wasm`'s build script and for tests.
//!
//! Shape: `{"hash", "components": [{"name", "file", "sha256", "classes", "world", "hostile"}]}`.
//! It deliberately carries no paths and no times, so equal sources give equal bytes. Invariant: a
//! manifest counts as current only if every component it names is there with the bytes it names.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::guest::Guest;
use super::sources;

/// What is in the output folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) hash: String,
    pub(crate) components: Vec<Component>,
}

/// One finished component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) name: String,
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) classes: Vec<String>,
    pub(crate) world: String,
    pub(crate) hostile: bool,
}

impl Component {
    pub(crate) fn of(guest: &Guest, bytes: &[u8]) -> Self {
        Self {
            name: guest.name.clone(),
            file: format!("{}.wasm", guest.name),
            sha256: sources::digest(bytes),
            classes: guest.classes.clone(),
            world: guest.world.clone(),
            hostile: guest.hostile,
        }
    }
}

impl Manifest {
    pub(crate) fn to_json(&self) -> String {
        let components: Vec<Value> = self
            .components
            .iter()
            .map(|c| {
                json!({"name": c.name, "file": c.file, "sha256": c.sha256,
                       "classes": c.classes, "world": c.world, "hostile": c.hostile})
            })
            .collect();
        let value = json!({"hash": self.hash, "components": components});
        format!("{value:#}\n")
    }

    /// The manifest at `path` if it was made from `hash` and its components are intact.
    pub(crate) fn read_current(path: &Path, hash: &str) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e).with_context(|| format!("reading {}", path.display())),
        };
        // A half-written or foreign manifest is the same as none: everything is built again.
        let Some(manifest) = Self::parse(&text).filter(|m| m.hash == hash) else {
            return Ok(None);
        };
        let intact = manifest.components.iter().all(|component| {
            std::fs::read(path.with_file_name(&component.file))
                .is_ok_and(|bytes| sources::digest(&bytes) == component.sha256)
        });
        Ok(intact.then_some(manifest))
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let string = |value: &Value| value.as_str().map(str::to_owned);
        let components = value["components"]
            .as_array()?
            .iter()
            .map(|c| {
                let classes = c["classes"].as_array()?;
                Some(Component {
                    name: string(&c["name"])?,
                    file: string(&c["file"])?,
                    sha256: string(&c["sha256"])?,
                    classes: classes.iter().map(string).collect::<Option<_>>()?,
                    world: string(&c["world"])?,
                    hostile: c["hostile"].as_bool()?,
                })
            })
            .collect::<Option<_>>()?;
        Some(Self {
            hash: string(&value["hash"])?,
            components,
        })
    }
}

/// Writes a file through a temporary name, and not at all if it already has these bytes: an
/// untouched file does not make cargo rebuild the crate that embeds it.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(());
    }
    let writing = || format!("writing {}", path.display());
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".part");
    std::fs::write(&temporary, bytes).with_context(writing)?;
    std::fs::rename(&temporary, path).with_context(writing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_current_only_with_its_hash_and_its_bytes() {
        let folder = std::env::temp_dir().join(format!("xtask-manifest-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("manifest.json");
        let guest = Guest {
            name: "mask-field".into(),
            library: "mask_field".into(),
            classes: vec!["org.apache.kafka.connect.transforms.MaskField$Value".into()],
            world: "transform".into(),
            hostile: false,
        };
        let manifest = Manifest {
            hash: "h".into(),
            components: vec![Component::of(&guest, b"bytes")],
        };
        let current = |hash: &str| Manifest::read_current(&path, hash).unwrap();
        assert_eq!(current("h"), None, "no manifest");
        write_if_changed(&path, manifest.to_json().as_bytes()).unwrap();
        assert_eq!(current("h"), None, "component missing");
        write_if_changed(&folder.join("mask-field.wasm"), b"bytes").unwrap();
        assert_eq!(current("h"), Some(manifest));
        assert_eq!(current("other"), None, "sources changed");
        write_if_changed(&folder.join("mask-field.wasm"), b"other").unwrap();
        assert_eq!(current("h"), None, "component damaged");
        std::fs::write(&path, "{\"hash\":").unwrap();
        assert_eq!(current("h"), None, "half-written manifest");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
