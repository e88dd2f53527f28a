//! Dependencies among our crates point one way: layout ← core ← mysql; core ← wasm ← runtime ←
//! rest; everything ← host.
//!
//! Read from `cargo metadata`, all kinds of dependency alike. Deliberately an allow-list: a new
//! arrow is a design decision and starts here, with an ADR. Invariant: a crate that is not in the
//! table is refused too.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::metadata;
use crate::root::Root;

/// A crate and the crates of ours it may depend on.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("tidegate-layout", &[]),
    ("host-core", &["tidegate-layout"]),
    ("host-mysql", &["host-core", "tidegate-layout"]),
    ("host-wasm", &["host-core", "tidegate-layout"]),
    (
        "host-runtime",
        &["host-wasm", "host-core", "tidegate-layout"],
    ),
    (
        "host-rest",
        &["host-runtime", "host-wasm", "host-core", "tidegate-layout"],
    ),
    (
        "host",
        &[
            "host-rest",
            "host-runtime",
            "host-wasm",
            "host-mysql",
            "host-core",
            "tidegate-layout",
        ],
    ),
    // Tests look at the product from outside; what they share with it is the layout and records.
    ("tests", &["host", "host-core", "tidegate-layout"]),
    ("xtask", &[]),
];

/// A dependency between two of our crates.
type Arrow = (String, String);

/// Checks the root workspace and that guests see nothing of the host but the layout.
pub(super) fn check(root: &Root) -> Result<()> {
    let host = metadata(&root.join("Cargo.toml"), &["--no-deps"])?;
    let mut wrong = wrong_arrows(&names(&host)?, &arrows(&host)?);
    let guests = metadata(&root.plugins().join("Cargo.toml"), &["--no-deps"])?;
    let inside = names(&guests)?;
    for (from, to) in arrows(&guests)? {
        if to != "tidegate-layout" && !inside.contains(&to) {
            wrong.push(format!(
                "guest {from} -> {to}: guests may see tidegate-layout only"
            ));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "checking dependency direction:\n  {}\n  (the table is in xtask/src/check/direction.rs)",
        wrong.join("\n  ")
    )
}

fn wrong_arrows(crates: &[String], arrows: &[Arrow]) -> Vec<String> {
    let row = |name: &str| ALLOWED.iter().find(|(crate_name, _)| *crate_name == name);
    let unknown = crates
        .iter()
        .filter(|name| row(name).is_none())
        .map(|name| format!("{name}: a crate that is not in the table"));
    let wrong = arrows
        .iter()
        .filter(|(from, to)| row(from).is_some_and(|(_, may)| !may.contains(&to.as_str())))
        .map(|(from, to)| format!("{from} -> {to}: an arrow that is not in the table"));
    unknown.chain(wrong).collect()
}

fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"]
        .as_array()
        .context("reading cargo metadata: no packages")
}

fn names(metadata: &Value) -> Result<Vec<String>> {
    let name = |package: &Value| package["name"].as_str().unwrap_or_default().to_owned();
    Ok(packages(metadata)?.iter().map(name).collect())
}

/// Dependencies by path: those are ours.
fn arrows(metadata: &Value) -> Result<Vec<Arrow>> {
    let mut arrows = Vec::new();
    for package in packages(metadata)? {
        let from = package["name"].as_str().unwrap_or_default();
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        for dependency in dependencies.filter(|d| d["path"].is_string()) {
            let to = dependency["name"].as_str().unwrap_or_default();
            arrows.push((from.to_owned(), to.to_owned()));
        }
    }
    Ok(arrows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_listed_arrows_pass() {
        let check = |from: &str, to: &str, fine: bool| {
            let crates = [from.to_owned(), to.to_owned()];
            let wrong = wrong_arrows(&crates, &[(from.into(), to.into())]);
            assert_eq!(wrong.is_empty(), fine, "{from} -> {to}: {wrong:?}");
        };
        check("host-mysql", "host-core", true);
        check("host", "host-mysql", true);
        check("host-core", "host-mysql", false);
        check("host-runtime", "host-mysql", false);
        check("host-wasm", "host-runtime", false);
        check("host-rest", "host", false);
        check("xtask", "host-core", false);
        check("host", "host-utils", false);
    }

    #[test]
    fn arrows_are_path_dependencies_of_any_kind() {
        let metadata = json!({"packages": [{"name": "host-core", "dependencies": [
            {"name": "serde", "path": null, "kind": null},
            {"name": "tidegate-layout", "path": "/x", "kind": null},
            {"name": "host-mysql", "path": "/y", "kind": "dev"},
        ]}]});
        let arrows = arrows(&metadata).unwrap();
        assert_eq!(arrows.len(), 2);
        assert_eq!(wrong_arrows(&names(&metadata).unwrap(), &arrows).len(), 1);
    }

    #[test]
    fn the_table_has_no_cycle() {
        for (position, (name, may)) in ALLOWED.iter().enumerate() {
            for to in *may {
                let at = ALLOWED.iter().position(|(other, _)| other == to).unwrap();
                assert!(at < position, "{name} -> {to} points down the table");
            }
        }
    }
}
