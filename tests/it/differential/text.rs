//! Texts and the charsets they are stored in.
//!
//! Left out are the charsets Java lacks (hp8, keybcs2, geostd8, armscii8, koi8u), which Debezium garbles in streaming.
//! Invariant: a charset's sample can be stored in it.

use super::random::Random;

/// Charsets and a text that each can hold.
const CHARSETS: &[(&str, &str)] = &[
    ("utf8mb4", "日本語 😀 é"),
    ("utf8mb3", "日本語 é"),
    ("latin1", "Grüße é ÿ €"),
    ("ascii", "plain"),
    ("gbk", "中文 测试"),
    ("gb18030", "中文 😀"),
    ("gb2312", "中文"),
    ("big5", "中文 測試"),
    ("sjis", "日本語 ｶﾅ"),
    ("cp932", "日本語 ①"),
    ("ujis", "日本語"),
    ("eucjpms", "日本語"),
    ("euckr", "한국어"),
    ("ucs2", "日本 é"),
    ("utf16", "日本 😀"),
    ("utf16le", "日本 😀"),
    ("utf32", "日本 😀"),
    ("cp1250", "Žluťoučký"),
    ("cp1251", "Привет"),
    ("cp1256", "سلام"),
    ("cp1257", "ąč"),
    ("koi8r", "Привет"),
    ("cp866", "Привет"),
    ("cp850", "é"),
    ("cp852", "Ž"),
    ("latin2", "Žluť"),
    ("latin5", "İstanbul ş"),
    ("latin7", "ąčęėįšųū"),
    ("greek", "Ελλάδα"),
    ("hebrew", "שלום"),
    ("tis620", "ไทย"),
    ("macroman", "é"),
    ("macce", "Ž"),
    ("swe7", "plain"),
    ("dec8", "é"),
];

/// Texts for any charset, as literals.
const PLAIN: &[&str] = &[
    "",
    "a",
    "ab   ",
    " lead",
    "it''s",
    "\"q\"",
    "a\\tb",
    "\\n",
    "\\0x",
    "</a>",
    "{\"j\":1}",
    "x\\\\y",
    "NULL",
    "%",
    "1e3",
];

pub(super) fn charset(random: &mut Random) -> &'static str {
    CHARSETS[random.below(CHARSETS.len())].0
}

/// One for a whole database.
pub(super) fn database_charset(random: &mut Random) -> &'static str {
    random.of(&[
        "utf8mb4", "utf8mb4", "utf8mb4", "latin1", "utf8mb3", "gbk", "cp1251", "sjis",
    ])
}

/// A literal of at most `characters_max` characters.
pub(super) fn literal(random: &mut Random, charset: &str, characters_max: usize) -> String {
    let sample = CHARSETS.iter().find(|(name, _)| *name == charset);
    let sample = sample.map_or("plain", |(_, text)| text);
    if random.one_in(2) {
        let some = random.below(sample.chars().count() + 1).min(characters_max);
        let text: String = sample.chars().take(some).collect();
        return format!("'{text}'");
    }
    if random.one_in(12) {
        return format!("REPEAT('z', {})", characters_max.min(700));
    }
    let text = random.of(PLAIN);
    if text.len() > characters_max {
        return "''".to_owned();
    }
    format!("'{text}'")
}
