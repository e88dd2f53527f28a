//! DECIMAL: packed groups of nine digits in the binlog, text in a snapshot.
//!
//! Both become either Connect's Decimal (big-endian two's complement, shortest form), digits, or a float64.
//! Source: MySQL `strings/decimal.cc` (`bin2decimal`). Invariant: no digit is lost in the first two.

use super::{DecodeError, Raw, mismatch, text_slot};
use crate::config::Decimal;
use host_core::layout::{Arena, Slot};

const DIGITS_MAX: usize = 81;
const GROUP_BYTES: [usize; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

/// Digits of one decimal, most significant first, without leading zeros before the point but at least one.
#[derive(Debug)]
pub(super) struct Digits {
    negative: bool,
    digits: [u8; DIGITS_MAX],
    len: usize,
    scale: usize,
}

impl Digits {
    fn new() -> Self {
        Self {
            negative: false,
            digits: [0; DIGITS_MAX],
            len: 0,
            scale: 0,
        }
    }
    fn push(&mut self, digit: u8) -> Option<()> {
        *self.digits.get_mut(self.len)? = digit;
        self.len += 1;
        Some(())
    }
    fn digits(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    /// The binlog's packed form.
    pub(super) fn unpack(bytes: &[u8], precision: u8, scale: u8) -> Option<Self> {
        let (precision, scale) = (usize::from(precision), usize::from(scale));
        let whole = precision.checked_sub(scale)?;
        let mut out = Self::new();
        // The sign is the first bit, inverted; a negative number has all bits inverted.
        out.negative = bytes.first()? & 0x80 == 0;
        out.scale = scale;
        let mask = if out.negative { 0xff } else { 0 };
        let mut at = 0;
        let groups = [whole % 9]
            .into_iter()
            .chain(std::iter::repeat_n(9, whole / 9 + scale / 9))
            .chain([scale % 9]);
        for digits in groups.filter(|d| *d > 0) {
            let size = *GROUP_BYTES.get(digits)?;
            let mut value = 0u32;
            for i in at..at + size {
                let mut b = *bytes.get(i)? ^ mask;
                if i == 0 {
                    b ^= 0x80;
                }
                value = value << 8 | u32::from(b);
            }
            at += size;
            let mut power = 10u32.pow(digits as u32 - 1);
            for _ in 0..digits {
                out.push(((value / power) % 10) as u8)?;
                power = (power / 10).max(1);
            }
            if value / 10 >= 10u32.pow(digits as u32 - 1) {
                return None;
            }
        }
        Some(out)
    }

    /// Text such as `-123.4500`, at the column's scale (padded with zeros, rounded half up as Debezium does).
    pub(super) fn parse(text: &[u8], scale: usize) -> Option<Self> {
        let mut out = Self::new();
        out.scale = scale;
        let (negative, text) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        out.negative = negative;
        let point = text.iter().position(|c| *c == b'.').unwrap_or(text.len());
        let (whole, fraction) = (
            text.get(..point)?,
            text.get(point + 1..).unwrap_or_default(),
        );
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        for c in whole {
            out.push(c.is_ascii_digit().then(|| c - b'0')?)?;
        }
        for i in 0..scale {
            let c = fraction.get(i).copied().unwrap_or(b'0');
            out.push(c.is_ascii_digit().then(|| c - b'0')?)?;
        }
        if fraction.get(scale).is_some_and(|c| *c >= b'5') {
            out.round_up()?;
        }
        Some(out)
    }

    fn round_up(&mut self) -> Option<()> {
        for i in (0..self.len).rev() {
            let d = self.digits.get_mut(i)?;
            *d += 1;
            if *d < 10 {
                return Some(());
            }
            *d = 0;
        }
        self.push(0)?;
        let len = self.len;
        self.digits.get_mut(..len)?.rotate_right(1);
        *self.digits.first_mut()? = 1;
        Some(())
    }

    /// The unscaled number, big-endian two's complement, as short as Java's `BigInteger.toByteArray`.
    pub(super) fn unscaled(&self, to: &mut [u8; 40]) -> usize {
        let mut limbs = [0u32; 9];
        for d in self.digits() {
            let mut carry = u64::from(*d);
            for limb in &mut limbs {
                let v = u64::from(*limb) * 10 + carry;
                *limb = v as u32;
                carry = v >> 32;
            }
        }
        if self.negative {
            let mut carry = 1u64;
            for limb in &mut limbs {
                let v = u64::from(!*limb) + carry;
                *limb = v as u32;
                carry = v >> 32;
            }
        }
        let mut wide = [0u8; 36];
        for (chunk, limb) in wide.rchunks_mut(4).zip(limbs) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        let filler = if wide[0] & 0x80 == 0 { 0 } else { 0xff };
        let mut from = 0;
        while from < 35 && wide[from] == filler && (wide[from + 1] ^ filler) & 0x80 == 0 {
            from += 1;
        }
        let len = 36 - from;
        to[..len].copy_from_slice(&wide[from..]);
        len
    }

    /// The nearest float64.
    fn float(&self) -> Result<f64, DecodeError> {
        let mut text = String::with_capacity(self.len + 3);
        self.text(&mut text);
        text.parse().map_err(|_| DecodeError::Malformed("decimal"))
    }

    /// Digits with a point, as `BigDecimal.toPlainString`.
    fn text(&self, to: &mut String) {
        let whole = self.len.saturating_sub(self.scale);
        let (head, tail) = self.digits().split_at(whole);
        if self.negative && self.digits().iter().any(|d| *d != 0) {
            to.push('-');
        }
        let head = head.iter().skip_while(|d| **d == 0);
        let before = to.len();
        to.extend(head.map(|d| char::from(b'0' + d)));
        if to.len() == before {
            to.push('0');
        }
        if self.scale > 0 {
            to.push('.');
            to.extend(tail.iter().map(|d| char::from(b'0' + d)));
        }
    }
}

pub(super) fn decimal(
    raw: Raw<'_>,
    mode: Decimal,
    scale: i16,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let digits = match raw {
        Raw::Decimal(bytes, precision, scale) => Digits::unpack(bytes, precision, scale),
        Raw::Utf8(text) => Digits::parse(text, usize::from(scale.unsigned_abs())),
        _ => return mismatch(raw),
    };
    let digits = digits.ok_or(DecodeError::Malformed("decimal"))?;
    match mode {
        Decimal::Precise => {
            let mut bytes = [0; 40];
            let len = digits.unscaled(&mut bytes);
            Ok(arena.decimal(&bytes[..len], scale))
        }
        Decimal::String => {
            let mut text = String::with_capacity(digits.len + 3);
            digits.text(&mut text);
            Ok(arena.string(&text))
        }
        Decimal::Double => digits.float().map(Slot::float64),
    }
}

/// The packed form as a float64.
pub(super) fn packed_f64(bytes: &[u8], precision: u8, scale: u8) -> Result<f64, DecodeError> {
    Digits::unpack(bytes, precision, scale)
        .ok_or(DecodeError::Malformed("decimal"))?
        .float()
}

/// BIGINT UNSIGNED as a Decimal of scale 0.
pub(super) fn unsigned(raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
    let n = super::number::integer(raw)? as u64;
    let bytes = (i128::from(n)).to_be_bytes();
    let mut from = 0;
    while from < 15 && bytes[from] == 0 && bytes[from + 1] & 0x80 == 0 {
        from += 1;
    }
    Ok(arena.decimal(&bytes[from..], 0))
}

/// The text of a packed decimal inside a JSON value.
pub(super) fn packed_text(
    bytes: &[u8],
    precision: u8,
    scale: u8,
    arena: &mut Arena,
) -> Result<(), DecodeError> {
    let digits = Digits::unpack(bytes, precision, scale)
        .ok_or(DecodeError::Malformed("decimal in a JSON value"))?;
    let mut text = String::with_capacity(digits.len + 3);
    digits.text(&mut text);
    text_slot(arena, |a| {
        a.raw(text.as_bytes());
    });
    Ok(())
}
