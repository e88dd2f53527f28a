//! Text, bytes, ENUM and SET.
//!
//! In the binlog text comes in the column's character set, an ENUM as its index and a SET as bits; a snapshot query
//! gives UTF-8 and the members' own text. Invariant: an ENUM or SET value is written as the member itself, commas and
//! all, in both.

use super::{Charset, DecodeError, Raw, mismatch, text_slot};
use crate::config::Binary;
use base64::Engine as _;
use host_core::layout::{Arena, Slot};
use std::borrow::Cow;

#[inline]
pub(super) fn text(
    raw: Raw<'_>,
    charset: &Charset,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    match raw {
        Raw::Bytes(b) => Ok(charset.decode(b, arena)),
        Raw::Utf8(b) => Ok(Charset::Utf8.decode(b, arena)),
        _ => mismatch(raw),
    }
}

/// BINARY, VARBINARY and the BLOB family; BINARY(n) loses its trailing zeros in the binlog and gets them back.
pub(super) fn bytes(
    raw: Raw<'_>,
    mode: Binary,
    width: usize,
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let (Raw::Bytes(b) | Raw::Utf8(b)) = raw else {
        return mismatch(raw);
    };
    let mut all = Cow::Borrowed(b);
    if b.len() < width {
        all.to_mut().resize(width, 0);
    }
    Ok(match mode {
        Binary::Bytes => arena.byte_array(&all),
        Binary::Base64 => arena.string(&base64::engine::general_purpose::STANDARD.encode(&all)),
        Binary::Base64UrlSafe => {
            arena.string(&base64::engine::general_purpose::URL_SAFE.encode(&all))
        }
        Binary::Hex => text_slot(arena, |a| {
            for b in all.iter() {
                a.raw(&[hex(b >> 4), hex(b & 15)]);
            }
        }),
    })
}

fn hex(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

/// ENUM; index 0 is the empty text of a value that was refused.
pub(super) fn enumeration(
    raw: Raw<'_>,
    members: &[Box<str>],
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let index = match raw {
        Raw::Utf8(b) => return Ok(Charset::Utf8.decode(b, arena)),
        Raw::UInt(0) => return Ok(arena.string("")),
        Raw::UInt(n) => n - 1,
        _ => return mismatch(raw),
    };
    let member = usize::try_from(index).ok().and_then(|i| members.get(i));
    member
        .map(|m| arena.string(m))
        .ok_or(DecodeError::Malformed(
            "index of an ENUM: the known structure of the table has fewer members",
        ))
}

pub(super) fn set(
    raw: Raw<'_>,
    members: &[Box<str>],
    arena: &mut Arena,
) -> Result<Slot, DecodeError> {
    let bits = match raw {
        Raw::Utf8(b) => return Ok(Charset::Utf8.decode(b, arena)),
        Raw::UInt(bits) => bits,
        _ => return mismatch(raw),
    };
    if members.len() < 64 && bits >> members.len() != 0 {
        return Err(DecodeError::Malformed(
            "bits of a SET: the known structure of the table has fewer members",
        ));
    }
    Ok(text_slot(arena, |a| {
        let mut first = true;
        for (i, member) in members.iter().enumerate().take(64) {
            if bits & 1 << i != 0 {
                if !first {
                    a.raw(b",");
                }
                a.raw(member.as_bytes());
                first = false;
            }
        }
    }))
}
