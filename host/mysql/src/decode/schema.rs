//! A column's Connect schema and the converter that goes with it.
//!
//! The choice follows Debezium 3.6's `BinlogValueConverters.schemaBuilder` over `JdbcValueConverters`, by the type MySQL
//! stores. It knows no rows. Invariant: what the converter yields fits the schema.

use super::{Charset, Converter, Kind, default_date, default_slot};
use crate::config::{BigintUnsigned, Binary, Decimal, TimePrecision, ValueConfig};
use crate::table::{Column, ColumnType};
use host_core::layout::schema::default_value;
use host_core::schema::{Schema, SchemaError, SchemaType, SharedSchemas};
use std::sync::Arc;

/// Why a column has no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ColumnError {
    /// A type that is not built.
    #[error(
        "column {column} has the type {ty}, which is not supported yet; exclude it (column.exclude.list)"
    )]
    Type {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
    },
    /// A character set that is not known.
    #[error(
        "column {column} has the character set {charset}, which is not known; exclude it (column.exclude.list)"
    )]
    Charset {
        /// The column.
        column: String,
        /// Its character set.
        charset: String,
    },
    /// A custom converter for a column whose values it cannot read.
    #[error(
        "column {column} has the type {ty}, which the converter that selects it cannot read; narrow its selector (converters)"
    )]
    Converter {
        /// The column.
        column: String,
        /// Its type.
        ty: String,
    },
    /// Two columns whose names become one.
    #[error(
        "columns {first} and {second} are both called {field} with field.name.adjustment.mode; exclude one \
         (column.exclude.list) or rename it"
    )]
    FieldName {
        /// The first column.
        first: String,
        /// Another one.
        second: String,
        /// Their name in the event.
        field: String,
    },
    /// The task's table of schemas is full.
    #[error("{0}; capture fewer tables")]
    Schemas(SchemaError),
}

impl From<SchemaError> for ColumnError {
    fn from(e: SchemaError) -> Self {
        Self::Schemas(e)
    }
}

/// The schema of a column, complete with default value, and what fills it.
pub fn converter(
    column: &Column,
    config: &ValueConfig,
    schemas: &SharedSchemas,
) -> Result<(Schema, Converter), ColumnError> {
    let (kind, mut schema) = kind(column, config, schemas)?;
    schema.optional |= column.optional;
    if config.comments {
        schema.doc = column.comment.as_deref().map(Into::into).or(schema.doc);
    }
    let converter = Converter {
        kind,
        optional: column.optional,
        adjust_years: config.adjust_years,
        default_date: default_date(column),
    };
    let mut some = false;
    let bytes = default_value(|arena| match default_slot(column, &converter, arena) {
        Some(slot) => {
            some = true;
            slot
        }
        None => host_core::layout::Slot::NULL,
    });
    schema.default = some.then_some(bytes);
    Ok((schema, converter))
}

fn kind(
    column: &Column,
    config: &ValueConfig,
    schemas: &SharedSchemas,
) -> Result<(Kind, Schema), ColumnError> {
    use ColumnType as T;
    let plain = |kind, ty| Ok((kind, Schema::new(ty)));
    let length = column.length.and_then(|n| usize::try_from(n).ok());
    let digits = length.unwrap_or(0).min(6) as u8;
    match column.ty {
        T::TinyInt => plain(Kind::Int16, SchemaType::Int16),
        T::SmallInt if !column.unsigned => plain(Kind::Int16, SchemaType::Int16),
        T::SmallInt | T::MediumInt => plain(Kind::Int32, SchemaType::Int32),
        T::Int if !column.unsigned => plain(Kind::Int32, SchemaType::Int32),
        T::BigInt if column.unsigned && config.bigint_unsigned == BigintUnsigned::Precise => {
            Ok((Kind::UnsignedDecimal, decimal_schema(0, 20)))
        }
        T::Int | T::BigInt => plain(Kind::Int64, SchemaType::Int64),
        T::Float if column.scale.is_none() && length.unwrap_or(0) <= 24 => {
            plain(Kind::Float32, SchemaType::Float32)
        }
        T::Float | T::Double => plain(Kind::Float64, SchemaType::Float64),
        T::Decimal => Ok(decimal_kind(column, config)),
        T::Bit if length.unwrap_or(1) <= 1 => plain(Kind::Boolean, SchemaType::Boolean),
        T::Bit => {
            let n = length.unwrap_or(1);
            let schema = named(SchemaType::Bytes, "io.debezium.data.Bits")
                .parameter("length", n.to_string());
            Ok((Kind::Bits(n.div_ceil(8)), schema))
        }
        T::Year => Ok((
            Kind::Year,
            named(SchemaType::Int32, "io.debezium.time.Year"),
        )),
        T::Date => Ok((Kind::Date(config.time), date_schema(config.time))),
        T::Time => Ok((Kind::Time(config.time), time_schema(config.time))),
        T::DateTime => Ok((
            Kind::DateTime(config.time, digits),
            datetime_schema(config.time, digits),
        )),
        T::Timestamp => Ok((
            Kind::Timestamp(digits),
            named(SchemaType::String, "io.debezium.time.ZonedTimestamp"),
        )),
        T::Char | T::VarChar | T::TinyText | T::Text | T::MediumText | T::LongText => {
            let name = column.charset.as_deref().unwrap_or("utf8mb4");
            let charset = Charset::named(name).ok_or_else(|| ColumnError::Charset {
                column: column.name.clone(),
                charset: name.to_owned(),
            })?;
            plain(Kind::Text(charset), SchemaType::String)
        }
        T::Binary | T::VarBinary | T::TinyBlob | T::Blob | T::MediumBlob | T::LongBlob => {
            let width = if column.ty == T::Binary {
                length.unwrap_or(1)
            } else {
                0
            };
            let ty = if config.binary == Binary::Bytes {
                SchemaType::Bytes
            } else {
                SchemaType::String
            };
            plain(Kind::Bytes(config.binary, width), ty)
        }
        T::Enum => Ok((
            Kind::Enum(members(column)),
            allowed(column, "io.debezium.data.Enum"),
        )),
        T::Set => Ok((
            Kind::Set(members(column)),
            allowed(column, "io.debezium.data.EnumSet"),
        )),
        T::Json => Ok((
            Kind::Json,
            named(SchemaType::String, "io.debezium.data.Json"),
        )),
        T::Vector => {
            let float = schemas.intern(Schema::new(SchemaType::Float32))?;
            let mut schema = Schema::array(float).named("io.debezium.data.FloatVector");
            schema.version = Some(1);
            Ok((Kind::Vector, schema))
        }
        T::Point => Ok((Kind::Point, point_schema(schemas)?)),
        ty if ty.is_geometry() => Ok((Kind::Geometry, geometry_schema(schemas)?)),
        _ => Err(ColumnError::Type {
            column: column.name.clone(),
            ty: column.type_name.clone(),
        }),
    }
}

fn named(ty: SchemaType, name: &str) -> Schema {
    Schema::new(ty).named(name).version(1)
}

fn decimal_schema(scale: i32, precision: i32) -> Schema {
    named(SchemaType::Bytes, "org.apache.kafka.connect.data.Decimal")
        .parameter("scale", scale.to_string())
        .parameter("connect.decimal.precision", precision.to_string())
}

fn decimal_kind(column: &Column, config: &ValueConfig) -> (Kind, Schema) {
    let (precision, scale) = (column.length.unwrap_or(10), column.scale.unwrap_or(0));
    let schema = match config.decimal {
        Decimal::Precise => decimal_schema(scale, precision),
        Decimal::Double => Schema::new(SchemaType::Float64),
        Decimal::String => Schema::new(SchemaType::String),
    };
    (Kind::Decimal(config.decimal, scale as i16), schema)
}

fn date_schema(mode: TimePrecision) -> Schema {
    match mode {
        TimePrecision::Connect => named(SchemaType::Int32, "org.apache.kafka.connect.data.Date"),
        TimePrecision::IsoString => named(SchemaType::String, "io.debezium.time.IsoDate"),
        _ => named(SchemaType::Int32, "io.debezium.time.Date"),
    }
}

fn time_schema(mode: TimePrecision) -> Schema {
    match mode {
        TimePrecision::Connect => named(SchemaType::Int32, "org.apache.kafka.connect.data.Time"),
        TimePrecision::IsoString => named(SchemaType::String, "io.debezium.time.IsoTime"),
        TimePrecision::Nanoseconds => named(SchemaType::Int64, "io.debezium.time.NanoTime"),
        _ => named(SchemaType::Int64, "io.debezium.time.MicroTime"),
    }
}

fn datetime_schema(mode: TimePrecision, digits: u8) -> Schema {
    match mode {
        TimePrecision::Connect => {
            named(SchemaType::Int64, "org.apache.kafka.connect.data.Timestamp")
        }
        TimePrecision::IsoString => named(SchemaType::String, "io.debezium.time.IsoTimestamp"),
        TimePrecision::Nanoseconds => named(SchemaType::Int64, "io.debezium.time.NanoTimestamp"),
        TimePrecision::AdaptiveTimeMicroseconds if digits <= 3 => {
            named(SchemaType::Int64, "io.debezium.time.Timestamp")
        }
        _ => named(SchemaType::Int64, "io.debezium.time.MicroTimestamp"),
    }
}

fn members(column: &Column) -> Arc<[Box<str>]> {
    column.members().map(String::into_boxed_str).collect()
}

/// Debezium joins the members with commas and escapes a comma inside of one.
fn allowed(column: &Column, name: &str) -> Schema {
    let all: Vec<String> = column.members().map(|m| m.replace(',', "\\,")).collect();
    named(SchemaType::String, name).parameter("allowed", all.join(","))
}

fn geometry_schema(schemas: &SharedSchemas) -> Result<Schema, ColumnError> {
    let wkb = schemas.intern(Schema::new(SchemaType::Bytes))?;
    let srid = schemas.intern(Schema::new(SchemaType::Int32).optional())?;
    let mut schema = named(SchemaType::Struct, "io.debezium.data.geometry.Geometry")
        .field("wkb", wkb)
        .field("srid", srid)
        // `Geometry.builder`, whether the column takes NULL or not; `Point.builder` is not so.
        .optional();
    schema.doc = Some("Geometry".into());
    Ok(schema)
}

fn point_schema(schemas: &SharedSchemas) -> Result<Schema, ColumnError> {
    let double = schemas.intern(Schema::new(SchemaType::Float64))?;
    let wkb = schemas.intern(Schema::new(SchemaType::Bytes).optional())?;
    let srid = schemas.intern(Schema::new(SchemaType::Int32).optional())?;
    let mut schema = named(SchemaType::Struct, "io.debezium.data.geometry.Point")
        .field("x", double)
        .field("y", double)
        .field("wkb", wkb)
        .field("srid", srid);
    schema.doc = Some("Geometry (POINT)".into());
    Ok(schema)
}
