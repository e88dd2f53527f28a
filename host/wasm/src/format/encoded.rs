//! The encoded parts of a batch, put together from the answers to one or several calls.
//!
//! It checks the guest's ends and blanks what must not be sent; it calls nothing. Invariant: ends ascend up to the
//! length of the data, and all parts of a record that is reported are null.

use crate::context::Part;
use crate::isolate::Bad;
use crate::wire::each;
use host_core::batch::Batch;
use host_core::error::{RecordError, Stage};

/// Marks a null among the ends of [`Encoded`].
pub const NULL_END: u32 = u32::MAX;
/// Largest end there can be.
pub(super) const ENDS_MAX: u64 = NULL_END as u64 - 1;

/// The encoded parts of a batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    data: Vec<u8>,
    ends: Vec<u32>,
    /// Number of parts of each record, for headers; empty where it is one each.
    counts: Vec<u32>,
    /// Records that failed, by index in the batch, ascending; their parts are null.
    pub errors: Vec<RecordError>,
}

impl Encoded {
    /// The parts one after the other, in the order of the records; for headers, those of the first record, then
    /// those of the next. `None` for a null.
    pub fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> + '_ {
        let mut from = 0usize;
        self.ends.iter().map(move |end| {
            if *end == NULL_END {
                return None;
            }
            let part = self.data.get(from..*end as usize);
            from = *end as usize;
            part
        })
    }
    /// Number of parts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there is no part.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// Number of parts of the record at `position` among the encoded ones.
    pub fn parts_of(&self, position: usize) -> usize {
        self.counts.get(position).map_or(1, |n| *n as usize)
    }
    /// All bytes.
    pub fn data(&self) -> &[u8] {
        &self.data
    }
    fn push(&mut self, part: Option<&[u8]>) {
        let Some(part) = part else {
            self.ends.push(NULL_END);
            return;
        };
        self.data.extend_from_slice(part);
        self.ends.push(self.data.len() as u32);
    }
}

/// The answer to one call, checked.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) data: Vec<u8>,
    pub(super) ends: Vec<u32>,
}

/// Ends ascend, the last one is the end of the data, and there are as many as parts.
pub(super) fn check_ends(data: &[u8], ends: &[u32], parts: u64) -> Result<(), String> {
    if ends.len() as u64 != parts {
        return Err(format!("{} parts where {parts} were asked for", ends.len()));
    }
    let mut last = 0;
    for end in ends.iter().copied().filter(|e| *e != NULL_END) {
        if end < last || end as usize > data.len() {
            return Err(format!(
                "a part that ends at {end}, after {last} of {} bytes",
                data.len()
            ));
        }
        last = end;
    }
    if last as usize == data.len() {
        Ok(())
    } else {
        Err(format!(
            "{} bytes that belong to no part",
            data.len() - last as usize
        ))
    }
}

/// Puts the pieces of a batch together, with nulls for the records that failed.
pub(super) struct Assembly {
    pub(super) part: Part,
    pub(super) class: String,
    pub(super) counts: Vec<u32>,
    pub(super) record_bytes_max: u64,
}

impl Assembly {
    fn stage(&self) -> Stage {
        match self.part {
            Part::Key => Stage::KeyConverter,
            Part::Value => Stage::ValueConverter,
            Part::Header => Stage::HeaderConverter,
        }
    }
    fn error(&self, record: u32, message: String) -> RecordError {
        RecordError {
            record,
            stage: self.stage(),
            class: self.class.clone(),
            message,
        }
    }

    pub(super) fn assemble(
        self,
        pieces: Vec<(usize, Piece)>,
        bad: Vec<Bad>,
        batch: &Batch,
        selection: Option<&[u32]>,
    ) -> Encoded {
        let mut out = Encoded::default();
        let mut bad = bad.into_iter().peekable();
        for (position, piece) in pieces {
            while let Some(b) = bad.next_if(|b| (b.position as usize) < position) {
                self.push_bad(&mut out, b);
            }
            if out.ends.is_empty() {
                out.data = piece.data;
                out.ends = piece.ends;
                continue;
            }
            let base = out.data.len() as u32;
            out.data.extend_from_slice(&piece.data);
            let shifted = piece
                .ends
                .iter()
                .map(|e| if *e == NULL_END { *e } else { e + base });
            out.ends.extend(shifted);
        }
        for b in bad {
            self.push_bad(&mut out, b);
        }
        out.counts.clone_from(&self.counts);
        self.blank_large(&mut out, batch, selection);
        out.errors.sort_by_key(|e| e.record);
        out
    }

    fn push_bad(&self, out: &mut Encoded, b: Bad) {
        let parts = self
            .counts
            .get(b.position as usize)
            .map_or(1, |n| *n as usize);
        out.ends.extend(std::iter::repeat_n(NULL_END, parts));
        out.errors.push(self.error(b.index, b.message));
    }

    /// Reports records with a part over the limit, and makes all their parts null. It is no fault of the plugin, so
    /// nothing is called again.
    fn blank_large(&self, out: &mut Encoded, batch: &Batch, selection: Option<&[u32]>) {
        if out.data.len() as u64 <= self.record_bytes_max {
            return;
        }
        let (mut kept, mut errors) = (Encoded::default(), Vec::new());
        let mut parts = out.iter();
        each(batch, selection, |position, _| {
            let own: Vec<Option<&[u8]>> = parts.by_ref().take(out.parts_of(position)).collect();
            let largest = own.iter().flatten().map(|p| p.len()).max().unwrap_or(0);
            let large = largest as u64 > self.record_bytes_max;
            for part in own {
                kept.push(part.filter(|_| !large));
            }
            if large {
                let index = selection
                    .and_then(|s| s.get(position).copied())
                    .unwrap_or(position as u32);
                let message = format!(
                    "encoding a record: it takes {largest} bytes and may take {}; exclude large columns or raise the \
                     limit",
                    self.record_bytes_max
                );
                errors.push(self.error(index, message));
            }
        });
        drop(parts);
        if !errors.is_empty() {
            (out.data, out.ends) = (kept.data, kept.ends);
            out.errors.append(&mut errors);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn ends_must_fit_data_and_records() {
        for (data, ends, parts, good) in [
            (&b"abc"[..], &[1, NULL_END, 3][..], 3, true),
            (b"", &[NULL_END, NULL_END], 2, true),
            (b"", &[], 0, true),
            (b"abc", &[1, 3], 3, false),
            (b"abc", &[2, 1, 3], 3, false),
            (b"abc", &[1, 4], 2, false),
            (b"abc", &[1, 2], 2, false),
        ] {
            assert_eq!(check_ends(data, ends, parts).is_ok(), good, "{ends:?}");
        }
        let e = Encoded {
            data: b"abc".to_vec(),
            ends: vec![1, NULL_END, 3],
            ..Encoded::default()
        };
        let parts: Vec<_> = e.iter().collect();
        assert_eq!(parts, [Some(&b"a"[..]), None, Some(b"bc")]);
    }

    #[test]
    fn parts_of_records_that_are_too_large_are_null() {
        use host_core::batch::BatchBuilder;
        use host_core::layout::Slot;
        use host_core::schema::{SchemaId, SharedSchemas};

        let none = (SchemaId::NONE, Slot::NULL);
        let mut b = BatchBuilder::new(SharedSchemas::default());
        for headers in [2, 0, 1, 1] {
            b.push("t", none, none, &vec![("h", none.0, none.1); headers]);
        }
        let batch = b.finish(0, Arc::new(NoOffsets)).unwrap();
        let assembly = |part, counts: &[u32]| Assembly {
            part,
            class: "c".into(),
            counts: counts.to_vec(),
            record_bytes_max: 3,
        };
        let piece = |data: &[u8], ends: &[u32]| Piece {
            data: data.to_vec(),
            ends: ends.to_vec(),
        };
        // Two calls, the second record bad in between; the third is too large.
        let bad = vec![Bad {
            position: 1,
            index: 1,
            message: "bad".into(),
        }];
        let pieces = vec![(0, piece(b"ab", &[2])), (2, piece(b"longcd", &[4, 6]))];
        let out = assembly(Part::Value, &[]).assemble(pieces, bad, &batch, None);
        let parts: Vec<_> = out.iter().collect();
        assert_eq!(parts, [Some(&b"ab"[..]), None, None, Some(b"cd")]);
        let failed: Vec<u32> = out.errors.iter().map(|e| e.record).collect();
        assert_eq!(failed, [1, 2]);
        // Of the selected records 0, 2 and 3, the first has a header that is too large and one that is not.
        let pieces = vec![(0, piece(b"alongbc", &[1, 5, 6, 7]))];
        let selection = [0, 2, 3];
        let out = assembly(Part::Header, &[2, 1, 1]).assemble(
            pieces,
            Vec::new(),
            &batch,
            Some(&selection),
        );
        let parts: Vec<_> = out.iter().collect();
        assert_eq!(parts, [None, None, Some(&b"b"[..]), Some(b"c")]);
        assert_eq!((out.errors.len(), out.errors[0].record), (1, 0));
        assert!(
            out.errors[0].message.contains("takes 4 bytes"),
            "{}",
            out.errors[0].message
        );
    }

    #[derive(Debug)]
    struct NoOffsets;
    impl host_core::offset::OffsetTable for NoOffsets {
        fn offset(
            &self,
            _: u32,
        ) -> Option<(
            host_core::offset::SourcePartition,
            host_core::offset::Offset,
        )> {
            None
        }
    }
}
