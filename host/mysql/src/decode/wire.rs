//! How a column's values lie in a row event, from the table map's type and metadata.
//!
//! It cuts a value off the row and unpacks what MySQL packed; meaning is the converter's business.
//! Source: MySQL `sql/log_event.cc` (`log_event_print_value`), `libs/mysql/binlog`.
//! Invariant: reading past the row is an error, never a panic.

use super::{DateTime, Raw};

/// A row event that does not follow its table map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The row ends too early.
    #[error("the row ends inside of a value")]
    Short,
    /// A type this program does not know.
    #[error("column type {0} is not known")]
    UnknownType(u8),
    /// Metadata that cannot be.
    #[error("metadata of column type {0} is malformed")]
    Metadata(u8),
}

/// The form of one column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireType {
    /// So many bytes, little-endian.
    Int(u8),
    /// Four bytes.
    Float,
    /// Eight bytes.
    Double,
    /// Precision, scale, bytes.
    Decimal(u8, u8, u8),
    /// So many bytes, most significant first.
    Bit(u8),
    /// One byte, years since 1900.
    Year,
    /// Three bytes.
    Date,
    /// Of MySQL 5.5: three bytes, hhmmss as a decimal number.
    OldTime,
    /// Of MySQL 5.5: eight bytes, yyyymmddhhmmss as a decimal number.
    OldDateTime,
    /// Of MySQL 5.5: four bytes.
    OldTimestamp,
    /// Three bytes and a fraction of so many digits.
    Time(u8),
    /// Five bytes and a fraction of so many digits.
    DateTime(u8),
    /// Four bytes and a fraction of so many digits.
    Timestamp(u8),
    /// Bytes after a length of so many bytes.
    Bytes(u8),
    /// An index in so many bytes.
    Enum(u8),
    /// Bits in so many bytes.
    Set(u8),
}

impl WireType {
    /// The form of a table map's type; takes its metadata off `meta`.
    pub fn new(ty: u8, meta: &mut &[u8]) -> Result<Self, WireError> {
        let mut byte = || -> Result<u8, WireError> {
            let (first, rest) = meta.split_first().ok_or(WireError::Metadata(ty))?;
            *meta = rest;
            Ok(*first)
        };
        let digits = |n: u8| {
            if n <= 6 {
                Ok(n)
            } else {
                Err(WireError::Metadata(ty))
            }
        };
        let prefix = |n: u8| {
            if (1..=4).contains(&n) {
                Ok(Self::Bytes(n))
            } else {
                Err(WireError::Metadata(ty))
            }
        };
        Ok(match ty {
            1 => Self::Int(1),
            2 => Self::Int(2),
            9 => Self::Int(3),
            3 => Self::Int(4),
            8 => Self::Int(8),
            4 => {
                byte()?;
                Self::Float
            }
            5 => {
                byte()?;
                Self::Double
            }
            7 => Self::OldTimestamp,
            10 | 14 => Self::Date,
            11 => Self::OldTime,
            12 => Self::OldDateTime,
            13 => Self::Year,
            15 | 253 => {
                let (low, high) = (byte()?, byte()?);
                Self::Bytes(if u16::from_le_bytes([low, high]) > 255 {
                    2
                } else {
                    1
                })
            }
            16 => {
                let (bits, bytes) = (byte()?, byte()?);
                let all = bytes.checked_add(u8::from(bits > 0)).filter(|n| *n <= 8);
                Self::Bit(all.ok_or(WireError::Metadata(ty))?)
            }
            17 => Self::Timestamp(digits(byte()?)?),
            18 => Self::DateTime(digits(byte()?)?),
            19 => Self::Time(digits(byte()?)?),
            242 | 245 | 249..=252 | 255 => prefix(byte()?)?,
            246 => {
                let (precision, scale) = (byte()?, byte()?);
                Self::Decimal(
                    precision,
                    scale,
                    decimal_bytes(precision, scale).ok_or(WireError::Metadata(ty))?,
                )
            }
            247 | 248 | 254 => {
                let (real, len) = (byte()?, byte()?);
                Self::of_string(real, len).ok_or(WireError::Metadata(ty))?
            }
            _ => return Err(WireError::UnknownType(ty)),
        })
    }

    /// CHAR, ENUM and SET share a type; long CHARs borrow two bits of the type's byte.
    fn of_string(real: u8, len: u8) -> Option<Self> {
        if real & 0x30 != 0x30 {
            let len = u16::from(len) | u16::from((real & 0x30) ^ 0x30) << 4;
            return Some(Self::Bytes(if len > 255 { 2 } else { 1 }));
        }
        match real {
            247 if (1..=2).contains(&len) => Some(Self::Enum(len)),
            248 if (1..=8).contains(&len) => Some(Self::Set(len)),
            254 => Some(Self::Bytes(1)),
            _ => None,
        }
    }

    /// Takes a value off the row.
    #[inline]
    pub fn read<'a>(self, row: &mut &'a [u8], unsigned: bool) -> Result<Raw<'a>, WireError> {
        Ok(match self {
            Self::Int(bytes) => {
                let n = little(take(row, bytes)?);
                if unsigned {
                    Raw::UInt(n)
                } else {
                    let shift = 64 - 8 * u32::from(bytes);
                    Raw::Int((n << shift) as i64 >> shift)
                }
            }
            Self::Bytes(prefix) => {
                let len = little(take(row, prefix)?) as usize;
                if len > row.len() {
                    return Err(WireError::Short);
                }
                let (value, rest) = row.split_at(len);
                *row = rest;
                Raw::Bytes(value)
            }
            Self::Float => Raw::Float(f32::from_bits(little(take(row, 4)?) as u32)),
            Self::Double => Raw::Double(f64::from_bits(little(take(row, 8)?))),
            Self::Decimal(precision, scale, bytes) => {
                Raw::Decimal(take(row, bytes)?, precision, scale)
            }
            Self::Bit(bytes) => Raw::Bytes(take(row, bytes)?),
            Self::Year => Raw::Int(match little(take(row, 1)?) {
                0 => 0,
                n => n as i64 + 1900,
            }),
            Self::Date => {
                let n = little(take(row, 3)?);
                Raw::DateTime(DateTime {
                    year: (n >> 9) as u16,
                    month: (n >> 5) as u8 & 15,
                    day: n as u8 & 31,
                    ..DateTime::default()
                })
            }
            Self::OldTime => {
                let n = little(take(row, 3)?) as i64;
                let n = (n << 40) >> 40;
                let abs = n.abs();
                let seconds = abs / 10_000 * 3600 + abs / 100 % 100 * 60 + abs % 100;
                Raw::Time(seconds * 1_000_000 * n.signum())
            }
            Self::OldDateTime => {
                let n = little(take(row, 8)?);
                Raw::DateTime(DateTime {
                    year: (n / 10_000_000_000) as u16,
                    month: (n / 100_000_000 % 100) as u8,
                    day: (n / 1_000_000 % 100) as u8,
                    hour: (n / 10_000 % 100) as u8,
                    minute: (n / 100 % 100) as u8,
                    second: (n % 100) as u8,
                    micros: 0,
                })
            }
            Self::OldTimestamp => Raw::Timestamp(little(take(row, 4)?) as u32, 0),
            Self::Time(digits) => Raw::Time(packed_time(row, digits)?),
            Self::DateTime(digits) => Raw::DateTime(packed_datetime(row, digits)?),
            Self::Timestamp(digits) => {
                let seconds = big(take(row, 4)?) as u32;
                Raw::Timestamp(seconds, fraction(row, digits)?)
            }
            Self::Enum(bytes) | Self::Set(bytes) => Raw::UInt(little(take(row, bytes)?)),
        })
    }
}

/// Bytes of a packed decimal (`decimal_bin_size`).
fn decimal_bytes(precision: u8, scale: u8) -> Option<u8> {
    const GROUP: [u8; 10] = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];
    let whole = precision.checked_sub(scale)?;
    if precision > 65 || precision == 0 {
        return None;
    }
    let part = |n: u8| n / 9 * 4 + GROUP[usize::from(n % 9)];
    Some(part(whole) + part(scale))
}

fn packed_time(row: &mut &[u8], digits: u8) -> Result<i64, WireError> {
    let extra = digits.div_ceil(2);
    let all = big(take(row, 3 + extra)?) as i64;
    let packed = all - (0x80_0000 << (8 * i64::from(extra)));
    let abs = packed.unsigned_abs();
    let (whole, rest) = (
        abs >> (8 * u32::from(extra)),
        abs & ((1 << (8 * u32::from(extra))) - 1),
    );
    let seconds = (whole >> 12 & 0x3ff) * 3600 + (whole >> 6 & 63) * 60 + (whole & 63);
    let us = seconds as i64 * 1_000_000 + rest as i64 * scale_of(extra);
    Ok(us * packed.signum())
}

fn packed_datetime(row: &mut &[u8], digits: u8) -> Result<DateTime, WireError> {
    let n = big(take(row, 5)?) & 0x7f_ffff_ffff;
    let (ymd, hms) = (n >> 17, n & 0x1_ffff);
    let ym = ymd >> 5;
    Ok(DateTime {
        year: (ym / 13) as u16,
        month: (ym % 13) as u8,
        day: ymd as u8 & 31,
        hour: (hms >> 12) as u8,
        minute: (hms >> 6) as u8 & 63,
        second: hms as u8 & 63,
        micros: fraction(row, digits)?,
    })
}

fn fraction(row: &mut &[u8], digits: u8) -> Result<u32, WireError> {
    let bytes = digits.div_ceil(2);
    Ok(big(take(row, bytes)?) as u32 * scale_of(bytes) as u32)
}

/// Microseconds in one unit of a fraction of so many bytes.
fn scale_of(bytes: u8) -> i64 {
    [0, 10_000, 100, 1][usize::from(bytes.min(3))]
}

#[inline]
fn take<'a>(row: &mut &'a [u8], bytes: u8) -> Result<&'a [u8], WireError> {
    let (value, rest) = row
        .split_at_checked(usize::from(bytes))
        .ok_or(WireError::Short)?;
    *row = rest;
    Ok(value)
}

#[inline]
fn little(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    let len = bytes.len().min(8);
    all[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(all)
}

#[inline]
fn big(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}
