//! One column from its definition and the table around it: character set, what MySQL really
//! stores, NULL and DEFAULT.
//!
//! Follows Debezium's `ColumnDefinitionParserListener` and `ColumnImpl`, except where those differ
//! from what SHOW CREATE TABLE would say of the same column: text in the binary character set is
//! binary, ASCII and UNICODE name character sets, COLLATE counts for generated columns too.

use super::super::charset::max_bytes;
use super::super::statement::ColumnDef;
use super::super::{Session, charset_of_collation};
use crate::table::{Column, ColumnType, DefaultValue, jdbc};

pub(super) fn column(
    def: &ColumnDef,
    table_charset: Option<&str>,
    session: &Session,
    first_timestamp: bool,
) -> Column {
    let written = &def.data_type;
    let mut column = Column::new(&def.name, written.ty, &written.name, written.jdbc);
    column.length = written.length;
    column.scale = written.scale;
    column.unsigned = written.unsigned;
    column.zerofill = written.zerofill;
    column.enum_values.clone_from(&written.values);
    column.optional = def.null.unwrap_or(true) && !def.primary;
    column.auto_incremented = def.auto_increment || def.on_update;
    column.generated = column.auto_incremented;
    column.generation = def.generation;
    column.invisible = def.invisible;
    column.comment.clone_from(&def.comment);
    column.default = match &def.default {
        DefaultValue::None if column.optional => DefaultValue::Null,
        default => default.clone(),
    };
    column.default = plain_default(column.ty, column.default, def.default_radix);
    if column.ty == ColumnType::Timestamp && !session.explicit_timestamp && def.null.is_none() {
        implied_timestamp(&mut column, def, first_timestamp);
    }
    if column.ty.is_text() {
        set_charset(&mut column, def, table_charset);
    }
    store_by_length(&mut column);
    column
}

/// A default as SHOW CREATE TABLE would write it: digits of a hexadecimal or bit literal stand for
/// a number, for text, or in a BIT column for bits. Debezium takes the digits themselves, which
/// garbles all but bits.
pub(super) fn plain_default(
    ty: ColumnType,
    default: DefaultValue,
    radix: Option<u32>,
) -> DefaultValue {
    let DefaultValue::Expression(text) = &default else {
        return default;
    };
    let plain = match (ty, radix) {
        (ColumnType::Bit, None) => text.parse::<u64>().ok().map(|number| format!("{number:b}")),
        // Bits stay as written, as in Debezium.
        (ColumnType::Bit, Some(2)) => None,
        (ColumnType::Bit, Some(radix)) => u64::from_str_radix(text, radix)
            .ok()
            .map(|number| format!("{number:b}")),
        (_, None) => None,
        (ty, Some(radix)) if ty.is_text() || ty.native_name().ends_with("binary") => {
            literal_text(text, radix)
        }
        (_, Some(radix)) => u64::from_str_radix(text, radix)
            .ok()
            .map(|number| number.to_string()),
    };
    plain.map_or(default, DefaultValue::Expression)
}

/// The text whose bytes the digits are; `None` when they are no UTF-8.
fn literal_text(digits: &str, radix: u32) -> Option<String> {
    let width = if radix == 16 { 2 } else { 8 };
    let padding = (width - digits.len() % width) % width;
    let padded = "0".repeat(padding) + digits;
    let bytes = padded.as_bytes().chunks(width).map(|byte| {
        let byte = std::str::from_utf8(byte).ok()?;
        u8::from_str_radix(byte, radix).ok()
    });
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

/// Whether a TIMESTAMP added now would be the table's first.
pub(super) fn is_first_timestamp(columns: &[Column]) -> bool {
    !columns
        .iter()
        .any(|column| column.ty == ColumnType::Timestamp)
}

/// `explicit_defaults_for_timestamp=OFF` (default before 8.0): NOT NULL, the first one with the
/// current time, others with zeros.
fn implied_timestamp(column: &mut Column, def: &ColumnDef, first: bool) {
    column.optional = false;
    if def.default != DefaultValue::None || def.on_update {
        if column.default == DefaultValue::Null {
            column.default = DefaultValue::None;
        }
    } else if first {
        column.default = DefaultValue::Expression("1970-01-01 00:00:00".into());
        column.auto_incremented = true;
        column.generated = true;
    } else {
        column.default = DefaultValue::Expression("0000-00-00 00:00:00".into());
    }
}

fn set_charset(column: &mut Column, def: &ColumnDef, table_charset: Option<&str>) {
    let written = &def.data_type.charset;
    let explicit = written
        .charset
        .as_deref()
        .filter(|&charset| charset != "default");
    let collation = written
        .collation
        .as_deref()
        .filter(|&collation| collation != "default");
    let charset = explicit
        .or_else(|| collation.and_then(charset_of_collation))
        .or(table_charset);
    column.charset = charset.map(str::to_owned);
    column.collation = match (collation, def.data_type.binary, charset) {
        (Some(collation), ..) => Some(collation.to_owned()),
        (None, true, Some(charset)) => Some(format!("{charset}_bin")),
        _ => None,
    };
    if charset == Some("binary") {
        make_binary(column);
    }
}

/// Text in the binary character set is stored, and shown by the server, as a binary type.
fn make_binary(column: &mut Column) {
    use ColumnType as T;
    let (ty, name, number) = match column.ty {
        T::Char => (T::Binary, "BINARY", jdbc::BINARY),
        T::VarChar => (T::VarBinary, "VARBINARY", jdbc::VARBINARY),
        T::TinyText => (T::TinyBlob, "TINYBLOB", jdbc::BLOB),
        T::Text => (T::Blob, "BLOB", jdbc::BLOB),
        T::MediumText => (T::MediumBlob, "MEDIUMBLOB", jdbc::BLOB),
        T::LongText => (T::LongBlob, "LONGBLOB", jdbc::BLOB),
        _ => return,
    };
    column.ty = ty;
    name.clone_into(&mut column.type_name);
    name.clone_into(&mut column.type_expression);
    column.jdbc_type = number;
    column.charset = None;
    column.collation = None;
}

/// TEXT(n) and BLOB(n) take the smallest type that holds n characters; VARCHAR and VARBINARY
/// beyond a row's bytes become TEXT and BLOB (without strict mode).
fn store_by_length(column: &mut Column) {
    use ColumnType as T;
    let Some(length) = column.length.and_then(|length| u64::try_from(length).ok()) else {
        return;
    };
    let bytes = length.saturating_mul(column.charset.as_deref().map_or(1, max_bytes));
    column.ty = match column.ty {
        T::Text => text_for(bytes),
        T::VarChar if bytes > u64::from(u16::MAX) => text_for(bytes),
        T::Blob => blob_for(bytes),
        T::VarBinary if bytes > u64::from(u16::MAX) => blob_for(bytes),
        ty => ty,
    };
}

/// The smallest TEXT for so many bytes.
pub(super) fn text_for(bytes: u64) -> ColumnType {
    match bytes {
        ..0x100 => ColumnType::TinyText,
        0x100..0x1_0000 => ColumnType::Text,
        0x1_0000..0x100_0000 => ColumnType::MediumText,
        _ => ColumnType::LongText,
    }
}

/// What a column of a history record stores, whose type is known by Debezium's words and numbers
/// only: `(type, unsigned, zerofill)`; `None` for words that are no type.
pub(crate) fn stored_type(column: &Column) -> Option<(ColumnType, bool, bool)> {
    let mut known = column.clone();
    (known.ty, known.unsigned, known.zerofill) =
        super::super::parser::type_words(&column.type_name, column.length, column.scale)?;
    if known.charset.as_deref() == Some("binary") && known.ty.is_text() {
        make_binary(&mut known);
    }
    store_by_length(&mut known);
    Some((known.ty, known.unsigned, known.zerofill))
}

fn blob_for(bytes: u64) -> ColumnType {
    match bytes {
        ..0x100 => ColumnType::TinyBlob,
        0x100..0x1_0000 => ColumnType::Blob,
        0x1_0000..0x100_0000 => ColumnType::MediumBlob,
        _ => ColumnType::LongBlob,
    }
}
