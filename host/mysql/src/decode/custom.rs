//! What Debezium's own custom converters make of a column: its schema and its values.
//!
//! `config::converters` says which column is whose. Debezium's read raw values, which differ between snapshot and
//! streaming (a TINYINT UNSIGNED above 127 is negative in one, a text's bytes are taken for UTF-8 in the other); here
//! both phases give the right one. Source: `io.debezium.connector.binlog.converters`.
//! Invariant: a converter on a column whose values it cannot read is an error of the table, never a made-up value.

use super::schema::{ColumnError, converter};
use super::{Converter, DecodeError, Kind, Raw, decimal, default_slot, number, time};
use crate::config::{Custom, TimePrecision, ValueConfig};
use crate::table::{Column, ColumnType};
use host_core::layout::schema::default_value;
use host_core::layout::{Arena, Slot};
use host_core::schema::{Schema, SchemaType, SharedSchemas};

/// A date or time, with a stand-in for one that does not exist and for NULL.
#[derive(Debug, Clone)]
pub(crate) struct Dated {
    /// What makes the values, `None` for a TIMESTAMP's text.
    plain: Option<Box<Converter>>,
    fallback: Option<super::DateTime>,
}

impl Dated {
    /// The stand-in.
    pub(super) fn absent(&self, arena: &mut Arena) -> Slot {
        let Some(at) = self.fallback else {
            return Slot::NULL;
        };
        match &self.plain {
            // The configuration has only dates that exist.
            Some(c) => c.convert(Raw::DateTime(at), arena).unwrap_or(Slot::NULL),
            None => arena.string(&time::instant(&at)),
        }
    }

    pub(super) fn convert(&self, raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
        let slot = match &self.plain {
            Some(c) => c.convert(raw, arena)?,
            None => match time::utc(raw)? {
                Some(at) => arena.string(&time::instant(&at)),
                None => Slot::NULL,
            },
        };
        Ok(if slot.is_null() {
            self.absent(arena)
        } else {
            slot
        })
    }
}

/// Whether a number is above 0, or a bit is set.
pub(super) fn positive(raw: Raw<'_>) -> Result<bool, DecodeError> {
    match raw {
        Raw::UInt(n) => Ok(n > 0),
        Raw::Bytes(b) | Raw::Utf8(b) => Ok(b.iter().any(|x| *x != 0)),
        raw => number::integer(raw).map(|n| n > 0),
    }
}

/// Any number as a float64.
pub(super) fn real(raw: Raw<'_>) -> Result<f64, DecodeError> {
    match raw {
        Raw::UInt(n) => Ok(n as f64),
        Raw::Decimal(bytes, precision, scale) => decimal::packed_f64(bytes, precision, scale),
        raw => number::float(raw),
    }
}

/// The schema of a column that a custom converter takes, and what fills it.
pub(crate) fn custom(
    column: &Column,
    custom: Custom,
    config: &ValueConfig,
    schemas: &SharedSchemas,
) -> Result<(Schema, Converter), ColumnError> {
    use ColumnType as T;
    let fits = match custom {
        Custom::Boolean => column.ty == T::TinyInt,
        Custom::Flag => is_integer(column.ty) || column.ty == T::Bit,
        Custom::Float64 | Custom::Float32 => {
            is_integer(column.ty) || matches!(column.ty, T::Float | T::Double | T::Decimal)
        }
        Custom::Text => column.ty.is_text() && !matches!(column.ty, T::Enum | T::Set),
        Custom::Dated(_) => matches!(column.ty, T::Date | T::DateTime | T::Timestamp),
    };
    if !fits {
        return Err(ColumnError::Converter {
            column: column.name.clone(),
            ty: column.type_name.clone(),
        });
    }
    let (plain_schema, plain) = converter(column, config, schemas)?;
    let mut optional = column.optional;
    let (kind, mut schema) = match custom {
        Custom::Boolean => (Kind::Positive, Schema::new(SchemaType::Boolean)),
        Custom::Flag => (Kind::Flag, Schema::new(SchemaType::Int16)),
        Custom::Float64 => (Kind::Real64, Schema::new(SchemaType::Float64)),
        Custom::Float32 => (Kind::Real32, Schema::new(SchemaType::Float32)),
        Custom::Text => {
            let charset = column.charset.as_deref().unwrap_or("utf8mb4");
            let key = "__debezium.source.column.character_set";
            let schema = Schema::new(SchemaType::String).parameter(key, charset);
            (plain.kind, schema)
        }
        Custom::Dated(fallback) => {
            optional |= fallback.is_none();
            // Whatever time.precision.mode says, and without enable.time.adjuster.
            let own = ValueConfig {
                time: TimePrecision::AdaptiveTimeMicroseconds,
                adjust_years: false,
                ..*config
            };
            let (schema, mut inner) = converter(column, &own, schemas)?;
            inner.optional = true;
            let plain = (column.ty != T::Timestamp).then(|| Box::new(inner));
            (Kind::Dated(Dated { plain, fallback }), schema)
        }
    };
    schema.optional = optional;
    schema.doc = plain_schema.doc;
    let converter = Converter {
        kind,
        optional,
        adjust_years: config.adjust_years,
        // The custom converter says itself what stands for a date that does not exist.
        default_date: None,
    };
    schema.default = plain_schema.default.and_then(|_| {
        let mut some = false;
        let bytes = default_value(|arena| match default_slot(column, &converter, arena) {
            Some(slot) => {
                some = true;
                slot
            }
            None => Slot::NULL,
        });
        some.then_some(bytes)
    });
    Ok((schema, converter))
}

fn is_integer(ty: ColumnType) -> bool {
    use ColumnType as T;
    matches!(
        ty,
        T::TinyInt | T::SmallInt | T::MediumInt | T::Int | T::BigInt | T::Year
    )
}

#[cfg(test)]
mod tests {
    use super::super::DateTime;
    use super::*;
    use crate::config::{BigintUnsigned, Binary, Decimal};
    use crate::table::{DefaultValue, jdbc};
    use host_core::layout::{Reader, Tag};

    const VALUES: ValueConfig = ValueConfig {
        decimal: Decimal::Precise,
        time: TimePrecision::IsoString,
        bigint_unsigned: BigintUnsigned::Long,
        binary: Binary::Bytes,
        adjust_years: true,
        comments: true,
    };

    fn column(ty: ColumnType, length: Option<i32>, default: Option<&str>) -> Column {
        Column {
            length,
            optional: default.is_none(),
            default: default.map_or(DefaultValue::Null, |d| DefaultValue::Expression(d.into())),
            comment: Some("why".to_owned()),
            ..Column::new("c", ty, ty.native_name(), jdbc::OTHER)
        }
    }

    fn made(column: &Column, what: Custom) -> (Schema, Converter) {
        custom(column, what, &VALUES, &SharedSchemas::default()).unwrap()
    }

    /// A slot and its text, for tables.
    fn show(slot: Slot, arena: &Arena) -> String {
        match slot.tag {
            Tag::Null => "null".to_owned(),
            Tag::String => Reader::new(arena.bytes()).str(slot).unwrap().to_owned(),
            Tag::Boolean => slot.as_bool().unwrap().to_string(),
            Tag::Float32 | Tag::Float64 => slot.as_f64().unwrap().to_string(),
            _ => slot.as_i64().unwrap().to_string(),
        }
    }

    fn value(c: &Converter, raw: Raw<'_>) -> String {
        let mut arena = Arena::new(0);
        let slot = c.convert(raw, &mut arena).unwrap();
        show(slot, &arena)
    }

    fn default(schema: &Schema) -> Option<String> {
        let bytes = schema.default.as_deref()?;
        let slot = Slot::from_bytes(bytes.first_chunk().unwrap()).unwrap();
        Some(show(slot, &Arena::from_bytes(bytes.to_vec())))
    }

    #[test]
    fn numbers_above_zero_are_true() {
        let tiny = column(ColumnType::TinyInt, Some(1), Some("1"));
        let (schema, c) = made(&tiny, Custom::Boolean);
        assert_eq!((schema.kind, schema.optional), (SchemaType::Boolean, false));
        assert_eq!(
            (default(&schema).as_deref(), schema.doc.as_deref()),
            (Some("true"), Some("why"))
        );
        let (flag_schema, flag) = made(&tiny, Custom::Flag);
        assert_eq!(
            (flag_schema.kind, default(&flag_schema).as_deref()),
            (SchemaType::Int16, Some("1"))
        );
        for (raw, want) in [
            (Raw::Int(1), ["true", "1"]),
            (Raw::Int(0), ["false", "0"]),
            (Raw::Int(-1), ["false", "0"]),
            (Raw::UInt(200), ["true", "1"]),
            (Raw::Null, ["null", "null"]),
        ] {
            assert_eq!([value(&c, raw), value(&flag, raw)], want, "{raw:?}");
        }
        let (_, bit) = made(&column(ColumnType::Bit, Some(1), None), Custom::Flag);
        for raw in [Raw::Bytes(&[1]), Raw::Utf8(&[1])] {
            assert_eq!(value(&bit, raw), "1");
        }
    }

    #[test]
    fn reals_are_of_the_width_asked_for() {
        let (schema, single) = made(
            &column(ColumnType::Double, None, Some("0.1")),
            Custom::Float32,
        );
        assert_eq!(
            (schema.kind, default(&schema).as_deref()),
            (SchemaType::Float32, Some("0.10000000149011612"))
        );
        let (_, double) = made(&column(ColumnType::Decimal, Some(5), None), Custom::Float64);
        let packed = Raw::Decimal(&[0x80, 0x0a, 0x05], 4, 1);
        for (raw, want) in [
            (
                Raw::Float(0.1),
                ["0.10000000149011612", "0.10000000149011612"],
            ),
            (Raw::Double(0.1), ["0.10000000149011612", "0.1"]),
            (
                Raw::UInt(u64::MAX),
                ["18446744073709552000", "18446744073709552000"],
            ),
            (Raw::Utf8(b"-1.25"), ["-1.25", "-1.25"]),
            (packed, ["10.5", "10.5"]),
        ] {
            assert_eq!([value(&single, raw), value(&double, raw)], want, "{raw:?}");
        }
    }

    #[test]
    fn texts_tell_their_character_set() {
        let mut text = column(ColumnType::VarChar, Some(9), None);
        text.charset = Some("latin1".to_owned());
        let (schema, c) = made(&text, Custom::Text);
        let parameter = (
            "__debezium.source.column.character_set".into(),
            "latin1".into(),
        );
        assert_eq!(schema.parameters, [parameter]);
        assert_eq!(value(&c, Raw::Bytes(b"\xe9")), "é");
        assert_eq!(value(&c, Raw::Utf8("é".as_bytes())), "é");
    }

    #[test]
    fn dates_that_do_not_exist_have_a_stand_in() {
        let (day, at) = (86_400_000_000, DateTime::from_micros);
        let zero = Raw::DateTime(DateTime::default());
        let some = Custom::Dated(Some(at(day)));
        let real = Raw::DateTime(at(2 * day + 120_000));
        for (ty, length, name, raw, want) in [
            (
                ColumnType::Date,
                None,
                "io.debezium.time.Date",
                real,
                ["1", "2"],
            ),
            (
                ColumnType::DateTime,
                Some(3),
                "io.debezium.time.Timestamp",
                real,
                ["86400000", "172800120"],
            ),
            (
                ColumnType::DateTime,
                Some(4),
                "io.debezium.time.MicroTimestamp",
                real,
                ["86400000000", "172800120000"],
            ),
            (
                ColumnType::Timestamp,
                Some(6),
                "io.debezium.time.ZonedTimestamp",
                Raw::Timestamp(172_800, 120_000),
                ["1970-01-02T00:00:00Z", "1970-01-03T00:00:00.12Z"],
            ),
        ] {
            let required = column(ty, length, Some("2020-01-01 00:00:00"));
            let (schema, c) = made(&required, some);
            assert_eq!(
                (schema.name.as_deref(), schema.version, schema.optional),
                (Some(name), Some(1), false)
            );
            assert_eq!(default(&schema).as_deref(), Some(want[0]), "{name}");
            assert_eq!([value(&c, zero), value(&c, raw)], want);
            assert_eq!(value(&c, Raw::Null), want[0]);
            let (schema, c) = made(&required, Custom::Dated(None));
            assert_eq!((schema.optional, default(&schema)), (true, None));
            assert_eq!([value(&c, zero), value(&c, raw)], ["null", want[1]]);
        }
    }

    #[test]
    fn a_column_that_a_converter_cannot_read_is_told() {
        for (ty, what) in [
            (ColumnType::Json, Custom::Flag),
            (ColumnType::VarChar, Custom::Float64),
            (ColumnType::Enum, Custom::Text),
        ] {
            let e = custom(
                &column(ty, None, None),
                what,
                &VALUES,
                &SharedSchemas::default(),
            );
            assert!(e.unwrap_err().to_string().contains("converters"));
        }
    }
}
