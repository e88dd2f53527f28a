//! `java.util.regex` as far as Connect's plugins use it: whole match, and replacing the first find.
//!
//! On top of a backtracking engine that knows look-around and back-references. Not covered: Java's own property
//! classes (`\p{javaLowerCase}`), `\h`, and flags after construction. Invariant: matching is bounded by the engine's
//! backtracking limit; passing it is an error, not a hang.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

use fancy_regex::{Captures, Regex};

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    whole: Regex,
    find: Regex,
}

impl Pattern {
    /// `Pattern.compile`; the error is the engine's text.
    pub fn new(java: &str) -> Result<Self, String> {
        let text = unquote(java);
        let compile = |s: &str| Regex::new(s).map_err(|e| e.to_string());
        // Compiled alone first: wrapped, an unbalanced pattern could become a balanced one.
        let find = compile(&text)?;
        let whole = compile(&format!("\\A(?:{text})\\z"))?;
        Ok(Self { whole, find })
    }
    /// `Matcher.matches`: whether all of `text` matches.
    pub fn matches(&self, text: &str) -> Result<bool, String> {
        self.whole.is_match(text).map_err(|e| e.to_string())
    }
    /// `Matcher.replaceFirst`, if all of `text` matches. As in Java the first *find* is replaced, which need not be
    /// the whole text.
    pub fn replace_if_match(
        &self,
        text: &str,
        with: &Replacement,
    ) -> Result<Option<String>, String> {
        if !self.matches(text)? {
            return Ok(None);
        }
        let Some(found) = self.find.captures(text).map_err(|e| e.to_string())? else {
            return Ok(Some(text.to_owned()));
        };
        let Some(all) = found.get(0) else {
            return Ok(None);
        };
        let mut out = text[..all.start()].to_owned();
        with.append(&found, &mut out);
        out.push_str(&text[all.end()..]);
        Ok(Some(out))
    }
}

/// Java's `\Q…\E`, which the engine does not know, as escapes.
fn unquote(java: &str) -> String {
    let mut out = String::with_capacity(java.len());
    let mut rest = java;
    while let Some((before, after)) = rest.split_once("\\Q") {
        out.push_str(before);
        let (quoted, tail) = after.split_once("\\E").unwrap_or((after, ""));
        out.push_str(&fancy_regex::escape(quoted));
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// A replacement in Java's syntax: `$1`, `${name}`, and `\` before a character that stands for itself.
#[derive(Debug)]
pub struct Replacement(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(usize),
    Named(String),
}

impl Replacement {
    /// Reads a replacement for this pattern; an error where it names a group that the pattern does not have.
    pub fn new(java: &str, pattern: &Pattern) -> Result<Self, String> {
        let groups = pattern.find.captures_len();
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut chars = java.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.push(chars.next().ok_or("character to be escaped is missing")?),
                '$' => {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    if chars.next_if_eq(&'{').is_some() {
                        let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                        if !pattern.find.capture_names().flatten().any(|n| n == name) {
                            return Err(format!("No group with name {{{name}}}"));
                        }
                        pieces.push(Piece::Named(name));
                        continue;
                    }
                    let digit = chars.next().and_then(|c| c.to_digit(10));
                    let mut group = digit.ok_or("Illegal group reference")? as usize;
                    if group >= groups {
                        return Err(format!("No group {group}"));
                    }
                    // Further digits belong to the number as long as there is such a group.
                    while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
                        let longer = group * 10 + d as usize;
                        if longer >= groups {
                            break;
                        }
                        group = longer;
                        chars.next();
                    }
                    pieces.push(Piece::Group(group));
                }
                c => text.push(c),
            }
        }
        pieces.push(Piece::Text(text));
        Ok(Self(pieces))
    }

    fn append(&self, found: &Captures<'_>, out: &mut String) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(n) => out.push_str(found.get(*n).map_or("", |m| m.as_str())),
                Piece::Named(name) => out.push_str(found.name(name).map_or("", |m| m.as_str())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_is_javas() {
        for (regex, with, text, want) in [
            (
                r"([^.]+)\.([^.]+)\.([^.]+)",
                "$1-routed.$3",
                "a.b.c",
                Some("a-routed.c"),
            ),
            ("a", "x", "ab", None),
            // All of "ab" matches the second branch, but the first find is the first branch's.
            ("a|ab", "x", "ab", Some("xb")),
            (".*", "t", "abc", Some("t")),
            (r"(?<db>\w+)_\d+", "${db}", "shard_12", Some("shard")),
            ("(a)(b)", "$12", "ab", Some("a2")),
            ("(a)b", r"\$1$1", "ab", Some("$1a")),
            (r"\Qa.b\E(.*)", "$1", "a.bc", Some("c")),
            ("(?!x).+", "y", "abc", Some("y")),
            (r"(?i)A\p{L}\d\s(?=.)\b.*", "y", "aé7 x", Some("y")),
        ] {
            let p = Pattern::new(regex).unwrap();
            let r = Replacement::new(with, &p).unwrap();
            assert_eq!(
                p.replace_if_match(text, &r).unwrap().as_deref(),
                want,
                "{regex}"
            );
        }
    }

    #[test]
    fn mistakes_are_errors() {
        assert!(Pattern::new("a)(b").is_err());
        assert!(Pattern::new("(").is_err());
        let p = Pattern::new("(a)").unwrap();
        for bad in ["$2", "${n}", "$", "x\\"] {
            assert!(Replacement::new(bad, &p).is_err(), "{bad}");
        }
    }
}
