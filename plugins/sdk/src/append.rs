//! Appending short pieces to an output.
//!
//! `Vec::extend_from_slice` of a length that is not known when compiling becomes `memory.copy`, which every engine runs as
//! a call out of the guest: right for long pieces, ten times the work of copying for short ones. Nothing here looks at
//! what is copied. Invariant: the result is that of `extend_from_slice`.

/// Longest piece that is copied in place, in bytes.
const SHORT_BYTES_MAX: usize = 48;

/// Appends `piece` to `out`; cheap for pieces of a few bytes, such as fields' names and numbers.
#[inline]
pub fn append(out: &mut Vec<u8>, piece: &[u8]) {
    if piece.len() > SHORT_BYTES_MAX {
        out.extend_from_slice(piece);
        return;
    }
    out.reserve(SHORT_BYTES_MAX);
    let (words, rest) = piece.as_chunks::<8>();
    for word in words {
        out.extend_from_slice(word);
    }
    let (half, rest) = rest.as_chunks::<4>();
    for word in half {
        out.extend_from_slice(word);
    }
    for byte in rest {
        out.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::append;

    #[test]
    fn pieces_of_all_lengths_are_appended() {
        let piece: Vec<u8> = (0..=99).collect();
        for n in 0..piece.len() {
            let mut out = b"before".to_vec();
            append(&mut out, &piece[..n]);
            assert_eq!(out, [b"before", &piece[..n]].concat(), "{n}");
        }
    }
}
