//! The one import a guest has: `log`.
//!
//! Lines are cut, cleaned and rationed here and then handed to a sink. It never blocks and keeps nothing.
//! Invariant: at most [`Limits::log_lines_per_s`](crate::Limits) lines a second reach the sink, whatever the guest does.

use crate::bindings::log::{Host, Level};
use crate::limits::Limits;
use crate::stats::PluginStats;
use crate::text::clean;
use host_core::id::TenantId;
use std::sync::Arc;
use std::time::Instant;

/// Whose plugin speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// The connector's name, without its tenant.
    pub connector: Arc<str>,
    /// What the plugin is within the connector: `transforms.mask`, `value.converter` …
    pub role: Arc<str>,
    /// Its class.
    pub class: Arc<str>,
}

/// Severity of a line, as the guest gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// One line of a guest, cut and cleaned.
#[derive(Debug, Clone, Copy)]
pub struct LogLine<'a> {
    /// Whose.
    pub owner: &'a Owner,
    /// How severe.
    pub level: LogLevel,
    /// The text.
    pub message: &'a str,
    /// Lines dropped since the last one that got through.
    pub dropped: u64,
}

/// Where lines go.
pub type LogSink = Arc<dyn Fn(LogLine<'_>) + Send + Sync>;

/// Sends lines to `tracing` with fields `tenant`, `connector`, `role` and `plugin`, target `tidegate::plugin`.
pub fn tracing_sink() -> LogSink {
    Arc::new(|line| {
        let Owner {
            tenant,
            connector,
            role,
            class,
        } = line.owner;
        macro_rules! emit {
            ($level:ident) => {
                tracing::$level!(target: "tidegate::plugin", %tenant, %connector, %role, plugin = %class,
                    dropped = line.dropped, "{}", line.message)
            };
        }
        match line.level {
            LogLevel::Debug => emit!(debug),
            LogLevel::Info => emit!(info),
            LogLevel::Warn => emit!(warn),
            LogLevel::Error => emit!(error),
        }
    })
}

/// The log of one instance.
pub(crate) struct HostLog {
    owner: Owner,
    sink: LogSink,
    stats: Arc<PluginStats>,
    line_bytes_max: usize,
    rate: Rate,
    dropped: u64,
}

impl HostLog {
    pub(crate) fn new(
        owner: Owner,
        sink: LogSink,
        stats: Arc<PluginStats>,
        limits: &Limits,
    ) -> Self {
        Self {
            owner,
            sink,
            stats,
            line_bytes_max: limits.log_line_bytes_max,
            rate: Rate::new(limits.log_lines_per_s, Instant::now()),
            dropped: 0,
        }
    }
}

impl Host for HostLog {
    fn log(&mut self, level: Level, message: String) {
        let allowed = self.rate.take(Instant::now());
        self.stats.logged(!allowed);
        if !allowed {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        (self.sink)(LogLine {
            owner: &self.owner,
            level,
            message: &clean(&message, self.line_bytes_max),
            dropped: std::mem::take(&mut self.dropped),
        });
    }
}

/// A number of lines for each second that begins.
#[derive(Debug)]
struct Rate {
    per_s: u32,
    left: u32,
    since: Instant,
}

impl Rate {
    fn new(per_s: u32, now: Instant) -> Self {
        Self {
            per_s,
            left: per_s,
            since: now,
        }
    }
    fn take(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since).as_secs() >= 1 {
            self.since = now;
            self.left = self.per_s;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::Duration;

    #[test]
    fn lines_are_rationed_by_the_second() {
        let t = Instant::now();
        let mut r = Rate::new(2, t);
        assert_eq!([r.take(t), r.take(t), r.take(t)], [true, true, false]);
        let later = t + Duration::from_secs(1);
        assert_eq!(
            [r.take(later), r.take(later), r.take(later)],
            [true, true, false]
        );
    }

    #[test]
    fn a_flood_reaches_the_sink_in_part_and_is_counted() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        let sink: LogSink = Arc::new(move |l| seen.lock().unwrap().push(l.message.to_owned()));
        let stats = Arc::new(PluginStats::default());
        let owner = Owner {
            tenant: TenantId::default(),
            connector: "c".into(),
            role: "transforms.x".into(),
            class: "wasm.a.B".into(),
        };
        let limits = Limits {
            log_lines_per_s: 3,
            log_line_bytes_max: 4,
            ..Limits::default()
        };
        let mut log = HostLog::new(owner, sink, Arc::clone(&stats), &limits);
        for _ in 0..10 {
            log.log(Level::Info, "\u{1b}]0;x".to_owned());
        }
        let lines = lines.lock().unwrap();
        assert!(lines.len() >= 3 && lines.len() <= 6, "{}", lines.len());
        assert!(lines.iter().all(|l| !l.contains('\u{1b}')));
        let s = stats.snapshot();
        assert_eq!(s.log_lines + s.log_lines_dropped, 10);
    }
}
