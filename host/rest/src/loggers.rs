//! Log levels that operators change while the host runs: Connect's `/admin/loggers` (KIP-495, KIP-976).
//!
//! Loggers are `tracing` targets; a name holds for what begins with it. Names of Java classes are taken too, so that
//! Connect's tools work, and do nothing. It installs no subscriber: the host gives a function that applies levels.
//! Invariant: what it shows is what was applied last; a refused change changes nothing.

use crate::error::RestError;
use axum::http::StatusCode;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::level_filters::LevelFilter;

/// Loggers that are remembered at a time.
pub const LOGGERS_MAX: usize = 512;
const LOGGER_NAME_BYTES_MAX: usize = 256;
/// Name of the level that holds for everything without one of its own.
const ROOT: &str = "root";
/// Log4j's levels and ours.
const LEVELS: [(&str, LevelFilter); 8] = [
    ("OFF", LevelFilter::OFF),
    ("FATAL", LevelFilter::ERROR),
    ("ERROR", LevelFilter::ERROR),
    ("WARN", LevelFilter::WARN),
    ("INFO", LevelFilter::INFO),
    ("DEBUG", LevelFilter::DEBUG),
    ("TRACE", LevelFilter::TRACE),
    ("ALL", LevelFilter::TRACE),
];

/// All levels, for the function that applies them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggerLevels {
    /// Level of every target without one of its own.
    pub root: LevelFilter,
    /// Levels of targets and what begins with them.
    pub targets: Vec<(String, LevelFilter)>,
}

/// The directives of an `EnvFilter`. Names that are no Rust path (of Java classes, which nothing here logs under) are left
/// out, because it would refuse them.
impl fmt::Display for LoggerLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)?;
        let is_path = |name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_:-".contains(c);
            name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain)
        };
        let mut targets = self.targets.iter().filter(|(name, _)| is_path(name));
        targets.try_for_each(|(name, level)| write!(f, ",{name}={level}"))
    }
}

/// One logger: `GET /admin/loggers/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct LoggerLevel {
    level: &'static str,
    /// Milliseconds since 1970; null where it was never set.
    last_modified: Option<u64>,
}

type Apply = Box<dyn Fn(&LoggerLevels) -> Result<(), String> + Send + Sync>;

/// The levels in force and how to change them.
pub struct Loggers {
    apply: Apply,
    levels: Mutex<BTreeMap<String, LoggerLevel>>,
}

impl Loggers {
    /// `root` is the level at the start, `targets` are the names shown before any is set, `apply` puts levels in force
    /// (it reloads the filter of the subscriber) and says why it could not.
    pub fn new(
        root: LevelFilter,
        targets: &[&str],
        apply: impl Fn(&LoggerLevels) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let name = LEVELS
            .iter()
            .find(|(n, l)| *l == root && !["FATAL", "ALL"].contains(n));
        let level = LoggerLevel {
            level: name.map_or("INFO", |(n, _)| n),
            last_modified: None,
        };
        let names = targets.iter().chain([&ROOT]);
        let levels = names.map(|n| ((*n).to_owned(), level.clone())).collect();
        Self {
            apply: Box::new(apply),
            levels: Mutex::new(levels),
        }
    }
    /// All loggers by name.
    pub(crate) fn all(&self) -> BTreeMap<String, LoggerLevel> {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        levels.clone()
    }
    /// One logger; Connect's 404 where it was never set.
    pub(crate) fn get(&self, name: &str) -> Result<LoggerLevel, RestError> {
        let found = self.all().remove(name);
        found.ok_or_else(|| RestError::not_found(format!("Logger {name} not found.")))
    }
    /// Sets a logger and those below it; the names that changed.
    pub(crate) fn set(&self, name: &str, level: &str) -> Result<Vec<String>, RestError> {
        let found = LEVELS.iter().find(|(n, _)| n.eq_ignore_ascii_case(level));
        // 404 is Connect's answer.
        let unknown = || RestError::not_found(format!("invalid log level '{level}'."));
        let (level, _) = found.ok_or_else(unknown)?;
        if name.len() > LOGGER_NAME_BYTES_MAX {
            return Err(RestError::bad(format!(
                "The name of a logger may have {LOGGER_NAME_BYTES_MAX} bytes"
            )));
        }
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = levels.clone();
        let new = LoggerLevel {
            level,
            last_modified: Some(now_ms()),
        };
        changed
            .entry(name.to_owned())
            .or_insert_with(|| new.clone());
        if changed.len() > LOGGERS_MAX {
            return Err(RestError::bad(format!(
                "{LOGGERS_MAX} loggers are set already: set one of those"
            )));
        }
        let mut names = Vec::new();
        for (of, entry) in changed.iter_mut().filter(|(of, _)| is_within(of, name)) {
            *entry = new.clone();
            names.push(of.clone());
        }
        (self.apply)(&filter(&changed)).map_err(|e| {
            RestError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("Setting the level of {name}: {e}"),
            )
        })?;
        *levels = changed;
        Ok(names)
    }
}

/// Whether `logger` is `name` or below it; everything is below root.
fn is_within(logger: &str, name: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.');
    name == ROOT || logger.strip_prefix(name).is_some_and(below)
}

fn filter(levels: &BTreeMap<String, LoggerLevel>) -> LoggerLevels {
    let of = |l: &LoggerLevel| {
        let found = LEVELS.iter().find(|(n, _)| *n == l.level);
        found.map_or(LevelFilter::INFO, |(_, f)| *f)
    };
    let root = levels.get(ROOT).map_or(LevelFilter::INFO, of);
    let targets = levels.iter().filter(|(n, _)| *n != ROOT);
    let targets = targets.map(|(n, l)| (n.clone(), of(l)));
    LoggerLevels {
        root,
        targets: targets.collect(),
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    fn recording() -> (Loggers, Arc<Mutex<Vec<LoggerLevels>>>) {
        let applied = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&applied);
        let loggers = Loggers::new(LevelFilter::INFO, &["host_mysql", "host_mysql::ddl"], {
            move |levels| {
                if levels.root == LevelFilter::OFF {
                    return Err("refused".to_owned());
                }
                record.lock().unwrap().push(levels.clone());
                Ok(())
            }
        });
        (loggers, applied)
    }

    #[test]
    fn levels_hold_for_what_is_below() {
        let (loggers, applied) = recording();
        let unset = loggers.get("host_mysql").unwrap();
        assert_eq!((unset.level, unset.last_modified), ("INFO", None));
        let changed = loggers.set("host_mysql", "debug").unwrap();
        assert_eq!(changed, ["host_mysql", "host_mysql::ddl"]);
        assert_eq!(loggers.get("host_mysql::ddl").unwrap().level, "DEBUG");
        assert_eq!(loggers.get("root").unwrap().level, "INFO");
        loggers.set("root", "WARN").unwrap();
        assert!(loggers.all().values().all(|l| l.level == "WARN"));
        let java = "org.apache.kafka.connect.runtime.WorkerSourceTask";
        assert_eq!(loggers.set(java, "FATAL").unwrap(), [java]);
        let last = applied.lock().unwrap().pop().unwrap();
        assert_eq!(last.root, LevelFilter::WARN);
        assert!(
            last.targets
                .contains(&(java.to_owned(), LevelFilter::ERROR))
        );
    }

    #[test]
    fn refusals_change_nothing() {
        let (loggers, applied) = recording();
        let before = loggers.all();
        for (name, level, expected) in [
            ("root", "LOUD", (404, "invalid log level 'LOUD'.")),
            ("root", "OFF", (500, "Setting the level of root: refused")),
        ] {
            assert_eq!(loggers.set(name, level).unwrap_err().text(), expected);
        }
        assert!(loggers.set(&"x".repeat(300), "INFO").is_err());
        let unknown = loggers.get("no.such.logger").unwrap_err();
        assert_eq!(unknown.text(), (404, "Logger no.such.logger not found."));
        assert_eq!(loggers.all(), before);
        assert!(applied.lock().unwrap().is_empty());
        for n in 0..LOGGERS_MAX - before.len() {
            loggers.set(&format!("l{n}"), "INFO").unwrap();
        }
        assert_eq!(loggers.set("more", "INFO").unwrap_err().text().0, 400);
    }
}
