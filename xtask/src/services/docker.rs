//! Services in containers: docker/compose.test.yaml on a running engine.
//!
//! Deliberately the plain `docker compose` command line, no API client. Invariant: containers
//! publish the same loopback ports that native servers use, so nothing else knows the difference.

use std::process::Command;

use anyhow::Result;

use super::Service;
use crate::root::Root;
use crate::step;

/// Own project name: a user's containers are never touched.
const PROJECT: &str = "tidegate-test";

/// Whether an engine runs here and has the compose plugin.
pub(super) fn engine_answers(root: &Root) -> bool {
    if step::find_program("docker").is_none() || step::find_program("timeout").is_none() {
        return false;
    }
    // A half-dead engine may hang; it counts as none.
    let asks = |words: &[&str]| {
        let mut command = Command::new("timeout");
        command
            .args(["10", "docker"])
            .args(words)
            .current_dir(root.folder());
        step::output("asking Docker", &mut command).is_ok()
    };
    asks(&["info"]) && asks(&["compose", "version"])
}

/// Creates and starts a service's container; the caller waits until it answers.
pub(super) fn up(root: &Root, service: Service) -> Result<()> {
    compose(root, service, &["up", "--detach"])
}

/// Any compose verb on one service.
pub(super) fn compose(root: &Root, service: Service, verb: &[&str]) -> Result<()> {
    let mut command = Command::new("docker");
    command
        .args(["compose", "--project-name", PROJECT, "--file"])
        .arg(root.join("docker/compose.test.yaml"))
        .args(verb)
        .arg(service.name());
    let log = root.services().join("docker.log");
    let what = format!("docker compose {} {}", verb.join(" "), service.name());
    step::logged(&what, &log, &mut command)
}
