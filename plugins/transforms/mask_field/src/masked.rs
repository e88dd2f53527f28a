//! What stands in a masked value's place.
//!
//! Connect's `MaskField.masked`, with its error texts. Invariant: the answer has the type of the masked value.

use tidegate_sdk::{Error, Record, Result, Slot, Tag, Value};

/// The replacement, read as every type it may be asked for.
#[derive(Debug)]
pub(crate) struct Mask {
    replacement: Option<String>,
    integer: Option<i64>,
    float: Option<f64>,
    decimal: Option<i128>,
}

impl Mask {
    /// Without a replacement the null value of each type.
    pub(crate) fn new(replacement: Option<&str>) -> Self {
        let number = replacement.map(str::trim);
        let float = number.and_then(|s| s.parse::<f64>().ok());
        // Connect reads a whole number through BigDecimal: a fraction is cut off.
        let integer = number
            .and_then(|s| s.parse().ok())
            .or(float.map(|f| f as i64));
        Self {
            replacement: replacement.map(str::to_owned),
            integer,
            float: float.filter(|f| f.is_finite()),
            decimal: number.and_then(|s| s.parse().ok()),
        }
    }

    /// The mask of a value that is not null.
    pub(crate) fn of(&self, r: &mut Record<'_>, value: Value<'_>) -> Result<Slot> {
        let Some(text) = self.replacement.as_deref() else {
            return zero(r, value);
        };
        let unable = || {
            Error::record(format!(
                "Unable to convert {text} (class java.lang.String) to number"
            ))
        };
        let integer = || self.integer.ok_or_else(unable);
        let float = || self.float.ok_or_else(unable);
        Ok(match value.slot().tag {
            Tag::String => r.text(text),
            Tag::Int8 => Slot::int8(integer()? as i8),
            Tag::Int16 => Slot::int16(integer()? as i16),
            Tag::Int32 => Slot::int32(integer()? as i32),
            Tag::Int64 => Slot::int64(integer()?),
            Tag::Float32 => Slot::float32(float()? as f32),
            Tag::Float64 => Slot::float64(float()?),
            Tag::Decimal => {
                let scale = value.slot().scale;
                let unscaled = self.decimal.ok_or_else(unable)?;
                let power = 10i128.checked_pow(u32::try_from(scale).map_err(|_| unable())?);
                let unscaled = power
                    .and_then(|p| unscaled.checked_mul(p))
                    .ok_or_else(unable)?;
                r.arena().decimal(&unscaled.to_be_bytes(), scale)
            }
            tag => {
                let class = java_class(tag);
                return Err(Error::record(format!(
                    "Cannot mask value of type class {class} with custom replacement."
                )));
            }
        })
    }
}

/// The null value of a value's type.
fn zero(r: &mut Record<'_>, value: Value<'_>) -> Result<Slot> {
    Ok(match value.slot().tag {
        Tag::Boolean => Slot::boolean(false),
        Tag::Int8 => Slot::int8(0),
        Tag::Int16 => Slot::int16(0),
        Tag::Int32 => Slot::int32(0),
        Tag::Int64 => Slot::int64(0),
        Tag::Float32 => Slot::float32(0.0),
        Tag::Float64 => Slot::float64(0.0),
        Tag::String => r.text(""),
        Tag::Decimal => r.arena().decimal(&[0], value.slot().scale),
        Tag::Date => Slot::date(0),
        Tag::Time => Slot::time(0),
        Tag::Timestamp => Slot::timestamp(0),
        Tag::Array => r.arena().array(&[]),
        Tag::Map => r.arena().map(&[]),
        tag => {
            let class = java_class(tag);
            return Err(Error::record(format!(
                "Cannot mask value of type: class {class}"
            )));
        }
    })
}

/// The Java class of a value with this tag, as Connect's error texts name it.
pub(crate) fn java_class(tag: Tag) -> &'static str {
    match tag {
        Tag::Null => "null",
        Tag::Boolean => "java.lang.Boolean",
        Tag::Int8 => "java.lang.Byte",
        Tag::Int16 => "java.lang.Short",
        Tag::Int32 => "java.lang.Integer",
        Tag::Int64 => "java.lang.Long",
        Tag::Float32 => "java.lang.Float",
        Tag::Float64 => "java.lang.Double",
        Tag::String => "java.lang.String",
        Tag::Bytes => "[B",
        Tag::Array => "java.util.ArrayList",
        Tag::Map => "java.util.HashMap",
        Tag::Struct => "org.apache.kafka.connect.data.Struct",
        Tag::Decimal => "java.math.BigDecimal",
        Tag::Date | Tag::Time | Tag::Timestamp => "java.util.Date",
    }
}
