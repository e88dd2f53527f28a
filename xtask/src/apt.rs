//! System packages through apt: the last resort, and never in silence.
//!
//! Deliberately never removes, upgrades or configures anything. Invariant: what is about to be
//! installed system-wide, and why, is on the terminal before apt starts.

use std::process::Command;

use anyhow::{Result, bail};

use crate::root;
use crate::step;

/// Installs packages, as root or through a password-less sudo; otherwise the error is the command
/// to run.
pub(crate) fn install(why: &str, packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let by_hand = format!("run `sudo apt-get install -y {names}` and try again");
    if step::find_program("apt-get").is_none() {
        bail!("installing {names} {why}: no apt-get on this machine; install them by hand");
    }
    let Some(prefix) = privilege() else {
        bail!("installing {names} {why}: needs root; {by_hand}");
    };
    println!("installing system-wide with apt, {why}: {names}");
    let log = root::cache_folder()?.join("logs/apt.log");
    let install = || {
        let mut command = apt(&prefix);
        command
            .args([
                "install",
                "-y",
                "-q",
                "--no-install-recommends",
                "--no-remove",
            ])
            .args(packages);
        step::logged(&format!("apt-get install {names}"), &log, &mut command)
    };
    // A fresh image has no package lists, an old one stale ones: both show as a failed install.
    if install().is_ok() {
        return Ok(());
    }
    let update_log = log.with_file_name("apt-update.log");
    step::logged("apt-get update", &update_log, apt(&prefix).arg("update"))?;
    install().map_err(|error| error.context(format!("installing {names} {why}; {by_hand}")))
}

fn apt(prefix: &[&str]) -> Command {
    let words = [prefix, &["apt-get", "-o", "DPkg::Lock::Timeout=300"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Words to put before apt-get so that it may install; `None` if it may not.
fn privilege() -> Option<Vec<&'static str>> {
    const QUIETLY: [&str; 2] = ["env", "DEBIAN_FRONTEND=noninteractive"];
    let works = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        step::output("asking who runs this", &mut command)
    };
    if works(&["id", "-u"]).is_ok_and(|id| id.trim() == "0") {
        return Some(QUIETLY.to_vec());
    }
    works(&["sudo", "-n", "true"])
        .is_ok()
        .then(|| [&["sudo", "-n"], &QUIETLY[..]].concat())
}
