//! Names and versions of plugins as users write them.
//!
//! Parsing and ordering only. Versions are semantic versions; ranges are Maven's, as in Connect 4.3 (KIP-891): a bare
//! version is exactly that one, `[1.0,2.0)` is a range, absent or `latest` is the newest.
//! Invariant: a [`PluginName`] can be part of a URL, a topic key and a file name.

use semver::Version;
use std::fmt;

/// Longest part of a name, in bytes.
const PART_BYTES_MAX: usize = 63;

/// `<namespace>.<Name>` of an upload: `[a-z][a-z0-9-]*` and `[A-Za-z][A-Za-z0-9]*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PluginName(String);

impl PluginName {
    /// Checks a name.
    pub fn new(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('.')?;
        let part = |s: &str, first: fn(char) -> bool, rest: fn(char) -> bool| {
            s.starts_with(first) && s.len() <= PART_BYTES_MAX && s.chars().all(rest)
        };
        let good = part(
            namespace,
            |c| c.is_ascii_lowercase(),
            |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
        ) && part(
            name,
            |c| c.is_ascii_alphabetic(),
            |c| c.is_ascii_alphanumeric(),
        );
        good.then(|| Self(text.to_owned()))
    }
    /// The name of an upload's class, `wasm.<namespace>.<Name>`.
    pub fn from_class(class: &str) -> Option<Self> {
        Self::new(class.strip_prefix("wasm.")?)
    }
    /// Its class.
    pub fn class(&self) -> String {
        format!("wasm.{}", self.0)
    }
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which version a configuration asks for (`plugin.version`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSpec {
    /// The newest; releases go before pre-releases.
    Latest,
    /// Exactly this one.
    Exact(Version),
    /// One interval; bounds with whether they are included.
    Range(Option<(Version, bool)>, Option<(Version, bool)>),
}

impl VersionSpec {
    /// Reads a version as configured; `None` where it makes no sense.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        let text = text.map(str::trim).unwrap_or_default();
        if text.is_empty() || text == "latest" {
            return Some(Self::Latest);
        }
        let (low_in, high_in) = (text.starts_with('['), text.ends_with(']'));
        if !low_in && !text.starts_with('(') {
            return padded(text).map(Self::Exact);
        }
        let inner = text.get(1..text.len().checked_sub(1)?)?;
        if !high_in && !text.ends_with(')') {
            return None;
        }
        let Some((low, high)) = inner.split_once(',') else {
            return (low_in && high_in).then(|| padded(inner).map(Self::Exact))?;
        };
        let bound = |s: &str, included| match s.trim() {
            "" => Some(None),
            s => padded(s).map(|v| Some((v, included))),
        };
        Some(Self::Range(bound(low, low_in)?, bound(high, high_in)?))
    }
    /// Whether a version is asked for.
    pub fn allows(&self, v: &Version) -> bool {
        match self {
            Self::Latest => true,
            Self::Exact(want) => v == want,
            Self::Range(low, high) => {
                let above = |(b, included): &(Version, bool)| v > b || (*included && v == b);
                let below = |(b, included): &(Version, bool)| v < b || (*included && v == b);
                low.as_ref().is_none_or(above) && high.as_ref().is_none_or(below)
            }
        }
    }
    /// The newest of the versions that are asked for; a pre-release only where nothing else fits.
    pub fn select<'a, T>(&self, versions: impl Iterator<Item = (&'a Version, T)>) -> Option<T> {
        versions
            .filter(|(v, _)| self.allows(v))
            .max_by(|(a, _), (b, _)| (a.pre.is_empty(), *a).cmp(&(b.pre.is_empty(), *b)))
            .map(|(_, t)| t)
    }
}

/// A version that may leave out its last numbers, as Maven's may: `1.0` is `1.0.0`.
pub(super) fn padded(text: &str) -> Option<Version> {
    let text = text.trim();
    [text.to_owned(), format!("{text}.0"), format!("{text}.0.0")]
        .iter()
        .find_map(|t| Version::parse(t).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for (name, good) in [
            ("acme.MaskPii", true),
            ("a-1.x", true),
            ("acme", false),
            ("Acme.X", false),
            ("acme.Mask.Pii", false),
            ("acme.1", false),
            (".X", false),
            ("acme.", false),
            ("acme.X/../y", false),
        ] {
            assert_eq!(PluginName::new(name).is_some(), good, "{name}");
        }
        let name = PluginName::from_class("wasm.acme.MaskPii").unwrap();
        assert_eq!(
            (name.as_str(), name.class().as_str()),
            ("acme.MaskPii", "wasm.acme.MaskPii")
        );
    }

    #[test]
    fn versions_are_selected_as_connect_does() {
        let all: Vec<Version> = ["1.0.0", "1.2.0", "1.10.0", "2.0.0-rc.1"]
            .iter()
            .map(|v| Version::parse(v).unwrap())
            .collect();
        for (spec, want) in [
            (None, Some("1.10.0")),
            (Some("latest"), Some("1.10.0")),
            (Some("1.2.0"), Some("1.2.0")),
            (Some("1.2"), Some("1.2.0")),
            (Some("2.0.0"), None),
            (Some("2.0.0-rc.1"), Some("2.0.0-rc.1")),
            (Some("[1.0,1.10)"), Some("1.2.0")),
            (Some("[1.2.0]"), Some("1.2.0")),
            (Some("(1.10,)"), Some("2.0.0-rc.1")),
            (Some("(,1.0.0]"), Some("1.0.0")),
        ] {
            let spec = VersionSpec::parse(spec).unwrap();
            let got = spec.select(all.iter().map(|v| (v, v.to_string())));
            assert_eq!(got.as_deref(), want, "{spec:?}");
        }
        for bad in ["x", "[1.0", "(1.0)", "[a,b]", "["] {
            assert_eq!(VersionSpec::parse(Some(bad)), None, "{bad}");
        }
    }
}
