//! `cargo x demo`: the whole product on this machine, from source.
//!
//! This gets everything ready and hands the terminal over to the `demo` program of the `tests`
//! package, which plays and judges the scenario. Deliberately leaves services running. Invariant:
//! the exit code is the demo's own.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::root::Root;
use crate::services::{self, Service};
use crate::step::Steps;
use crate::{plugins, prerequisites, test};

/// Does not return if all goes well: this process becomes the demo.
pub(crate) fn run(root: &Root, exit: bool) -> Result<()> {
    let mut steps = Steps::default();
    let mut addresses = services::Addresses::default();
    let ready = steps.run("system packages", prerequisites::ensure)
        && steps.run("plugins", || plugins::build(root).map(|_| ()))
        && steps.run("services", || {
            addresses = services::up(root, &Service::USUAL)?;
            Ok(())
        })
        && steps.run("build", || test::build(root));
    if !ready {
        return steps.finish("cargo x demo");
    }
    let program = root.debug_binary("demo");
    if !program.is_file() {
        bail!(
            "starting the demo: the package `tests` built no program {}",
            program.display()
        );
    }
    let mut demo = Command::new(&program);
    test::environment(root, &addresses, &mut demo)?;
    if exit {
        demo.arg("--exit");
    }
    Err(demo.exec()).with_context(|| format!("starting {}", program.display()))
}
