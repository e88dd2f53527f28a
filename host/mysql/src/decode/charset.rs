//! MySQL's character sets, for text of the binlog, which comes in the column's own set.
//!
//! Snapshot queries ask the server for UTF-8, so only the binlog needs this. Sets that `encoding_rs` lacks have tables of
//! their own. Bytes that are no character become U+FFFD, as in Java's decoders.
//! Invariant: what the server converts to for a byte sequence of the set is what is written here.

use super::charset_tables as tables;
use encoding_rs::Encoding;
use host_core::layout::{Arena, Slot};
use std::sync::Arc;

/// How to read text of one character set.
#[derive(Debug, Clone)]
pub enum Charset {
    /// UTF-8 and its subsets.
    Utf8,
    /// One of `encoding_rs`.
    Known(&'static Encoding),
    /// UTF-32, big-endian.
    Utf32,
    /// One character a byte.
    Table(Arc<[char; 256]>),
}

impl Charset {
    /// The set of this MySQL name; `None` where it is not known.
    pub fn named(name: &str) -> Option<Self> {
        use encoding_rs::*;
        Some(match name.to_ascii_lowercase().as_str() {
            "utf8" | "utf8mb3" | "utf8mb4" | "ascii" => Self::Utf8,
            // MySQL's latin1 is cp1252 with the gaps as C1 controls, as WHATWG has it.
            "latin1" => Self::Known(WINDOWS_1252),
            "latin2" => Self::Known(ISO_8859_2),
            "latin5" => Self::Known(WINDOWS_1254),
            "latin7" => Self::Known(ISO_8859_13),
            "greek" => Self::Known(ISO_8859_7),
            "hebrew" => Self::Known(ISO_8859_8),
            "cp1250" => Self::Known(WINDOWS_1250),
            "cp1251" => Self::Known(WINDOWS_1251),
            "cp1256" => Self::Known(WINDOWS_1256),
            "cp1257" => Self::Known(WINDOWS_1257),
            "cp866" => Self::Known(IBM866),
            "koi8r" => Self::Known(KOI8_R),
            "koi8u" => Self::Known(KOI8_U),
            "macroman" => Self::Known(MACINTOSH),
            "tis620" => Self::Known(WINDOWS_874),
            "gbk" | "gb2312" => Self::Known(GBK),
            "gb18030" => Self::Known(GB18030),
            "big5" => Self::Known(BIG5),
            "sjis" | "cp932" => Self::Known(SHIFT_JIS),
            "ujis" | "eucjpms" => Self::Known(EUC_JP),
            "euckr" => Self::Known(EUC_KR),
            "ucs2" | "utf16" => Self::Known(UTF_16BE),
            "utf16le" => Self::Known(UTF_16LE),
            "utf32" => Self::Utf32,
            "cp850" => Self::table(tables::CP850),
            "cp852" => Self::table(tables::CP852),
            "macce" => Self::table(tables::MACCE),
            "dec8" => Self::table(tables::DEC8),
            "hp8" => Self::table(tables::HP8),
            "keybcs2" => Self::table(tables::KEYBCS2),
            "geostd8" => Self::table(tables::GEOSTD8),
            "armscii8" => Self::table(tables::ARMSCII8),
            "swe7" => Self::table(tables::SWE7),
            _ => return None,
        })
    }

    fn table(characters: &str) -> Self {
        let mut all = ['\u{fffd}'; 256];
        let skip = 256usize.saturating_sub(characters.chars().count());
        for (at, to) in all.iter_mut().enumerate().take(skip) {
            *to = char::from(at as u8);
        }
        for (to, c) in all.iter_mut().skip(skip).zip(characters.chars()) {
            *to = c;
        }
        Self::Table(Arc::new(all))
    }

    /// A string slot of these bytes.
    #[inline]
    pub fn decode(&self, bytes: &[u8], arena: &mut Arena) -> Slot {
        match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => arena.string(text),
                Err(_) => arena.string(&String::from_utf8_lossy(bytes)),
            },
            Self::Known(encoding) => arena.string(&encoding.decode_without_bom_handling(bytes).0),
            Self::Utf32 => {
                let text: String = bytes
                    .chunks(4)
                    .map(|c| {
                        let code = <[u8; 4]>::try_from(c).ok().map(u32::from_be_bytes);
                        code.and_then(char::from_u32).unwrap_or('\u{fffd}')
                    })
                    .collect();
                arena.string(&text)
            }
            Self::Table(table) => {
                let text: String = bytes
                    .iter()
                    .map(|b| table.get(usize::from(*b)).copied().unwrap_or('\u{fffd}'))
                    .collect();
                arena.string(&text)
            }
        }
    }
}
