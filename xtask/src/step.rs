//! Running other programs so that a person always knows what is being waited for.
//!
//! A quiet program (`Logged`) writes into a log file and shows a progress line once it has taken
//! longer than two seconds; a loud one (`shown`) keeps the terminal. This module deliberately
//! knows nothing about what is run. Invariant: a failure names the command and where its output is.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Nothing silent takes longer than this without a line on the terminal.
const QUIET_FOR: Duration = Duration::from_secs(2);
/// Without a terminal (CI) a line is not overwritten, so say it less often.
const REPEAT_IN_LOGS: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const TAIL_LINES: usize = 20;

/// Steps of a longer command, each timed, with a summary at the end.
#[derive(Default)]
pub(crate) struct Steps {
    done: Vec<(String, Duration, bool)>,
}

impl Steps {
    /// Runs one step and says so; `false` if it failed, with the error on the terminal.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("── {name}");
        let started = Instant::now();
        let result = step();
        if let Err(error) = &result {
            eprintln!("error: {error:#}");
        }
        self.done
            .push((name.to_owned(), started.elapsed(), result.is_ok()));
        result.is_ok()
    }

    /// Prints the summary; an error if any step failed.
    pub(crate) fn finish(self, command: &str) -> Result<()> {
        println!("── {command}");
        for (name, took, passed) in &self.done {
            let verdict = if *passed { "ok    " } else { "FAILED" };
            println!("  {verdict} {:7.1} s  {name}", took.as_secs_f64());
        }
        let failed: Vec<_> = self
            .done
            .iter()
            .filter(|(_, _, passed)| !passed)
            .map(|(name, _, _)| name.as_str())
            .collect();
        if failed.is_empty() {
            return Ok(());
        }
        bail!("{command}: failed: {}", failed.join(", "))
    }
}

/// A progress line for one thing that is being waited for.
pub(crate) struct Progress {
    what: String,
    log: Option<PathBuf>,
    started: Instant,
    said: Option<Instant>,
    overwrite: bool,
}

impl Progress {
    pub(crate) fn new(what: impl Into<String>, log: Option<&Path>) -> Self {
        Self {
            what: what.into(),
            log: log.map(Path::to_path_buf),
            started: Instant::now(),
            said: None,
            overwrite: std::io::stderr().is_terminal(),
        }
    }

    /// Call often; prints when due.
    pub(crate) fn tick(&mut self) {
        let elapsed = self.started.elapsed();
        let every = if self.overwrite {
            Duration::from_secs(1)
        } else {
            REPEAT_IN_LOGS
        };
        let due = match self.said {
            None => elapsed >= QUIET_FOR,
            Some(at) => at.elapsed() >= every,
        };
        if !due {
            return;
        }
        self.said = Some(Instant::now());
        let log = self
            .log
            .as_ref()
            .map(|path| format!(", log {}", path.display()))
            .unwrap_or_default();
        let line = format!("  … {} ({} s{log})", self.what, elapsed.as_secs());
        if self.overwrite {
            eprint!("\r\x1b[K{line}");
            drop(std::io::stderr().flush());
        } else {
            eprintln!("{line}");
        }
    }

    /// Ends the line; says how long it took if anything was said before.
    pub(crate) fn done(self) {
        if self.said.is_some() {
            let clear = if self.overwrite { "\r\x1b[K" } else { "" };
            eprintln!(
                "{clear}  ✓ {} ({} s)",
                self.what,
                self.started.elapsed().as_secs()
            );
        }
    }

    /// Ends the line without claiming success.
    pub(crate) fn stop(self) {
        if self.said.is_some() && self.overwrite {
            eprint!("\r\x1b[K");
        }
    }
}

/// Waits until `ready` answers `Some`; gives up after `limit` with an error that names the log.
pub(crate) fn wait_until<T>(
    what: &str,
    log: Option<&Path>,
    limit: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let mut progress = Progress::new(what, log);
    let end = Instant::now() + limit;
    loop {
        match ready() {
            Ok(Some(value)) => {
                progress.done();
                return Ok(value);
            }
            Ok(None) if Instant::now() < end => {}
            Ok(None) => {
                progress.stop();
                let last = log.map(tail).unwrap_or_default();
                bail!("{what}: did not happen within {} s{last}", limit.as_secs());
            }
            Err(error) => {
                progress.stop();
                let last = log.map(tail).unwrap_or_default();
                bail!("{what}: {error:#}{last}");
            }
        }
        progress.tick();
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Runs a program to its end with its output in `log`; progress on the terminal, the log's last
/// lines in the error.
pub(crate) fn logged(what: &str, log: &Path, command: &mut Command) -> Result<()> {
    logged_with_input(what, log, command.stdin(Stdio::null()))
}

/// As [`logged`], with the input the command was given.
pub(crate) fn logged_with_input(what: &str, log: &Path, command: &mut Command) -> Result<()> {
    if let Some(folder) = log.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("creating the folder {}", folder.display()))?;
    }
    let file = File::create(log).with_context(|| format!("creating the log {}", log.display()))?;
    let mut child = command
        .stdout(file.try_clone().context("sharing a log file")?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("{what}: starting {}", spelled(command)))?;
    let mut progress = Progress::new(what, Some(log));
    loop {
        if let Some(status) = child
            .try_wait()
            .with_context(|| format!("{what}: waiting"))?
        {
            if status.success() {
                progress.done();
                return Ok(());
            }
            progress.stop();
            bail!(
                "{what}: {} ended with {status}{}",
                spelled(command),
                tail(log)
            );
        }
        progress.tick();
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Runs a program with the terminal as its output and no input; an error names it.
pub(crate) fn shown(what: &str, command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{what}: starting {}", spelled(command)))?;
    if !status.success() {
        bail!("{what}: {} ended with {status}", spelled(command));
    }
    Ok(())
}

/// A program's standard output as text; an error carries its standard error.
pub(crate) fn output(what: &str, command: &mut Command) -> Result<String> {
    let out = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{what}: starting {}", spelled(command)))?;
    if !out.status.success() {
        bail!(
            "{what}: {} ended with {}: {}",
            spelled(command),
            out.status,
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    String::from_utf8(out.stdout).with_context(|| format!("{what}: reading its output as text"))
}

/// Whether a program of this name is on PATH or in one of Debian's administrator folders.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|candidate| candidate.is_file())
}

/// The cargo that runs this program, so that nested calls use the same toolchain.
///
/// What `cargo run` told this program about its own package is taken away: a build script that
/// watches such a variable would run again at every change between `cargo x` and plain cargo.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// The last lines of a log as a block to append to an error.
pub(crate) fn tail(log: &Path) -> String {
    let Ok(file) = File::open(log) else {
        return format!("\n  (no log at {})", log.display());
    };
    let mut last = std::collections::VecDeque::with_capacity(TAIL_LINES);
    for line in BufReader::new(file).split(b'\n').map_while(Result::ok) {
        if last.len() == TAIL_LINES {
            last.pop_front();
        }
        last.push_back(String::from_utf8_lossy(&line).into_owned());
    }
    let lines = last.into_iter().collect::<Vec<_>>().join("\n    ");
    format!("\n  last lines of {}:\n    {lines}", log.display())
}

/// A command as a person would type it, cut where it gets long: the log has the rest.
fn spelled(command: &Command) -> String {
    const CHARACTERS_MAX: usize = 160;
    let words: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_program_shows_its_last_lines_and_log() {
        let log = std::env::temp_dir().join(format!("xtask-step-{}.log", std::process::id()));
        let mut command = Command::new("sh");
        command.args(["-c", "seq 1 50; exit 3"]);
        let error = logged("counting", &log, &mut command)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("counting: sh -c") && error.contains("exit status: 3"),
            "{error}"
        );
        assert!(
            error.contains("\n    50") && !error.contains("\n    29\n"),
            "{error}"
        );
        std::fs::remove_file(&log).unwrap();
    }

    #[test]
    fn waiting_gives_up_with_what_was_waited_for() {
        let error = wait_until::<()>("the server", None, Duration::ZERO, || Ok(None)).unwrap_err();
        assert_eq!(error.to_string(), "the server: did not happen within 0 s");
    }
}
