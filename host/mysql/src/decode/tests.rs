//! One table a type family: what the server sends, and the slot it becomes.

use super::*;
use crate::config::{BigintUnsigned, ValueConfig};
use crate::table::{Column, ColumnType, DefaultValue, jdbc};
use host_core::layout::{Reader, Tag};
use host_core::schema::SharedSchemas;

const VALUES: ValueConfig = ValueConfig {
    decimal: Decimal::Precise,
    time: TimePrecision::AdaptiveTimeMicroseconds,
    bigint_unsigned: BigintUnsigned::Long,
    binary: Binary::Bytes,
    adjust_years: true,
    comments: false,
};

fn column(ty: ColumnType, length: i32, scale: Option<i32>) -> Column {
    let mut c = Column::new("c", ty, ty.native_name(), jdbc::OTHER);
    c.length = (length >= 0).then_some(length);
    c.scale = scale;
    c
}

fn of(column: &Column, values: &ValueConfig) -> Converter {
    converter(column, values, &SharedSchemas::default())
        .unwrap()
        .1
}

/// A slot as text, for tables.
fn show(slot: Slot, bytes: &[u8]) -> String {
    let r = Reader::new(bytes);
    match slot.tag {
        Tag::Null => "null".to_owned(),
        Tag::String => r.str(slot).unwrap().to_owned(),
        Tag::Bytes | Tag::Decimal => r
            .data(slot)
            .unwrap()
            .iter()
            .fold(String::new(), |text, b| text + &format!("{b:02x}")),
        Tag::Boolean => slot.as_bool().unwrap().to_string(),
        Tag::Float32 | Tag::Float64 => slot.as_f64().unwrap().to_string(),
        Tag::Array | Tag::Struct => {
            let all: Vec<String> = r
                .slots(slot)
                .unwrap()
                .iter()
                .map(|s| show(s.unwrap(), bytes))
                .collect();
            format!("[{}]", all.join(" "))
        }
        _ => slot.as_i64().unwrap().to_string(),
    }
}

fn convert(c: &Converter, raw: Raw<'_>) -> String {
    let mut arena = Arena::new(0);
    match c.convert(raw, &mut arena) {
        Ok(slot) => show(slot, arena.bytes()),
        Err(e) => e.to_string(),
    }
}

fn wire(ty: u8, meta: &[u8], data: &[u8], unsigned: bool, c: &Converter) -> String {
    let mut meta = meta;
    let wire = WireType::new(ty, &mut meta).unwrap();
    let mut row = data;
    let raw = wire.read(&mut row, unsigned).unwrap();
    assert!(row.is_empty(), "{} bytes left over", row.len());
    convert(c, raw)
}

#[test]
fn integers_of_every_width() {
    use ColumnType as T;
    let cases: [(T, u8, bool, &[u8], &str); 9] = [
        (T::TinyInt, 1, false, &[0x80], "-128"),
        (T::TinyInt, 1, true, &[0xff], "255"),
        (T::SmallInt, 2, false, &[0, 0x80], "-32768"),
        (T::SmallInt, 2, true, &[0xff, 0xff], "65535"),
        (T::MediumInt, 9, false, &[0, 0, 0x80], "-8388608"),
        (T::MediumInt, 9, true, &[0xff, 0xff, 0xff], "16777215"),
        (T::Int, 3, true, &[0xff, 0xff, 0xff, 0xff], "4294967295"),
        (
            T::BigInt,
            8,
            false,
            &[0, 0, 0, 0, 0, 0, 0, 0x80],
            "-9223372036854775808",
        ),
        (T::BigInt, 8, true, &[0xff; 8], "-1"),
    ];
    for (ty, code, unsigned, data, want) in cases {
        let mut c = column(ty, -1, None);
        c.unsigned = unsigned;
        assert_eq!(
            wire(code, &[], data, unsigned, &of(&c, &VALUES)),
            want,
            "{ty:?}"
        );
    }
    let mut c = column(T::BigInt, -1, None);
    c.unsigned = true;
    let precise = ValueConfig {
        bigint_unsigned: BigintUnsigned::Precise,
        ..VALUES
    };
    assert_eq!(
        wire(8, &[], &[0xff; 8], true, &of(&c, &precise)),
        "00ffffffffffffffff"
    );
}

#[test]
fn decimals_packed_and_as_text_agree() {
    // 1234567890.1234 as decimal(14,4), from MySQL's own documentation of decimal2bin.
    let positive = [0x81, 0x0d, 0xfb, 0x38, 0xd2, 0x04, 0xd2];
    let negative = [0x7e, 0xf2, 0x04, 0xc7, 0x2d, 0xfb, 0x2d];
    let c = of(&column(ColumnType::Decimal, 14, Some(4)), &VALUES);
    let text = ValueConfig {
        decimal: Decimal::String,
        ..VALUES
    };
    let s = of(&column(ColumnType::Decimal, 14, Some(4)), &text);
    for (packed, plain) in [
        (positive, "1234567890.1234"),
        (negative, "-1234567890.1234"),
    ] {
        assert_eq!(wire(246, &[14, 4], &packed, false, &s), plain);
        assert_eq!(
            wire(246, &[14, 4], &packed, false, &c),
            convert(&c, Raw::Utf8(plain.as_bytes()))
        );
    }
    for (plain, scale, hex, out) in [
        ("0", 0, "00", "0"),
        ("-1", 0, "ff", "-1"),
        ("128", 0, "0080", "128"),
        ("-128", 0, "80", "-128"),
        ("256", 0, "0100", "256"),
        ("1.1", 2, "6e", "1.10"),
        ("-0.0001", 4, "ff", "-0.0001"),
        ("007.5", 1, "4b", "7.5"),
        (
            "99999999999999999999",
            0,
            "056bc75e2d630fffff",
            "99999999999999999999",
        ),
    ] {
        let col = column(ColumnType::Decimal, 30, Some(scale));
        assert_eq!(
            convert(&of(&col, &VALUES), Raw::Utf8(plain.as_bytes())),
            hex,
            "{plain}"
        );
        assert_eq!(
            convert(&of(&col, &text), Raw::Utf8(plain.as_bytes())),
            out,
            "{plain}"
        );
    }
    assert!(convert(&c, Raw::Utf8(b"1e5")).contains("malformed decimal"));
}

#[test]
fn times_keep_sign_and_fraction() {
    let c = of(&column(ColumnType::Time, 6, None), &VALUES);
    // Forms from a MySQL binlog: 12:34:56, -00:00:01.9 (1 digit), -00:00:01.123459 (6 digits), 838:59:59.
    for (digits, data, want) in [
        (0u8, &[0x80, 0xc8, 0xb8][..], "45296000000"),
        (1, &[0x7f, 0xff, 0xfe, 0xa6], "-1900000"),
        (6, &[0x7f, 0xff, 0xfe, 0xfe, 0x1d, 0xbd], "-1123459"),
        (0, &[0xb4, 0x6e, 0xfb], "3020399000000"),
    ] {
        assert_eq!(wire(19, &[digits], data, false, &c), want);
    }
    let connect = ValueConfig {
        time: TimePrecision::Connect,
        ..VALUES
    };
    let mut required = column(ColumnType::Time, -1, None);
    for optional in [true, false] {
        required.optional = optional;
        let shown = convert(&of(&required, &connect), Raw::Time(-1));
        assert!(shown.contains("outside of 0 to 24 hours"), "{shown}");
    }
}

#[test]
fn dates_follow_the_gregorian_calendar() {
    let at = |year, month, day, hour, micros| {
        Raw::DateTime(DateTime {
            year,
            month,
            day,
            hour,
            micros,
            ..DateTime::default()
        })
    };
    let date = of(&column(ColumnType::Date, -1, None), &VALUES);
    for (raw, want) in [
        (at(2024, 2, 29, 0, 0), "19782"),
        (at(1969, 12, 31, 0, 0), "-1"),
        (at(1582, 10, 10, 0, 0), "-141432"),
        (at(1000, 1, 1, 0, 0), "-354285"),
        (at(1, 1, 1, 0, 0), "11323"),
        (at(0, 0, 0, 0, 0), "null"),
        (at(2020, 0, 1, 0, 0), "null"),
        (at(2023, 2, 29, 0, 0), "null"),
    ] {
        assert_eq!(convert(&date, raw), want, "{raw:?}");
    }
    let micro = of(&column(ColumnType::DateTime, 6, None), &VALUES);
    let milli = of(&column(ColumnType::DateTime, 3, None), &VALUES);
    let iso = of(
        &column(ColumnType::DateTime, 6, None),
        &ValueConfig {
            time: TimePrecision::IsoString,
            ..VALUES
        },
    );
    let before = at(1969, 12, 31, 23, 999_999);
    assert_eq!(convert(&micro, before), "-3599000001");
    assert_eq!(convert(&milli, before), "-3599001");
    assert_eq!(convert(&iso, before), "1969-12-31T23:00:00.999999Z");
    let mut required = column(ColumnType::DateTime, -1, None);
    required.optional = false;
    assert_eq!(convert(&of(&required, &VALUES), at(0, 0, 0, 0, 0)), "0");
    for days in [-719_162i64, -1, 0, 59, 60, 19_782, 2_932_896] {
        let d = DateTime::from_micros(days * 86_400_000_000);
        assert_eq!(d.days(), Some(days), "{d:?}");
    }
}

#[test]
fn timestamps_show_the_columns_digits() {
    let c = of(&column(ColumnType::Timestamp, 3, None), &VALUES);
    assert_eq!(
        wire(17, &[3], &[0, 0, 0, 1, 0, 0], false, &c),
        "1970-01-01T00:00:01.000Z"
    );
    assert_eq!(
        wire(17, &[3], &[0x65, 0xe0, 0x7a, 0x70, 0x04, 0xce], false, &c),
        "2024-02-29T12:37:04.123Z"
    );
    assert_eq!(wire(17, &[0], &[0, 0, 0, 0], false, &c), "null");
    let snapshot = DateTime {
        year: 2024,
        month: 2,
        day: 29,
        hour: 12,
        ..DateTime::default()
    };
    assert_eq!(
        convert(&c, Raw::DateTime(snapshot)),
        "2024-02-29T12:00:00.000Z"
    );
}

#[test]
fn text_is_read_in_the_columns_character_set() {
    for (charset, bytes, want) in [
        ("utf8mb4", "日本 😀".as_bytes(), "日本 😀"),
        ("latin1", &[0x47, 0xfc, 0xdf, 0x80], "Güß€"),
        ("gbk", &[0xd6, 0xd0], "中"),
        ("utf32", &[0, 0x01, 0xf6, 0x00], "😀"),
        ("ucs2", &[0x65, 0xe5], "日"),
        ("keybcs2", &[0x80, 0x92], "ČŽ"),
        ("hp8", &[0xc5], "é"),
        ("koi8u", &[0xa7], "ї"),
        ("swe7", b"[\\]", "ÄÖÅ"),
        ("utf8mb4", &[b'a', 0xff], "a\u{fffd}"),
    ] {
        let mut col = column(ColumnType::VarChar, 20, None);
        col.charset = Some(charset.to_owned());
        assert_eq!(
            convert(&of(&col, &VALUES), Raw::Bytes(bytes)),
            want,
            "{charset}"
        );
        assert_eq!(
            convert(&of(&col, &VALUES), Raw::Utf8(want.as_bytes())),
            want,
            "{charset}"
        );
    }
    let mut col = column(ColumnType::VarChar, 20, None);
    col.charset = Some("klingon".to_owned());
    assert!(converter(&col, &VALUES, &SharedSchemas::default()).is_err());
}

#[test]
fn bytes_bits_enums_and_sets() {
    let b4 = column(ColumnType::Binary, 4, None);
    assert_eq!(convert(&of(&b4, &VALUES), Raw::Bytes(&[1])), "01000000");
    let hex = ValueConfig {
        binary: Binary::Hex,
        ..VALUES
    };
    assert_eq!(
        convert(&of(&b4, &hex), Raw::Bytes(&[0xde, 0xad])),
        "dead0000"
    );
    let b64 = ValueConfig {
        binary: Binary::Base64UrlSafe,
        ..VALUES
    };
    assert_eq!(
        convert(
            &of(&column(ColumnType::Blob, -1, None), &b64),
            Raw::Bytes(&[0xfb, 0xff])
        ),
        "-_8="
    );
    assert_eq!(
        convert(
            &of(&column(ColumnType::Bit, 9, None), &VALUES),
            Raw::Bytes(&[1, 0x55])
        ),
        "5501"
    );
    assert_eq!(
        convert(
            &of(&column(ColumnType::Bit, 1, None), &VALUES),
            Raw::Bytes(&[1])
        ),
        "true"
    );
    let mut e = column(ColumnType::Enum, 1, None);
    e.enum_values = vec!["'a,b'".into(), "'it''s'".into()];
    let e = of(&e, &VALUES);
    assert_eq!(wire(254, &[247, 1], &[1], false, &e), "a,b");
    assert_eq!(wire(254, &[247, 1], &[2], false, &e), "it's");
    assert_eq!(wire(254, &[247, 1], &[0], false, &e), "");
    assert!(wire(254, &[247, 1], &[3], false, &e).contains("fewer members"));
    let mut s = column(ColumnType::Set, 5, None);
    s.enum_values = vec!["'x'".into(), "'y'".into(), "'z'".into()];
    let s = of(&s, &VALUES);
    assert_eq!(wire(254, &[248, 1], &[5], false, &s), "x,z");
    assert_eq!(wire(254, &[248, 1], &[0], false, &s), "");
    assert!(wire(254, &[248, 1], &[8], false, &s).contains("fewer members"));
}

#[test]
fn geometry_and_vectors() {
    let mut wkb = vec![0, 0, 0, 0, 1, 1, 0, 0, 0];
    wkb.extend(1.5f64.to_le_bytes());
    wkb.extend((-2.0f64).to_le_bytes());
    let point = of(&column(ColumnType::Point, -1, None), &VALUES);
    let got = convert(&point, Raw::Bytes(&wkb));
    assert!(
        got.starts_with("[1.5 -2 0101000000") && got.ends_with(" null]"),
        "{got}"
    );
    wkb[0] = 0xe6;
    wkb[1] = 0x10;
    let geometry = of(&column(ColumnType::Geometry, -1, None), &VALUES);
    assert!(convert(&geometry, Raw::Bytes(&wkb)).ends_with(" 4326]"));
    assert!(convert(&point, Raw::Bytes(&wkb[..12])).contains("malformed point"));
    let vector = of(&column(ColumnType::Vector, 3, None), &VALUES);
    assert_eq!(
        convert(&vector, Raw::Bytes(&[0, 0, 0x80, 0x3f, 0, 0, 0x20, 0x40])),
        "[1 2.5]"
    );
}

#[test]
fn json_is_compact_in_both_forms() {
    let c = of(&column(ColumnType::Json, -1, None), &VALUES);
    // {"a":[1,"x"]}: small object of one key, holding a small array.
    let object: &[u8] = &[
        0, 1, 0, 25, 0, 11, 0, 1, 0, 2, 12, 0, b'a', 2, 0, 13, 0, 5, 1, 0, 12, 10, 0, 0, 0, 0,
    ];
    let got = convert(&c, Raw::Bytes(object));
    assert!(got.starts_with("{\"a\":[1,"), "{got}");
    assert_eq!(convert(&c, Raw::Bytes(&[4, 0])), "null");
    assert_eq!(
        convert(&c, Raw::Bytes(&[12, 3, b'a', b'"', 1])),
        "\"a\\\"\\u0001\""
    );
    assert_eq!(
        convert(&c, Raw::Utf8(br#"{"a": [1, "x , \" y"], "b": 1.0}"#)),
        r#"{"a":[1,"x , \" y"],"b":1.0}"#
    );
    // A container that claims to be its own element ends by the depth.
    let own: &[u8] = &[2, 1, 0, 7, 0, 2, 0, 0];
    assert!(convert(&c, Raw::Bytes(own)).contains("malformed json"));
    for (value, want) in [
        (1e100, "1e100"),
        (1e15, "1e15"),
        (1e14, "100000000000000.0"),
        (1e-15, "0.000000000000001"),
        (1e-16, "1e-16"),
        (123_456_789.123_456_79, "123456789.12345679"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1.797_693_134_862_315_7e308, "1.7976931348623157e308"),
        (1.234_567_890_123_456_8e16, "1.2345678901234568e16"),
    ] {
        let mut doc = vec![11];
        doc.extend(f64::to_le_bytes(value));
        assert_eq!(convert(&c, Raw::Bytes(&doc)), want);
    }
}

#[test]
fn defaults_are_values_of_the_column() {
    use ColumnType as T;
    type Case = (
        T,
        i32,
        Option<i32>,
        bool,
        &'static str,
        Option<&'static str>,
    );
    let cases: [Case; 14] = [
        (T::Int, -1, None, true, "5", Some("5")),
        (
            T::BigInt,
            -1,
            None,
            true,
            "18446744073709551615",
            Some("9223372036854775807"),
        ),
        (T::Decimal, 10, Some(2), true, "1.50", Some("0096")),
        (T::Decimal, 10, Some(2), false, "-0.50", Some("ce")),
        (T::Bit, 9, None, true, "101010101", Some("5501")),
        (T::VarChar, 20, None, true, "it''s", Some("it''s")),
        (T::Binary, 3, None, true, "a\\0\\0", Some("615c305c30")),
        (T::Time, 3, None, false, "01:00:00.500", Some("3600500000")),
        (
            T::DateTime,
            -1,
            None,
            true,
            "1970-01-01 00:00:00",
            Some("0"),
        ),
        (T::Timestamp, -1, None, true, "1970-01-01 00:00:00", None),
        (
            T::Timestamp,
            -1,
            None,
            false,
            "1970-01-01 00:00:00",
            Some("1970-01-01T00:00:00Z"),
        ),
        (
            T::Timestamp,
            -1,
            None,
            true,
            "2020-01-02 03:04:05",
            Some("2020-01-02T03:04:05Z"),
        ),
        (T::Date, -1, None, true, "0000-00-00", None),
        (T::Date, -1, None, false, "0000-00-00", Some("0")),
    ];
    for (ty, length, scale, optional, text, want) in cases {
        let mut c = column(ty, length, scale);
        c.optional = optional;
        c.default = DefaultValue::Expression(text.to_owned());
        let (schema, _) = converter(&c, &VALUES, &SharedSchemas::default()).unwrap();
        let got = schema.default.map(|bytes| {
            let slot = Slot::from_bytes(bytes.first_chunk().unwrap()).unwrap();
            show(slot, &bytes)
        });
        assert_eq!(got.as_deref(), want, "{ty:?} {text}");
    }
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_never_panic(ty in any::<u8>(), meta in proptest::collection::vec(any::<u8>(), 0..4), data in proptest::collection::vec(any::<u8>(), 0..64), pick in 0usize..12) {
            let types = [ColumnType::Json, ColumnType::Decimal, ColumnType::Point, ColumnType::Vector, ColumnType::Time, ColumnType::DateTime, ColumnType::Timestamp, ColumnType::Date, ColumnType::Bit, ColumnType::VarChar, ColumnType::Enum, ColumnType::BigInt];
            let c = of(&column(types[pick], 5, Some(2)), &VALUES);
            let mut arena = Arena::new(0);
            drop(c.convert(Raw::Bytes(&data), &mut arena));
            drop(c.convert(Raw::Utf8(&data), &mut arena));
            if let Ok(wire) = WireType::new(ty, &mut &*meta) {
                let mut row = &*data;
                if let Ok(raw) = wire.read(&mut row, pick % 2 == 0) {
                    drop(c.convert(raw, &mut arena));
                }
            }
        }
    }
}

#[test]
fn a_date_that_does_not_exist_is_the_default_of_a_required_column() {
    let zero = Raw::DateTime(DateTime::default());
    for (ty, default, optional, want) in [
        (ColumnType::Date, "2024-02-05", false, "19758"),
        (ColumnType::Date, "2024-02-05", true, "null"),
        (ColumnType::Date, "0000-00-00", false, "0"),
        (
            ColumnType::DateTime,
            "2024-02-03 10:00:00",
            false,
            "1706954400000",
        ),
        (
            ColumnType::Timestamp,
            "2024-02-03 10:00:00",
            false,
            "2024-02-03T10:00:00Z",
        ),
        (
            ColumnType::Timestamp,
            "1970-01-01 00:00:00",
            false,
            "1970-01-01T00:00:00Z",
        ),
    ] {
        let mut c = column(ty, -1, None);
        c.optional = optional;
        c.default = DefaultValue::Expression(default.to_owned());
        assert_eq!(
            convert(&of(&c, &VALUES), zero),
            want,
            "{ty:?} {default} {optional}"
        );
    }
}

#[test]
fn json_older_than_its_column_is_the_literal_null() {
    for (optional, want) in [(false, "\"null\""), (true, "null")] {
        let mut c = column(ColumnType::Json, -1, None);
        c.optional = optional;
        let mut arena = Arena::new(0);
        let slot = of(&c, &VALUES)
            .convert(Raw::Bytes(&[]), &mut arena)
            .unwrap();
        let text = show(slot, arena.bytes());
        let shown = if slot.is_null() {
            text
        } else {
            format!("{text:?}")
        };
        assert_eq!(shown, want, "optional: {optional}");
    }
}

#[test]
fn only_a_point_tells_whether_its_column_takes_null() {
    for (ty, want) in [(ColumnType::Geometry, true), (ColumnType::Point, false)] {
        let mut c = column(ty, -1, None);
        c.optional = false;
        let (schema, _) = converter(&c, &VALUES, &SharedSchemas::default()).unwrap();
        assert_eq!(schema.optional, want, "{ty:?}");
    }
}
