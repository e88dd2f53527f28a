//! The words after `cargo x bench e2e`.
//!
//! Deliberately no short forms and no configuration file. Invariant: an unknown word is an error that lists the known.

use crate::cases::{self, Case};
use ::tests::services;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Fewer rounds say too little to be committed.
pub(crate) const COMMITTED_ROUNDS_MIN: u32 = 3;

/// What to measure and where to write it.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often every case is measured.
    pub(crate) rounds: u32,
    /// Row changes of the backlog.
    pub(crate) changes: u64,
    /// Rows of the snapshot.
    pub(crate) rows: u64,
    /// Whether the real Debezium is left out.
    pub(crate) alone: bool,
    /// What is measured, in the order of the table.
    pub(crate) cases: Vec<&'static Case>,
    /// Folder for the document and the plot.
    pub(crate) out: PathBuf,
    /// The command line, for the document.
    pub(crate) command: String,
}

impl Options {
    /// Reads the command line.
    pub(crate) fn read(words: &[String]) -> Result<Self> {
        let (mut rounds, mut changes, mut rows) = (3, 1_000_000, None);
        let (mut alone, mut names, mut out) = (false, Vec::new(), None);
        let mut rest = words.iter();
        while let Some(option) = rest.next() {
            let value = rest
                .next()
                .with_context(|| format!("reading the command line: {option} needs a value"))?;
            let number = || {
                let n: Option<u64> = value.parse().ok().filter(|n| *n > 0);
                n.with_context(|| {
                    format!("reading the command line: {option} {value}: give a number above 0")
                })
            };
            match option.as_str() {
                "--rounds" => rounds = u32::try_from(number()?)?,
                "--changes" => changes = number()?,
                "--rows" => rows = Some(number()?),
                "--case" => names.push(value.as_str()),
                "--only" if value == "tidegate" => alone = true,
                "--out" => out = Some(PathBuf::from(value)),
                _ => bail!(
                    "reading the command line: {option} {value}: there are --rounds, --changes, --rows, --case, \
                     --only tidegate and --out"
                ),
            }
        }
        let folder = if rounds < COMMITTED_ROUNDS_MIN {
            "target/bench"
        } else {
            "docs/benchmarks"
        };
        Ok(Self {
            rounds,
            changes,
            rows: rows.unwrap_or(2 * changes),
            alone,
            cases: cases::named(&names)?,
            out: out.unwrap_or_else(|| services::checkout().join(folder)),
            command: ["cargo x bench e2e"]
                .into_iter()
                .chain(words.iter().map(String::as_str))
                .collect::<Vec<_>>()
                .join(" "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &str) -> Result<Options> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Options::read(&words)
    }

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    fn few_rounds_stay_out_of_the_committed_documents() {
        let all = read("").unwrap();
        assert!(all.out.ends_with("docs/benchmarks") && all.cases.len() == cases::ALL.len());
        assert_eq!((all.rounds, all.rows), (3, 2 * all.changes));
        assert!(read("--rounds 2").unwrap().out.ends_with("target/bench"));
        let out = read("--rounds 1 --out here --only tidegate").unwrap();
        assert!(out.out.ends_with("here") && out.alone);
        // In the table's order, whatever the order of the words.
        let two = read("--case snapshot --case json").unwrap();
        assert_eq!(two.cases[0].name, "json");
        for wrong in [
            "--rounds",
            "--rounds 0",
            "--case nonsense",
            "--only debezium",
            "-x 1",
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.starts_with("reading the command line: "), "{error}");
        }
    }
}
