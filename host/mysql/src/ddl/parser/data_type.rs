//! Column types: MySQL's and MariaDB's words to what is stored and to what Debezium calls it.
//!
//! Numbers of `java.sql.Types` and default lengths are those of Debezium 3.6.1's
//! `MySqlAntlrDdlParser.initializeDataTypeResolver`.

use super::super::error::DdlErrorKind;
use super::super::lexer::Kind;
use super::super::statement::{Charset, DataType};
use super::{Cursor, Parsed};
use crate::table::{ColumnType, jdbc};

/// The type at the cursor with its modifiers.
pub(super) fn data_type(cursor: &mut Cursor<'_>) -> Parsed<DataType> {
    let at = cursor.position();
    if cursor.peek_kind() != Some(Kind::Word) {
        return cursor.fail("a column type");
    }
    let first = cursor.take_text().to_ascii_uppercase();
    let Some((mut name, ty, jdbc)) = words(cursor, &first) else {
        return Err((
            at,
            DdlErrorKind::UnknownType(first.chars().take(64).collect()),
        ));
    };
    let mut parsed = DataType {
        name: String::new(),
        ty,
        jdbc,
        length: None,
        scale: None,
        unsigned: false,
        zerofill: false,
        charset: Charset::default(),
        binary: false,
        values: Vec::new(),
        serial: name == "SERIAL",
    };
    if matches!(ty, ColumnType::Enum | ColumnType::Set) {
        parsed.values = members(cursor)?;
    } else if cursor.is_symbol(b'(') {
        (parsed.length, parsed.scale) = dimensions(cursor)?;
    }
    if first == "DOUBLE" && cursor.accept("PRECISION") {
        name.push_str(" PRECISION");
        if cursor.is_symbol(b'(') {
            (parsed.length, parsed.scale) = dimensions(cursor)?;
        }
    }
    if parsed.serial {
        "BIGINT UNSIGNED".clone_into(&mut name);
        parsed.unsigned = true;
    }
    let modifiers = modifiers(cursor, &mut parsed);
    parsed.name = name + &modifiers;
    defaults(cursor, &mut parsed);
    Ok(parsed)
}

/// The type's further words, its stored type and its number.
fn words(cursor: &mut Cursor<'_>, first: &str) -> Option<(String, ColumnType, i32)> {
    use ColumnType as T;
    let (ty, jdbc) = match first {
        "BIT" => (T::Bit, jdbc::BIT),
        "BOOL" | "BOOLEAN" => (T::TinyInt, jdbc::BOOLEAN),
        "TINYINT" | "INT1" => (T::TinyInt, jdbc::SMALLINT),
        "SMALLINT" | "INT2" => (T::SmallInt, jdbc::SMALLINT),
        "MEDIUMINT" | "INT3" | "MIDDLEINT" => (T::MediumInt, jdbc::INTEGER),
        "INT" | "INTEGER" | "INT4" => (T::Int, jdbc::INTEGER),
        "BIGINT" | "INT8" | "SERIAL" => (T::BigInt, jdbc::BIGINT),
        "DECIMAL" | "DEC" | "FIXED" | "NUMBER" => (T::Decimal, jdbc::DECIMAL),
        "NUMERIC" => (T::Decimal, jdbc::NUMERIC),
        "FLOAT" | "FLOAT4" => (T::Float, jdbc::FLOAT),
        "DOUBLE" | "FLOAT8" => (T::Double, jdbc::DOUBLE),
        "REAL" => (T::Double, jdbc::REAL),
        "YEAR" => (T::Year, jdbc::INTEGER),
        "DATE" => (T::Date, jdbc::DATE),
        "TIME" => (T::Time, jdbc::TIME),
        "DATETIME" => (T::DateTime, jdbc::TIMESTAMP),
        "TIMESTAMP" => (T::Timestamp, jdbc::TIMESTAMP_WITH_TIMEZONE),
        "BINARY" => (T::Binary, jdbc::BINARY),
        "VARBINARY" | "RAW" => (T::VarBinary, jdbc::VARBINARY),
        "TINYBLOB" => (T::TinyBlob, jdbc::BLOB),
        "BLOB" => (T::Blob, jdbc::BLOB),
        "MEDIUMBLOB" => (T::MediumBlob, jdbc::BLOB),
        "LONGBLOB" => (T::LongBlob, jdbc::BLOB),
        "TINYTEXT" => (T::TinyText, jdbc::VARCHAR),
        "TEXT" => (T::Text, jdbc::VARCHAR),
        "MEDIUMTEXT" => (T::MediumText, jdbc::VARCHAR),
        "LONGTEXT" | "CLOB" => (T::LongText, jdbc::VARCHAR),
        "ENUM" => (T::Enum, jdbc::CHAR),
        "SET" => (T::Set, jdbc::CHAR),
        "CHAR" | "CHARACTER" | "VARCHAR" | "VARCHARACTER" | "VARCHAR2" | "NCHAR" | "NVARCHAR"
        | "NATIONAL" | "LONG" => return text_words(cursor, first),
        _ => return other_words(first).map(|ty| (first.to_owned(), ty, jdbc::OTHER)),
    };
    Some((first.to_owned(), ty, jdbc))
}

fn other_words(first: &str) -> Option<ColumnType> {
    use ColumnType as T;
    Some(match first {
        "JSON" => T::Json,
        "VECTOR" => T::Vector,
        "GEOMETRY" => T::Geometry,
        "POINT" => T::Point,
        "LINESTRING" => T::LineString,
        "POLYGON" => T::Polygon,
        "MULTIPOINT" => T::MultiPoint,
        "MULTILINESTRING" => T::MultiLineString,
        "MULTIPOLYGON" => T::MultiPolygon,
        "GEOMETRYCOLLECTION" | "GEOMCOLLECTION" => T::GeometryCollection,
        "UUID" => T::Uuid,
        "INET4" => T::Inet4,
        "INET6" => T::Inet6,
        "XMLTYPE" => T::Xml,
        _ => return None,
    })
}

/// CHAR, VARCHAR, their national forms and LONG, each of up to three words.
fn text_words(cursor: &mut Cursor<'_>, first: &str) -> Option<(String, ColumnType, i32)> {
    use ColumnType as T;
    let mut name = first.to_owned();
    let mut take = |cursor: &mut Cursor<'_>, words: &[&str]| {
        let hit = words.iter().any(|word| cursor.is_word(word));
        if hit {
            name.push(' ');
            name.push_str(&cursor.take_text().to_ascii_uppercase());
        }
        hit
    };
    let (ty, jdbc) = match first {
        "LONG" => {
            if take(cursor, &["VARBINARY"]) {
                (T::MediumBlob, jdbc::BLOB)
            } else {
                if take(cursor, &["CHAR", "CHARACTER"]) {
                    take(cursor, &["VARYING"]);
                } else {
                    take(cursor, &["VARCHAR", "VARCHARACTER"]);
                }
                (T::MediumText, jdbc::VARCHAR)
            }
        }
        "NVARCHAR" => (T::VarChar, jdbc::NVARCHAR),
        "NCHAR" if take(cursor, &["VARCHAR", "VARCHARACTER", "VARYING"]) => {
            (T::VarChar, jdbc::NVARCHAR)
        }
        "NCHAR" => (T::Char, jdbc::NCHAR),
        "NATIONAL" => {
            if take(cursor, &["VARCHAR", "VARCHARACTER"]) {
                (T::VarChar, jdbc::NVARCHAR)
            } else if !take(cursor, &["CHAR", "CHARACTER"]) {
                return None;
            } else if take(cursor, &["VARYING"]) {
                (T::VarChar, jdbc::NVARCHAR)
            } else {
                (T::Char, jdbc::NCHAR)
            }
        }
        "CHAR" | "CHARACTER" if !take(cursor, &["VARYING"]) => (T::Char, jdbc::CHAR),
        _ => (T::VarChar, jdbc::VARCHAR),
    };
    Some((name, ty, jdbc))
}

/// `('a','b')` with quotes.
fn members(cursor: &mut Cursor<'_>) -> Parsed<Vec<String>> {
    cursor.expect_symbol(b'(', "members in brackets")?;
    let mut values = Vec::new();
    loop {
        if cursor.peek_kind() == Some(Kind::Word) && cursor.peek_text().starts_with('_') {
            cursor.skip_token();
        }
        match cursor.peek_kind() {
            Some(Kind::Text | Kind::Hex | Kind::Bits) => values.push(cursor.take_text().to_owned()),
            _ => return cursor.fail("a member in quotes"),
        }
        cursor.bound(values.len() / 4, "members in four")?;
        if !cursor.accept_symbol(b',') {
            cursor.expect_symbol(b')', "a bracket behind members")?;
            return Ok(values);
        }
    }
}

/// `(10)` or `(10,2)`. Too large numbers are cut to `i32::MAX`, as Debezium does.
fn dimensions(cursor: &mut Cursor<'_>) -> Parsed<(Option<i32>, Option<i32>)> {
    cursor.expect_symbol(b'(', "a length")?;
    let number = |cursor: &mut Cursor<'_>| -> Parsed<i32> {
        let text = match cursor.take_kind(Kind::Number) {
            Some(text) => text,
            None => return cursor.fail("a length"),
        };
        let digits = text.split('.').next().unwrap_or_default();
        let huge = digits.bytes().all(|b| b.is_ascii_digit());
        let large = if huge { i32::MAX } else { 0 };
        Ok(if digits.is_empty() {
            0
        } else {
            digits.parse().unwrap_or(large)
        })
    };
    let length = number(cursor)?;
    let scale = if cursor.accept_symbol(b',') {
        Some(number(cursor)?)
    } else {
        None
    };
    // Oracle mode: VARCHAR2(10 CHAR)
    cursor.accept("CHAR");
    cursor.accept("BYTE");
    cursor.expect_symbol(b')', "a bracket behind a length")?;
    Ok((Some(length), scale))
}

/// Sign, fill and character set words; gives the part of the name Debezium appends.
fn modifiers(cursor: &mut Cursor<'_>, parsed: &mut DataType) -> String {
    let mut sign = "";
    loop {
        if cursor.accept("UNSIGNED") {
            sign = " UNSIGNED";
        } else if cursor.accept("SIGNED") {
            // MySQL keeps an UNSIGNED before it.
            if sign.is_empty() {
                sign = " SIGNED";
            }
        } else if cursor.accept("ZEROFILL") {
            parsed.zerofill = true;
        } else if cursor.accept("ASCII") {
            parsed.charset.charset = Some("latin1".into());
        } else if cursor.accept("UNICODE") {
            parsed.charset.charset = Some("ucs2".into());
        } else if cursor.accept("BYTE") {
            parsed.charset.charset = Some("binary".into());
        } else if is_text_type(parsed) && cursor.accept("BINARY") {
            parsed.binary = true;
        } else if !is_text_type(parsed) || !cursor.accept_charset(&mut parsed.charset) {
            break;
        }
    }
    parsed.unsigned |= parsed.zerofill || sign == " UNSIGNED";
    match (parsed.zerofill, parsed.binary, parsed.ty) {
        (true, ..) => " UNSIGNED ZEROFILL".to_owned(),
        (_, true, ColumnType::Enum | ColumnType::Set) => String::new(),
        (_, true, _) => " BINARY".to_owned(),
        _ => sign.to_owned(),
    }
}

fn is_text_type(parsed: &DataType) -> bool {
    parsed.ty.is_text()
}

/// Lengths and scales that follow from the type alone.
fn defaults(cursor: &Cursor<'_>, parsed: &mut DataType) {
    match parsed.ty {
        ColumnType::Decimal => {
            // DECIMAL(0) is DECIMAL(10)
            parsed.length = parsed.length.filter(|&length| length > 0).or(Some(10));
            parsed.scale = parsed.scale.or(Some(0));
        }
        ColumnType::Bit => parsed.length = parsed.length.or(Some(1)),
        ColumnType::Enum => parsed.length = Some(1),
        ColumnType::Set => {
            let members = i32::try_from(parsed.values.len()).unwrap_or(i32::MAX / 2);
            parsed.length = Some(members.saturating_mul(2).saturating_sub(1).max(0));
        }
        ColumnType::Float if parsed.scale.is_none() && parsed.length.unwrap_or(0) > 24 => {
            parsed.ty = ColumnType::Double;
        }
        ColumnType::Double if parsed.jdbc == jdbc::REAL && cursor.session.real_as_float => {
            parsed.ty = ColumnType::Float;
        }
        _ => {}
    }
    if parsed.jdbc == jdbc::NCHAR || parsed.jdbc == jdbc::NVARCHAR {
        if parsed.jdbc == jdbc::NCHAR {
            parsed.length = parsed.length.or(Some(1));
        }
        parsed.charset.charset = Some("utf8".into());
    }
}
