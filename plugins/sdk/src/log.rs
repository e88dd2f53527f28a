//! One line to the host's log, the only thing a plugin may do besides its work.
//!
//! Natively (in tests) lines go to standard error. The host cuts long lines and drops floods; nothing here does.
//! Invariant: logging never fails and never changes what a plugin answers.

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Writes a line.
pub fn log(level: Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    crate::export::log(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?}: {message}");
}

/// Writes a line at level `info`.
pub fn info(message: &str) {
    log(Level::Info, message);
}

/// Writes a line at level `warn`.
pub fn warn(message: &str) {
    log(Level::Warn, message);
}
