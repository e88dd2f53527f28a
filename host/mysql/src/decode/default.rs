//! A column's default, from DDL text to the value its schema declares.
//!
//! Follows Debezium's `BinlogDefaultValueConverter`: the literal's text is read as the column's type and then takes the
//! same way as a row's value. Expressions and NULL declare nothing.
//! Invariant: a default that cannot be read declares nothing; it never stops a table.

use super::{Converter, DateTime, Kind, Raw};
use crate::table::Column;
use host_core::layout::{Arena, Slot};

/// The slot of a column's default, `None` where its schema declares none.
pub fn default_slot(column: &Column, converter: &Converter, arena: &mut Arena) -> Option<Slot> {
    let text = column.default.expression()?;
    let text = strip_introducer(text);
    let slot = match &converter.kind {
        Kind::Boolean => Slot::boolean(matches!(whole(text), Some(n) if n != 0)),
        Kind::Bits(bytes) => {
            let n = u64::from_str_radix(text.trim(), 2).ok()?;
            converter
                .convert(Raw::Bytes(n.to_be_bytes().get(8 - bytes..)?), arena)
                .ok()?
        }
        Kind::Int16 | Kind::Int32 | Kind::Int64 | Kind::Positive | Kind::Flag => {
            converter.convert(Raw::Int(whole(text)?), arena).ok()?
        }
        Kind::Year => converter
            .convert(Raw::Int(year(whole(text)?, converter.adjust_years)), arena)
            .ok()?,
        Kind::UnsignedDecimal => converter
            .convert(Raw::UInt(text.trim().parse().ok()?), arena)
            .ok()?,
        Kind::Float32 | Kind::Float64 | Kind::Real32 | Kind::Real64 => {
            converter.convert(Raw::Double(number(text)?), arena).ok()?
        }
        Kind::Decimal(..) => {
            let plain = match text.trim().to_ascii_lowercase().as_str() {
                "true" => "1".to_owned(),
                "false" => "0".to_owned(),
                t => t.to_owned(),
            };
            converter.convert(Raw::Utf8(plain.as_bytes()), arena).ok()?
        }
        Kind::Text(_) | Kind::Enum(_) | Kind::Set(_) | Kind::Json => arena.string(text),
        Kind::Bytes(..) => converter.convert(Raw::Bytes(text.as_bytes()), arena).ok()?,
        Kind::Date(_) | Kind::DateTime(..) => converter
            .convert(Raw::DateTime(datetime(text).unwrap_or_default()), arena)
            .ok()?,
        Kind::Timestamp(_) => {
            // The epoch also stands for CURRENT_TIMESTAMP, which declares nothing where NULL is possible.
            let at = datetime(text)
                .filter(|d| d.micros().is_some_and(|us| us != 0))
                .unwrap_or_default();
            converter.convert(Raw::DateTime(at), arena).ok()?
        }
        Kind::Time(_) => converter.convert(Raw::Time(duration(text)?), arena).ok()?,
        Kind::Dated(dated) => dated.absent(arena),
        Kind::Point | Kind::Geometry | Kind::Vector => return None,
    };
    (!slot.is_null()).then_some(slot)
}

/// A column's default as a date; `None` for one that does not exist, and for the epoch, which needs no default.
pub(super) fn default_date(column: &Column) -> Option<DateTime> {
    let date = datetime(strip_introducer(column.default.expression()?))?;
    date.micros().filter(|us| *us != 0).map(|_| date)
}

/// `_utf8mb4'x'` without its introducer.
fn strip_introducer(text: &str) -> &str {
    let Some(rest) = text.strip_prefix('_') else {
        return text;
    };
    match rest.split_once('\'') {
        Some((name, value))
            if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            value.strip_suffix('\'').unwrap_or(text)
        }
        _ => text,
    }
}

/// A whole number; decimals are rounded and numbers beyond 64 bits end there, as `Math.round` does.
fn whole(text: &str) -> Option<i64> {
    match text.trim() {
        t if t.eq_ignore_ascii_case("true") => Some(1),
        t if t.eq_ignore_ascii_case("false") => Some(0),
        t => t
            .parse()
            .ok()
            .or_else(|| t.parse::<f64>().ok().map(|f| (f + 0.5).floor() as i64)),
    }
}

fn number(text: &str) -> Option<f64> {
    match text.trim() {
        t if t.eq_ignore_ascii_case("true") => Some(1.0),
        t if t.eq_ignore_ascii_case("false") => Some(0.0),
        t => t.parse().ok(),
    }
}

fn year(n: i64, adjust: bool) -> i64 {
    match n {
        1..=69 if adjust => n + 2000,
        70..=99 if adjust => n + 1900,
        n => n,
    }
}

/// `yyyy-mm-dd[ hh:mm:ss[.ffffff]]`.
fn datetime(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let (date, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let mut parts = date.split('-');
    let mut part = || parts.next()?.parse::<u16>().ok();
    let (year, month, day) = (part()?, part()?, part()?);
    let us = duration(time)?;
    let seconds = us / 1_000_000;
    Some(DateTime {
        year,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: u8::try_from(seconds / 3600).ok()?,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
        micros: (us % 1_000_000) as u32,
    })
}

/// `[-]hh:mm[:ss[.ffffff]]` in microseconds; a date before it is dropped.
fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    let text = text.rsplit_once(' ').map_or(text, |(_, time)| time);
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let mut part = || parts.next().map_or(Some(0), |p| p.parse::<u32>().ok());
    let (hours, minutes, seconds) = (i64::from(part()?), i64::from(part()?), i64::from(part()?));
    let fraction: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let us: i64 = fraction.parse().ok()?;
    Some(sign * ((hours * 3600 + minutes * 60 + seconds) * 1_000_000 + us))
}
