//! Rules for source files: each opens by saying what it is, and none grows past 800 lines.
//!
//! Deliberately counts no tests: a test module at a file's end, `tests.rs` and `tests/` are free.
//! Invariant: every `.rs` file of ours is looked at, build output aside.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::root::Root;

const FOLDERS: [&str; 6] = ["host", "wit", "tests", "xtask", "plugins", "fuzz"];
const LINES_MAX: usize = 800;

/// Checks all files and names all that break a rule.
pub(super) fn check(root: &Root) -> Result<()> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut broken = Vec::new();
    for path in &files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let name = path.strip_prefix(root.folder()).unwrap_or(path);
        if let Some(why) = complaint(name, &text) {
            broken.push(format!("{}: {why}", name.display()));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("checking source files:\n  {}", broken.join("\n  "))
}

fn complaint(name: &Path, text: &str) -> Option<String> {
    if !text.starts_with("//!") {
        return Some(
            "does not open with `//!`: say what it is, what it deliberately does not do, its invariant"
                .to_owned(),
        );
    }
    let lines = counted_lines(name, text);
    (lines > LINES_MAX)
        .then(|| format!("{lines} lines without tests, at most {LINES_MAX}: split it"))
}

/// Lines up to the test module; none for a file of tests.
fn counted_lines(name: &Path, text: &str) -> usize {
    let is_tests = name.file_name().is_some_and(|file| file == "tests.rs")
        || name.components().any(|part| part.as_os_str() == "tests");
    if is_tests {
        return 0;
    }
    let mut lines = text.lines().peekable();
    let mut count = 0;
    while let Some(line) = lines.next() {
        let opens_tests = line.starts_with("#[cfg(test)]")
            && lines
                .peek()
                .is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if opens_tests {
            break;
        }
        count += 1;
    }
    count
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let reading = || format!("listing {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(reading)?;
        if kind.is_dir() && entry.file_name() != "target" {
            collect(&path, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_and_silent_ones_are_named() {
        let check = |name: &str, text: &str, expected: Option<&str>| {
            let found = complaint(Path::new(name), text);
            match expected {
                None => assert_eq!(found, None, "{name}"),
                Some(part) => assert!(found.clone().unwrap().contains(part), "{name}: {found:?}"),
            }
        };
        let of = |lines: usize| format!("//! What.\n{}", "x\n".repeat(lines - 1));
        check("host/a.rs", &of(800), None);
        check("host/a.rs", &of(801), Some("801 lines"));
        check("tests/it/a.rs", &of(900), None);
        check("host/a/tests.rs", &of(900), None);
        let tested = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            of(700),
            "y\n".repeat(500)
        );
        check("host/a.rs", &tested, None);
        check("host/a.rs", "use std::fmt;\n", Some("does not open"));
        check("host/a.rs", "", Some("does not open"));
    }
}
