//! A server from Debian's or Ubuntu's archive, unpacked into the cache: nothing system-wide.
//!
//! apt resolves and downloads a package and all it needs into folders of its own, `dpkg-deb`
//! unpacks them, and programs run through the tree's own dynamic loader. So it needs neither root
//! nor a chroot, and takes seconds. Deliberately runs no maintainer script. Invariant: a tree that
//! has its final name is complete.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::fetch;
use crate::step;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const MIRROR: &str = "http://deb.debian.org/debian";
/// MySQL is in no stable Debian release.
const SUITE: &str = "sid";

/// An unpacked package with everything it needs.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    folder: PathBuf,
}

impl Tree {
    /// The tree `name`, holding Debian's (or on Ubuntu, Ubuntu's) package; unpacked if need be.
    pub(super) fn of(name: &str, debian: &str, ubuntu: &str) -> Result<Self> {
        let folder = fetch::once(&format!("{name}-tree"), |part, logs| {
            let on_ubuntu = os_release("ID").as_deref() == Some("ubuntu");
            let package = if on_ubuntu { ubuntu } else { debian };
            println!("{name}: unpacking {package} into the cache (nothing is installed)");
            unpack(package, on_ubuntu, part, logs)
        })?;
        Ok(Self { folder })
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// A program of the tree, run by the tree's loader with the tree's libraries.
    pub(super) fn command(&self, program: &str) -> Result<Command> {
        let (triplet, loader) = architecture()?;
        let libraries: Vec<PathBuf> = ["usr/lib", "lib"]
            .iter()
            .map(|lib| self.folder.join(lib).join(triplet))
            .filter(|folder| folder.is_dir())
            .collect();
        let loader = libraries
            .iter()
            .map(|folder| folder.join(loader))
            .find(|path| path.is_file())
            .with_context(|| {
                format!(
                    "running {program}: no {loader} in {}; remove that folder and try again",
                    self.folder.display()
                )
            })?;
        let mut command = Command::new(loader);
        command
            .arg("--library-path")
            .arg(std::env::join_paths(libraries).context("joining library folders")?)
            .arg(self.folder.join(program));
        Ok(command)
    }
}

/// Debian's name for this machine's libraries, and the dynamic loader's file name.
fn architecture() -> Result<(&'static str, &'static str)> {
    match std::env::consts::ARCH {
        "x86_64" => Ok(("x86_64-linux-gnu", "ld-linux-x86-64.so.2")),
        "aarch64" => Ok(("aarch64-linux-gnu", "ld-linux-aarch64.so.1")),
        other => bail!("running a Debian program: no loader known for {other}; use Docker"),
    }
}

fn unpack(package: &str, on_ubuntu: bool, part: &Path, logs: &Path) -> Result<()> {
    let apt = part.join("apt");
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        let folder = apt.join(folder);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
    }
    let write = |name: &str, text: &str| {
        let path = apt.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    write("status", "")?;
    // Ubuntu's own sources hold MySQL; on Debian it takes the unstable suite, for this tree only.
    if !on_ubuntu {
        let mirror = mirror(&apt_sources()).unwrap_or_else(|| MIRROR.to_owned());
        write(
            "sources.list",
            &format!("deb [signed-by={KEYRING}] {mirror} {SUITE} main\n"),
        )?;
    }
    let update = logs.join(format!("{package}-apt-update.log"));
    step::logged(
        &format!("reading the package list for {package}"),
        &update,
        apt_get(&apt, on_ubuntu).arg("update"),
    )?;
    let download = logs.join(format!("{package}-download.log"));
    step::logged(
        &format!("downloading {package}"),
        &download,
        apt_get(&apt, on_ubuntu).args(["install", "--download-only", "-y", package]),
    )?;
    // Unpacked in part itself: the caller gives it the final name when all is there.
    let mut unpack = Command::new("sh");
    unpack
        .args([
            "-ec",
            "for deb in \"$1\"/*.deb; do dpkg-deb -x \"$deb\" \"$2\"; done",
            "sh",
        ])
        .arg(apt.join("cache/archives"))
        .arg(part);
    let log = logs.join(format!("{package}-unpack.log"));
    step::logged(&format!("unpacking {package}"), &log, &mut unpack)?;
    std::fs::remove_dir_all(&apt).with_context(|| format!("removing {}", apt.display()))
}

/// apt-get with all its state in `apt`, seeing an empty machine, so that it fetches everything.
fn apt_get(apt: &Path, machine_sources: bool) -> Command {
    let mut command = Command::new("apt-get");
    let mut set = |key: &str, value: &str| {
        command.arg("-o").arg(format!("{key}={value}"));
    };
    let inside = |name: &str| apt.join(name).display().to_string();
    set("Dir::State", &inside("state"));
    set("Dir::State::status", &inside("status"));
    set("Dir::Cache", &inside("cache"));
    if !machine_sources {
        set("Dir::Etc::sourcelist", &inside("sources.list"));
        set("Dir::Etc::sourceparts", "/dev/null");
    }
    set("Dir::Etc::preferences", "/dev/null");
    set("Dir::Etc::preferencesparts", "/dev/null");
    // As root apt would drop to a user that may not enter the cache folder.
    set("APT::Sandbox::User", "root");
    set("APT::Install-Recommends", "false");
    set("Acquire::Languages", "none");
    // Mirrors that stand still (snapshots, caches) serve lists past their date; signatures are
    // checked all the same. debootstrap, the usual way to such a tree, does not look at the date.
    set("Acquire::Check-Valid-Until", "false");
    set("Acquire::Retries", "3");
    command
}

/// This machine's apt sources as one text.
fn apt_sources() -> String {
    let parts = std::fs::read_dir("/etc/apt/sources.list.d")
        .into_iter()
        .flatten();
    let mut files: Vec<PathBuf> = parts.flatten().map(|entry| entry.path()).collect();
    files.sort();
    files.push("/etc/apt/sources.list".into());
    files
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The Debian mirror this machine uses: in deb822 form (`URIs:`) or on a `deb` line. Security and
/// other archives do not count.
fn mirror(sources: &str) -> Option<String> {
    sources
        .lines()
        .filter(|line| line.starts_with("URIs:") || line.starts_with("deb "))
        .flat_map(str::split_whitespace)
        .find(|word| word.starts_with("http") && word.trim_end_matches('/').ends_with("/debian"))
        .map(str::to_owned)
}

/// A value of /etc/os-release, such as `ID`.
fn os_release(key: &str) -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let prefix = format!("{key}=");
    let value = text.lines().find_map(|line| line.strip_prefix(&prefix))?;
    Some(value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_machines_own() {
        let check = |sources: &str, expected: Option<&str>| {
            assert_eq!(mirror(sources).as_deref(), expected, "{sources}");
        };
        check(
            "Types: deb\nURIs: http://deb.debian.org/debian-security\n\nURIs: http://m.example/debian/\n",
            Some("http://m.example/debian/"),
        );
        check(
            "# deb http://old.example/debian sid main\ndeb [arch=amd64] https://a.example/debian bookworm main",
            Some("https://a.example/debian"),
        );
        check("deb https://packages.example/apt stable main", None);
        check("", None);
    }
}
