//! The document: what was measured, on what, and every run.
//!
//! Deliberately judges nothing. Invariant: the versions in it are those the servers and workers gave themselves.

use crate::cases::{Case, Measure};
use crate::options::Options;
use crate::run::{Contender, Load};
use crate::stats::{Sample, Samples, Spread};
use crate::usage;
use ::tests::mysql::Session;
use ::tests::services;
use ::tests::worker::Product;
use anyhow::{Context, Result};
use std::process::Command;

/// Titles of who is compared.
pub(crate) struct Titles {
    /// The real Debezium, if it takes part.
    pub(crate) peer: Option<&'static str>,
    pub(crate) own: &'static str,
    /// The same program once more: what differs between it and `own` is noise.
    pub(crate) again: &'static str,
}

/// Versions, machine and load as lines of Markdown.
pub(crate) fn surroundings(
    contenders: &[Contender],
    load: &Load,
    session: &mut Session,
) -> Result<String> {
    let mut versions = Vec::new();
    for contender in contenders {
        let (root, _) = contender.worker.order("GET", "/", None)?;
        let version = root["version"].as_str().unwrap_or("unknown");
        let text = match contender.product {
            Product::Tidegate => format!("Tidegate {} ({})", tidegate()?, commit()),
            Product::Debezium => {
                let debezium = debezium(contender)?;
                format!("Debezium {debezium} on Kafka Connect {version} (heap 2 GiB, G1)")
            }
        };
        if !versions.contains(&text) {
            versions.push(text);
        }
    }
    versions.push(format!("MySQL {}", session.one("SELECT VERSION()")?));
    let w = load.written;
    Ok(format!(
        "- Versions: {}; one Kafka broker.\n\
         - Machine: {}. MySQL, the broker, the workers and the load share it.\n\
         - Backlog: {} inserts, {} updates and {} deletes in {} transactions, written once; every contender begins at the \
         same stored position. Table of the snapshot: {} rows.\n\
         - Date: {} UTC\n",
        versions.join(", "),
        usage::machine()?,
        grouped(w.inserts as f64),
        grouped(w.updates as f64),
        grouped(w.deletes as f64),
        grouped(w.transactions as f64),
        grouped(load.rows as f64),
        session.one("SELECT UTC_TIMESTAMP()")?,
    ))
}

/// The host's own version; REST answers with Connect's, which it is compatible with.
fn tidegate() -> Result<String> {
    let output = Command::new(services::executable()?)
        .arg("--version")
        .output()
        .context("asking tidegate for its version")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .split_whitespace()
        .last()
        .unwrap_or("unknown")
        .to_owned())
}

/// The version of the connector's class, as Connect's list of plugins tells it.
fn debezium(contender: &Contender) -> Result<String> {
    let (plugins, _) = contender.worker.order("GET", "/connector-plugins", None)?;
    let mut all = plugins.as_array().into_iter().flatten();
    let mysql = all.find(|p| p["class"] == "io.debezium.connector.mysql.MySqlConnector");
    let version = mysql.and_then(|p| p["version"].as_str());
    Ok(version.unwrap_or("unknown").to_owned())
}

/// The commit that was built, with a mark if files differed from it.
fn commit() -> String {
    let described = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .current_dir(services::checkout())
        .output();
    match described {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown commit".to_owned(),
    }
}

/// The whole document.
pub(crate) fn document(
    options: &Options,
    titles: &Titles,
    samples: &Samples,
    surroundings: &str,
) -> Result<String> {
    let rounds = samples.0.iter().map(|s| s.round).max().unwrap_or(0);
    let loads = Spread::of(samples.0.iter().map(|s| s.load).collect()).context("no run")?;
    Ok(format!(
        "# End to end, {}\n\n    {}\n\n{surroundings}\
         - Load average when a run began: median {:.1}, {:.1} to {:.1}.\n\n\
         ![CPU and rate of every case](e2e.svg)\n\n\
         Figures are medians over the rounds ({rounds}), with the least and the greatest. Before the first round every \
         contender runs one case unmeasured; then they take turns within a round.\n\n\
         - *Gain* is how many times better Tidegate is in the same round; *noise* is the same between two equal Tidegate \
         workers.\n\
         - After each run all records are read and counted, and the order of every key is checked.\n\
         - CPU and memory are those of the worker's process alone, from the operating system. A worker runs throughout, so \
         that memory it keeps from one case counts in the next.\n\
         - The peer's producer default is no compression, so that its run without compression also stands where each has its \
         own defaults.\n\n{}\n## Every run\n\n{}",
        if titles.peer.is_some() {
            "beside the real Debezium"
        } else {
            "Tidegate alone"
        },
        options.command,
        loads.median,
        loads.least,
        loads.greatest,
        table(&options.cases, titles, samples),
        runs(samples),
    ))
}

fn table(cases: &[&'static Case], titles: &Titles, samples: &Samples) -> String {
    let mut lines = vec![format!(
        "| case | measure | {}{} | {} | {}noise |",
        titles.peer.map(|p| format!("{p} | ")).unwrap_or_default(),
        titles.own,
        titles.again,
        titles.peer.map(|_| "gain | ").unwrap_or_default(),
    )];
    let columns = if titles.peer.is_some() { 7 } else { 5 };
    lines.push(format!("|{}", "---|".repeat(columns)));
    for case in cases {
        for measure in Measure::ALL {
            let spread = |who: &str| samples.spread(case, who, measure);
            if spread(titles.own).is_none() {
                continue;
            }
            let gain = |from: &str, to: &str| {
                let gain = samples.gain(case, from, to, measure);
                shown(gain, |x| format!("{x:.2}×"))
            };
            let figures = |who: &str| shown(spread(who), |x| figure(measure, x));
            let mut cells = vec![format!("`{}`", case.name), measure.title().to_owned()];
            cells.extend(titles.peer.map(figures));
            cells.extend([figures(titles.own), figures(titles.again)]);
            cells.extend(titles.peer.map(|peer| gain(peer, titles.own)));
            cells.push(gain(titles.own, titles.again));
            lines.push(format!("| {} |", cells.join(" | ")));
        }
    }
    lines.push(String::new());
    lines.extend(cases.iter().map(|c| format!("- `{}`: {}", c.name, c.title)));
    lines.join("\n") + "\n"
}

fn shown(spread: Option<Spread>, text: impl Fn(f64) -> String) -> String {
    match spread {
        None => "–".to_owned(),
        Some(s) if s.least == s.greatest => text(s.median),
        Some(s) => format!(
            "**{}** ({} … {})",
            text(s.median),
            text(s.least),
            text(s.greatest)
        ),
    }
}

fn runs(samples: &Samples) -> String {
    let head = "| round | case | who | load | figures |\n|---|---|---|---|---|\n";
    let row = |s: &Sample| {
        let (round, case, figures) = (s.round, s.case.name, line(&s.figures));
        format!(
            "| {round} | `{case}` | {} | {:.1} | {figures} |\n",
            s.contender, s.load
        )
    };
    head.to_owned() + &samples.0.iter().map(row).collect::<String>()
}

/// A run's figures in one line.
pub(crate) fn line(figures: &[(Measure, f64)]) -> String {
    let all = figures
        .iter()
        .map(|(m, x)| format!("{} {}", m.title(), figure(*m, *x)));
    all.collect::<Vec<_>>().join("; ")
}

/// A figure with as many digits as mean something.
pub(crate) fn figure(measure: Measure, value: f64) -> String {
    match measure {
        Measure::Cpu | Measure::Median | Measure::Slowest => format!("{value:.1}"),
        _ => grouped(value),
    }
}

/// A whole number with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (value, text) in [(0.4, "0"), (999.6, "1,000"), (1234567.0, "1,234,567")] {
            assert_eq!(grouped(value), text);
        }
    }
}
