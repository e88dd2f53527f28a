//! JSON: the server's binary form in the binlog, its text in a snapshot.
//!
//! Both become compact text: no spaces, doubles and opaque values as the server prints them. The binary form is walked
//! once, straight into the arena. Source: MySQL `sql-common/json_binary.h`.
//! Invariant: every offset is checked, nesting is bounded, and the output is at most as long as the walk allows.

use super::json_number::write_double;
use super::{DecodeError, Raw, decimal, mismatch, text_slot};
use base64::Engine as _;
use host_core::layout::{Arena, Slot};

/// MySQL's own limit (`JSON_DOCUMENT_MAX_DEPTH`) is 100.
const DEPTH_MAX: u32 = 101;
/// Elements of one document: a hostile one could refer to one part many times.
const ELEMENTS_MAX: u32 = 50_000_000;

pub(super) const MALFORMED: DecodeError = DecodeError::Malformed("json value");

pub(super) fn json(raw: Raw<'_>, optional: bool, arena: &mut Arena) -> Result<Slot, DecodeError> {
    match raw {
        Raw::Utf8(text) => Ok(text_slot(arena, |a| compact(text, a))),
        // An empty document stands for one that a multi-table UPDATE did not set.
        Raw::Bytes([]) if optional => Ok(Slot::NULL),
        // In rows older than the column the server reads it as the literal null (`Field_json::val_json`).
        Raw::Bytes([]) => Ok(arena.string("null")),
        Raw::Bytes([kind, data @ ..]) => {
            let mut outcome = Ok(());
            let slot = text_slot(arena, |arena| {
                outcome = Walk::new(arena).root(*kind, data);
            });
            outcome.map(|()| slot)
        }
        _ => mismatch(raw),
    }
}

/// Copies JSON text without the spaces between its tokens.
fn compact(text: &[u8], arena: &mut Arena) {
    let (mut quoted, mut escaped, mut from) = (false, false, 0);
    for (at, c) in text.iter().enumerate() {
        match c {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b' ' if !quoted => {
                arena.raw(text.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            _ => {}
        }
    }
    arena.raw(text.get(from..).unwrap_or_default());
}

/// Prints one binary value into the arena.
pub(super) struct Walk<'a> {
    arena: &'a mut Arena,
    left: u32,
}

impl<'a> Walk<'a> {
    pub(super) fn new(arena: &'a mut Arena) -> Self {
        Self {
            arena,
            left: ELEMENTS_MAX,
        }
    }
    pub(super) fn root(&mut self, kind: u8, data: &[u8]) -> Result<(), DecodeError> {
        self.value(kind, data, DEPTH_MAX)
    }
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.arena.raw(bytes);
    }

    fn value(&mut self, kind: u8, data: &[u8], depth: u32) -> Result<(), DecodeError> {
        let depth = depth.checked_sub(1).ok_or(MALFORMED)?;
        self.left = self.left.checked_sub(1).ok_or(MALFORMED)?;
        match kind {
            0 => self.container(data, true, false, depth),
            1 => self.container(data, true, true, depth),
            2 => self.container(data, false, false, depth),
            3 => self.container(data, false, true, depth),
            4 => self.literal(*data.first().ok_or(MALFORMED)?),
            5 => {
                self.show(i16::from_le_bytes(head(data)?));
                Ok(())
            }
            6 => {
                self.show(u16::from_le_bytes(head(data)?));
                Ok(())
            }
            7 => {
                self.show(i32::from_le_bytes(head(data)?));
                Ok(())
            }
            8 => {
                self.show(u32::from_le_bytes(head(data)?));
                Ok(())
            }
            9 => {
                self.show(i64::from_le_bytes(head(data)?));
                Ok(())
            }
            10 => {
                self.show(u64::from_le_bytes(head(data)?));
                Ok(())
            }
            11 => {
                write_double(f64::from_le_bytes(head(data)?), self.arena);
                Ok(())
            }
            12 => {
                let (len, data) = length(data)?;
                self.string(data.get(..len).ok_or(MALFORMED)?)
            }
            15 => self.opaque(data),
            _ => Err(MALFORMED),
        }
    }

    fn show(&mut self, n: impl std::fmt::Display) {
        self.arena.raw(n.to_string().as_bytes());
    }

    fn literal(&mut self, n: u8) -> Result<(), DecodeError> {
        let text: &[u8] = match n {
            0 => b"null",
            1 => b"true",
            2 => b"false",
            _ => return Err(MALFORMED),
        };
        self.arena.raw(text);
        Ok(())
    }

    fn container(
        &mut self,
        data: &[u8],
        object: bool,
        large: bool,
        depth: u32,
    ) -> Result<(), DecodeError> {
        let width = if large { 4 } else { 2 };
        let count = number(data, 0, large)?;
        let data = data.get(..number(data, width, large)?).ok_or(MALFORMED)?;
        let keys = 2 * width;
        let values = if object {
            count
                .checked_mul(width + 2)
                .and_then(|n| n.checked_add(keys))
                .ok_or(MALFORMED)?
        } else {
            keys
        };
        self.arena.raw(if object { b"{" } else { b"[" });
        for i in 0..count {
            if i > 0 {
                self.arena.raw(b",");
            }
            if object {
                let entry = keys + i * (width + 2);
                let from = number(data, entry, large)?;
                let len = number(data, entry + width, false)?;
                self.string(
                    from.checked_add(len)
                        .and_then(|to| data.get(from..to))
                        .ok_or(MALFORMED)?,
                )?;
                self.arena.raw(b":");
            }
            let entry = values + i * (width + 1);
            let kind = *data.get(entry).ok_or(MALFORMED)?;
            let inline = matches!(kind, 4..=6) || large && matches!(kind, 7 | 8);
            let at = if inline {
                entry + 1
            } else {
                number(data, entry + 1, large)?
            };
            self.value(kind, data.get(at..).ok_or(MALFORMED)?, depth)?;
        }
        self.arena.raw(if object { b"}" } else { b"]" });
        Ok(())
    }

    pub(super) fn string(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let text = std::str::from_utf8(bytes).map_err(|_| MALFORMED)?;
        self.arena.raw(b"\"");
        let mut from = 0;
        for (at, b) in text.bytes().enumerate() {
            let control;
            let escape: &[u8] = match b {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                8 => b"\\b",
                9 => b"\\t",
                10 => b"\\n",
                12 => b"\\f",
                13 => b"\\r",
                0..=31 => {
                    control = format!("\\u{b:04x}");
                    control.as_bytes()
                }
                _ => continue,
            };
            self.arena.raw(bytes.get(from..at).unwrap_or_default());
            self.arena.raw(escape);
            from = at + 1;
        }
        self.arena.raw(bytes.get(from..).unwrap_or_default());
        self.arena.raw(b"\"");
        Ok(())
    }

    /// A MySQL type that JSON has not: numbers are bare, everything else is quoted.
    fn opaque(&mut self, data: &[u8]) -> Result<(), DecodeError> {
        const NEWDECIMAL: u8 = 246;
        const DATE: u8 = 10;
        const TIME: u8 = 11;
        const DATETIME: u8 = 12;
        const TIMESTAMP: u8 = 7;
        let (kind, data) = data.split_first().ok_or(MALFORMED)?;
        let (len, data) = length(data)?;
        let data = data.get(..len).ok_or(MALFORMED)?;
        let text = match *kind {
            NEWDECIMAL => {
                let [precision, scale, digits @ ..] = data else {
                    return Err(MALFORMED);
                };
                return decimal::packed_text(digits, *precision, *scale, self.arena);
            }
            DATE => {
                let (date, _) = unpack(data)?
                    .0
                    .split_once(' ')
                    .map(|(d, t)| (d.to_owned(), t.to_owned()))
                    .ok_or(MALFORMED)?;
                date
            }
            DATETIME | TIMESTAMP => unpack(data)?.0,
            TIME => unpack(data)?.1,
            _ => format!(
                "base64:type{kind}:{}",
                base64::engine::general_purpose::STANDARD.encode(data)
            ),
        };
        self.string(text.as_bytes())
    }
}

/// The date and the time text of a packed temporal value; only one of them is meant.
fn unpack(data: &[u8]) -> Result<(String, String), DecodeError> {
    let packed = i64::from_le_bytes(head(data)?);
    let sign = if packed < 0 { "-" } else { "" };
    let packed = packed.unsigned_abs();
    let (whole, us) = (packed >> 24, packed & 0xff_ffff);
    let (ymd, hms) = (whole >> 17, whole & 0x1_ffff);
    let ym = ymd >> 5;
    let (minute, second) = ((hms >> 6) & 63, hms & 63);
    let date = format!(
        "{:04}-{:02}-{:02} {:02}:{minute:02}:{second:02}.{us:06}",
        ym / 13,
        ym % 13,
        ymd & 31,
        hms >> 12
    );
    let time = format!(
        "{sign}{:02}:{minute:02}:{second:02}.{us:06}",
        (whole >> 12) & 0x3ff
    );
    Ok((date, time))
}

pub(super) fn head<const N: usize>(data: &[u8]) -> Result<[u8; N], DecodeError> {
    data.first_chunk::<N>().copied().ok_or(MALFORMED)
}

pub(super) fn number(data: &[u8], at: usize, large: bool) -> Result<usize, DecodeError> {
    let data = data.get(at..).ok_or(MALFORMED)?;
    Ok(if large {
        u32::from_le_bytes(head(data)?) as usize
    } else {
        usize::from(u16::from_le_bytes(head(data)?))
    })
}

/// A length in groups of seven bits, lowest first.
fn length(data: &[u8]) -> Result<(usize, &[u8]), DecodeError> {
    let mut n = 0usize;
    for (i, b) in data.iter().enumerate().take(5) {
        n |= usize::from(b & 0x7f) << (7 * i);
        if b & 0x80 == 0 {
            return Ok((n, data.get(i + 1..).unwrap_or_default()));
        }
    }
    Err(MALFORMED)
}
