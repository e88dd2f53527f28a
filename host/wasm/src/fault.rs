//! What a plugin can do wrong, in words for its author.
//!
//! It classifies wasmtime's errors; what happens next is decided in `isolate`. Texts that come from a guest are
//! cut and their control characters escaped before they get here or by [`clean`].
//! Invariant: every failure of a call is exactly one [`PluginFault`].

use crate::store::State;

/// Longest text of a guest that is put into an error, in bytes.
pub(crate) const GUEST_TEXT_BYTES_MAX: usize = 2048;
/// Lines of a trap's backtrace that are kept.
const BACKTRACE_LINES_MAX: usize = 8;
/// Innermost frames among which Rust's own panic is looked for.
const PANIC_FRAMES_MAX: usize = 16;

/// A fault of a plugin, as opposed to one of a record or of the world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginFault {
    /// The plugin itself refused (`define` or `configure` answered an error).
    #[error("the plugin refused: {0}")]
    Rejected(String),
    /// It trapped (panic, out-of-bounds access, unbounded recursion); text with the head of the backtrace.
    #[error("the plugin crashed: {0}")]
    Trap(String),
    /// It did not answer in time.
    #[error(
        "the plugin did not answer within {deadline_ms} ms of CPU time; make it do less work per record"
    )]
    Deadline {
        /// The limit.
        deadline_ms: u64,
    },
    /// It wanted more memory than it may have.
    #[error(
        "the plugin asked for {wanted_bytes} bytes of memory and may have {limit_bytes}; use less, or upload it with a \
         higher memory limit"
    )]
    Memory {
        /// What it asked for in all.
        wanted_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// Not its fault: its task has to stop, and its tenant's share of CPU time was used up.
    #[error(
        "the task was asked to stop while the plugin waited for its tenant's share of CPU time"
    )]
    Stopped,
    /// Its answer does not follow the contract or is too large.
    #[error("the plugin's answer is not valid: {0}")]
    BadAnswer(String),
}

impl PluginFault {
    /// A short constant name, for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "rejected",
            Self::Trap(_) => "trap",
            Self::Deadline { .. } => "deadline",
            Self::Memory { .. } => "memory",
            Self::Stopped => "stopped",
            Self::BadAnswer(_) => "bad_answer",
        }
    }

    /// Classifies what a call or an instantiation ended with.
    pub(crate) fn from_call(error: &wasmtime::Error, state: &State, deadline_ms: u64) -> Self {
        if let Some(wanted_bytes) = state.limiter.refused_bytes() {
            return Self::Memory {
                wanted_bytes,
                limit_bytes: state.limiter.limit_bytes(),
            };
        }
        if state.clock.is_stopped() {
            return Self::Stopped;
        }
        match error.downcast_ref::<wasmtime::Trap>() {
            Some(wasmtime::Trap::Interrupt) => Self::Deadline { deadline_ms },
            Some(trap) => Self::Trap(with_backtrace(&trap.to_string(), error)),
            // wasmtime keeps this error's type to itself; its text is pinned by a test (an output bomb).
            None if error
                .root_cause()
                .to_string()
                .contains("fuel allocated for hostcalls") =>
            {
                Self::BadAnswer("it is larger than its limit (see output and record limits)".into())
            }
            None => Self::Trap(with_backtrace(&error.root_cause().to_string(), error)),
        }
    }
}

/// The trap's own text, cleared of wasmtime's prefix, and the innermost frames.
fn with_backtrace(text: &str, error: &wasmtime::Error) -> String {
    let mut out = clean(text.trim_start_matches("wasm trap: "), GUEST_TEXT_BYTES_MAX);
    if let Some(trace) = error.downcast_ref::<wasmtime::WasmBacktrace>() {
        let names: Vec<String> = trace
            .frames()
            .iter()
            .take(BACKTRACE_LINES_MAX + PANIC_FRAMES_MAX)
            .map(|frame| {
                frame.func_name().map_or_else(
                    || format!("function {}", frame.func_index()),
                    |n| clean(&format!("{:#}", rustc_demangle::demangle(n)), 200),
                )
            })
            .collect();
        for name in without_panic(&names).iter().take(BACKTRACE_LINES_MAX) {
            out.push_str("\n    at ");
            out.push_str(name);
        }
    }
    out
}

/// The frames without those of Rust's panic itself, which are innermost and say nothing about the plugin.
fn without_panic(names: &[String]) -> &[String] {
    let machinery = |n: &String| n.starts_with("core::panicking::");
    let last = names.iter().take(PANIC_FRAMES_MAX).rposition(machinery);
    let own = last.and_then(|i| names.get(i + 1..)).unwrap_or(names);
    if own.is_empty() { names } else { own }
}

/// A guest's text made safe for logs and errors: at most `bytes_max` bytes, control characters escaped.
pub(crate) fn clean(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars() {
        let before = out.len();
        if c.is_control() || is_bidi_control(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        if out.len() > bytes_max {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// Characters that change how the text around them is shown.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backtraces_begin_where_the_plugin_panicked() {
        for (names, want) in [
            (
                &[
                    "__rustc::rust_panic",
                    "core::panicking::panic_fmt",
                    "acme::f",
                    "acme::g",
                ][..],
                "acme::f",
            ),
            (
                &[
                    "core::panicking::panic",
                    "core::panicking::panic_bounds_check",
                    "acme::f",
                ],
                "acme::f",
            ),
            (&["acme::f", "acme::g"], "acme::f"),
            (&["core::panicking::panic"], "core::panicking::panic"),
        ] {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            assert_eq!(without_panic(&names)[0], want);
        }
    }

    #[test]
    fn guest_texts_are_cleaned_and_cut() {
        for (text, max, want) in [
            ("plain é", 100, "plain é"),
            ("a\nb\u{1b}[31m", 100, "a\\nb\\u{1b}[31m"),
            ("ab\u{202e}c", 100, "ab\\u{202e}c"),
            ("abcdef", 3, "abc…"),
            ("éé", 3, "é…"),
            ("\n\n", 3, "\\n…"),
        ] {
            assert_eq!(clean(text, max), want);
        }
    }
}
