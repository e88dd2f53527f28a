//! A server of ours as a process: start it apart from this one, find it again, signal it, stop it.
//!
//! State is a folder with `pid` and `server.log`; tests may `kill -9 $(cat …/pid)`. Deliberately
//! no supervision: what dies stays dead until `up`. Invariant: a process is signalled only if its
//! command line names our state folder, so a recycled pid never hits somebody else's program.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::step;

const STOP_LIMIT: Duration = Duration::from_mins(1);
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// The process that belongs to a state folder, running or not.
pub(super) struct Process {
    state: PathBuf,
}

impl Process {
    pub(super) fn new(state: &Path) -> Self {
        Self {
            state: state.to_path_buf(),
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.state.join("pid")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.state.join("server.log")
    }

    /// The pid, if the process runs.
    pub(super) fn pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        text.trim().parse().ok().filter(|pid| self.owns(*pid))
    }

    /// Starts the server in a process group of its own, so that Ctrl-C on `cargo x` spares it.
    pub(super) fn start(&self, command: &mut Command) -> Result<()> {
        self.end_orphans()?;
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log())
            .with_context(|| format!("opening {}", self.log().display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing a log file")?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().to_string_lossy()))?;
        std::fs::write(self.pid_file(), format!("{}\n", child.id()))
            .with_context(|| format!("writing {}", self.pid_file().display()))
    }

    /// Ends servers of this folder that its pid file does not know: left behind when the folder
    /// was removed under them (`cargo clean`) or when `cargo x` died before it wrote the file.
    fn end_orphans(&self) -> Result<()> {
        let known = self.pid();
        let processes = std::fs::read_dir("/proc").context("listing processes in /proc")?;
        for entry in processes.flatten() {
            let pid = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            if let Some(pid) = pid.filter(|pid| Some(*pid) != known && self.owns(*pid)) {
                println!("ending a server left over from an earlier run (pid {pid})");
                signal(pid, "KILL")?;
                self.wait_gone(pid, KILL_LIMIT)?;
            }
        }
        Ok(())
    }

    /// Clean shutdown; `false` if it was not running.
    pub(super) fn stop(&self) -> Result<bool> {
        let Some(pid) = self.pid() else {
            return Ok(false);
        };
        // A paused server would never see the request to stop.
        signal(pid, "CONT")?;
        signal(pid, "TERM")?;
        self.wait_gone(pid, STOP_LIMIT)?;
        self.forget();
        Ok(true)
    }

    /// `kill -9`; `false` if it was not running.
    pub(super) fn kill(&self) -> Result<bool> {
        let Some(pid) = self.pid() else {
            return Ok(false);
        };
        signal(pid, "KILL")?;
        self.wait_gone(pid, KILL_LIMIT)?;
        self.forget();
        Ok(true)
    }

    /// SIGSTOP or SIGCONT; `false` if it was not running.
    pub(super) fn freeze(&self, frozen: bool) -> Result<bool> {
        let Some(pid) = self.pid() else {
            return Ok(false);
        };
        signal(pid, if frozen { "STOP" } else { "CONT" })?;
        Ok(true)
    }

    fn forget(&self) {
        // A stale pid file is harmless: `pid` checks that the process is ours.
        drop(std::fs::remove_file(self.pid_file()));
    }

    fn wait_gone(&self, pid: u32, limit: Duration) -> Result<()> {
        let what = format!("process {pid} ending");
        step::wait_until(&what, Some(&self.log()), limit, || {
            Ok(ended(pid).then_some(()))
        })
    }

    /// Whether a process is alive and its command line names a path in our state folder: an
    /// argument that is one or ends in one after `=`, so a shell that greps for it does not count.
    fn owns(&self, pid: u32) -> bool {
        let marker = self.state.as_os_str().as_encoded_bytes();
        pid != std::process::id()
            && command_line(pid).split(|byte| *byte == 0).any(|argument| {
                let path = argument
                    .rsplit(|byte| *byte == b'=')
                    .next()
                    .unwrap_or_default();
                path.strip_prefix(marker)
                    .is_some_and(|rest| rest.first() == Some(&b'/'))
            })
    }
}

/// Whether a process has let go of its files and ports. Its command line is gone earlier, and its
/// first thread may be a zombie while others are still closing them.
fn ended(pid: u32) -> bool {
    let folder = format!("/proc/{pid}");
    match std::fs::read_to_string(format!("{folder}/stat")) {
        Err(_) => true,
        Ok(stat) => {
            let threads = std::fs::read_dir(format!("{folder}/task")).map_or(0, Iterator::count);
            stat.contains(") Z ") && threads <= 1
        }
    }
}

/// A process's arguments, each ended by a zero byte; empty for a zombie and for no process.
fn command_line(pid: u32) -> Vec<u8> {
    // It also reads as empty for a moment while a program replaces itself, as the Java launcher
    // does: look again if the process lives.
    const LOOKS_MAX: u32 = 10;
    for _ in 0..LOOKS_MAX {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let lives = || {
            // "pid (name) state …" with a name that may hold anything; threads of the kernel have
            // no executable and stay empty for good.
            std::fs::read_link(format!("/proc/{pid}/exe")).is_ok()
                && std::fs::read_to_string(format!("/proc/{pid}/stat"))
                    .is_ok_and(|stat| !stat.contains(") Z "))
        };
        if !line.is_empty() || !lives() {
            return line;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Vec::new()
}

fn signal(pid: u32, name: &str) -> Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("kill -{name} {pid}")]);
    step::output(&format!("sending {name} to process {pid}"), &mut command).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_frozen_and_killed_by_its_folder() {
        let state = std::env::temp_dir().join(format!("xtask-process-{}", std::process::id()));
        std::fs::create_dir_all(&state).unwrap();
        let process = Process::new(&state);
        assert_eq!(process.pid(), None);
        assert!(!process.stop().unwrap(), "nothing to stop");
        let data = format!("--datadir={}/data", state.display());
        let server = || {
            let mut command = Command::new("sh");
            command.args(["-c", "while :; do sleep 1; done", "server", &data]);
            command
        };
        process.start(&mut server()).unwrap();
        let first = process.pid().unwrap();
        assert!(process.freeze(true).unwrap() && process.freeze(false).unwrap());
        // The folder's pid file is lost, as after `cargo clean`: the next start cleans up.
        std::fs::remove_file(state.join("pid")).unwrap();
        process.start(&mut server()).unwrap();
        assert_ne!(process.pid(), Some(first));
        assert!(!process.owns(first));
        // A recycled pid: alive, but not ours.
        std::fs::write(state.join("pid"), "1\n").unwrap();
        assert_eq!(process.pid(), None);
        process.end_orphans().unwrap();
        std::fs::remove_dir_all(&state).unwrap();
    }
}
