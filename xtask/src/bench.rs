//! `cargo x bench`: measurements anyone can repeat with one command.
//!
//! This gets everything ready — plugins, services, the release build, the real Kafka Connect with Debezium if there is a
//! Java to run it — and hands the terminal over to the `bench` program of the `tests` package, which knows what its words
//! mean and does the measuring. Deliberately leaves services running. Invariant: what is measured is the release build.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result};

use crate::root::Root;
use crate::services::{self, Service};
use crate::step::{self, Steps};
use crate::{peer, plugins, prerequisites, test};

/// Measures the host beside the real Debezium; `words` are the `bench` program's own. Does not return if all goes well.
pub(crate) fn e2e(root: &Root, words: &[&str]) -> Result<()> {
    let alone = words.windows(2).any(|pair| pair == ["--only", "tidegate"]);
    let mut steps = Steps::default();
    let mut addresses = services::Addresses::default();
    let mut beside = None;
    let ready = steps.run("system packages", prerequisites::ensure)
        && steps.run("plugins", || plugins::build(root).map(|_| ()))
        && steps.run("services", || {
            addresses = services::up(root, &Service::USUAL)?;
            Ok(())
        })
        && (alone
            || steps.run("Kafka Connect with Debezium", || {
                beside = peer::get()?;
                Ok(())
            }))
        && steps.run("build", || build(root));
    if !ready {
        return steps.finish("cargo x bench e2e");
    }
    let mut bench = Command::new(root.debug_binary("bench"));
    test::environment(root, &addresses, &mut bench)?;
    bench
        .env("TIDEGATE_BIN", root.release_binary("tidegate"))
        .args(words);
    match beside {
        Some(peer) => {
            bench.envs(peer.environment());
        }
        None if !alone => {
            bench.args(["--only", "tidegate"]);
        }
        None => {}
    }
    Err(bench.exec()).context("starting the `bench` program of the package `tests`")
}

/// The host as it ships; the program that drives and counts needs no such build.
fn build(root: &Root) -> Result<()> {
    let cargo = |words: &[&str]| {
        let mut command = step::cargo();
        command.current_dir(root.folder()).arg("build").args(words);
        command
    };
    step::shown(
        "building the host for release",
        &mut cargo(&["--release", "--package", "host", "--bins"]),
    )?;
    step::shown(
        "building the bench program",
        &mut cargo(&["--package", "tests", "--bin", "bench"]),
    )
}
