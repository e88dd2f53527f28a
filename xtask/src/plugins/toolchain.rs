//! Which compiler builds guests: a ladder, first step that works.
//!
//! - the running toolchain already has the wasm target;
//! - `rustup target add`;
//! - Debian's `rustc-web`, building the standard library from `rust-web-src`;
//! - a message with the one command to run.
//!
//! Deliberately no WASI target: its standard library imports WASI, which the host refuses.
//! Invariant: the compiler named in `version` is the one that runs, whatever rust-toolchain.toml
//! and rustup's proxies on PATH would choose.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::root::Root;
use crate::step;

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_LINKER: &str = "wasm-ld-19";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-19"];
/// Oldest compiler that accepts the guests' edition and the SDK's code.
const OLDEST_MINOR: u32 = 85;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The current toolchain with its prebuilt wasm standard library.
    Installed,
    /// Debian's own compiler; the standard library is built along.
    DebianBuildStd,
}

/// A compiler for guests.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    kind: Kind,
    /// What `rustc --version` says, and how the standard library comes: part of the cache key.
    pub(crate) version: String,
}

/// What the machine offers, gathered first so that the choice itself is a pure function.
#[derive(Debug, Clone, Copy, Default)]
struct Machine {
    target_installed: bool,
    debian_ready: bool,
}

fn choose(machine: Machine, only: Option<&str>) -> Option<Kind> {
    let allowed = |step: &str| only.is_none_or(|o| o == step);
    if machine.target_installed && (allowed("installed") || allowed("rustup")) {
        Some(Kind::Installed)
    } else if machine.debian_ready && allowed("debian") {
        Some(Kind::DebianBuildStd)
    } else {
        None
    }
}

/// The toolchain that is there already, without changing anything on the machine.
pub(crate) fn present(root: &Root) -> Result<Option<Toolchain>> {
    let only = only()?;
    let machine = Machine {
        target_installed: target_installed(root)?,
        debian_ready: debian_ready(),
    };
    let Some(kind) = choose(machine, only.as_deref()) else {
        return Ok(None);
    };
    Toolchain::of(root, kind).map(Some)
}

/// A toolchain, fetched if need be: rustup's target first, then Debian's packages.
pub(crate) fn get(root: &Root) -> Result<Toolchain> {
    let only = only()?;
    let allowed = |step: &str| only.as_deref().is_none_or(|o| o == step);
    let mut tried = Vec::new();
    if target_installed(root)? && choose_installed(only.as_deref()) {
        return Toolchain::of(root, Kind::Installed);
    }
    if allowed("rustup") {
        match rustup_target_add(root) {
            Ok(()) if target_installed(root)? => return Toolchain::of(root, Kind::Installed),
            Ok(()) => tried.push("rustup added the target to another toolchain".to_owned()),
            Err(error) => tried.push(first_line(&error)),
        }
    }
    if allowed("debian") {
        match debian_install() {
            Ok(()) => return Toolchain::of(root, Kind::DebianBuildStd),
            Err(error) => tried.push(first_line(&error)),
        }
    }
    bail!(
        "getting a compiler for guests: {}; run `rustup target add {TARGET}` and try again",
        tried.join("; ")
    )
}

fn choose_installed(only: Option<&str>) -> bool {
    let machine = Machine {
        target_installed: true,
        debian_ready: false,
    };
    choose(machine, only) == Some(Kind::Installed)
}

impl Toolchain {
    fn of(root: &Root, kind: Kind) -> Result<Self> {
        let mut command = match kind {
            Kind::Installed => current_rustc(root),
            Kind::DebianBuildStd => debian_command(DEBIAN_RUSTC),
        };
        let version = step::output("asking the guest compiler", command.arg("--version"))?;
        let how = match kind {
            Kind::Installed => "installed std",
            Kind::DebianBuildStd => "build-std",
        };
        Ok(Self {
            kind,
            version: format!("{}, {how}", version.trim()),
        })
    }

    /// `cargo build --release` for the guests; the caller adds `--package` options.
    pub(crate) fn cargo(&self, workspace: &Path, target: &Path) -> Command {
        let mut command = match self.kind {
            Kind::Installed => {
                let mut command = step::cargo();
                // Flags for the host's own build mean nothing to a wasm linker.
                command.env_remove("RUSTFLAGS");
                command
            }
            Kind::DebianBuildStd => {
                let mut command = debian_command(DEBIAN_CARGO);
                command
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER)
                    .arg("-Zbuild-std=std,panic_abort");
                command
            }
        };
        command
            .args(["build", "--release", "--target", TARGET])
            .arg("--manifest-path")
            .arg(workspace.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(target)
            .current_dir(workspace);
        command
    }
}

/// `TIDEGATE_GUEST_TOOLCHAIN`, checked: a misspelt step must not quietly mean "any".
fn only() -> Result<Option<String>> {
    match std::env::var("TIDEGATE_GUEST_TOOLCHAIN") {
        Ok(step) if ["installed", "rustup", "debian"].contains(&step.as_str()) => Ok(Some(step)),
        Ok(step) if step.is_empty() => Ok(None),
        Ok(step) => bail!(
            "reading TIDEGATE_GUEST_TOOLCHAIN: no step `{step}`; use installed, rustup or debian"
        ),
        Err(_) => Ok(None),
    }
}

fn current_rustc(root: &Root) -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(root.folder());
    command
}

fn target_installed(root: &Root) -> Result<bool> {
    let mut command = current_rustc(root);
    command.args(["--print", "target-libdir", "--target", TARGET]);
    let folder = step::output("asking rustc for its wasm target", &mut command)?;
    Ok(PathBuf::from(folder.trim()).is_dir())
}

/// Bounded, because on a machine without network rustup retries for minutes.
fn rustup_target_add(root: &Root) -> Result<()> {
    let rustup = step::find_program("rustup").context("rustup is not installed")?;
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=5", "120"])
        .arg(rustup)
        .args(["target", "add", TARGET])
        .current_dir(root.folder());
    println!("plugins: adding the target {TARGET} to this checkout's toolchain with rustup");
    let log = root.join("target/guests/rustup.log");
    step::logged(&format!("rustup target add {TARGET}"), &log, &mut command)
}

fn debian_ready() -> bool {
    debian_minor().is_some_and(|minor| minor >= OLDEST_MINOR)
        && Path::new(DEBIAN_CARGO).is_file()
        && step::find_program(DEBIAN_LINKER).is_some()
        && debian_source().is_some()
}

fn debian_minor() -> Option<u32> {
    let mut command = debian_command(DEBIAN_RUSTC);
    let text = step::output("asking Debian's rustc", command.arg("--version")).ok()?;
    minor(&text)
}

/// 96 from `rustc 1.96.0 (…)`.
fn minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("rustc 1.")?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// Where build-std will look: `lib/rustlib/src/rust/library` under Debian's sysroot.
fn debian_source() -> Option<PathBuf> {
    let mut command = debian_command(DEBIAN_RUSTC);
    let sysroot = step::output(
        "asking Debian's rustc",
        command.args(["--print", "sysroot"]),
    );
    let folder = PathBuf::from(sysroot.ok()?.trim()).join("lib/rustlib/src/rust/library");
    folder.join("std/Cargo.toml").is_file().then_some(folder)
}

fn debian_install() -> Result<()> {
    if debian_ready() {
        return Ok(());
    }
    apt::install("to build guests", &DEBIAN_PACKAGES)?;
    if !debian_ready() {
        bail!(
            "{} are installed, but {DEBIAN_RUSTC} is older than 1.{OLDEST_MINOR} or has no sources",
            DEBIAN_PACKAGES.join(" ")
        );
    }
    Ok(())
}

/// A program of Debian's toolchain, shielded from rustup: `cargo x` itself was started through a
/// rustup proxy, which leaves its choice of toolchain in the environment and first on PATH.
fn debian_command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (key, _) in std::env::vars_os() {
        if shields(&key.to_string_lossy()) {
            command.env_remove(key);
        }
    }
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("/usr/bin:{path}"))
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTDOC", "/usr/bin/rustdoc");
    command
}

/// Whether a variable could point Debian's cargo at another toolchain or linker. CARGO_HOME and
/// the network settings stay: they say where crates come from.
fn shields(key: &str) -> bool {
    const EXACT: [&str; 7] = [
        "CARGO",
        "LD_LIBRARY_PATH",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "RUSTC_WRAPPER",
        "RUST_RECURSION_COUNT",
    ];
    const PREFIXES: [&str; 6] = [
        "RUSTUP_",
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BUILD_",
        "CARGO_TARGET_",
        "CARGO_ENCODED_",
    ];
    EXACT.contains(&key) || PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

fn first_line(error: &anyhow::Error) -> String {
    format!("{error:#}")
        .lines()
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_that_works_is_taken() {
        let check = |target_installed, debian_ready, only, expected| {
            let machine = Machine {
                target_installed,
                debian_ready,
            };
            assert_eq!(choose(machine, only), expected, "{machine:?} {only:?}");
        };
        check(true, true, None, Some(Kind::Installed));
        check(false, true, None, Some(Kind::DebianBuildStd));
        check(false, false, None, None);
        check(true, true, Some("debian"), Some(Kind::DebianBuildStd));
        check(true, false, Some("debian"), None);
        check(false, true, Some("rustup"), None);
        check(true, true, Some("rustup"), Some(Kind::Installed));
    }

    #[test]
    fn versions_are_read_from_rustc() {
        assert_eq!(minor("rustc 1.96.0 (ac68faa20 2026-05-25)"), Some(96));
        assert_eq!(minor("rustc 1.63.0"), Some(63));
        assert_eq!(minor("bash: rustc: not found"), None);
    }

    #[test]
    fn rustups_choice_does_not_leak_into_debians_cargo() {
        for key in [
            "RUSTUP_TOOLCHAIN",
            "CARGO",
            "LD_LIBRARY_PATH",
            "CARGO_MANIFEST_DIR",
        ] {
            assert!(shields(key), "{key}");
        }
        for key in ["CARGO_HOME", "CARGO_NET_OFFLINE", "PATH", "HTTPS_PROXY"] {
            assert!(!shields(key), "{key}");
        }
    }
}
