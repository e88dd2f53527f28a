//! JSON strings as Jackson's UTF-8 generator writes them.
//!
//! Control characters and quotes are escaped, everything else stays UTF-8 but characters outside the basic plane,
//! which become two `\u` escapes of their surrogates. `/` is not escaped. Invariant: the output is valid JSON text.

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

/// Appends `text` in quotes.
pub(crate) fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    // Runs that need no escape are copied as they are: nearly all text is one such run.
    while let Some(at) = rest.bytes().position(|b| ESCAPES[b as usize] != 0) {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = escaped.chars();
        if let Some(c) = chars.next() {
            escape(c, out);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
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
            quoted(text, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want);
        }
    }
}
