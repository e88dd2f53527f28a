//! The flat batch layout of `wit/LAYOUT.md` and the Connect schema model, in Rust.
//!
//! One crate for both sides of the plugin boundary: the host's own form of an event *is* the layout that guests
//! read, so handing a batch to a guest is a copy and not a conversion. It compiles for `wasm32-unknown-unknown`.
//! It does no I/O, knows nothing of Kafka, MySQL or WebAssembly, and never trusts a byte: every address and length is
//! checked where it is read, so that malformed bytes give [`Malformed`], never a panic.
//!
//! Invariant: data that has been written is never changed. An edit writes new slots that refer to old data.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")
)]

pub mod arena;
pub mod patch;
pub mod read;
pub mod record;
pub mod schema;
pub mod slot;
pub mod validate;

pub use arena::Arena;
pub use patch::{Op, Patch, PatchWriter};
pub use read::{BatchView, Reader};
pub use record::{HeaderEntry, RecordEntry};
pub use schema::{Field, Schema, SchemaId, SchemaType, Schemas};
pub use slot::{Slot, Tag};

/// Version of the layout described in `wit/LAYOUT.md`; a guest names the range it understands in `describe`.
pub const LAYOUT_VERSION: u16 = 1;
/// First bytes of a batch.
pub const BATCH_MAGIC: [u8; 4] = *b"TGB1";
/// First bytes of a patch.
pub const PATCH_MAGIC: [u8; 4] = *b"TGP1";
/// Bytes before the first datum of a batch.
pub const BATCH_HEADER_BYTES: usize = 32;

/// Bytes that do not follow the layout: what was read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What was being read.
    pub what: &'static str,
    /// Address at which it was expected, in bytes from the start of the batch.
    pub address: u64,
}

impl Malformed {
    pub(crate) fn new(what: &'static str, address: impl Into<u64>) -> Self {
        Self {
            what,
            address: address.into(),
        }
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "malformed batch data: {} at address {}",
            self.what, self.address
        )
    }
}

impl std::error::Error for Malformed {}
