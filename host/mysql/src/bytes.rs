//! Reading fields off the front of bytes.
//!
//! Nothing here knows whose fields they are. Invariant: bytes that end too early are `None`, never a panic.

/// A length-encoded integer.
pub(crate) fn packed(rest: &mut &[u8]) -> Option<u64> {
    let first = *take(rest, 1)?.first()?;
    let bytes = match first {
        0..=250 => return Some(u64::from(first)),
        252 => 2,
        253 => 3,
        254 => 8,
        _ => return None,
    };
    let mut all = [0; 8];
    all.get_mut(..bytes)?.copy_from_slice(take(rest, bytes)?);
    Some(u64::from_le_bytes(all))
}

/// That many bytes.
pub(crate) fn take<'a>(rest: &mut &'a [u8], bytes: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(bytes)?;
    *rest = tail;
    Some(head)
}
