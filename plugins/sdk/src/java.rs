//! Texts as Java writes them: floating point numbers, decimals, dates.
//!
//! Connect's converters print through Java's `toString`, so their bytes can only be equal if these are. Numbers follow
//! `Double.toString` since JDK 19 (the shortest digits that read back the same; earlier JDKs sometimes print more).
//! Nothing here quotes or escapes. Invariant: pure functions that only append.

use crate::append;
use std::io::Write;

/// Appends `Double.toString(v)`.
pub fn double(v: f64, out: &mut Vec<u8>) {
    if special(v.is_nan(), v.is_infinite(), v.is_sign_negative(), out) {
        return;
    }
    let shortest = format!("{v:e}");
    // Of all one- and two-digit forms that read back as `v`, Java takes the one closest to it (4.9E-324, not 5E-324).
    let two = format!("{v:.1e}");
    let pick = !shortest.contains('.') && two.parse() == Ok(v);
    scientific(if pick { &two } else { &shortest }, out);
}

/// Appends `Float.toString(v)`.
pub fn float(v: f32, out: &mut Vec<u8>) {
    if special(v.is_nan(), v.is_infinite(), v.is_sign_negative(), out) {
        return;
    }
    let shortest = format!("{v:e}");
    let two = format!("{v:.1e}");
    let pick = !shortest.contains('.') && two.parse() == Ok(v);
    scientific(if pick { &two } else { &shortest }, out);
}

fn special(nan: bool, infinite: bool, negative: bool, out: &mut Vec<u8>) -> bool {
    let text: &[u8] = match (nan, infinite, negative) {
        (true, ..) => b"NaN",
        (_, true, false) => b"Infinity",
        (_, true, true) => b"-Infinity",
        _ => return false,
    };
    out.extend_from_slice(text);
    true
}

/// Turns Rust's `1.2345e-5` into Java's form: plain from 1E-3 to below 1E7, otherwise one digit before the point.
fn scientific(text: &str, out: &mut Vec<u8>) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.strip_prefix('-').unwrap_or(mantissa);
    if digits.len() < mantissa.len() {
        out.push(b'-');
    }
    let (first, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let rest = if rest == "0" { "" } else { rest };
    let zero_if_empty = |s: &str, out: &mut Vec<u8>| {
        out.extend_from_slice(if s.is_empty() { b"0" } else { s.as_bytes() });
    };
    if first == "0" {
        out.extend_from_slice(b"0.0");
    } else if (-3..0).contains(&exponent) {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + (-exponent - 1) as usize, b'0');
        out.extend_from_slice(first.as_bytes());
        out.extend_from_slice(rest.as_bytes());
    } else if (0..7).contains(&exponent) {
        let whole = (exponent as usize).min(rest.len());
        out.extend_from_slice(first.as_bytes());
        out.extend_from_slice(&rest.as_bytes()[..whole]);
        out.resize(out.len() + exponent as usize - whole, b'0');
        out.push(b'.');
        zero_if_empty(&rest[whole..], out);
    } else {
        out.extend_from_slice(first.as_bytes());
        out.push(b'.');
        zero_if_empty(rest, out);
        out.push(b'E');
        integer(i64::from(exponent), out);
    }
}

/// Appends an integer.
pub fn integer(v: i64, out: &mut Vec<u8>) {
    append(out, itoa::Buffer::new().format(v).as_bytes());
}

/// Appends `BigDecimal.toString` of big-endian two's complement times 10^-scale.
pub fn decimal(unscaled: &[u8], scale: i16, out: &mut Vec<u8>) {
    let (negative, digits) = digits(unscaled);
    if negative {
        out.push(b'-');
    }
    let scale = i64::from(scale);
    let adjusted = digits.len() as i64 - 1 - scale;
    if scale == 0 {
        out.extend_from_slice(&digits);
    } else if scale > 0 && adjusted >= -6 {
        let point = digits.len() as i64 - scale;
        if point > 0 {
            let (whole, fraction) = digits.split_at(point as usize);
            out.extend_from_slice(whole);
            out.push(b'.');
            out.extend_from_slice(fraction);
        } else {
            out.extend_from_slice(b"0.");
            out.resize(out.len() + (-point) as usize, b'0');
            out.extend_from_slice(&digits);
        }
    } else {
        let (first, rest) = digits.split_at(1);
        out.extend_from_slice(first);
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
        out.push(b'E');
        if adjusted > 0 {
            out.push(b'+');
        }
        integer(adjusted, out);
    }
}

/// Sign and decimal digits of a big-endian two's complement number.
fn digits(bytes: &[u8]) -> (bool, Vec<u8>) {
    let negative = bytes.first().is_some_and(|b| b & 0x80 != 0);
    // Groups of nine digits, least significant first; multiplied by 256 and added to for each byte.
    let mut groups: Vec<u32> = vec![0];
    for byte in bytes {
        // Of a negative number the complement is read, and one is added at the end.
        let byte = if negative { !byte } else { *byte };
        add_digit(&mut groups, 256, u32::from(byte));
    }
    if negative {
        add_digit(&mut groups, 1, 1);
    }
    let mut text = Vec::new();
    for (i, group) in groups.iter().rev().enumerate() {
        let width = if i == 0 { 1 } else { 9 };
        // Writing to a vector cannot fail.
        drop(write!(text, "{group:0width$}"));
    }
    (negative, text)
}

fn add_digit(groups: &mut Vec<u32>, times: u64, plus: u32) {
    let mut carry = u64::from(plus);
    for group in groups.iter_mut() {
        let next = u64::from(*group) * times + carry;
        *group = (next % 1_000_000_000) as u32;
        carry = next / 1_000_000_000;
    }
    if carry > 0 {
        groups.push(carry as u32);
    }
}

/// Year, month and day of a day since 1970-01-01 (proleptic Gregorian; Howard Hinnant's `civil_from_days`).
pub fn civil(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let day = doy - (153 * mp + 2) / 5 + 1;
    (
        yoe + era * 400 + i64::from(month <= 2),
        month as u32,
        day as u32,
    )
}

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Appends a point in time as Connect's `Values` writes a `java.util.Date` (UTC): a date where it is midnight, a time
/// up to the first day of the epoch (also before it: Connect's own rule), otherwise both.
pub fn timestamp_text(ms: i64, out: &mut Vec<u8>) {
    let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let time = ms < DAY_MS;
    let midnight = of_day == 0 && !time;
    let (h, m, s) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    let date = format!("{year:04}-{month:02}-{day:02}");
    let clock = format!("{h:02}:{m:02}:{s:02}.{:03}Z", of_day % 1000);
    let text = match (time, midnight) {
        (true, _) => clock,
        (false, true) => date,
        (false, false) => format!("{date}T{clock}"),
    };
    out.extend_from_slice(text.as_bytes());
}

/// Appends `java.util.Date.toString` in UTC: `Thu Jan 01 00:00:01 UTC 1970`.
pub fn date_text(ms: i64, out: &mut Vec<u8>) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (days, of_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let name = DAYS.get(days.rem_euclid(7) as usize).unwrap_or(&"");
    let month = MONTHS.get(month as usize - 1).unwrap_or(&"");
    let (h, m, s) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
    let text = format!("{name} {month} {day:02} {h:02}:{m:02}:{s:02} UTC {year}");
    out.extend_from_slice(text.as_bytes());
}

/// Appends base64 with padding, as `java.util.Base64` and Jackson's default variant write it.
pub fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    use base64::Engine as _;
    let at = out.len();
    out.resize(at + bytes.len().div_ceil(3) * 4, 0);
    let room = out.get_mut(at..).unwrap_or_default();
    let written = base64::engine::general_purpose::STANDARD.encode_slice(bytes, room);
    debug_assert!(written.is_ok(), "the room was computed for it");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Printed by JDK 17's `JsonConverter`, but for the last two, which JDK 19 and later print shorter.
    #[test]
    fn doubles_are_javas() {
        for (v, want) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1e7, "1.0E7"),
            (9_999_999.0, "9999999.0"),
            (12_345_678.9, "1.23456789E7"),
            (1e-3, "0.001"),
            (9.999e-4, "9.999E-4"),
            (1e100, "1.0E100"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::from_bits(1), "4.9E-324"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
            (-120.05, "-120.05"),
            (100.0, "100.0"),
            (123_456_789_012_345_680.0, "1.2345678901234568E17"),
            (2e22, "2.0E22"),
            (1e23, "1.0E23"),
        ] {
            assert_eq!(text(|o| double(v, o)), want);
        }
    }

    #[test]
    fn floats_are_javas() {
        for (v, want) in [
            (1.1, "1.1"),
            (f32::MAX, "3.4028235E38"),
            (1e-3, "0.001"),
            (16_777_216.0, "1.6777216E7"),
            (f32::from_bits(1), "1.4E-45"),
            (8.5e-4, "8.5E-4"),
            (f32::INFINITY, "Infinity"),
        ] {
            assert_eq!(text(|o| float(v, o)), want);
        }
    }

    #[test]
    fn decimals_are_javas() {
        let big = [
            6, 0x16, 0x3e, 0x66, 0x5b, 0xeb, 0x7c, 0xa6, 0xa2, 0xe1, 0xa6, 0x42, 0x44, 0xcb,
        ];
        for (bytes, scale, want) in [
            (&[0u8][..], 0, "0"),
            (&[0], 2, "0.00"),
            (&[0, 0x96], 2, "1.50"),
            (&[0x97], 2, "-1.05"),
            (&big, 3, "123456789012345678901234567890.123"),
            (&[0x64], 0, "100"),
            (&[1], 7, "1E-7"),
            (&[1], 6, "0.000001"),
            (&[1], -3, "1E+3"),
            (&[0xf4], 9, "-1.2E-8"),
            (&[0x80], 0, "-128"),
        ] {
            assert_eq!(text(|o| decimal(bytes, scale, o)), want);
        }
    }

    #[test]
    fn days_are_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(400), (1971, 2, 5));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(19_782), (2024, 2, 29));
    }
}
