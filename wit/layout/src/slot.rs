//! A slot: the 16 bytes that stand for one value.
//!
//! ```text
//! 0      1         2        4          8                16
//! | tag  | 0       | scale  | len u32  | payload u64     |
//! ```
//! A slot holds a scalar in its payload, or the address and length of its data. It knows nothing of schemas.
//! Invariant: two slots with equal bytes stand for equal values within one batch.

/// Size of a slot in bytes.
pub const SLOT_BYTES: usize = 16;

/// What a slot holds. The first twelve are Connect's own types; the last four are Connect's logical types, which
/// keep tags of their own so that a schemaless value stays what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Tag {
    /// No value.
    Null = 0,
    /// Payload 0 or 1.
    Boolean = 1,
    /// Payload is the sign-extended number.
    Int8 = 2,
    /// Payload is the sign-extended number.
    Int16 = 3,
    /// Payload is the sign-extended number.
    Int32 = 4,
    /// Payload is the number.
    Int64 = 5,
    /// Payload holds the IEEE 754 bits in its low half.
    Float32 = 6,
    /// Payload holds the IEEE 754 bits.
    Float64 = 7,
    /// `len` bytes of UTF-8 at address `payload`.
    String = 8,
    /// `len` bytes at address `payload`.
    Bytes = 9,
    /// `len` slots at address `payload`.
    Array = 10,
    /// `len` pairs of slots (key, value) at address `payload`.
    Map = 11,
    /// `len` slots at address `payload`, one for each field of the schema, in its order.
    Struct = 12,
    /// Connect's `Decimal`: `len` bytes of big-endian two's complement at address `payload`, times 10^-scale.
    Decimal = 13,
    /// Connect's `Date`: days since 1970-01-01.
    Date = 14,
    /// Connect's `Time`: milliseconds since midnight.
    Time = 15,
    /// Connect's `Timestamp`: milliseconds since 1970-01-01T00:00:00Z.
    Timestamp = 16,
}

impl Tag {
    /// The tag with this number, if there is one.
    pub fn from_u8(n: u8) -> Option<Self> {
        Some(match n {
            0 => Self::Null,
            1 => Self::Boolean,
            2 => Self::Int8,
            3 => Self::Int16,
            4 => Self::Int32,
            5 => Self::Int64,
            6 => Self::Float32,
            7 => Self::Float64,
            8 => Self::String,
            9 => Self::Bytes,
            10 => Self::Array,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Decimal,
            14 => Self::Date,
            15 => Self::Time,
            16 => Self::Timestamp,
            _ => return None,
        })
    }
}

/// One value, decoded from its 16 bytes. Data behind an address is read through [`crate::Reader`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// What it holds.
    pub tag: Tag,
    /// Scale of a `Decimal`; 0 otherwise.
    pub scale: i16,
    /// Length in bytes, slots or pairs, as the tag says; 0 for scalars.
    pub len: u32,
    /// Scalar or address, as the tag says.
    pub payload: u64,
}

impl Slot {
    /// No value.
    pub const NULL: Self = Self {
        tag: Tag::Null,
        scale: 0,
        len: 0,
        payload: 0,
    };

    const fn scalar(tag: Tag, payload: u64) -> Self {
        Self {
            tag,
            scale: 0,
            len: 0,
            payload,
        }
    }
    /// A boolean.
    pub const fn boolean(v: bool) -> Self {
        Self::scalar(Tag::Boolean, v as u64)
    }
    /// An 8-bit integer.
    pub const fn int8(v: i8) -> Self {
        Self::scalar(Tag::Int8, v as i64 as u64)
    }
    /// A 16-bit integer.
    pub const fn int16(v: i16) -> Self {
        Self::scalar(Tag::Int16, v as i64 as u64)
    }
    /// A 32-bit integer.
    pub const fn int32(v: i32) -> Self {
        Self::scalar(Tag::Int32, v as i64 as u64)
    }
    /// A 64-bit integer.
    pub const fn int64(v: i64) -> Self {
        Self::scalar(Tag::Int64, v as u64)
    }
    /// A 32-bit float.
    pub const fn float32(v: f32) -> Self {
        Self::scalar(Tag::Float32, v.to_bits() as u64)
    }
    /// A 64-bit float.
    pub const fn float64(v: f64) -> Self {
        Self::scalar(Tag::Float64, v.to_bits())
    }
    /// Connect's `Date`, in days since 1970-01-01.
    pub const fn date(days: i32) -> Self {
        Self::scalar(Tag::Date, days as i64 as u64)
    }
    /// Connect's `Time`, in milliseconds since midnight.
    pub const fn time(ms: i32) -> Self {
        Self::scalar(Tag::Time, ms as i64 as u64)
    }
    /// Connect's `Timestamp`, in milliseconds since the epoch.
    pub const fn timestamp(ms: i64) -> Self {
        Self::scalar(Tag::Timestamp, ms as u64)
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }
    /// The integer of any integer tag, or of a Connect date or time.
    pub fn as_i64(&self) -> Option<i64> {
        match self.tag {
            Tag::Int8
            | Tag::Int16
            | Tag::Int32
            | Tag::Int64
            | Tag::Date
            | Tag::Time
            | Tag::Timestamp => Some(self.payload as i64),
            _ => None,
        }
    }
    /// The number of either float tag, widened.
    pub fn as_f64(&self) -> Option<f64> {
        match self.tag {
            Tag::Float32 => Some(f64::from(f32::from_bits(self.payload as u32))),
            Tag::Float64 => Some(f64::from_bits(self.payload)),
            _ => None,
        }
    }
    /// The boolean.
    pub fn as_bool(&self) -> Option<bool> {
        (self.tag == Tag::Boolean).then_some(self.payload != 0)
    }

    /// Its 16 bytes.
    pub fn to_bytes(self) -> [u8; SLOT_BYTES] {
        let mut b = [0; SLOT_BYTES];
        b[0] = self.tag as u8;
        b[2..4].copy_from_slice(&self.scale.to_le_bytes());
        b[4..8].copy_from_slice(&self.len.to_le_bytes());
        b[8..16].copy_from_slice(&self.payload.to_le_bytes());
        b
    }
    /// Reads 16 bytes; `None` where the tag is unknown.
    pub fn from_bytes(b: &[u8; SLOT_BYTES]) -> Option<Self> {
        let (scale, len) = ([b[2], b[3]], [b[4], b[5], b[6], b[7]]);
        let payload = [b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]];
        Some(Self {
            tag: Tag::from_u8(b[0])?,
            scale: i16::from_le_bytes(scale),
            len: u32::from_le_bytes(len),
            payload: u64::from_le_bytes(payload),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_survive_their_bytes() {
        for s in [
            Slot::NULL,
            Slot::boolean(true),
            Slot::int8(-1),
            Slot::int64(i64::MIN),
            Slot::float64(-0.0),
            Slot {
                tag: Tag::Decimal,
                scale: -3,
                len: 7,
                payload: 99,
            },
        ] {
            assert_eq!(Slot::from_bytes(&s.to_bytes()), Some(s));
        }
        assert_eq!(Slot::from_bytes(&[17; SLOT_BYTES]), None);
        assert_eq!(Slot::int8(-1).as_i64(), Some(-1));
    }
}
