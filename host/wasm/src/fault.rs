//! What a plugin can do wrong, in words for its author.
//!
//! It reads what a trap says of itself; which fault a call ended with is told in `store`, and what happens next is
//! decided in `isolate`. Texts that come from a guest have passed [`clean`].
//! Invariant: every failure of a call is exactly one [`PluginFault`].

use crate::text::{GUEST_TEXT_BYTES_MAX, clean};

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
}

/// The trap's own text, cleared of wasmtime's prefix, and the innermost frames.
pub(crate) fn with_backtrace(text: &str, error: &wasmtime::Error) -> String {
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
}
