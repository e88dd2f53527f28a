//! Compilation: in a child, within limits, once for each component.
//!
//! The children here are the real one, the real one under tighter limits, and programs that misbehave in its place.

use crate::world::{CHILD, guest, own_catalog, stamped, upload};
use host_wasm::compile::Settings;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A shell script in the child's place; `$0` is the real child.
fn script(text: &str) -> (PathBuf, Vec<OsString>) {
    let args = ["-c", text, CHILD].map(OsString::from).to_vec();
    (PathBuf::from("/bin/sh"), args)
}

fn refusal(name: &str, text: &str, change: impl FnOnce(Settings) -> Settings) -> String {
    let (c, _) = own_catalog(name, |s| {
        change(Settings {
            command: Some(script(text)),
            ..s
        })
    });
    let bytes = stamped(guest("predicate-topic-name-matches.wasm"), 7);
    upload(&c, "acme.Slow", "1.0.0", &bytes)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_child_limits_itself_before_it_reads() {
    let mut child = Command::new(CHILD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let path = format!("/proc/{}/limits", child.id());
    let began = Instant::now();
    // Of the limits, that on files comes last.
    let limits = loop {
        let text = std::fs::read_to_string(&path).unwrap();
        if limit(&text, "Max file size") == "0" {
            break text;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{text}");
        std::thread::yield_now();
    };
    assert_eq!(limit(&limits, "Max cpu time"), "60");
    assert_eq!(limit(&limits, "Max core file size"), "0");
    let memory: u64 = limit(&limits, "Max address space").parse().unwrap();
    assert!((1 << 30..3 << 30).contains(&memory), "{memory}");
    // It has not ended: it waits for bytes, which are none of a plugin.
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"garbage").unwrap();
    drop(stdin);
    let mut reason = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut reason)
        .unwrap();
    assert!(reason.contains("not a webassembly file"), "{reason}");
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

/// The hard limit of this name in `/proc/<pid>/limits`.
fn limit<'a>(limits: &'a str, name: &str) -> &'a str {
    let line = limits.lines().find_map(|l| l.strip_prefix(name));
    line.and_then(|l| l.split_whitespace().nth(1)).unwrap_or("")
}

#[test]
fn a_compilation_that_needs_too_much_memory_is_the_uploads_fault() {
    let e = refusal("wasm-memory", r#"ulimit -v 90000 && exec "$0""#, |s| s);
    assert!(
        e.contains("MiB of memory") && e.contains("acme.Slow"),
        "{e}"
    );
}

#[test]
fn a_compilation_that_needs_too_much_time_is_the_uploads_fault() {
    let e = refusal("wasm-cpu", "ulimit -t 1; while :; do :; done", |s| s);
    assert!(
        e.contains("s of CPU time") && e.contains("acme.Slow"),
        "{e}"
    );
}

#[test]
fn a_child_that_hangs_is_ended_in_time() {
    let began = Instant::now();
    let e = refusal("wasm-hang", "exec /bin/sleep 100", |s| Settings {
        wall_seconds_max: 1,
        ..s
    });
    assert!(e.contains("more than 1 s"), "{e}");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_child_that_hangs_with_its_pipes_closed_is_ended_in_time() {
    let began = Instant::now();
    let text = "exec <&- >&- 2>&-; exec /bin/sleep 100";
    let e = refusal("wasm-mute", text, |s| Settings {
        wall_seconds_max: 1,
        ..s
    });
    assert!(e.contains("more than 1 s"), "{e}");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_child_that_writes_without_end_is_ended_at_once() {
    let began = Instant::now();
    // It does not mind that nobody reads.
    let text = "trap '' PIPE; while :; do /bin/cat /dev/zero 2>/dev/null; done";
    let e = refusal("wasm-endless", text, |s| Settings {
        compiled_bytes_max: 1 << 20,
        ..s
    });
    assert!(e.contains("larger than 1048576 bytes"), "{e}");
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_child_that_answers_nothing_or_nonsense_is_an_error_of_the_host() {
    for (name, text, why) in [
        ("wasm-silent", "exit 0", "gave no answer"),
        ("wasm-exit", "echo why >&2; exit 9", "ended with 9: why"),
        (
            "wasm-nonsense",
            "printf '\\002nonsense'",
            "loading compiled code",
        ),
    ] {
        let e = refusal(name, text, |s| s);
        assert!(e.contains(why), "{e}");
    }
}

#[test]
fn a_component_is_compiled_once_and_again_when_its_code_was_damaged() {
    let count = |dir: &Path| {
        std::fs::read_to_string(dir.join("count"))
            .unwrap_or_default()
            .len()
    };
    let name = "wasm-cached";
    let counting = |s: Settings| Settings {
        command: Some(script(&format!(
            r#"printf x >> '{}/count'; exec "$0""#,
            s.cache_dir.display()
        ))),
        ..s
    };
    let (c, dir) = own_catalog(name, counting);
    let bytes = stamped(guest("hostile-echo.wasm"), 3);
    for version in ["1.0.0", "1.0.1"] {
        upload(&c, "acme.Cached", version, &bytes).unwrap();
        assert_eq!(count(&dir), 1, "{version}");
    }
    let digest = host_wasm::Digest::of(&bytes).hex();
    let entry = std::fs::read_dir(&dir)
        .unwrap()
        .map(|f| f.unwrap().path())
        .find(|p| p.to_string_lossy().contains(&digest))
        .unwrap();
    let mut code = std::fs::read(&entry).unwrap();
    let middle = code.len() / 2;
    code[middle] ^= 0x40;
    std::fs::write(&entry, &code).unwrap();
    upload(&c, "acme.Cached", "1.0.2", &bytes).unwrap();
    assert_eq!(count(&dir), 2, "damaged code is not loaded");
    assert_ne!(std::fs::read(&entry).unwrap(), code, "it was written again");
    upload(&c, "acme.Cached", "1.0.3", &bytes).unwrap();
    assert_eq!(count(&dir), 2);
}
