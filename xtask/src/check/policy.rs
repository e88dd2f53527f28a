//! The parts of deny.toml that the small check understands.
//!
//! Deliberately not a TOML parser: it reads lists of one entry a line, the way that file is
//! written. `cargo deny` is the authority. Invariant: a list that is not found is an error, so a
//! rewritten file cannot quietly turn the check off.

use anyhow::{Result, bail};

/// Rules read from deny.toml.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// Licences that may be used.
    pub(super) licences: Vec<String>,
    /// Registries that crates may come from.
    pub(super) registries: Vec<String>,
    /// Crates that must not be used at all.
    pub(super) banned: Vec<String>,
    /// `name@version` prefixes that may be there beside another version.
    pub(super) skipped: Vec<String>,
}

impl Policy {
    pub(super) fn parse(text: &str) -> Result<Self> {
        Ok(Self {
            licences: list(text, "licenses", "allow")?,
            registries: list(text, "sources", "allow-registry")?,
            banned: crates(text, "deny")?,
            skipped: crates(text, "skip")?,
        })
    }

    /// Whether a version may be there beside another of the same crate: `syn@2` covers `2.0.119`.
    pub(super) fn skips(&self, name: &str, version: &str) -> bool {
        self.skipped.iter().any(|entry| {
            entry.split_once('@').is_some_and(|(crate_name, prefix)| {
                let rest = version.strip_prefix(prefix);
                crate_name == name && rest.is_some_and(|r| r.is_empty() || r.starts_with('.'))
            })
        })
    }
}

/// Lines of `key = [ … ]` in `[section]`, comments left out.
fn lines<'a>(text: &'a str, section: &str, key: &str) -> Result<Vec<&'a str>> {
    let header = format!("[{section}]");
    let start = format!("{key} = [");
    let mut inside = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !(line.starts_with('[') && line.ends_with(']')))
        .skip_while(|line| !line.starts_with(&start));
    let Some(first) = inside.next() else {
        bail!("reading deny.toml: no list `{key}` in [{section}]");
    };
    let mut found = vec![first.trim_start_matches(&start)];
    if !first.ends_with(']') {
        found.extend(inside.take_while(|line| *line != "]"));
    }
    Ok(found)
}

fn list(text: &str, section: &str, key: &str) -> Result<Vec<String>> {
    let lines = lines(text, section, key)?;
    // Every second piece between quotes is inside them.
    let quoted = lines
        .iter()
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    Ok(quoted.map(str::to_owned).collect())
}

fn crates(text: &str, key: &str) -> Result<Vec<String>> {
    let lines = lines(text, "bans", key)?;
    let names = lines.iter().filter_map(|line| {
        let (_, rest) = line.split_once("crate = \"")?;
        rest.split('"').next()
    });
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
[licenses]
allow = [
  # permissive
  \"MIT\",
  \"Apache-2.0 WITH LLVM-exception\",
]
[sources]
allow-registry = [\"https://r.example/index\"]
allow-git = []
[bans]
deny = [
  { crate = \"openssl\", reason = \"rustls\" },
]
skip = [
  { crate = \"syn@2\", reason = \"old\" },
]
";

    #[test]
    fn lists_are_read() {
        let policy = Policy::parse(TEXT).unwrap();
        assert_eq!(policy.licences, ["MIT", "Apache-2.0 WITH LLVM-exception"]);
        assert_eq!(policy.registries, ["https://r.example/index"]);
        assert_eq!(policy.banned, ["openssl"]);
        assert!(policy.skips("syn", "2.0.119") && policy.skips("syn", "2"));
        assert!(!policy.skips("syn", "3.0.1") && !policy.skips("syn", "20.0.0"));
        assert!(!policy.skips("synstructure", "2.0.0"));
    }

    #[test]
    fn a_missing_list_is_an_error() {
        let error = Policy::parse(&TEXT.replace("skip = [", "skipped = [")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "reading deny.toml: no list `skip` in [bans]"
        );
    }

    #[test]
    fn the_projects_own_file_is_readable() {
        let policy = Policy::parse(include_str!("../../../deny.toml")).unwrap();
        assert!(policy.licences.iter().any(|l| l == "Apache-2.0"));
        assert_eq!(policy.registries.len(), 1);
        assert!(!policy.banned.is_empty() && !policy.skipped.is_empty());
    }
}
