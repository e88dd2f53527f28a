//! Rules over columns: masks, hashes, truncation, and what schemas tell of the source's types.
//!
//! Only which rule is for which column; `event::mapping` carries it out. Source: `ColumnMappers.create`. One rule is for
//! a column, the first that matches. Debezium asks truncation and type propagation before hashes, so a column that two
//! rules match may go out in clear; here masks come first.
//! Invariant: a key of these families that cannot be read is a finding, for an ignored mask would do harm in silence.

use super::filter::Patterns;
use crate::table::{Column, TableId};
use host_core::config::{Config, Parser};
use host_core::secret::Secret;
use std::sync::Arc;

/// Longest mask and longest truncated text, in characters: the longest VARCHAR.
const CHARS_MAX: usize = 65_535;

/// `MessageDigest` algorithms, by the names Java has for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the algorithms' own")]
pub enum HashAlgorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Sha512To224,
    Sha512To256,
}

impl HashAlgorithm {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("MD5", Self::Md5),
        ("SHA-1", Self::Sha1),
        ("SHA1", Self::Sha1),
        ("SHA", Self::Sha1),
        ("SHA-224", Self::Sha224),
        ("SHA-256", Self::Sha256),
        ("SHA-384", Self::Sha384),
        ("SHA-512", Self::Sha512),
        ("SHA-512/224", Self::Sha512To224),
        ("SHA-512/256", Self::Sha512To256),
    ];
    fn named(name: &str) -> Option<Self> {
        let found = |(word, _): &&(&str, Self)| word.eq_ignore_ascii_case(name);
        Self::WORDS.iter().find(found).map(|(_, a)| *a)
    }
}

/// What of a value is hashed after the salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashForm {
    /// `column.mask.hash.`: the string as Java serialises objects.
    Serialised,
    /// `column.mask.hash.v2.`: the string's UTF-8.
    Utf8,
}

/// What is done to a column's values and schema.
#[derive(Debug, Clone)]
pub enum Treatment {
    /// `column.mask.with.<n>.chars`: so many asterisks.
    Mask(Arc<str>),
    /// `column.mask.hash.(v2.)<algorithm>.with.salt.<salt>`.
    Hash(HashAlgorithm, Secret, HashForm),
    /// `column.truncate.to.<n>.chars`.
    Truncate(usize),
    /// `column.propagate.source.type`, `datatype.propagate.source.type`: values as they are.
    Propagate,
}

impl Treatment {
    /// Place among the rules for one column.
    fn rank(&self) -> u8 {
        match self {
            Self::Mask(_) => 0,
            Self::Hash(_, _, HashForm::Serialised) => 1,
            Self::Hash(_, _, HashForm::Utf8) => 2,
            Self::Truncate(_) => 3,
            Self::Propagate => 4,
        }
    }
}

#[derive(Debug, Clone)]
struct Rule {
    patterns: Patterns,
    /// Whether the patterns are over `db.table.TYPE` and not over `db.table.column`.
    by_type: bool,
    what: Treatment,
}

/// All rules over columns.
#[derive(Debug, Clone, Default)]
pub struct ColumnRules(Vec<Rule>);

impl ColumnRules {
    pub(super) fn read(p: &mut Parser<'_>, config: &Config) -> Self {
        let mut rules = Vec::new();
        for (key, value) in config.iter() {
            let what = match treatment(key) {
                None => continue,
                Some(Ok(what)) => what,
                Some(Err(why)) => {
                    p.reject(key, format!("The '{}' value is invalid: {why}", shown(key)));
                    continue;
                }
            };
            match Patterns::new(value) {
                Ok(patterns) => rules.push(Rule {
                    patterns,
                    by_type: key == "datatype.propagate.source.type",
                    what,
                }),
                Err(why) => p.reject(key, format!("The '{}' value is invalid: {why}", shown(key))),
            }
        }
        rules.sort_by_key(|r| (r.what.rank(), r.by_type));
        Self(rules)
    }

    /// The rule for a column.
    pub fn of(&self, table: &TableId, column: &Column) -> Option<&Treatment> {
        if self.0.is_empty() {
            return None;
        }
        let (by_name, by_type) = (
            format!("{table}.{}", column.name),
            format!("{table}.{}", column.type_name),
        );
        let matches = |r: &&Rule| {
            r.patterns
                .matches(if r.by_type { &by_type } else { &by_name })
        };
        self.0.iter().find(matches).map(|r| &r.what)
    }
}

/// A key without its salt.
fn shown(key: &str) -> String {
    match key.split_once(".with.salt.") {
        Some((head, _)) => format!("{head}.with.salt.[hidden]"),
        None => key.to_owned(),
    }
}

/// What a key asks for; `None` where it is none of these.
fn treatment(key: &str) -> Option<Result<Treatment, String>> {
    if key == "column.propagate.source.type" || key == "datatype.propagate.source.type" {
        return Some(Ok(Treatment::Propagate));
    }
    if let Some(rest) = key.strip_prefix("column.truncate.") {
        return Some(chars(rest.strip_prefix("to.")).map(Treatment::Truncate));
    }
    let rest = key.strip_prefix("column.mask.")?;
    Some(match rest.strip_prefix("hash.") {
        Some(rest) => hash(rest),
        None => chars(rest.strip_prefix("with."))
            .map(|n| Treatment::Mask("*".repeat(n).as_str().into())),
    })
}

/// `<n>.chars`.
fn chars(rest: Option<&str>) -> Result<usize, String> {
    let digits = rest.and_then(|r| r.strip_suffix(".chars"));
    let digits = digits.filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
    match digits.map(str::parse::<usize>) {
        Some(Ok(n)) if n <= CHARS_MAX => Ok(n),
        Some(_) => Err(format!("a number of characters up to {CHARS_MAX} is expected")),
        None => Err(
            "this key is unknown, and ignoring it could do harm; the keys are column.mask.with.<n>.chars, \
             column.mask.hash.v2.<algorithm>.with.salt.<salt> and column.truncate.to.<n>.chars"
                .to_owned(),
        ),
    }
}

/// `(v2.)<algorithm>.with.salt.<salt>`.
fn hash(rest: &str) -> Result<Treatment, String> {
    let (rest, form) = match rest.strip_prefix("v2.") {
        Some(rest) if !rest.starts_with("with.salt.") => (rest, HashForm::Utf8),
        _ => (rest, HashForm::Serialised),
    };
    let (name, salt) = rest
        .split_once(".with.salt.")
        .filter(|(name, salt)| !name.is_empty() && !name.contains('.') && !salt.is_empty())
        .ok_or("a key like column.mask.hash.v2.SHA-256.with.salt.<salt> is expected")?;
    let algorithm = HashAlgorithm::named(name).ok_or_else(|| {
        let all: Vec<&str> = HashAlgorithm::WORDS.iter().map(|(w, _)| *w).collect();
        format!(
            "the algorithm {name} is not supported; use one of {}",
            all.join(", ")
        )
    })?;
    Ok(Treatment::Hash(algorithm, Secret::new(salt), form))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFINITION;
    use crate::table::ColumnType;

    fn read(keys: &[(&str, &str)]) -> (ColumnRules, Vec<String>) {
        let config: Config = keys.iter().copied().collect();
        let mut p = Parser::new(&DEFINITION, &config);
        let rules = ColumnRules::read(&mut p, &config);
        (rules, p.findings.into_iter().map(|f| f.message).collect())
    }

    #[test]
    fn the_first_rule_that_matches_is_for_a_column() {
        let column = Column::new("ssn", ColumnType::Char, "CHAR", 1);
        let id = TableId::new("inv", "cust");
        let hash = ("column.mask.hash.SHA-256.with.salt.x.y", "inv.CUST.ssn");
        let v2 = ("column.mask.hash.v2.MD5.with.salt.x", ".*");
        let (mask, cut) = (
            ("column.mask.with.3.chars", "inv.cust.(ssn|name)"),
            ("column.truncate.to.4.chars", ".*\\.ssn"),
        );
        let (by_name, by_type) = (
            ("column.propagate.source.type", "x,.*"),
            ("datatype.propagate.source.type", "inv.cust.char"),
        );
        for (keys, want) in [
            (&[][..], "None"),
            (&[by_type, cut, v2, hash, mask], "Some(Mask(\"***\"))"),
            (
                &[by_type, cut, v2, hash],
                "Some(Hash(Sha256, [hidden], Serialised))",
            ),
            (&[by_name, cut, v2], "Some(Hash(Md5, [hidden], Utf8))"),
            (&[by_name, cut], "Some(Truncate(4))"),
            (&[by_type], "Some(Propagate)"),
            (&[("column.truncate.to.4.chars", "inv.cust.ss")], "None"),
        ] {
            let (rules, found) = read(keys);
            assert!(found.is_empty(), "{found:?}");
            assert_eq!(format!("{:?}", rules.of(&id, &column)), want, "{keys:?}");
        }
    }

    #[test]
    fn a_mask_that_cannot_be_read_is_told_without_its_salt() {
        for (key, value, part) in [
            (
                "column.mask.with.length.4.chars",
                "a",
                "this key is unknown",
            ),
            ("column.mask.with.x.chars", "a", "this key is unknown"),
            ("column.mask.with.4", "a", "this key is unknown"),
            ("column.truncate.at.4.chars", "a", "this key is unknown"),
            (
                "column.truncate.to.99999999999999999999.chars",
                "a",
                "up to 65535",
            ),
            ("column.mask.hash.SHA-256", "a", "is expected"),
            (
                "column.mask.hash.v2.with.salt.pepper",
                "a",
                "v2 is not supported",
            ),
            (
                "column.mask.hash.MD2.with.salt.pepper",
                "a",
                "MD2 is not supported",
            ),
            (
                "column.mask.hash.MD5.with.salt.pepper",
                "a.(b",
                "regular expressions",
            ),
        ] {
            let (_, found) = read(&[(key, value)]);
            assert!(
                found.len() == 1 && found[0].contains(part) && !found[0].contains("pepper"),
                "{key}: {found:?}"
            );
        }
    }
}
