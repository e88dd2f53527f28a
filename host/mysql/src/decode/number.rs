//! Integers, floating-point numbers, BIT and YEAR.
//!
//! Snapshot (binary protocol) and binlog give integers and floats alike; BIT comes as bytes, most significant first,
//! and leaves as little-endian bytes (`io.debezium.data.Bits`). DECIMAL has a file of its own.
//! Invariant: an integer is never rounded through a float.

use super::{DecodeError, Raw, mismatch};
use host_core::layout::{Arena, Slot};

/// Any integer; unsigned ones beyond 2^63 wrap, as `bigint.unsigned.handling.mode=long` says.
pub(super) fn integer(raw: Raw<'_>) -> Result<i64, DecodeError> {
    match raw {
        Raw::Int(n) => Ok(n),
        Raw::UInt(n) => Ok(n as i64),
        Raw::Utf8(text) => parse(text).ok_or(DecodeError::Malformed("integer")),
        _ => mismatch(raw),
    }
}

fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<i64>()
        .ok()
        .or_else(|| text.parse::<u64>().ok().map(|n| n as i64))
}

/// Any floating-point number. A FLOAT in a column that Debezium shows as float64 keeps its float's exact value.
pub(super) fn float(raw: Raw<'_>) -> Result<f64, DecodeError> {
    match raw {
        Raw::Float(f) => Ok(f64::from(f)),
        Raw::Double(f) => Ok(f),
        Raw::Int(n) => Ok(n as f64),
        Raw::Utf8(text) => std::str::from_utf8(text)
            .ok()
            .and_then(|t| t.parse().ok())
            .ok_or(DecodeError::Malformed("floating-point number")),
        _ => mismatch(raw),
    }
}

/// BIT(1).
pub(super) fn boolean(raw: Raw<'_>) -> Result<Slot, DecodeError> {
    match raw {
        Raw::Bytes(b) | Raw::Utf8(b) => Ok(Slot::boolean(b.iter().any(|x| *x != 0))),
        Raw::Int(n) => Ok(Slot::boolean(n != 0)),
        Raw::UInt(n) => Ok(Slot::boolean(n != 0)),
        _ => mismatch(raw),
    }
}

/// BIT(n): `width` bytes, least significant first.
pub(super) fn bits(raw: Raw<'_>, width: usize, arena: &mut Arena) -> Result<Slot, DecodeError> {
    let (Raw::Bytes(b) | Raw::Utf8(b)) = raw else {
        return mismatch(raw);
    };
    let mut out = [0u8; 8];
    if b.len() > out.len() || width > out.len() {
        return Err(DecodeError::Malformed("bit string"));
    }
    for (to, from) in out.iter_mut().zip(b.iter().rev()) {
        *to = *from;
    }
    Ok(arena.byte_array(&out[..width]))
}

/// YEAR: the year itself, 0 for 0000.
pub(super) fn year(raw: Raw<'_>) -> Result<Slot, DecodeError> {
    integer(raw).map(|y| Slot::int32(y as i32))
}
