//! Doubles inside JSON, as the server prints them.
//!
//! MySQL prints the shortest digits that read back as the same double, without an exponent for 15 digits around the
//! point and with `.0` for whole numbers (`my_gcvt`, `Json_wrapper::to_string`).
//! Invariant: the text reads back as the same double.

use host_core::layout::Arena;

/// Digits before or after the point up to which there is no exponent.
const PLAIN_MAX: i32 = 15;

pub(super) fn write_double(value: f64, arena: &mut Arena) {
    if value == 0.0 || !value.is_finite() {
        // The binary form has no infinities; a corrupt one must still be valid JSON.
        arena.raw(match (value.is_finite(), value.is_sign_negative()) {
            (false, _) => b"null".as_slice(),
            (true, true) => b"-0.0",
            (true, false) => b"0.0",
        });
        return;
    }
    let text = format!("{:e}", value.abs());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    // value = 0.digits * 10^point
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let mut out = String::with_capacity(24);
    if value < 0.0 {
        out.push('-');
    }
    if point > PLAIN_MAX || point <= -PLAIN_MAX {
        out.push_str(digits.get(..1).unwrap_or_default());
        if let Some(rest) = digits.get(1..).filter(|r| !r.is_empty()) {
            out.push('.');
            out.push_str(rest);
        }
        out.push('e');
        out.push_str(exponent);
    } else if point <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point.unsigned_abs() as usize));
        out.push_str(&digits);
    } else {
        let whole = point as usize;
        if digits.len() <= whole {
            out.push_str(&digits);
            out.extend(std::iter::repeat_n('0', whole - digits.len()));
            out.push_str(".0");
        } else {
            let (head, tail) = digits.split_at(whole);
            out.push_str(head);
            out.push('.');
            out.push_str(tail);
        }
    }
    arena.raw(out.as_bytes());
}
