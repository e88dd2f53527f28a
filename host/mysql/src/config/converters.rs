//! `converters`: the custom converters that Debezium ships for MySQL, with their own keys.
//!
//! Only what they were told and which columns they take; `decode::custom` makes the values. Others are Java classes and
//! are refused. Source: `io.debezium.connector.binlog.converters`.
//! Invariant: of several converters that take a column the first one listed has it.

use super::filter::Patterns;
use crate::decode::DateTime;
use crate::table::{Column, ColumnType, TableId, jdbc};
use host_core::config::{Config, Parser};

const PACKAGES: [&str; 2] = [
    "io.debezium.connector.mysql.converters.",
    "io.debezium.connector.binlog.converters.",
];
/// How the keys of a converter end; what is before is its name, which is the user's.
const OPTIONS: [&str; 12] = [
    ".type",
    ".selector",
    ".length.checker",
    ".selector.boolean",
    ".selector.real",
    ".selector.string",
    ".treat.real.as.double",
    ".target.types",
    ".fallback.date",
    ".fallback.datetime",
    ".fallback.timestamp",
    ".fallback",
];

/// Whether a key may be one of a converter's own.
pub(super) fn is_option(key: &str) -> bool {
    OPTIONS.iter().any(|o| key.ends_with(o))
}

/// What a converter makes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Custom {
    /// A boolean: whether the number is above 0.
    Boolean,
    /// An int16: 1 where the number is above 0, else 0.
    Flag,
    /// A float64.
    Float64,
    /// A float32.
    Float32,
    /// The text, with its character set in the schema.
    Text,
    /// The date or time, and what stands for one that does not exist and for NULL.
    Dated(Option<DateTime>),
}

#[derive(Debug, Clone)]
enum Kind {
    /// `TinyIntOneToBooleanConverter`.
    TinyInt { length_one: bool },
    /// `JdbcSinkDataTypesConverter`: booleans, reals, strings.
    Sink([Option<Patterns>; 3], bool),
    /// `ZeroDateFallbackConverter`: DATE, DATETIME and TIMESTAMP, each where it is a target; and single columns.
    ZeroDate(
        [Option<Option<DateTime>>; 3],
        Vec<(String, Option<DateTime>)>,
    ),
}

#[derive(Debug, Clone)]
struct Converter {
    kind: Kind,
    /// `None` for all columns.
    selector: Option<Patterns>,
}

/// All custom converters, in the order of `converters`.
#[derive(Debug, Clone, Default)]
pub struct Converters(Vec<Converter>);

impl Converters {
    pub(super) fn read(p: &mut Parser<'_>, config: &Config) -> Self {
        let names = config.list("converters");
        Self(
            names
                .iter()
                .filter_map(|n| converter(p, config, n))
                .collect(),
        )
    }

    /// What is made of a column, `None` where no converter takes it.
    pub fn of(&self, table: &TableId, column: &Column) -> Option<Custom> {
        if self.0.is_empty() {
            return None;
        }
        let name = format!("{table}.{}", column.name);
        self.0.iter().find_map(|c| {
            let selected = c.selector.as_ref().is_none_or(|s| s.matches(&name));
            selected.then(|| c.kind.of(&name, column)).flatten()
        })
    }
}

impl Kind {
    fn of(&self, name: &str, column: &Column) -> Option<Custom> {
        match self {
            Self::TinyInt { length_one } => {
                let one = match column.type_name.to_ascii_uppercase().as_str() {
                    "TINYINT" | "TINYINT UNSIGNED" => column.length == Some(1),
                    // A boolean by itself while it is called so; after a snapshot it is called TINYINT(1).
                    "BOOL" | "BOOLEAN" => true,
                    _ => return None,
                };
                (one || !length_one).then_some(Custom::Boolean)
            }
            Self::Sink(selectors, double) => {
                let real = if *double {
                    Custom::Float64
                } else {
                    Custom::Float32
                };
                selectors
                    .iter()
                    .zip([Custom::Flag, real, Custom::Text])
                    .find(|(s, _)| s.as_ref().is_some_and(|s| s.matches(name)))
                    .map(|(_, custom)| custom)
            }
            Self::ZeroDate(types, columns) => {
                let at = match (column.ty, column.jdbc_type) {
                    (ColumnType::Date, jdbc::DATE) => 0,
                    (ColumnType::DateTime, jdbc::TIMESTAMP) => 1,
                    (ColumnType::Timestamp, _) => 2,
                    _ => return None,
                };
                let fallback = (*types.get(at)?)?;
                let own = columns.iter().find(|(column, _)| column == name);
                Some(Custom::Dated(own.map_or(fallback, |(_, f)| *f)))
            }
        }
    }
}

fn converter(p: &mut Parser<'_>, config: &Config, name: &str) -> Option<Converter> {
    let key = format!("{name}.type");
    let class = config.get(&key).map(str::trim).unwrap_or_default();
    let own = config.with_prefix(&format!("{name}."));
    let short = PACKAGES
        .iter()
        .find_map(|package| class.strip_prefix(package));
    let mut selector = patterns(p, name, &own, "selector");
    let kind = match short {
        Some("TinyIntOneToBooleanConverter") => Kind::TinyInt {
            length_one: flag(&own, "length.checker"),
        },
        Some("JdbcSinkDataTypesConverter") => {
            selector = None;
            let selectors = ["boolean", "real", "string"];
            Kind::Sink(
                selectors.map(|s| patterns(p, name, &own, &format!("selector.{s}"))),
                flag(&own, "treat.real.as.double"),
            )
        }
        Some("ZeroDateFallbackConverter") => zero_date(p, name, &own),
        _ => {
            let message = if class.is_empty() {
                format!("The '{key}' value is invalid: A value is required")
            } else {
                format!(
                    "The '{key}' value is invalid: {class} is a Java class and cannot be run; use Debezium's own \
                     TinyIntOneToBooleanConverter, JdbcSinkDataTypesConverter or ZeroDateFallbackConverter, or a transform"
                )
            };
            p.reject(&key, message);
            return None;
        }
    };
    Some(Converter { kind, selector })
}

/// True unless something else is said (`Boolean.parseBoolean`).
fn flag(own: &Config, key: &str) -> bool {
    let text = own.get(key).map(str::trim).filter(|v| !v.is_empty());
    text.is_none_or(|v| v.eq_ignore_ascii_case("true"))
}

fn patterns(p: &mut Parser<'_>, name: &str, own: &Config, key: &str) -> Option<Patterns> {
    let list = own.get(key).map(str::trim).filter(|v| !v.is_empty())?;
    match Patterns::new(list) {
        Ok(patterns) => Some(patterns),
        Err(why) => {
            let key = format!("{name}.{key}");
            p.reject(&key, format!("The '{key}' value is invalid: {why}"));
            None
        }
    }
}

fn zero_date(p: &mut Parser<'_>, name: &str, own: &Config) -> Kind {
    let targets = own
        .get("target.types")
        .unwrap_or("DATE,DATETIME,TIMESTAMP")
        .to_ascii_uppercase();
    let types = ["date", "datetime", "timestamp"].map(|ty| {
        let fallback = fallback(p, name, own, &format!("fallback.{ty}"), Some(ty));
        let mut targets = targets.split(',').map(str::trim);
        targets
            .any(|t| t.eq_ignore_ascii_case(ty))
            .then_some(fallback)
    });
    let columns = own.iter().filter_map(|(key, _)| {
        let column = key.strip_prefix("column.")?.strip_suffix(".fallback")?;
        Some((column.to_owned(), fallback(p, name, own, key, None)))
    });
    Kind::ZeroDate(types, columns.collect())
}

/// A date, `yyyy-MM-dd HH:mm:ss` or an instant with its offset; `NULL` and nothing are null. The form is asked for where
/// the column's type is known.
fn fallback(
    p: &mut Parser<'_>,
    name: &str,
    own: &Config,
    key: &str,
    form: Option<&str>,
) -> Option<DateTime> {
    let text = own.get(key).map(str::trim).unwrap_or_default();
    if text.is_empty() || text.eq_ignore_ascii_case("NULL") {
        return None;
    }
    type Read = fn(&str) -> Option<DateTime>;
    let forms: &[(&str, Read)] = &[
        ("date", date),
        ("datetime", datetime),
        ("timestamp", instant),
    ];
    let mut read = forms
        .iter()
        .filter(|(ty, _)| form.is_none_or(|f| f == *ty))
        .filter_map(|(_, read)| read(text));
    let found = read.next();
    if found.is_none() {
        let key = format!("{name}.{key}");
        let want = match form {
            Some("date") => "a date such as 1970-01-01",
            Some("datetime") => "a date and time such as 1970-01-01 00:00:00",
            Some(_) => "an instant such as 1970-01-01T00:00:00Z",
            None => "a date, a date and time, or an instant, as the column is one,",
        };
        p.reject(
            &key,
            format!("The '{key}' value is invalid: {want} or NULL is expected"),
        );
    }
    found
}

fn number<T: std::str::FromStr>(text: &str, digits: usize) -> Option<T> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn date(text: &str) -> Option<DateTime> {
    let mut parts = text.splitn(3, '-');
    let at = DateTime {
        year: number(parts.next()?, 4)?,
        month: number(parts.next()?, 2)?,
        day: number(parts.next()?, 2)?,
        ..DateTime::default()
    };
    at.days().map(|_| at)
}

fn datetime(text: &str) -> Option<DateTime> {
    let (day, clock) = text.split_once(' ')?;
    let mut parts = clock.splitn(3, ':');
    let at = DateTime {
        hour: number(parts.next()?, 2).filter(|h| *h < 24)?,
        minute: number(parts.next()?, 2).filter(|m| *m < 60)?,
        second: number(parts.next()?, 2).filter(|s| *s < 60)?,
        ..date(day)?
    };
    Some(at)
}

/// `OffsetDateTime.parse`, in UTC.
fn instant(text: &str) -> Option<DateTime> {
    let (day, clock) = text.split_once('T')?;
    let end = clock.find(['Z', '+', '-'])?;
    let (clock, offset) = clock.split_at_checked(end)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let clock = if clock.len() == 5 {
        format!("{clock}:00")
    } else {
        clock.to_owned()
    };
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let at = DateTime {
        micros: number(&digits, 6)?,
        ..datetime(&format!("{day} {clock}"))?
    };
    let seconds = match offset.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign, hhmm) => {
            let (hours, minutes) = hhmm.split_once(':').unwrap_or((hhmm, "00"));
            let s = number::<i64>(hours, 2)? * 3600 + number::<i64>(minutes, 2)? * 60;
            if sign == "-" { -s } else { s }
        }
    };
    Some(DateTime::from_micros(at.micros()? - seconds * 1_000_000))
}

#[cfg(test)]
mod tests;
