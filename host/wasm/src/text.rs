//! Texts of guests, made safe for logs and errors.
//!
//! It knows nothing of what they say. Invariant: what it gives is one line without control characters.

/// Longest text of a guest that is put into an error, in bytes.
pub(crate) const GUEST_TEXT_BYTES_MAX: usize = 2048;

/// A guest's text made safe for logs and errors: at most `bytes_max` bytes, control characters escaped.
pub(crate) fn clean(text: &str, bytes_max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(bytes_max));
    for c in text.chars() {
        let before = out.len();
        if c.is_control() || is_bidi_control(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        if out.len() > bytes_max {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// Characters that change how the text around them is shown.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guest_texts_are_cleaned_and_cut() {
        for (text, max, want) in [
            ("plain é", 100, "plain é"),
            ("a\nb\u{1b}[31m", 100, "a\\nb\\u{1b}[31m"),
            ("ab\u{202e}c", 100, "ab\\u{202e}c"),
            ("abcdef", 3, "abc…"),
            ("éé", 3, "é…"),
            ("\n\n", 3, "\\n…"),
        ] {
            assert_eq!(clean(text, max), want);
        }
    }
}
