//! A compressed transaction (TRANSACTION_PAYLOAD_EVENT), decompressed event by event while it arrives.
//!
//! Source: MySQL "Binary Log Transaction Compression" and `Transaction_payload_event`. Events inside have no checksums;
//! the last one, which commits, is handed on only once the checksum of all was right and nothing was missing.
//! Invariant: memory holds one event of it, [`INPUT_BYTES_MAX`] of its bytes and zstd's window, whatever sizes it claims.

use super::EVENT_BYTES_MAX;
use super::raw::{CHECKSUM_BYTES, HEADER_BYTES, Header, RawEvent};
use crate::bytes::{packed, take};
use zstd::stream::raw::{DParameter, Decoder, Operation as _};

/// Compressed bytes taken at once.
const INPUT_BYTES_MAX: usize = 16 << 10;
/// Decompressed bytes made at once.
const OUTPUT_BYTES: usize = 64 << 10;
/// Bytes of the payload's own header: three numbers with their types.
const FIELDS_BYTES_MAX: usize = 128;
/// Binary logarithm of the largest window in bytes: that of zstd's level 22, MySQL's highest.
const WINDOW_BYTES_LOG2_MAX: u32 = 27;
/// Rotate, format description and payload events.
const NEVER_INSIDE: [u8; 3] = [4, 15, 40];

/// What the payload's header says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fields {
    bytes: Option<u64>,
    method: Option<u64>,
    /// Bytes it has once it is decompressed.
    plain_bytes: Option<u64>,
}

/// A compressed transaction on its way.
pub(super) struct Payload {
    header: Header,
    announced: bool,
    sum: Option<crc32fast::Hasher>,
    /// Bytes of the event still to come, without its checksum.
    left: u64,
    fields: Vec<u8>,
    known: Option<Fields>,
    /// The last bytes of the event, once all others are in.
    checksum: Vec<u8>,
    decoder: Option<Decoder<'static>>,
    input: Vec<u8>,
    /// Whether all that the input gives so far is in `output`.
    flushed: bool,
    /// Whether a compressed frame has begun and not ended.
    in_frame: bool,
    output: Vec<u8>,
    /// Bytes of `output` that were handed on.
    start: usize,
    made: u64,
    all_in: bool,
    /// Whether all of it came and is what it should be.
    ended: bool,
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload")
            .field("left", &self.left)
            .field("known", &self.known)
            .finish_non_exhaustive()
    }
}

impl Payload {
    pub(super) fn new(header: Header, checksum: bool) -> Result<Self, String> {
        let outside = HEADER_BYTES + if checksum { CHECKSUM_BYTES } else { 0 };
        let left = u64::from(header.bytes()).checked_sub(outside as u64);
        let sum = checksum.then(|| {
            let mut sum = crc32fast::Hasher::new();
            sum.update(&header.summed());
            sum
        });
        Ok(Self {
            header,
            announced: false,
            sum,
            left: left.ok_or("is shorter than an event's header")?,
            fields: Vec::new(),
            known: None,
            checksum: Vec::new(),
            decoder: None,
            input: Vec::new(),
            flushed: true,
            in_frame: false,
            output: Vec::new(),
            start: 0,
            made: 0,
            all_in: false,
            ended: false,
        })
    }

    /// Takes bytes of the event's body; answers how many, none while there are events to be had.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<usize, String> {
        if !self.input.is_empty() || !self.flushed {
            return Ok(0);
        }
        if self.left == 0 {
            let room = self.sum.as_ref().map_or(0, |_| CHECKSUM_BYTES);
            let room = room.saturating_sub(self.checksum.len());
            if piece.len() > room {
                return Err("is longer than it says".to_owned());
            }
            self.checksum.extend_from_slice(piece);
            return Ok(piece.len());
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = left.min(INPUT_BYTES_MAX);
        let mut taken = piece.get(..most).unwrap_or(piece);
        if self.known.is_none() {
            // Byte by byte: nothing says in advance how long the header is.
            taken = taken.get(..1).unwrap_or_default();
            self.fields.extend_from_slice(taken);
            self.known = fields(&self.fields)?;
            if let Some(known) = self.known {
                self.begin(known)?;
            } else if self.fields.len() >= FIELDS_BYTES_MAX {
                return Err("has a header without end".to_owned());
            }
        } else {
            self.input.extend_from_slice(taken);
            self.flushed = false;
        }
        if let Some(sum) = &mut self.sum {
            sum.update(taken);
        }
        self.left -= taken.len() as u64;
        Ok(taken.len())
    }

    fn begin(&mut self, known: Fields) -> Result<(), String> {
        const ZSTD: u64 = 0;
        const NONE: u64 = 255;
        // This very byte is not counted yet.
        if known.bytes != Some(self.left - 1) {
            return Err("does not have the length that its header says".to_owned());
        }
        match known.method {
            Some(ZSTD) => {
                let unready = |e| format!("cannot be decompressed: {e}");
                let mut decoder = Decoder::new().map_err(unready)?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(WINDOW_BYTES_LOG2_MAX))
                    .map_err(unready)?;
                self.decoder = Some(decoder);
                Ok(())
            }
            Some(NONE) => Ok(()),
            Some(other) => Err(format!("is compressed by the unknown method {other}")),
            None => Err("does not say how it is compressed".to_owned()),
        }
    }

    /// The next event that is complete: the payload event itself, then those inside.
    pub(super) fn next(&mut self) -> Result<Option<RawEvent>, String> {
        if !self.announced {
            self.announced = true;
            return Ok(Some(RawEvent {
                header: self.header,
                data: Vec::new(),
                inner: false,
            }));
        }
        loop {
            if let Some(event) = self.split()? {
                return Ok(Some(event));
            }
            if !self.flushed {
                self.decompress()?;
            } else if self.all_in && !self.ended {
                self.check()?;
            } else if self.ended && self.start < self.output.len() {
                return Err("ends within an event".to_owned());
            } else {
                return Ok(None);
            }
        }
    }

    /// Cuts the next event off, the last one only at the end.
    fn split(&mut self) -> Result<Option<RawEvent>, String> {
        let rest = self.output.get(self.start..).unwrap_or_default();
        let Some(header) = rest.first_chunk().copied().map(Header) else {
            return Ok(None);
        };
        let bytes = header.bytes() as usize;
        if !(HEADER_BYTES..=EVENT_BYTES_MAX).contains(&bytes) {
            return Err(format!("holds an event of {bytes} bytes"));
        }
        if NEVER_INSIDE.contains(&header.kind()) {
            return Err(format!("holds an event of type {}", header.kind()));
        }
        let Some(data) = rest.get(HEADER_BYTES..bytes) else {
            return Ok(None);
        };
        if rest.len() == bytes && !self.ended {
            return Ok(None);
        }
        let event = RawEvent {
            header,
            data: data.to_vec(),
            inner: true,
        };
        self.start += bytes;
        Ok(Some(event))
    }

    /// Makes more of the output from the input.
    fn decompress(&mut self) -> Result<(), String> {
        self.output.drain(..self.start);
        self.start = 0;
        let Some(decoder) = &mut self.decoder else {
            self.made += self.input.len() as u64;
            self.output.append(&mut self.input);
            self.flushed = true;
            return Ok(());
        };
        let before = self.output.len();
        self.output.resize(before + OUTPUT_BYTES, 0);
        let room = self.output.get_mut(before..).unwrap_or_default();
        let status = decoder
            .run_on_buffers(&self.input, room)
            .map_err(|e| format!("cannot be decompressed: {e}"))?;
        self.output.truncate(before + status.bytes_written);
        self.input.drain(..status.bytes_read);
        self.made += status.bytes_written as u64;
        self.in_frame = status.remaining > 0;
        if status.bytes_read == 0 && status.bytes_written == 0 && !self.input.is_empty() {
            return Err("cannot be decompressed: zstd takes no more of it".to_owned());
        }
        self.flushed =
            self.input.is_empty() && (!self.in_frame || status.bytes_written < OUTPUT_BYTES);
        Ok(())
    }

    /// All bytes of the packet have been taken.
    pub(super) fn end(&mut self) {
        self.all_in = true;
    }

    /// Whether what came is all, and right.
    fn check(&mut self) -> Result<(), String> {
        let Some(known) = self.known.filter(|_| self.left == 0 && !self.in_frame) else {
            return Err("ends too early".to_owned());
        };
        let plain = known.plain_bytes.filter(|_| self.decoder.is_some());
        if plain.is_some_and(|bytes| bytes != self.made) {
            return Err(format!(
                "decompresses to {} bytes and not to the {} it says",
                self.made,
                plain.unwrap_or_default()
            ));
        }
        if let Some(sum) = self.sum.take()
            && *self.checksum != sum.finalize().to_le_bytes()
        {
            return Err("does not match its checksum".to_owned());
        }
        self.ended = true;
        Ok(())
    }
}

/// Reads the payload's header, `None` while it is incomplete.
fn fields(bytes: &[u8]) -> Result<Option<Fields>, String> {
    const END: u64 = 0;
    const BYTES: u64 = 1;
    const METHOD: u64 = 2;
    const PLAIN_BYTES: u64 = 3;
    let mut rest = bytes;
    let mut found = Fields::default();
    loop {
        let Some(field) = packed(&mut rest) else {
            return Ok(None);
        };
        if field == END {
            return Ok(Some(found));
        }
        let length = packed(&mut rest).and_then(|n| usize::try_from(n).ok());
        let Some(mut value) = length.and_then(|n| take(&mut rest, n)) else {
            return Ok(None);
        };
        let number = match field {
            BYTES => &mut found.bytes,
            METHOD => &mut found.method,
            PLAIN_BYTES => &mut found.plain_bytes,
            // A field of a later server.
            _ => continue,
        };
        *number = Some(packed(&mut value).ok_or("has a malformed header")?);
    }
}
