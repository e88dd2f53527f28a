//! `cargo x check`: everything a machine can say about a change without running it.
//!
//! All steps run even after one failed, so that one run shows all there is to mend. Deliberately
//! starts no services. Invariant: exit code 0 only if every step passed; the summary names those
//! that did not.

mod dependencies;
mod direction;
mod files;
mod licence;
mod policy;

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::root::Root;
use crate::step::{self, Steps};
use crate::{plugins, prerequisites};

/// Runs every check.
pub(crate) fn run(root: &Root) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("file rules", || files::check(root));
    steps.run("dependency direction", || direction::check(root));
    steps.run("dependencies (licences, sources, bans)", || {
        dependencies::check(root)
    });
    steps.run("format", || {
        step::shown(
            "checking format",
            cargo(root).args(["fmt", "--all", "--check"]),
        )
    });
    steps.run("format of plugins", || {
        let mut fmt = cargo(root);
        fmt.args(["fmt", "--all", "--check", "--manifest-path"])
            .arg(root.plugins().join("Cargo.toml"));
        step::shown("checking format of plugins", &mut fmt)
    });
    steps.run("system packages", prerequisites::ensure);
    // The host embeds the components, so it does not compile without them.
    steps.run("plugins", || plugins::build(root).map(|_| ()));
    steps.run("clippy", || {
        let mut clippy = cargo(root);
        clippy.args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]);
        step::shown("clippy", &mut clippy)
    });
    steps.run("clippy of plugins", || {
        let mut clippy = cargo(root);
        clippy
            .args(["clippy", "--all-targets", "--manifest-path"])
            .arg(root.plugins().join("Cargo.toml"))
            .arg("--target-dir")
            .arg(root.native_plugins_target())
            .args(["--", "-D", "warnings"]);
        step::shown("clippy of plugins", &mut clippy)
    });
    steps.run("rustdoc", || {
        let mut doc = cargo(root);
        doc.args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ])
        .env("RUSTDOCFLAGS", "-D warnings");
        step::shown("rustdoc", &mut doc)
    });
    steps.finish("cargo x check")
}

/// Cargo in the checkout's root folder.
fn cargo(root: &Root) -> Command {
    let mut command = step::cargo();
    command.current_dir(root.folder());
    command
}

/// `cargo metadata` of a workspace, with more arguments.
fn metadata(manifest: &std::path::Path, arguments: &[&str]) -> Result<Value> {
    let mut command = step::cargo();
    command
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .args(arguments);
    let what = format!("reading the packages of {}", manifest.display());
    let text = step::output(&what, &mut command)?;
    serde_json::from_str(&text).with_context(|| format!("{what}: not JSON"))
}
