//! `cargo x test`: components, services, build, then every test, with a summary.
//!
//! Which tests are which is told by module path, not by attributes: `faults::…`, `long::…`,
//! `differential::…` and `takeover::…` in the `tests` package. `long` and the last two, which need
//! a Java for the real Debezium, run only when asked for; everything else runs by default.
//! Deliberately never skips: a service that does not come up fails the run. Invariant: exit code 0
//! means that at least one test ran in each step and all passed.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::root::Root;
use crate::services::{self, Addresses, Service};
use crate::step::{self, Steps};
use crate::{peer, plugins, prerequisites};

/// What to run.
#[derive(Debug, PartialEq, Eq)]
struct Selection<'a> {
    /// Arguments of `cargo test` before `--`.
    cargo: &'static [&'static str],
    /// Arguments of the test programs after `--`.
    harness: Vec<&'a str>,
    services: &'static [Service],
    guests: bool,
    /// Whether the real Debezium is needed.
    peer: bool,
}

const WORKSPACE: &[&str] = &["--workspace", "--no-fail-fast"];
const TESTS: &[&str] = &["--package", "tests", "--no-fail-fast"];
/// Only when asked for by name.
const APART: &[&str] = &[
    "--skip",
    "long::",
    "--skip",
    DIFFERENTIAL,
    "--skip",
    TAKEOVER,
];
const DIFFERENTIAL: &str = "differential::";
const TAKEOVER: &str = "takeover::";
/// Unit tests only: nothing that talks to a server.
const UNIT: &[&str] = &["--workspace", "--exclude", "tests", "--no-fail-fast"];

type Parts<'a> = (
    &'static [&'static str],
    Vec<&'a str>,
    &'static [Service],
    bool,
);

/// Tests that run beside the real Debezium; what they print is their result.
fn with_peer(path: &str) -> Parts<'_> {
    (TESTS, vec![path, "--nocapture"], &Service::USUAL, false)
}

fn select<'a>(words: &[&'a str]) -> Result<Selection<'a>> {
    let (cargo, harness, services, guests): Parts<'a> = match words {
        [] => (WORKSPACE, APART.to_vec(), &Service::USUAL, true),
        ["unit"] => (UNIT, Vec::new(), &[], true),
        ["it"] => {
            let skip = [APART, &["--skip", "faults::"]].concat();
            (TESTS, skip, &Service::USUAL, false)
        }
        ["differential"] => with_peer(DIFFERENTIAL),
        ["takeover"] => with_peer(TAKEOVER),
        ["faults"] => (TESTS, vec!["faults::"], &Service::USUAL, false),
        ["long"] => (TESTS, vec!["long::"], &Service::USUAL, false),
        [filter] if !filter.starts_with('-') => (WORKSPACE, vec![*filter], &Service::USUAL, false),
        other => bail!(
            "reading the command line: `test {}`: give one of unit, it, faults, long, differential, takeover or a filter",
            other.join(" ")
        ),
    };
    let peer = matches!(words, ["differential" | "takeover"]);
    Ok(Selection {
        cargo,
        harness,
        services,
        guests,
        peer,
    })
}

/// Runs the chosen tests; a step that others build on stops the run when it fails.
pub(crate) fn run(root: &Root, words: &[&str]) -> Result<()> {
    let selection = select(words)?;
    let mut steps = Steps::default();
    let mut addresses = Addresses::default();
    let mut beside = None;
    let ready = steps.run("system packages", prerequisites::ensure)
        && steps.run("plugins", || plugins::build(root).map(|_| ()))
        && steps.run("services", || {
            addresses = services::up(root, selection.services)?;
            Ok(())
        })
        && (!selection.peer
            || steps.run("Kafka Connect with Debezium", || {
                beside = Some(peer::get()?.context(
            "comparing with Debezium: it runs on Java; install one (17 or newer) and set JAVA_HOME",
        )?);
                Ok(())
            }))
        && steps.run("build", || build(root))
        && steps.run("build tests", || {
            let mut command = cargo(root, &addresses);
            command
                .arg("test")
                .args(selection.cargo)
                .args(["--no-run", "--quiet"]);
            step::shown("building tests", &mut command)
        });
    if ready {
        steps.run("tests", || {
            let mut command = cargo(root, &addresses);
            command
                .arg("test")
                .args(selection.cargo)
                .arg("--")
                .args(&selection.harness);
            if let Some(peer) = &beside {
                command.envs(peer.environment());
            }
            count(&mut command)
        });
    }
    if ready && selection.guests {
        steps.run("tests of plugins", || {
            let mut command = cargo(root, &addresses);
            command
                .args(["test", "--workspace", "--no-fail-fast", "--manifest-path"])
                .arg(root.plugins().join("Cargo.toml"))
                .arg("--target-dir")
                .arg(root.native_plugins_target());
            count(&mut command)
        });
    }
    steps.finish("cargo x test")
}

/// The executables that tests and the demo start.
pub(crate) fn build(root: &Root) -> Result<()> {
    let mut command = step::cargo();
    command.current_dir(root.folder()).args([
        "build",
        "--package",
        "host",
        "--package",
        "tests",
        "--bins",
    ]);
    step::shown("building the host", &mut command)
}

/// What tests and the demo find in their environment.
pub(crate) fn environment(root: &Root, addresses: &Addresses, command: &mut Command) -> Result<()> {
    let own = std::env::current_exe().context("finding xtask's own executable")?;
    command
        .envs(addresses.environment())
        .env("TIDEGATE_BIN", root.debug_binary("tidegate"))
        .env("TIDEGATE_PLUGINS_DIR", root.components())
        // For fault tests: `$TIDEGATE_XTASK services restart mysql`, `kill -9 $(cat …/mysql/pid)`.
        .env("TIDEGATE_XTASK", own)
        .env("TIDEGATE_SERVICES_DIR", root.services());
    Ok(())
}

fn cargo(root: &Root, addresses: &Addresses) -> Command {
    let mut command = step::cargo();
    command.current_dir(root.folder());
    // Only the path of this executable can fail to be found; tests that need it then say so.
    if let Err(error) = environment(root, addresses, &mut command) {
        eprintln!("warning: {error:#}");
    }
    command
}

/// Runs `cargo test`, passing its output on and adding up its closing lines.
fn count(command: &mut Command) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo test")?;
    let output = child.stdout.take().context("reading cargo test's output")?;
    let mut total = Count::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("reading cargo test's output")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(count) = Count::of(&line) {
            total.passed += count.passed;
            total.failed += count.failed;
        }
    }
    let status = child.wait().context("waiting for cargo test")?;
    println!("{} passed, {} failed", total.passed, total.failed);
    if !status.success() || total.failed > 0 {
        bail!("cargo test: {} failed, {status}", total.failed);
    }
    if total.passed == 0 {
        bail!("cargo test: no test ran; is the filter right?");
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

impl Count {
    /// From `test result: ok. 24 passed; 0 failed; …`.
    fn of(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("test result: ")?;
        let number = |word: &str| {
            let before = rest.split_once(word)?.0.trim_end();
            before.rsplit(' ').next()?.parse().ok()
        };
        Some(Self {
            passed: number(" passed;")?,
            failed: number(" failed;")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted() {
        let line =
            "test result: FAILED. 24 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out";
        let expected = Count {
            passed: 24,
            failed: 3,
        };
        assert_eq!(Count::of(line), Some(expected));
        assert_eq!(Count::of("test a ... ok"), None);
        assert_eq!(Count::of("test result: nonsense"), None);
    }

    #[test]
    fn words_select_tests() {
        let usual = "--skip long:: --skip differential:: --skip takeover::";
        assert_eq!(select(&[]).unwrap().harness.join(" "), usual);
        assert!(select(&["unit"]).unwrap().services.is_empty());
        assert_eq!(select(&["faults"]).unwrap().harness, ["faults::"]);
        assert_eq!(select(&["mask"]).unwrap().harness, ["mask"]);
        assert!(select(&["differential"]).unwrap().peer);
        assert!(select(&["takeover"]).unwrap().peer);
        assert!(!select(&[]).unwrap().peer);
        assert!(select(&["--ignored"]).is_err());
        assert!(select(&["a", "b"]).is_err());
    }
}
