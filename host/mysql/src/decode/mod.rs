//! One column's value, as the binlog or a snapshot query gives it, into one slot of the event.
//!
//! [`Raw`] is what both readers yield; each type family has a file that holds its snapshot and its binlog form side by
//! side; [`Converter`] is chosen once per column. Values go straight into the arena: no row object, no JSON value.
//! Nothing here knows packets or tables. Invariant: bytes from the server never make it panic, and a value that has no
//! exact form is an error, never another value.

mod charset;
mod charset_tables;
mod custom;
mod decimal;
mod default;
mod geometry;
mod json;
mod json_diff;
mod json_number;
mod number;
mod schema;
mod text;
mod time;
mod wire;

#[cfg(test)]
mod tests;

pub use charset::Charset;
pub(crate) use custom::custom;
use default::default_date;
pub use default::default_slot;
pub(crate) use json_diff::patched;
pub use schema::{ColumnError, converter};
pub use time::{DateTime, format_fraction};
pub use wire::{WireError, WireType};

use crate::config::{Binary, Decimal, TimePrecision};
use custom::Dated;
use host_core::layout::{Arena, Slot};
use std::sync::Arc;

/// One value as the server sent it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Raw<'a> {
    /// NULL.
    Null,
    /// A signed integer, or the year of a YEAR.
    Int(i64),
    /// An unsigned integer, the index of an ENUM, the bits of a SET.
    UInt(u64),
    /// FLOAT.
    Float(f32),
    /// DOUBLE.
    Double(f64),
    /// DECIMAL in the binlog's packed form: bytes, precision, scale.
    Decimal(&'a [u8], u8, u8),
    /// Bytes in the column's own form and character set: text, blobs, BIT (most significant first), JSON of the
    /// binlog, geometry, vectors.
    Bytes(&'a [u8]),
    /// UTF-8 text of a snapshot query: text, DECIMAL, JSON, ENUM and SET.
    Utf8(&'a [u8]),
    /// TIME in microseconds.
    Time(i64),
    /// DATE and DATETIME; a TIMESTAMP of a snapshot query, in UTC.
    DateTime(DateTime),
    /// TIMESTAMP of the binlog: seconds since the epoch and microseconds.
    Timestamp(u32, u32),
}

/// Why a value has no form in the event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Another kind of value than the column's type has.
    #[error(
        "a {found} where the column's type has none; the known structure of the table is not the server's"
    )]
    Mismatch {
        /// What was found.
        found: &'static str,
    },
    /// The bytes do not follow their format.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// A value the mode cannot express, in a column that cannot be NULL.
    #[error("{0}")]
    NotExpressible(String),
}

/// What a column's values become. Made by [`converter`].
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Boolean,
    Bits(usize),
    Int16,
    Int32,
    Int64,
    UnsignedDecimal,
    Float32,
    Float64,
    Decimal(Decimal, i16),
    Text(Charset),
    Bytes(Binary, usize),
    Json,
    Enum(Arc<[Box<str>]>),
    Set(Arc<[Box<str>]>),
    Year,
    Date(TimePrecision),
    Time(TimePrecision),
    DateTime(TimePrecision, u8),
    Timestamp(u8),
    Point,
    Geometry,
    Vector,
    /// Whether a number is above 0, as a boolean.
    Positive,
    /// The same as 1 or 0.
    Flag,
    Real32,
    Real64,
    Dated(Dated),
}

/// Turns one column's raw values into slots.
#[derive(Debug, Clone)]
pub struct Converter {
    pub(crate) kind: Kind,
    /// Whether the column takes NULL.
    pub(crate) optional: bool,
    /// `enable.time.adjuster`.
    pub(crate) adjust_years: bool,
    /// The column's default as a date that exists, if it is one.
    pub(crate) default_date: Option<DateTime>,
}

impl Converter {
    /// The slot of a value; its data goes into the arena.
    #[inline]
    pub fn convert(&self, raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
        if raw == Raw::Null {
            return Ok(self.null(arena));
        }
        match &self.kind {
            Kind::Int16 => number::integer(raw).map(|n| Slot::int16(n as i16)),
            Kind::Int32 => number::integer(raw).map(|n| Slot::int32(n as i32)),
            Kind::Int64 => number::integer(raw).map(Slot::int64),
            Kind::Text(charset) => text::text(raw, charset, arena),
            Kind::Decimal(mode, scale) => decimal::decimal(raw, *mode, *scale, arena),
            Kind::Boolean => number::boolean(raw),
            Kind::Bits(bytes) => number::bits(raw, *bytes, arena),
            Kind::UnsignedDecimal => decimal::unsigned(raw, arena),
            Kind::Float32 => number::float(raw).map(|f| Slot::float32(f as f32)),
            Kind::Float64 => number::float(raw).map(Slot::float64),
            Kind::Bytes(mode, width) => text::bytes(raw, *mode, *width, arena),
            Kind::Json => json::json(raw, self.optional, arena),
            Kind::Enum(members) => text::enumeration(raw, members, arena),
            Kind::Set(members) => text::set(raw, members, arena),
            Kind::Year => number::year(raw),
            Kind::Date(mode) => time::date(raw, *mode, self, arena),
            Kind::Time(mode) => time::time(raw, *mode, arena),
            Kind::DateTime(mode, digits) => time::datetime(raw, *mode, *digits, self, arena),
            Kind::Timestamp(digits) => time::timestamp(raw, *digits, self, arena),
            Kind::Point => geometry::point(raw, arena),
            Kind::Geometry => geometry::geometry(raw, arena),
            Kind::Vector => geometry::vector(raw, arena),
            Kind::Positive => custom::positive(raw).map(Slot::boolean),
            Kind::Flag => custom::positive(raw).map(|yes| Slot::int16(i16::from(yes))),
            Kind::Real32 => custom::real(raw).map(|f| Slot::float32(f as f32)),
            Kind::Real64 => custom::real(raw).map(Slot::float64),
            Kind::Dated(dated) => dated.convert(raw, arena),
        }
    }

    /// The slot of NULL.
    #[inline]
    pub fn null(&self, arena: &mut Arena) -> Slot {
        match &self.kind {
            Kind::Dated(dated) => dated.absent(arena),
            _ => Slot::NULL,
        }
    }
}

/// The text that `write` appends to the arena, as one slot; nothing else may write meanwhile.
pub(crate) fn text_slot(arena: &mut Arena, write: impl FnOnce(&mut Arena)) -> Slot {
    let from = arena.end();
    write(arena);
    Slot {
        tag: host_core::layout::Tag::String,
        scale: 0,
        len: arena.end() - from,
        payload: u64::from(from),
    }
}

fn mismatch<T>(raw: Raw<'_>) -> Result<T, DecodeError> {
    let found = match raw {
        Raw::Null => "null",
        Raw::Int(_) | Raw::UInt(_) => "integer",
        Raw::Float(_) | Raw::Double(_) => "floating-point number",
        Raw::Decimal(..) => "decimal",
        Raw::Bytes(_) => "run of bytes",
        Raw::Utf8(_) => "text",
        Raw::Time(_) => "time",
        Raw::DateTime(_) => "date",
        Raw::Timestamp(..) => "timestamp",
    };
    Err(DecodeError::Mismatch { found })
}
