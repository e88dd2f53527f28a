//! POINT, the other geometry types, and VECTOR.
//!
//! The server stores a geometry as its SRID (four bytes, little-endian) and WKB, in the binlog and in a snapshot alike.
//! SRID 0 is no SRID (`BinlogGeometry.fromBytes`). A VECTOR is little-endian floats.
//! Invariant: the WKB is passed on as it is.

use super::{DecodeError, Raw, mismatch};
use host_core::layout::{Arena, Slot};

const WKB_POINT_BYTES: usize = 21;

fn split(raw: Raw<'_>) -> Result<(Slot, &[u8]), DecodeError> {
    let (Raw::Bytes(b) | Raw::Utf8(b)) = raw else {
        return mismatch(raw);
    };
    let (srid, wkb) = b
        .split_first_chunk::<4>()
        .ok_or(DecodeError::Malformed("geometry"))?;
    let srid = match u32::from_le_bytes(*srid) {
        0 => Slot::NULL,
        n => Slot::int32(n as i32),
    };
    Ok((srid, wkb))
}

/// `io.debezium.data.geometry.Geometry {wkb, srid}`.
pub(super) fn geometry(raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
    let (srid, wkb) = split(raw)?;
    let wkb = arena.byte_array(wkb);
    Ok(arena.structure(&[wkb, srid]))
}

/// `io.debezium.data.geometry.Point {x, y, wkb, srid}`.
pub(super) fn point(raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
    let (srid, wkb) = split(raw)?;
    let coordinate = |at: usize| -> Option<f64> {
        let bytes: [u8; 8] = wkb.get(at..at + 8)?.try_into().ok()?;
        Some(match wkb.first()? {
            0 => f64::from_be_bytes(bytes),
            _ => f64::from_le_bytes(bytes),
        })
    };
    let xy = (wkb.len() == WKB_POINT_BYTES)
        .then(|| coordinate(5).zip(coordinate(13)))
        .flatten();
    let (x, y) = xy.ok_or(DecodeError::Malformed("point"))?;
    let wkb = arena.byte_array(wkb);
    Ok(arena.structure(&[Slot::float64(x), Slot::float64(y), wkb, srid]))
}

/// `io.debezium.data.FloatVector`.
pub(super) fn vector(raw: Raw<'_>, arena: &mut Arena) -> Result<Slot, DecodeError> {
    let (Raw::Bytes(b) | Raw::Utf8(b)) = raw else {
        return mismatch(raw);
    };
    let (floats, rest) = b.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(DecodeError::Malformed("vector"));
    }
    let slots: Vec<Slot> = floats
        .iter()
        .map(|f| Slot::float32(f32::from_le_bytes(*f)))
        .collect();
    Ok(arena.array(&slots))
}
