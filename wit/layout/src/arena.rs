//! Appending data: strings, byte arrays and runs of slots, each addressed from the start of the batch.
//!
//! The host fills a batch's arena from address 32 on; a guest fills its own from the batch's `arena_len` on, so that
//! its slots may refer to the batch's data and to its own alike. It does not know schemas.
//! Invariant: what is written stays where it is; addresses fit 32 bits, and an arena that would pass them is marked
//! [`Arena::overflowed`] and writes nothing more.

use crate::slot::{SLOT_BYTES, Slot, Tag};

/// An append-only buffer whose first byte has a given address.
#[derive(Debug, Clone, Default)]
pub struct Arena {
    bytes: Vec<u8>,
    base: u32,
    overflowed: bool,
}

impl Arena {
    /// An arena whose first byte has the address `base`.
    pub fn new(base: u32) -> Self {
        Self {
            bytes: Vec::new(),
            base,
            overflowed: false,
        }
    }
    /// An arena that goes on where `bytes`, which begin at address 0, end.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            base: 0,
            overflowed: false,
        }
    }
    /// The bytes written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// Gives the bytes up.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
    /// Address of the next byte.
    pub fn end(&self) -> u32 {
        self.base.saturating_add(self.bytes.len() as u32)
    }
    /// Whether a write did not fit 32-bit addresses; the arena's content is then incomplete and must be dropped.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }
    /// Forgets everything after address `end` (used to take back a half-written record).
    pub fn truncate(&mut self, end: u32) {
        self.bytes.truncate(end.saturating_sub(self.base) as usize);
    }

    /// Appends bytes; their address.
    pub fn raw(&mut self, data: &[u8]) -> u32 {
        let at = self.end();
        if u64::from(self.base) + (self.bytes.len() as u64) + (data.len() as u64)
            > u64::from(u32::MAX)
        {
            self.overflowed = true;
        } else {
            self.bytes.extend_from_slice(data);
        }
        at
    }
    /// A string.
    pub fn string(&mut self, s: &str) -> Slot {
        self.data(Tag::String, 0, s.as_bytes())
    }
    /// A byte array.
    pub fn byte_array(&mut self, b: &[u8]) -> Slot {
        self.data(Tag::Bytes, 0, b)
    }
    /// A decimal: big-endian two's complement of the unscaled number.
    pub fn decimal(&mut self, unscaled: &[u8], scale: i16) -> Slot {
        self.data(Tag::Decimal, scale, unscaled)
    }
    fn data(&mut self, tag: Tag, scale: i16, b: &[u8]) -> Slot {
        let at = self.raw(b);
        Slot {
            tag,
            scale,
            len: b.len() as u32,
            payload: u64::from(at),
        }
    }
    /// A struct of these fields.
    pub fn structure(&mut self, fields: &[Slot]) -> Slot {
        self.run(Tag::Struct, fields, fields.len())
    }
    /// An array of these elements.
    pub fn array(&mut self, elements: &[Slot]) -> Slot {
        self.run(Tag::Array, elements, elements.len())
    }
    /// A map of these alternating keys and values.
    pub fn map(&mut self, pairs: &[Slot]) -> Slot {
        self.run(Tag::Map, pairs, pairs.len() / 2)
    }
    fn run(&mut self, tag: Tag, slots: &[Slot], len: usize) -> Slot {
        let at = self.end();
        for s in slots {
            self.raw(&s.to_bytes());
        }
        Slot {
            tag,
            scale: 0,
            len: len as u32,
            payload: u64::from(at),
        }
    }
    /// A struct of `fields` nulls, to be filled by [`Arena::set_field`] before anybody else sees it. Decoders use it
    /// to write a row's slots and its texts in one pass.
    pub fn reserve_structure(&mut self, fields: usize) -> Slot {
        let at = self.end();
        let bytes = fields.saturating_mul(SLOT_BYTES);
        if u64::from(at) + bytes as u64 > u64::from(u32::MAX) {
            self.overflowed = true;
        } else {
            self.bytes.resize(self.bytes.len() + bytes, 0);
        }
        Slot {
            tag: Tag::Struct,
            scale: 0,
            len: fields as u32,
            payload: u64::from(at),
        }
    }
    /// Fills field `index` of a struct made by [`Arena::reserve_structure`]; nothing happens outside of it.
    pub fn set_field(&mut self, structure: Slot, index: usize, value: Slot) {
        if structure.tag != Tag::Struct || index >= structure.len as usize {
            return;
        }
        let at =
            (structure.payload as usize).saturating_sub(self.base as usize) + index * SLOT_BYTES;
        if let Some(to) = self.bytes.get_mut(at..at + SLOT_BYTES) {
            to.copy_from_slice(&value.to_bytes());
        }
    }
}
