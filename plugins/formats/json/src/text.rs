//! JSON strings as Jackson's UTF-8 generator writes them.
//!
//! Control characters and quotes are escaped, everything else stays UTF-8 but characters outside the basic plane,
//! which become two `\u` escapes of their surrogates. `/` is not escaped. Invariant: the output is valid JSON text.

use tidegate_sdk::append;

/// First bytes of four-byte characters are this or more.
const FOUR_BYTES: u8 = 0xf0;

/// What a byte asks for: 0 nothing, otherwise the letter of its short escape, `u` for a long one, `4` for the first
/// byte of a four-byte character.
const ESCAPES: [u8; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 0x20 {
        table[i] = b'u';
        i += 1;
    }
    table[0x08] = b'b';
    table[0x09] = b't';
    table[0x0a] = b'n';
    table[0x0c] = b'f';
    table[0x0d] = b'r';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    i = 0xf0;
    while i < 0x100 {
        table[i] = b'4';
        i += 1;
    }
    table
};

/// Appends `text`, which is UTF-8, in quotes.
pub(crate) fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    // Runs that need no escape are copied as they are: nearly all text is one such run.
    loop {
        let (plain, escaped) = rest.split_at(plain_bytes(rest));
        append(out, plain);
        let Some(first) = escaped.first() else { break };
        let bytes = if *first >= FOUR_BYTES { 4 } else { 1 };
        let (one, behind) = escaped.split_at_checked(bytes).unwrap_or((escaped, &[]));
        match std::str::from_utf8(one).ok().and_then(|s| s.chars().next()) {
            Some(c) => escape(c, out),
            // The host has checked it; what cannot be is passed on as it is.
            None => append(out, one),
        }
        rest = behind;
    }
    out.push(b'"');
}

/// How many bytes at the beginning need no escape, eight at a time.
fn plain_bytes(text: &[u8]) -> usize {
    let (words, rest) = text.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let found = marks(u64::from_le_bytes(*word));
        if found != 0 {
            return i * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = rest.iter().position(|b| ESCAPES[usize::from(*b)] != 0);
    words.len() * 8 + plain.unwrap_or(rest.len())
}

/// The lowest set bit is the high bit of the first byte that needs an escape; bits above it mean nothing.
fn marks(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = ONES << 7;
    // A borrow out of a byte that is below `n` reaches only bytes above it.
    let below = |w: u64, n: u64| w.wrapping_sub(ONES * n) & !w & HIGH;
    let equals = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let four_bytes = word & (word << 1) & (word << 2) & (word << 3) & HIGH;
    below(word, 0x20) | equals(b'"') | equals(b'\\') | four_bytes
}

fn escape(c: char, out: &mut Vec<u8>) {
    let short = u8::try_from(c).map_or(b'u', |b| ESCAPES[b as usize]);
    if !matches!(short, b'u' | b'4') {
        out.extend_from_slice(&[b'\\', short]);
        return;
    }
    let mut units = [0; 2];
    for unit in c.encode_utf16(&mut units) {
        out.extend_from_slice(b"\\u");
        for shift in [12, 8, 4, 0] {
            out.push(b"0123456789ABCDEF"[usize::from(*unit >> shift) & 15]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As printed by Jackson in Connect 4.3.1.
    #[test]
    fn escapes_are_jacksons() {
        for (text, want) in [
            ("", r#""""#),
            ("a/b", r#""a/b""#),
            (
                "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}",
                r#""\u0000\b\t\n\u000B\f\r\u001F""#,
            ),
            ("q\"b\\", r#""q\"b\\""#),
            ("é\u{7f}\u{2028}\u{ffff}", "\"é\u{7f}\u{2028}\u{ffff}\""),
            ("x😀y", r#""x\uD83D\uDE00y""#),
        ] {
            let mut out = Vec::new();
            quoted(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }

    #[test]
    fn every_byte_is_judged_alike_at_every_place() {
        let plain = "0123456789abcdefé";
        for c in (0..0x80).map(char::from).chain(['é', '\u{ffff}', '😀']) {
            let mut alone = Vec::new();
            quoted(c.to_string().as_bytes(), &mut alone);
            let c_text = String::from_utf8(alone).unwrap();
            let c_text = &c_text[1..c_text.len() - 1];
            for (at, _) in plain.char_indices() {
                let (a, b) = plain.split_at(at);
                let mut out = Vec::new();
                quoted(format!("{a}{c}{b}").as_bytes(), &mut out);
                assert_eq!(
                    String::from_utf8(out).unwrap(),
                    format!("\"{a}{c_text}{b}\"")
                );
            }
        }
    }
}
