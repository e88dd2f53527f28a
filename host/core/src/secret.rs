//! Values that must not be shown.
//!
//! It hides a value from `Debug` and `Display`; it does not encrypt. Invariant: only [`Secret::expose`] yields the
//! text, so a search for it finds every use.

use std::fmt;

/// A password or token.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Box<str>);

impl Secret {
    /// Hides this text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }
    /// The text itself, for the one who sends it to its server.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// Whether a configuration key names a secret, judged by its name; used for keys no definition knows.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    [
        "password",
        "secret",
        "token",
        "jaas",
        "credential",
        "private.key",
        "keystore.key",
    ]
    .iter()
    .any(|s| key.contains(s))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let s = Secret::new("hunter2");
        assert_eq!(format!("{s} {s:?}"), "[hidden] [hidden]");
        assert!(
            is_secret_key("producer.override.sasl.jaas.config")
                && is_secret_key("database.password")
        );
        assert!(!is_secret_key("database.user"));
    }
}
