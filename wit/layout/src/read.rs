//! Checked reading of a batch's data.
//!
//! [`Reader`] resolves addresses of any buffer that begins at address 0; [`BatchView`] reads the wire form of a batch
//! as a guest receives it. Nothing here allocates or interprets schemas.
//! Invariant: no input makes it panic or read outside the buffer.

use crate::record::{HEADER_BYTES, HeaderEntry, RECORD_BYTES, RecordEntry, u32_at};
use crate::slot::{SLOT_BYTES, Slot, Tag};
use crate::{BATCH_HEADER_BYTES, BATCH_MAGIC, LAYOUT_VERSION, Malformed};

/// Resolves the addresses in a buffer whose first byte has address 0.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }
    /// `len` bytes at `address`.
    pub fn bytes_at(
        &self,
        address: u64,
        len: u64,
        what: &'static str,
    ) -> Result<&'a [u8], Malformed> {
        let end = address
            .checked_add(len)
            .ok_or_else(|| Malformed::new(what, address))?;
        let range = usize::try_from(address).ok().zip(usize::try_from(end).ok());
        range
            .and_then(|(from, to)| self.bytes.get(from..to))
            .ok_or_else(|| Malformed::new(what, address))
    }
    /// A name (topic, header) of `len` bytes at `address`.
    pub fn name_at(&self, address: u32, len: u32) -> Result<&'a str, Malformed> {
        let b = self.bytes_at(u64::from(address), u64::from(len), "name")?;
        std::str::from_utf8(b).map_err(|_| Malformed::new("utf-8 of a name", address))
    }
    /// The text of a string slot.
    pub fn str(&self, s: Slot) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.text(s)?)
            .map_err(|_| Malformed::new("utf-8 of a string", s.payload))
    }
    /// The text of a string slot as bytes: UTF-8, as the host checks before a guest sees it ([`crate::validate`]).
    pub fn text(&self, s: Slot) -> Result<&'a [u8], Malformed> {
        if s.tag != Tag::String {
            return Err(Malformed::new("string", s.payload));
        }
        self.bytes_at(s.payload, u64::from(s.len), "string")
    }
    /// The bytes of a byte-array or decimal slot.
    pub fn data(&self, s: Slot) -> Result<&'a [u8], Malformed> {
        match s.tag {
            Tag::Bytes | Tag::Decimal => self.bytes_at(s.payload, u64::from(s.len), "bytes"),
            _ => Err(Malformed::new("bytes", s.payload)),
        }
    }
    /// The slots behind a struct, an array, or (keys and values alternating) a map.
    pub fn slots(&self, s: Slot) -> Result<Slots<'a>, Malformed> {
        let n = match s.tag {
            Tag::Struct | Tag::Array => u64::from(s.len),
            Tag::Map => u64::from(s.len) * 2,
            _ => return Err(Malformed::new("slots", s.payload)),
        };
        let bytes = self.bytes_at(s.payload, n * SLOT_BYTES as u64, "slots")?;
        Ok(Slots {
            bytes,
            address: s.payload,
        })
    }
    /// Field `index` of a struct.
    pub fn field(&self, s: Slot, index: usize) -> Result<Slot, Malformed> {
        if s.tag != Tag::Struct {
            return Err(Malformed::new("struct", s.payload));
        }
        self.slots(s)?.get(index)
    }
    /// Header `index` of a record.
    pub fn header(&self, r: &RecordEntry, index: u32) -> Result<HeaderEntry, Malformed> {
        if index >= r.headers_len {
            return Err(Malformed::new("header", r.headers));
        }
        let at = u64::from(r.headers) + u64::from(index) * HEADER_BYTES as u64;
        let b = self.bytes_at(at, HEADER_BYTES as u64, "header")?;
        HeaderEntry::from_bytes(
            b.try_into().map_err(|_| Malformed::new("header", at))?,
            at as u32,
        )
    }
    /// The record entry at `address`.
    pub fn record(&self, address: u64) -> Result<RecordEntry, Malformed> {
        let b = self.bytes_at(address, RECORD_BYTES as u64, "record")?;
        RecordEntry::from_bytes(
            b.try_into()
                .map_err(|_| Malformed::new("record", address))?,
            address as u32,
        )
    }
    /// The topic of a record.
    pub fn topic(&self, r: &RecordEntry) -> Result<&'a str, Malformed> {
        self.name_at(r.topic, r.topic_len)
    }
}

/// A run of slots whose bytes are in bounds; each is decoded when it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Slots<'a> {
    bytes: &'a [u8],
    address: u64,
}

impl Slots<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.bytes.len() / SLOT_BYTES
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
    /// The slot at `index`.
    pub fn get(&self, index: usize) -> Result<Slot, Malformed> {
        let from = index.saturating_mul(SLOT_BYTES);
        let bytes = self.bytes.get(from..from.saturating_add(SLOT_BYTES));
        let slot = bytes
            .and_then(|b| b.try_into().ok())
            .and_then(Slot::from_bytes);
        slot.ok_or_else(|| Malformed::new("slot", self.address + from as u64))
    }
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Result<Slot, Malformed>> + '_ {
        (0..self.len()).map(|i| self.get(i))
    }
}

/// The wire form of a batch, as a guest receives it: header, arena, record entries.
#[derive(Debug, Clone, Copy)]
pub struct BatchView<'a> {
    reader: Reader<'a>,
    records: u32,
    arena_len: u32,
}

impl<'a> BatchView<'a> {
    /// Reads the header and checks that the record entries are in bounds.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let reader = Reader::new(bytes);
        let h = reader.bytes_at(0, BATCH_HEADER_BYTES as u64, "batch header")?;
        if h[0..4] != BATCH_MAGIC {
            return Err(Malformed::new("magic of a batch", 0u32));
        }
        if u16::from_le_bytes([h[4], h[5]]) != LAYOUT_VERSION {
            return Err(Malformed::new("layout version of a batch", 4u32));
        }
        let (records, arena_len) = (u32_at(h, 8), u32_at(h, 12));
        reader.bytes_at(
            u64::from(arena_len),
            u64::from(records) * RECORD_BYTES as u64,
            "records",
        )?;
        Ok(Self {
            reader,
            records,
            arena_len,
        })
    }
    /// How many records there are.
    pub fn len(&self) -> u32 {
        self.records
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }
    /// Record `index`.
    pub fn record(&self, index: u32) -> Result<RecordEntry, Malformed> {
        if index >= self.records {
            return Err(Malformed::new("record index", index));
        }
        self.reader
            .record(u64::from(self.arena_len) + u64::from(index) * RECORD_BYTES as u64)
    }
    /// Address at which a guest's own data begins.
    pub fn arena_len(&self) -> u32 {
        self.arena_len
    }
    /// Resolves the batch's addresses.
    pub fn reader(&self) -> Reader<'a> {
        self.reader
    }
}

/// Writes the 32-byte header of a batch: magic, layout version, record count, arena length.
pub fn batch_header(records: u32, arena_len: u32) -> [u8; BATCH_HEADER_BYTES] {
    let mut h = [0; BATCH_HEADER_BYTES];
    h[0..4].copy_from_slice(&BATCH_MAGIC);
    h[4..6].copy_from_slice(&LAYOUT_VERSION.to_le_bytes());
    h[8..12].copy_from_slice(&records.to_le_bytes());
    h[12..16].copy_from_slice(&arena_len.to_le_bytes());
    h
}
