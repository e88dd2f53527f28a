//! What must be known of character sets to follow DDL: the set behind a collation's name and the
//! bytes of its widest character. Decoding text is not done here.

/// The character set of a collation by its name (`utf8mb4_0900_ai_ci`, `binary`); `None` for
/// MariaDB's names that fit any set (`uca1400_ai_ci`).
pub fn charset_of_collation(collation: &str) -> Option<&str> {
    match collation.split('_').next() {
        None | Some("" | "uca1400" | "default") => None,
        Some(charset) => Some(charset),
    }
}

/// Bytes of the widest character (`MAXLEN` of `information_schema.character_sets`).
pub(super) fn max_bytes(charset: &str) -> u64 {
    match charset {
        "utf8mb4" | "utf16" | "utf16le" | "utf32" | "gb18030" => 4,
        "utf8" | "utf8mb3" | "ujis" | "eucjpms" => 3,
        "ucs2" | "gbk" | "gb2312" | "big5" | "sjis" | "cp932" | "euckr" => 2,
        _ => 1,
    }
}
