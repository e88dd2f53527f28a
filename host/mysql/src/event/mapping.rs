//! What a column's rule makes of its values and of its schema: masks, hashes, truncation.
//!
//! A rule is looked up when a table's plan is made; here it is carried out, on values of the row and never on keys.
//! Source: `MaskStrings`, `TruncateColumn`, `PropagateSourceMetadataToSchemaParameter`.
//! Invariant: a masked column's value never reaches the event, not in part and not when it is NULL.

use crate::config::{HashAlgorithm, HashForm, Treatment};
use crate::table::{Column, ColumnType, jdbc};
use host_core::batch::BatchBuilder;
use host_core::layout::{Reader, Slot, Tag};
use host_core::schema::{Schema, SchemaType};
use host_core::secret::Secret;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_224, Sha512_256};
use std::sync::Arc;

/// What is done to the values of one column.
#[derive(Debug, Clone)]
pub enum Mapping {
    /// This text instead of any value, NULL too.
    Mask(Arc<str>),
    /// The hash's hexadecimal digits, at most so many; NULL stays.
    Hash(HashAlgorithm, Secret, HashForm, Option<usize>),
    /// At most so many characters, or bytes.
    Truncate(usize),
    /// NULL instead of text that goes out as bytes (VARCHAR CHARACTER SET binary).
    Hide,
}

impl Mapping {
    /// What a rule means for a column whose values go out as `kind`, `None` where they stay.
    pub(super) fn new(treatment: &Treatment, column: &Column, kind: SchemaType) -> Option<Self> {
        let text = matches!(
            column.jdbc_type,
            jdbc::CHAR | jdbc::VARCHAR | jdbc::NCHAR | jdbc::NVARCHAR
        );
        match treatment {
            Treatment::Mask(_) | Treatment::Hash(..) if text && kind != SchemaType::String => {
                Some(Self::Hide)
            }
            Treatment::Mask(mask) => text.then(|| Self::Mask(Arc::clone(mask))),
            Treatment::Hash(algorithm, salt, form) => text.then(|| {
                let most = column.length.and_then(|n| usize::try_from(n).ok());
                let most = most.filter(|n| *n > 0);
                Self::Hash(*algorithm, salt.clone(), *form, most)
            }),
            Treatment::Truncate(most) => {
                let cut = cuts(*most, column) && column.ty != ColumnType::Bit;
                cut.then_some(Self::Truncate(*most))
            }
            Treatment::Propagate => None,
        }
    }

    /// The value that goes out. What it needs is written to the arena.
    pub(super) fn apply(&self, value: Slot, to: &mut BatchBuilder) -> Slot {
        match self {
            Self::Hide => Slot::NULL,
            Self::Mask(mask) => super::fixed::name_slot(to.name(mask)),
            Self::Hash(algorithm, salt, form, most) => {
                let Ok(text) = Reader::new(to.arena.bytes()).str(value) else {
                    return Slot::NULL;
                };
                let mut hash = hex(*algorithm, salt, *form, text);
                hash.truncate(most.unwrap_or(usize::MAX));
                to.arena.string(&hash)
            }
            Self::Truncate(most) => {
                let reader = Reader::new(to.arena.bytes());
                let len = match (value.tag, reader.str(value)) {
                    (Tag::String, Ok(text)) => units(text, *most),
                    (Tag::Bytes, _) => *most,
                    _ => return value,
                };
                Slot {
                    len: value.len.min(u32::try_from(len).unwrap_or(u32::MAX)),
                    ..value
                }
            }
        }
    }
}

/// What a rule adds to a column's schema in the row, values or not.
pub(super) fn describe(
    treatment: &Treatment,
    column: &Column,
    comments: bool,
    schema: &mut Schema,
) {
    let mut add = |name: &str, value: &str| schema.parameters.push((name.into(), value.into()));
    match treatment {
        Treatment::Mask(_) | Treatment::Hash(..) => add("masked", "true"),
        Treatment::Truncate(most) if cuts(*most, column) => {
            add("truncateLength", &most.to_string());
        }
        Treatment::Truncate(_) => {}
        Treatment::Propagate => {
            let source = "__debezium.source.column";
            add(&format!("{source}.type"), &column.type_name.to_uppercase());
            if let Some(length) = column.length {
                add(&format!("{source}.length"), &length.to_string());
            }
            if let Some(scale) = column.scale {
                add(&format!("{source}.scale"), &scale.to_string());
            }
            let comment = column
                .comment
                .as_deref()
                .filter(|c| comments && !c.is_empty());
            if let Some(comment) = comment {
                add(&format!("{source}.comment"), comment);
            }
            add(&format!("{source}.name"), &column.name);
        }
    }
}

/// Whether a column's values can be longer; those of a column without a length can.
fn cuts(most: usize, column: &Column) -> bool {
    let length = column.length.and_then(|n| usize::try_from(n).ok());
    length.is_none_or(|n| n > most)
}

/// Bytes of the longest head of a text that has at most so many of Java's characters. Java cuts between the halves of a
/// character beyond U+FFFF and writes one of them, which is no text; here the whole character is left out.
fn units(text: &str, most: usize) -> usize {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        units += c.len_utf16();
        if units > most {
            return at;
        }
    }
    text.len()
}

/// Hexadecimal digits of the hash of salt and text.
fn hex(algorithm: HashAlgorithm, salt: &Secret, form: HashForm, text: &str) -> String {
    let mut input = salt.expose().as_bytes().to_vec();
    match form {
        HashForm::Utf8 => input.extend_from_slice(text.as_bytes()),
        HashForm::Serialised => serialise(text, &mut input),
    }
    let digest: Vec<u8> = match algorithm {
        HashAlgorithm::Md5 => Md5::digest(&input).to_vec(),
        HashAlgorithm::Sha1 => Sha1::digest(&input).to_vec(),
        HashAlgorithm::Sha224 => Sha224::digest(&input).to_vec(),
        HashAlgorithm::Sha256 => Sha256::digest(&input).to_vec(),
        HashAlgorithm::Sha384 => Sha384::digest(&input).to_vec(),
        HashAlgorithm::Sha512 => Sha512::digest(&input).to_vec(),
        HashAlgorithm::Sha512To224 => Sha512_224::digest(&input).to_vec(),
        HashAlgorithm::Sha512To256 => Sha512_256::digest(&input).to_vec(),
    };
    let mut out = String::with_capacity(digest.len() * 2);
    for byte in digest {
        for nibble in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    out
}

/// A string as `ObjectOutputStream.writeObject` writes it: stream header, type, length, and a UTF-8 in which NUL has two
/// bytes and a character beyond U+FFFF is two of three bytes each.
fn serialise(text: &str, to: &mut Vec<u8>) {
    const HEADER: [u8; 4] = [0xac, 0xed, 0x00, 0x05];
    const STRING: u8 = 0x74;
    const LONG_STRING: u8 = 0x7c;
    let mut bytes = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match unit {
            1..0x80 => bytes.push(unit as u8),
            0 | 0x80..0x800 => bytes.extend([0xc0 | (unit >> 6) as u8, 0x80 | (unit & 0x3f) as u8]),
            _ => bytes.extend([
                0xe0 | (unit >> 12) as u8,
                0x80 | (unit >> 6 & 0x3f) as u8,
                0x80 | (unit & 0x3f) as u8,
            ]),
        }
    }
    to.extend(HEADER);
    match u16::try_from(bytes.len()) {
        Ok(len) => {
            to.push(STRING);
            to.extend(len.to_be_bytes());
        }
        Err(_) => {
            to.push(LONG_STRING);
            to.extend((bytes.len() as u64).to_be_bytes());
        }
    }
    to.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::schema::SharedSchemas;

    const STRING: SchemaType = SchemaType::String;

    fn text(jdbc_type: i32, length: Option<i32>) -> Column {
        Column {
            length,
            ..Column::new("c", ColumnType::VarChar, "VARCHAR", jdbc_type)
        }
    }

    fn applied(m: &Mapping, value: Option<&str>) -> Option<String> {
        let mut to = BatchBuilder::new(SharedSchemas::default());
        let slot = value.map_or(Slot::NULL, |v| to.arena.string(v));
        let out = m.apply(slot, &mut to);
        let reader = Reader::new(to.arena.bytes());
        (!out.is_null()).then(|| reader.str(out).unwrap().to_owned())
    }

    /// Values of the real Debezium 3.6.1, of VARCHAR(60), CHAR(11) and VARCHAR(40).
    #[test]
    fn hashes_are_debeziums() {
        let salt = Secret::new("CzQMA0cB5K");
        for (form, length, value, want) in [
            (
                HashForm::Serialised,
                60,
                "ann@example.com",
                "51a61a921ad466f1821aba9d16ec112f1646e755acec0573125cfb109f3e",
            ),
            (
                HashForm::Serialised,
                60,
                "b",
                "a0c70de1701ed172b2c7da627a6dda14128a4461e87afd979ae2fc83ef19",
            ),
            (HashForm::Serialised, 11, "123-45-6789", "377189d9d7c"),
            (
                HashForm::Utf8,
                40,
                "Ann Éclair",
                "1162b98d6243ff6e9d1c13b32a01c95ace115be8",
            ),
            (
                HashForm::Utf8,
                40,
                "Robert 😀😀😀😀😀",
                "7b2fc7c7a9c113dc630ad616dc5b14f83dc7dee9",
            ),
        ] {
            let rule = Treatment::Hash(HashAlgorithm::Sha256, salt.clone(), form);
            let m = Mapping::new(&rule, &text(jdbc::VARCHAR, Some(length)), STRING).unwrap();
            assert_eq!(applied(&m, Some(value)).as_deref(), Some(want), "{value}");
            assert_eq!(applied(&m, None), None);
        }
    }

    #[test]
    fn every_algorithm_has_its_own_digits() {
        // Of the three letters abc: RFC 1321, FIPS 180-4.
        for (algorithm, want) in [
            (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (
                HashAlgorithm::Sha1,
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ),
            (
                HashAlgorithm::Sha224,
                "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            ),
            (
                HashAlgorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                HashAlgorithm::Sha384,
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                HashAlgorithm::Sha512,
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
            (
                HashAlgorithm::Sha512To224,
                "4634270f707b6a54daae7530460842e20e37ed265ceee9a43e8924aa",
            ),
            (
                HashAlgorithm::Sha512To256,
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23",
            ),
        ] {
            assert_eq!(
                hex(algorithm, &Secret::new("a"), HashForm::Utf8, "bc"),
                want
            );
        }
    }

    #[test]
    fn strings_are_serialised_as_java_does() {
        let of = |text: &str| {
            let mut out = Vec::new();
            serialise(text, &mut out);
            out
        };
        assert_eq!(of("a"), b"\xac\xed\x00\x05\x74\x00\x01a");
        assert_eq!(
            of("\0é😀"),
            b"\xac\xed\x00\x05\x74\x00\x0a\xc0\x80\xc3\xa9\xed\xa0\xbd\xed\xb8\x80"
        );
        let long = of(&"x".repeat(65_536));
        assert_eq!(long.get(4..13).unwrap(), b"\x7c\0\0\0\0\0\x01\0\0");
        assert_eq!(long.len(), 13 + 65_536);
    }

    #[test]
    fn masks_hide_null_too_and_leave_what_is_no_text() {
        let rule = Treatment::Mask("***".into());
        let m = Mapping::new(&rule, &text(jdbc::CHAR, Some(2)), STRING).unwrap();
        for value in [Some("x"), Some("a long secret"), None] {
            assert_eq!(applied(&m, value).as_deref(), Some("***"));
        }
        let other = text(jdbc::INTEGER, None);
        assert!(Mapping::new(&rule, &other, SchemaType::Int32).is_none());
        let hidden = Mapping::new(&rule, &text(jdbc::CHAR, Some(2)), SchemaType::Bytes).unwrap();
        assert_eq!(applied(&hidden, Some("x")), None);
        let mut schema = Schema::new(SchemaType::Int32);
        describe(&rule, &other, false, &mut schema);
        assert_eq!(schema.parameters, [("masked".into(), "true".into())]);
    }

    #[test]
    fn long_texts_and_bytes_are_cut() {
        let m = Mapping::new(&Treatment::Truncate(4), &text(jdbc::VARCHAR, None), STRING).unwrap();
        for (value, want) in [
            ("Ann Éclair", "Ann "),
            ("Bob", "Bob"),
            ("ÉÉÉÉÉ", "ÉÉÉÉ"),
            ("a😀😀", "a😀"),
            ("ab😀😀", "ab😀"),
            ("", ""),
        ] {
            assert_eq!(applied(&m, Some(value)).as_deref(), Some(want));
        }
        assert_eq!(applied(&m, None), None);
        let mut to = BatchBuilder::new(SharedSchemas::default());
        let bytes = to.arena.byte_array(b"abcdef");
        let out = m.apply(bytes, &mut to);
        assert_eq!(Reader::new(to.arena.bytes()).data(out).unwrap(), b"abcd");
        assert_eq!(m.apply(Slot::int32(7), &mut to), Slot::int32(7));
        for (length, cut) in [(Some(4), false), (Some(5), true), (None, true)] {
            let column = text(jdbc::VARCHAR, length);
            let mut schema = Schema::new(STRING);
            describe(&Treatment::Truncate(4), &column, false, &mut schema);
            assert_eq!(!schema.parameters.is_empty(), cut, "{length:?}");
            let m = Mapping::new(&Treatment::Truncate(4), &column, STRING);
            assert_eq!(m.is_some(), cut);
        }
    }

    #[test]
    fn source_types_are_told() {
        let mut column = text(jdbc::DECIMAL, Some(10));
        column.type_name = "decimal unsigned".to_owned();
        column.scale = Some(2);
        column.comment = Some("why".to_owned());
        for (comments, want) in [
            (
                true,
                "type=DECIMAL UNSIGNED length=10 scale=2 comment=why name=c",
            ),
            (false, "type=DECIMAL UNSIGNED length=10 scale=2 name=c"),
        ] {
            let mut schema = Schema::new(STRING);
            describe(&Treatment::Propagate, &column, comments, &mut schema);
            let told: Vec<String> = schema
                .parameters
                .iter()
                .map(|(k, v)| {
                    format!(
                        "{}={v}",
                        k.strip_prefix("__debezium.source.column.").unwrap()
                    )
                })
                .collect();
            assert_eq!(told.join(" "), want);
        }
        assert!(Mapping::new(&Treatment::Propagate, &column, STRING).is_none());
    }
}
