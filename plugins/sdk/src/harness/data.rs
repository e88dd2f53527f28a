//! Values as a test writes them.
//!
//! Owned, without schema, and as slow as it likes. Invariant: `read(write(x)) == x`.

use tidegate_layout::{Arena, Malformed, Reader, Slot, Tag};

/// Any value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "one for each tag of the layout")]
pub enum Data {
    Null,
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Float32(f32),
    Float64(f64),
    String(String),
    Bytes(Vec<u8>),
    Array(Vec<Data>),
    Map(Vec<(Data, Data)>),
    /// In the order of the schema's fields.
    Struct(Vec<Data>),
    /// Big-endian two's complement, and scale.
    Decimal(Vec<u8>, i16),
    Date(i32),
    Time(i32),
    Timestamp(i64),
}

impl From<&str> for Data {
    fn from(s: &str) -> Self {
        Self::String(s.into())
    }
}
impl From<i32> for Data {
    fn from(n: i32) -> Self {
        Self::Int32(n)
    }
}

impl Data {
    /// A struct of these fields.
    pub fn structure(fields: impl IntoIterator<Item = Data>) -> Self {
        Self::Struct(fields.into_iter().collect())
    }
    /// Writes it into an arena.
    pub fn write(&self, arena: &mut Arena) -> Slot {
        match self {
            Self::Null => Slot::NULL,
            Self::Boolean(v) => Slot::boolean(*v),
            Self::Int8(v) => Slot::int8(*v),
            Self::Int16(v) => Slot::int16(*v),
            Self::Int32(v) => Slot::int32(*v),
            Self::Int64(v) => Slot::int64(*v),
            Self::Float32(v) => Slot::float32(*v),
            Self::Float64(v) => Slot::float64(*v),
            Self::String(v) => arena.string(v),
            Self::Bytes(v) => arena.byte_array(v),
            Self::Decimal(v, scale) => arena.decimal(v, *scale),
            Self::Date(v) => Slot::date(*v),
            Self::Time(v) => Slot::time(*v),
            Self::Timestamp(v) => Slot::timestamp(*v),
            Self::Array(list) => {
                let slots: Vec<Slot> = list.iter().map(|v| v.write(arena)).collect();
                arena.array(&slots)
            }
            Self::Struct(list) => {
                let slots: Vec<Slot> = list.iter().map(|v| v.write(arena)).collect();
                arena.structure(&slots)
            }
            Self::Map(pairs) => {
                let both = pairs.iter().flat_map(|(k, v)| [k, v]);
                let slots: Vec<Slot> = both.map(|v| v.write(arena)).collect();
                arena.map(&slots)
            }
        }
    }
    /// Reads a slot and all it refers to.
    pub fn read(r: Reader<'_>, s: Slot) -> Result<Self, Malformed> {
        let list = || -> Result<Vec<Data>, Malformed> {
            r.slots(s)?.iter().map(|s| Self::read(r, s?)).collect()
        };
        Ok(match s.tag {
            Tag::Null => Self::Null,
            Tag::Boolean => Self::Boolean(s.payload != 0),
            Tag::Int8 => Self::Int8(s.payload as i8),
            Tag::Int16 => Self::Int16(s.payload as i16),
            Tag::Int32 => Self::Int32(s.payload as i32),
            Tag::Int64 => Self::Int64(s.payload as i64),
            Tag::Float32 => Self::Float32(f32::from_bits(s.payload as u32)),
            Tag::Float64 => Self::Float64(f64::from_bits(s.payload)),
            Tag::String => Self::String(r.str(s)?.into()),
            Tag::Bytes => Self::Bytes(r.data(s)?.into()),
            Tag::Decimal => Self::Decimal(r.data(s)?.into(), s.scale),
            Tag::Date => Self::Date(s.payload as i32),
            Tag::Time => Self::Time(s.payload as i32),
            Tag::Timestamp => Self::Timestamp(s.payload as i64),
            Tag::Array => Self::Array(list()?),
            Tag::Struct => Self::Struct(list()?),
            Tag::Map => {
                let mut flat = list()?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(k), Some(v)) = (flat.next(), flat.next()) {
                    pairs.push((k, v));
                }
                Self::Map(pairs)
            }
        })
    }
}
