//! Literals: names and strings out of their quotes, and DEFAULT values in the form Debezium
//! keeps (`DefaultValueParserListener`).

use super::super::lexer::Kind;
use super::Cursor;
use crate::table::DefaultValue;

/// What Debezium writes for every form of CURRENT_TIMESTAMP.
const NOW: &str = "1970-01-01 00:00:00";

/// A quoted name's text: doubled quotes made single.
pub(super) fn unquote_name(raw: &str) -> String {
    let Some(quote) = raw.chars().next() else {
        return String::new();
    };
    let inner = raw
        .strip_prefix(quote)
        .and_then(|rest| rest.strip_suffix(quote))
        .unwrap_or(raw);
    let doubled: String = [quote, quote].iter().collect();
    inner.replace(&doubled, quote.encode_utf8(&mut [0; 4]))
}

/// Text between a string's quotes, nothing decoded; the N of a national string is cut.
pub(super) fn inner_text(raw: &str) -> &str {
    let raw = raw.trim_start_matches(['n', 'N']);
    ['\'', '"']
        .iter()
        .find_map(|quote| raw.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(raw)
}

/// A string's value.
pub(super) fn decode_text(raw: &str, no_backslash_escapes: bool) -> String {
    let quote = raw
        .trim_start_matches(['n', 'N'])
        .chars()
        .next()
        .unwrap_or('\'');
    let mut out = String::new();
    let mut chars = inner_text(raw).chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if !no_backslash_escapes => match chars.next() {
                Some('0') => out.push('\0'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('t') => out.push('\t'),
                Some('b') => out.push('\u{8}'),
                Some('Z') => out.push('\u{1a}'),
                Some(other) => out.push(other),
                None => {}
            },
            c if c == quote => {
                chars.next_if_eq(&quote);
                out.push(quote);
            }
            c => out.push(c),
        }
    }
    out
}

/// Digits of a hexadecimal or bit literal, without `0x`, `x''`.
fn digits(raw: &str) -> &str {
    raw.get(2..).unwrap_or_default().trim_end_matches('\'')
}

/// The base of the literal at the cursor, if it is one of digits that stand for bytes.
pub(super) fn radix(cursor: &Cursor<'_>) -> Option<u32> {
    match cursor.peek_kind() {
        Some(Kind::Hex) => Some(16),
        Some(Kind::Bits) => Some(2),
        _ => None,
    }
}

/// The value behind DEFAULT. Expressions are stepped over and count as NULL, as in Debezium.
pub(super) fn default_value(cursor: &mut Cursor<'_>) -> DefaultValue {
    let mut sign = String::new();
    while cursor.is_symbol(b'-') || cursor.is_symbol(b'+') {
        sign.push_str(cursor.take_text());
    }
    let literal = |text: &str| DefaultValue::Expression(format!("{sign}{text}"));
    match cursor.peek_kind() {
        Some(Kind::Number) => literal(cursor.take_text()),
        Some(Kind::Text) => literal(&strings(cursor)),
        Some(Kind::Hex | Kind::Bits) => literal(digits(cursor.take_text())),
        Some(Kind::Word) => word_default(cursor),
        _ => {
            cursor.skip_item();
            DefaultValue::Null
        }
    }
}

/// One string, or several side by side, which SQL joins.
fn strings(cursor: &mut Cursor<'_>) -> String {
    let mut text = String::new();
    while let Some(raw) = cursor.take_kind(Kind::Text) {
        text.push_str(inner_text(raw));
    }
    if cursor.accept("COLLATE") {
        cursor.skip_token();
    }
    text
}

fn word_default(cursor: &mut Cursor<'_>) -> DefaultValue {
    let word = cursor.take_text();
    let upper = word.to_ascii_uppercase();
    match (upper.as_str(), cursor.peek_kind()) {
        ("NULL", _) => DefaultValue::Null,
        ("TRUE" | "FALSE", _) => DefaultValue::Expression(word.to_owned()),
        ("CURRENT_TIMESTAMP" | "NOW" | "LOCALTIME" | "LOCALTIMESTAMP", _) => {
            skip_arguments(cursor);
            DefaultValue::Expression(NOW.to_owned())
        }
        ("DATE" | "TIME" | "TIMESTAMP", Some(Kind::Text)) => {
            DefaultValue::Expression(strings(cursor))
        }
        (_, Some(Kind::Text)) if word.starts_with('_') => DefaultValue::Expression(strings(cursor)),
        (_, Some(Kind::Hex | Kind::Bits)) if word.starts_with('_') => {
            DefaultValue::Expression(digits(cursor.take_text()).to_owned())
        }
        _ => {
            // MariaDB takes function calls without brackets around them; NEXT VALUE FOR db.seq.
            if upper == "NEXT" {
                cursor.accept_words(&["VALUE", "FOR"]);
                cursor.skip_token();
            }
            while cursor.accept_symbol(b'.') {
                cursor.skip_token();
            }
            skip_arguments(cursor);
            DefaultValue::Null
        }
    }
}

/// `()` or `(6)` behind a function's name.
pub(super) fn skip_arguments(cursor: &mut Cursor<'_>) {
    if cursor.is_symbol(b'(') {
        cursor.skip_item();
    }
}
