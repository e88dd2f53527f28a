//! Which guests there are: the cdylib members of the `plugins/` workspace.
//!
//! Read from `cargo metadata`, never from a list of our own. This deliberately does not look into
//! the sources. Invariant: a guest without a world in `[package.metadata.tidegate]` is refused
//! rather than guessed at.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::root::Root;
use crate::step;

const WORLDS: [&str; 3] = ["transform", "format", "predicate"];

/// One guest as its Cargo.toml describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Guest {
    /// Cargo package name; also the component's file name.
    pub(crate) name: String,
    /// Name of the compiled file without its extension (dashes become underscores).
    pub(crate) library: String,
    /// Kafka Connect class names it answers to, such as `…transforms.MaskField$Value`.
    pub(crate) classes: Vec<String>,
    /// The world of `wit/` it exports.
    pub(crate) world: String,
    /// Misbehaves on purpose: for tests, never embedded.
    pub(crate) hostile: bool,
}

/// All guests of the workspace, sorted by name.
pub(crate) fn discover(root: &Root) -> Result<Vec<Guest>> {
    let mut command = step::cargo();
    command
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .arg("--manifest-path")
        .arg(root.plugins().join("Cargo.toml"));
    let text = step::output("listing the guests", &mut command)?;
    let metadata = serde_json::from_str(&text).context("listing the guests: reading JSON")?;
    let guests = from_metadata(&metadata)?;
    if guests.is_empty() {
        bail!(
            "listing the guests: no package under {} has crate-type = [\"cdylib\"]",
            root.plugins().display()
        );
    }
    Ok(guests)
}

fn from_metadata(metadata: &Value) -> Result<Vec<Guest>> {
    let packages = metadata["packages"]
        .as_array()
        .context("listing the guests: cargo metadata has no packages")?;
    let mut guests = packages
        .iter()
        .filter_map(|package| one(package).transpose())
        .collect::<Result<Vec<_>>>()?;
    guests.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(guests)
}

fn one(package: &Value) -> Result<Option<Guest>> {
    let name = package["name"].as_str().unwrap_or_default().to_owned();
    let cdylib = package["targets"].as_array().and_then(|targets| {
        targets.iter().find(|target| {
            target["crate_types"]
                .as_array()
                .is_some_and(|types| types.iter().any(|t| t == "cdylib"))
        })
    });
    let Some(target) = cdylib else {
        return Ok(None);
    };
    let ours = &package["metadata"]["tidegate"];
    let world = ours["world"].as_str().unwrap_or_default().to_owned();
    if !WORLDS.contains(&world.as_str()) {
        bail!(
            "reading the guest {name}: [package.metadata.tidegate] has world = \"{world}\"; \
             set it to one of {}",
            WORLDS.join(", ")
        );
    }
    let classes = match &ours["classes"] {
        Value::Null => Vec::new(),
        Value::Array(list) => list
            .iter()
            .map(|class| class.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .with_context(|| format!("reading the guest {name}: classes must be strings"))?,
        _ => bail!("reading the guest {name}: classes must be a list of strings"),
    };
    Ok(Some(Guest {
        library: target["name"].as_str().unwrap_or(&name).replace('-', "_"),
        classes,
        world,
        hostile: ours["hostile"].as_bool().unwrap_or(false),
        name,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, kind: &str, tidegate: &Value) -> Value {
        json!({"name": name, "targets": [{"name": name, "crate_types": [kind]}],
               "metadata": {"tidegate": tidegate}})
    }

    #[test]
    fn guests_are_the_cdylibs_in_name_order() {
        let metadata = json!({"packages": [
            package("z-spin", "cdylib", &json!({"world": "transform", "hostile": true})),
            package("sdk", "lib", &Value::Null),
            package("mask-field", "cdylib", &json!({"world": "transform", "classes": ["a.B$Value", "a.B$Key"]})),
        ]});
        let guests = from_metadata(&metadata).unwrap();
        let names: Vec<_> = guests.iter().map(|g| g.name.as_str()).collect();
        assert_eq!(names, ["mask-field", "z-spin"]);
        assert_eq!(guests[0].library, "mask_field");
        assert_eq!(guests[0].classes, ["a.B$Value", "a.B$Key"]);
        assert!(!guests[0].hostile && guests[1].hostile);
    }

    #[test]
    fn a_guest_with_a_wrong_description_is_refused() {
        let check = |tidegate: Value, expected: &str| {
            let metadata = json!({"packages": [package("g", "cdylib", &tidegate)]});
            let error = from_metadata(&metadata).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(Value::Null, "world = \"\"");
        check(json!({"world": "sink"}), "world = \"sink\"");
        check(
            json!({"world": "format", "classes": "x"}),
            "list of strings",
        );
        check(
            json!({"world": "format", "classes": [1]}),
            "must be strings",
        );
    }
}
