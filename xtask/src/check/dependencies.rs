//! What others' crates may be: their licences, where they come from, which are banned, and that
//! there is one version of each.
//!
//! `cargo deny`, offline, where it is installed. Compiling it takes minutes, so elsewhere a small
//! check reads deny.toml's main rules and says that it stood in. Deliberately no advisories: they
//! need a database that is not here. Invariant: both read the same file.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::policy::Policy;
use super::{cargo, licence, metadata};
use crate::root::Root;
use crate::step;

const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Checks the host's dependencies and the guests'.
pub(super) fn check(root: &Root) -> Result<()> {
    let manifests = [root.join("Cargo.toml"), root.plugins().join("Cargo.toml")];
    if step::find_program("cargo-deny").is_some() {
        return manifests.iter().try_for_each(|manifest| {
            let mut deny = cargo(root);
            deny.args(["deny", "--offline", "--manifest-path"])
                .arg(manifest)
                .arg("--config")
                .arg(root.join("deny.toml"))
                // One file serves two workspaces: a skip of the one is unmatched in the other.
                .args([
                    "check",
                    "--allow",
                    "unmatched-skip",
                    "bans",
                    "licenses",
                    "sources",
                ]);
            step::shown("cargo deny", &mut deny)
        });
    }
    println!(
        "  cargo-deny is not installed (`cargo install --locked cargo-deny`): \
         xtask's smaller check of deny.toml stands in"
    );
    let path = root.join("deny.toml");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let policy = Policy::parse(&text)?;
    let mut wrong = Vec::new();
    for manifest in manifests {
        let metadata = metadata(&manifest, &["--filter-platform", PLATFORM])?;
        let packages: Vec<Package> = metadata["packages"]
            .as_array()
            .context("reading cargo metadata: no packages")?
            .iter()
            .map(Package::of)
            .collect();
        wrong.extend(complaints(&packages, &policy));
    }
    wrong.sort();
    wrong.dedup();
    if wrong.is_empty() {
        return Ok(());
    }
    bail!(
        "checking dependencies against deny.toml:\n  {}",
        wrong.join("\n  ")
    )
}

#[derive(Debug, Clone)]
struct Package {
    name: String,
    version: String,
    licence: String,
    /// Where it comes from; `None` for a crate of ours.
    source: Option<String>,
}

impl Package {
    fn of(value: &Value) -> Self {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Self {
            name: text("name").unwrap_or_default(),
            version: text("version").unwrap_or_default(),
            licence: text("license").unwrap_or_default(),
            source: text("source"),
        }
    }
}

fn complaints(packages: &[Package], policy: &Policy) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let Package { name, version, .. } = package;
        if !licence::allowed(&package.licence, &policy.licences) {
            wrong.push(format!(
                "{name} {version}: licence `{}` is not allowed",
                package.licence
            ));
        }
        let foreign = package.source.as_ref().filter(|source| {
            !policy
                .registries
                .iter()
                .any(|r| source.strip_prefix("registry+") == Some(r.as_str()))
        });
        if let Some(source) = foreign {
            wrong.push(format!(
                "{name} {version}: comes from {source}, which is not allowed"
            ));
        }
        if policy.banned.contains(name) {
            wrong.push(format!("{name} {version}: is banned"));
        }
        if !policy.skips(name, version) {
            versions.entry(name).or_default().push(version);
        }
    }
    wrong.extend(
        versions
            .into_iter()
            .filter(|(_, found)| found.len() > 1)
            .map(|(name, found)| {
                format!(
                    "{name}: versions {} at once; make them one, or add a skip with its reason",
                    found.join(" and ")
                )
            }),
    );
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_enforced() {
        let policy = Policy {
            licences: vec!["MIT".into()],
            registries: vec!["https://r".into()],
            banned: vec!["openssl".into()],
            skipped: vec!["syn@2".into()],
        };
        let package = |name: &str, version: &str, licence: &str, source: Option<&str>| Package {
            name: name.into(),
            version: version.into(),
            licence: licence.into(),
            source: source.map(str::to_owned),
        };
        let good = package("a", "1.0.0", "MIT", Some("registry+https://r"));
        let check = |package: Package, expected: &str| {
            let found = complaints(&[good.clone(), package], &policy).join("; ");
            assert!(
                found.contains(expected) && expected.is_empty() == found.is_empty(),
                "{found}"
            );
        };
        check(package("ours", "0.1.0", "MIT", None), "");
        check(
            package("b", "1.0.0", "GPL-3.0", Some("registry+https://r")),
            "licence",
        );
        check(
            package("b", "1.0.0", "", Some("registry+https://r")),
            "licence ``",
        );
        check(
            package("b", "1.0.0", "MIT", Some("git+https://g")),
            "comes from git+",
        );
        check(
            package("openssl", "1.0.0", "MIT", Some("registry+https://r")),
            "banned",
        );
        check(
            package("a", "2.0.0", "MIT", Some("registry+https://r")),
            "versions 1.0.0 and 2.0.0",
        );
    }

    #[test]
    fn a_skipped_version_may_stand_beside_another() {
        let policy = Policy {
            licences: vec!["MIT".into()],
            registries: Vec::new(),
            banned: Vec::new(),
            skipped: vec!["syn@2".into()],
        };
        let of = |version: &str| Package {
            name: "syn".into(),
            version: version.into(),
            licence: "MIT".into(),
            source: None,
        };
        assert!(complaints(&[of("2.0.1"), of("3.0.0")], &policy).is_empty());
        assert_eq!(complaints(&[of("3.0.0"), of("4.0.0")], &policy).len(), 1);
    }
}
