//! Names of topics: prefix, database and table, and what becomes of characters Kafka does not take.
//!
//! Source: `AbstractTopicNamingStrategy` and the strategies over it. Without `topic.naming.strategy` it is `Default…`,
//! whatever Debezium's published table says; `Schema…` leaves the database out. Nothing here creates topics.
//! Invariant: a topic's name has only letters, digits, `.`, `_` and `-`, and at most 249 of them.

use crate::table::TableId;
use fancy_regex::{Captures, Regex};
use host_core::config::{Config, Parser};

const TOPIC_CHARS_MAX: usize = 249;

/// What stands for a character that a name cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escape {
    /// `_`.
    #[default]
    Underscore,
    /// `_u` and the character's hexadecimal number; an underscore is one of those characters.
    Unicode,
}

/// `schema.name.adjustment.mode` and `field.name.adjustment.mode`: `None` leaves names as they are.
pub type Adjustment = Option<Escape>;

pub(super) const ADJUSTMENTS: &[(&str, Adjustment)] = &[
    ("avro", Some(Escape::Underscore)),
    ("avro_unicode", Some(Escape::Unicode)),
    ("none", None),
];

impl Escape {
    /// Appends what stands for a character: one such part for each UTF-16 unit, as Java sees it.
    fn push(self, c: char, to: &mut String) {
        for unit in c.encode_utf16(&mut [0; 2]) {
            match self {
                Self::Underscore => to.push('_'),
                Self::Unicode => {
                    let digits = format!("{unit:x}");
                    to.push_str(if *unit < 0x100 { "_u00" } else { "_u" });
                    to.push_str(&digits);
                }
            }
        }
    }
    /// A full name as Avro takes it: dots within, no digit first (`SchemaNameAdjuster.validFullname`).
    pub fn schema_name(self, name: &str) -> String {
        self.avro(name, true)
    }
    /// A field's name as Avro takes it: no dots, no digit first.
    pub fn field_name(self, name: &str) -> String {
        self.avro(name, false)
    }
    fn avro(self, name: &str, dots: bool) -> String {
        let mut out = String::with_capacity(name.len());
        for (at, c) in name.char_indices() {
            let first = c.is_ascii_alphabetic() || (c == '_' && self == Self::Underscore);
            if first || (at > 0 && (c.is_ascii_digit() || (dots && c == '.'))) {
                out.push(c);
                continue;
            }
            self.push(c, &mut out);
            if c.is_ascii_digit() && self == Self::Underscore {
                // Names that differ in their first digit only stay different.
                out.push(c);
            }
        }
        out
    }
    fn topic(self, name: &str) -> String {
        let mut out = String::with_capacity(name.len());
        for c in name.chars() {
            let own = c == '_' && self == Self::Unicode;
            if !own && (c.is_ascii_alphanumeric() || "._-".contains(c)) {
                out.push(c);
            } else {
                self.push(c, &mut out);
            }
        }
        out.truncate(TOPIC_CHARS_MAX);
        out
    }
}

/// `topic.regex` and its company: several tables' records in one topic.
#[derive(Debug, Clone)]
struct Merge {
    regex: Regex,
    replacement: String,
    /// `topic.key.field.name`, where `topic.key.enforce.uniqueness`.
    key_field: Option<String>,
    key: Option<(Regex, String)>,
}

/// `topic.naming.strategy` and its keys.
#[derive(Debug, Clone)]
pub struct TopicNaming {
    prefix: String,
    delimiter: String,
    /// Whether the database is part of the name.
    database: bool,
    escape: Escape,
    merge: Option<Merge>,
}

impl TopicNaming {
    pub(super) fn read(p: &mut Parser<'_>, config: &Config, prefix: &str, delimiter: &str) -> Self {
        let class = given(config, "topic.naming.strategy")
            .unwrap_or("io.debezium.schema.DefaultTopicNamingStrategy");
        let own = class.strip_prefix("io.debezium.schema.");
        let own = own.and_then(|c| c.strip_suffix("TopicNamingStrategy"));
        let short = own.and_then(|c| c.strip_prefix("Schema"));
        let strategy = short.or(own.and_then(|c| c.strip_prefix("Default")));
        let mut naming = Self {
            prefix: prefix.to_owned(),
            delimiter: delimiter.to_owned(),
            database: short.is_none(),
            escape: Escape::Underscore,
            merge: None,
        };
        match strategy {
            Some("") => {}
            Some("Unicode") => naming.escape = Escape::Unicode,
            Some("Regex") => naming.merge = merge(p, config),
            _ => p.reject(
                "topic.naming.strategy",
                format!("The 'topic.naming.strategy' value is invalid: {class} is not supported; use one of io.debezium.schema.{{Schema,Default}}{{,Unicode,Regex}}TopicNamingStrategy"),
            ),
        }
        naming
    }

    /// A table's name before the strategy.
    fn origin(&self, table: &TableId) -> String {
        let database = Some(&table.database).filter(|_| self.database);
        let parts = [Some(&self.prefix), database, Some(&table.table)];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        parts.join(&self.delimiter)
    }

    /// Topic of a table's change events, which its schemas are named after.
    pub fn topic(&self, table: &TableId) -> String {
        let topic = self.escape.topic(&self.origin(table));
        match self.merge.as_ref() {
            None => topic,
            Some(m) => match replace(&m.regex, &topic, &m.replacement) {
                // The replacement is the user's text, and Kafka would refuse some of it.
                Some(merged) if !merged.is_empty() => self.escape.topic(&merged),
                _ => topic,
            },
        }
    }

    /// Name and value of the field that tells tables apart whose records share a topic, the last one of the key.
    pub fn key_field(&self, table: &TableId) -> Option<(&str, String)> {
        let merge = self.merge.as_ref()?;
        let name = merge.key_field.as_deref()?;
        let origin = self.origin(table);
        let own = merge.key.as_ref();
        let own = own.and_then(|(regex, by)| replace(regex, &origin, by));
        Some((name, own.unwrap_or(origin)))
    }
}

fn merge(p: &mut Parser<'_>, config: &Config) -> Option<Merge> {
    let regex = anchored(p, config, "topic.regex");
    if config.get("topic.regex").is_none() {
        p.reject(
            "topic.regex",
            "The 'topic.regex' value is invalid: A value is required",
        );
    }
    let replacement = given(config, "topic.replacement");
    if replacement.is_none() {
        let why = "topic.replacement must be non-empty if topic.regex is set.";
        p.reject(
            "topic.replacement",
            format!("The 'topic.replacement' value is invalid: {why}"),
        );
    }
    let key_regex = anchored(p, config, "topic.key.field.regex");
    let key_replacement = given(config, "topic.key.field.replacement");
    if key_regex.is_some() && key_replacement.is_none() {
        let why = "topic.key.field.replacement must be non-empty if topic.key.field.regex is set.";
        p.reject(
            "topic.key.field.replacement",
            format!("The 'topic.key.field.replacement' value is invalid: {why}"),
        );
    }
    let unique = given(config, "topic.key.enforce.uniqueness")
        .is_none_or(|v| v.eq_ignore_ascii_case("true"));
    let name = given(config, "topic.key.field.name").unwrap_or("__dbz__physicalTableIdentifier");
    Some(Merge {
        regex: regex?,
        replacement: replacement?.to_owned(),
        key_field: unique.then(|| name.to_owned()),
        key: key_regex.zip(key_replacement.map(str::to_owned)),
    })
}

fn given<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).map(str::trim).filter(|v| !v.is_empty())
}

/// A pattern that matches a whole name (`Matcher.matches`).
fn anchored(p: &mut Parser<'_>, config: &Config, key: &str) -> Option<Regex> {
    match Regex::new(&format!("^(?:{})$", given(config, key)?)) {
        Ok(regex) => Some(regex),
        Err(e) => {
            p.reject(
                key,
                format!("The '{key}' value is invalid: A regular expression is expected: {e}"),
            );
            None
        }
    }
}

/// The replacement with its groups filled in, where the pattern matches (`Matcher.replaceFirst`): `$1`, `${name}`, and a
/// backslash before what stands for itself.
fn replace(regex: &Regex, text: &str, replacement: &str) -> Option<String> {
    let captures = regex.captures(text).ok()??;
    let mut out = String::new();
    let mut rest = replacement.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => out.extend(rest.next()),
            '$' if rest.peek() == Some(&'{') => {
                rest.next();
                let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
                out.push_str(captures.name(&name).map_or("", |m| m.as_str()));
            }
            '$' => {
                let group = group_number(&mut rest, &captures);
                out.push_str(captures.get(group).map_or("", |m| m.as_str()));
            }
            c => out.push(c),
        }
    }
    Some(out)
}

/// Reads a group's number: as many digits as still name a group, at least one.
fn group_number(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    captures: &Captures<'_>,
) -> usize {
    let mut group = None;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        let next = group.unwrap_or(0usize).saturating_mul(10) + digit as usize;
        if group.is_some() && next >= captures.len() {
            break;
        }
        group = Some(next);
        rest.next();
    }
    group.unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFINITION;

    #[test]
    fn names_are_adjusted_as_debezium_adjusts_them() {
        let (plain, unicode) = (Escape::Underscore, Escape::Unicode);
        for (escape, name, schema, field) in [
            (
                plain,
                "inv.Odd-Name.x_y.Value",
                "inv.Odd_Name.x_y.Value",
                "inv_Odd_Name_x_y_Value",
            ),
            (plain, "a-b", "a_b", "a_b"),
            (plain, "1c", "_1c", "_1c"),
            (plain, "é😀", "___", "___"),
            (plain, ".a", "_a", "_a"),
            (unicode, "a-b_c", "a_u002db_u005fc", "a_u002db_u005fc"),
            (unicode, "1.é", "_u0031._u00e9", "_u0031_u002e_u00e9"),
            (unicode, "ł😀", "_u142_ud83d_ude00", "_u142_ud83d_ude00"),
            (unicode, "", "", ""),
        ] {
            assert_eq!(escape.schema_name(name), schema, "{name}");
            assert_eq!(escape.field_name(name), field, "{name}");
        }
    }

    fn naming(keys: &[(&str, &str)]) -> (TopicNaming, Vec<String>) {
        let config: Config = keys.iter().copied().collect();
        let mut p = Parser::new(&DEFINITION, &config);
        let naming = TopicNaming::read(&mut p, &config, "p", ".");
        (naming, p.findings.into_iter().map(|f| f.message).collect())
    }

    const STRATEGY: &str = "topic.naming.strategy";
    const REGEX: &str = "io.debezium.schema.DefaultRegexTopicNamingStrategy";

    #[test]
    fn topics_hold_only_what_kafka_takes() {
        let unicode = (
            STRATEGY,
            "io.debezium.schema.DefaultUnicodeTopicNamingStrategy",
        );
        let schema = (
            STRATEGY,
            "io.debezium.schema.SchemaUnicodeTopicNamingStrategy",
        );
        let default = (STRATEGY, "io.debezium.schema.DefaultTopicNamingStrategy");
        let long = "x".repeat(300);
        let cut = format!("p.d.{}", "x".repeat(245));
        for (keys, table, want) in [
            (&[][..], "we`ird-name", "p.d.we_ird-name"),
            (&[], "é", "p.d._"),
            (&[default], "A_1", "p.d.A_1"),
            (&[], long.as_str(), cut.as_str()),
            (&[unicode], "a_b c", "p.d.a_u005fb_u0020c"),
            (&[schema], "Odd-Na_me x", "p.Odd-Na_u005fme_u0020x"),
        ] {
            let (naming, found) = naming(keys);
            assert!(found.is_empty(), "{found:?}");
            assert_eq!(naming.topic(&TableId::new("d", table)), want);
            assert_eq!(naming.key_field(&TableId::new("d", table)), None);
        }
    }

    #[test]
    fn tables_that_share_a_topic_are_told_apart_by_key() {
        let shards = &[
            (STRATEGY, REGEX),
            ("topic.regex", "(.*)(customers_shard_)(\\d+)"),
            ("topic.replacement", "$1customers_all_\\$${n}$33"),
        ][..];
        let (n, found) = naming(shards);
        assert!(found.is_empty(), "{found:?}");
        let (one, other) = (
            TableId::new("d", "customers_shard_7"),
            TableId::new("d", "é"),
        );
        assert_eq!(n.topic(&one), "p.d.customers_all__73");
        assert_eq!(n.topic(&other), "p.d._");
        let field = "__dbz__physicalTableIdentifier";
        let own = "p.d.customers_shard_7".to_owned();
        assert_eq!(n.key_field(&one), Some((field, own)));
        assert_eq!(n.key_field(&other), Some((field, "p.d.é".to_owned())));
        let mut named = shards.to_vec();
        named.extend([
            ("topic.key.field.name", "shard"),
            ("topic.key.field.regex", ".*shard_(?<n>\\d+)"),
            ("topic.key.field.replacement", "${n}"),
        ]);
        assert_eq!(
            naming(&named).0.key_field(&one),
            Some(("shard", "7".to_owned()))
        );
        named.push(("topic.key.enforce.uniqueness", "false"));
        assert_eq!(naming(&named).0.key_field(&one), None);
    }

    #[test]
    fn a_strategy_that_cannot_be_followed_is_told() {
        for (keys, count) in [
            (&[(STRATEGY, "com.acme.Own")][..], 1),
            (&[(STRATEGY, REGEX)], 2),
            (&[(STRATEGY, REGEX), ("topic.regex", "a(")], 2),
            (
                &[
                    (STRATEGY, REGEX),
                    ("topic.regex", "a"),
                    ("topic.replacement", "b"),
                    ("topic.key.field.regex", "c"),
                ],
                1,
            ),
        ] {
            assert_eq!(naming(keys).1.len(), count, "{keys:?}");
        }
    }
}
