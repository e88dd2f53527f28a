//! Named crash windows, so that a test can kill the host at the worst instants.
//!
//! `TIDEGATE_FAILPOINT=name` aborts the process at the first passage of `name`, `name:n` at its n-th. Unset, a passage
//! costs one load. It does nothing but abort, and it is compiled in always: what is tested is what is shipped.
//! Names: `after_send`, `after_ack`, `before_offset_commit`, `after_offset_commit` (host-runtime) and `mid_snapshot`,
//! `after_ddl_before_history` (host-mysql: call [`hit`] between two chunks of a table, and between applying a DDL and
//! appending its history record). Invariant: nothing is flushed or closed on the way down, as with `kill -9`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

struct Armed {
    name: String,
    passages_left: AtomicU64,
}

static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

/// Passes a crash window.
pub fn hit(name: &str) {
    let armed = ARMED.get_or_init(|| {
        std::env::var("TIDEGATE_FAILPOINT")
            .ok()
            .and_then(|v| parse(&v))
    });
    if let Some(a) = armed
        && a.name == name
        && a.passages_left.fetch_sub(1, Ordering::AcqRel) == 1
    {
        tracing::error!(name, "failpoint reached: aborting");
        std::process::abort();
    }
}

fn parse(text: &str) -> Option<Armed> {
    let (name, n) = match text.split_once(':') {
        Some((name, n)) => (name, n.parse().ok()?),
        None => (text, 1),
    };
    (!name.is_empty() && n > 0).then(|| Armed {
        name: name.to_owned(),
        passages_left: AtomicU64::new(n),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_passages_are_read() {
        for (text, expected) in [
            ("after_ack", Some(("after_ack", 1))),
            ("after_ack:3", Some(("after_ack", 3))),
            ("", None),
            ("after_ack:x", None),
            ("after_ack:0", None),
        ] {
            let got = parse(text);
            let got = got
                .as_ref()
                .map(|a| (a.name.as_str(), a.passages_left.load(Ordering::Relaxed)));
            assert_eq!(got, expected, "{text}");
        }
    }
}
