//! Bytes of a dump connection into events.
//!
//! Takes bytes in whatever pieces they come and holds one event of them; a compressed transaction goes on to
//! [`Payload`](super::payload) as it arrives and is never held whole. Reads no socket, knows no meaning.
//! Invariant: no byte is looked at twice and none is lost, so that the pieces' sizes make no difference.

use super::EVENT_BYTES_MAX;
use super::link::{PIECE_BYTES_MAX, server_error};
use super::payload::Payload;
use super::raw::{CHECKSUM_BYTES, HEADER_BYTES, Header, RawEvent};
use mysql_async::ServerError;

/// What is wrong with what came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The stream.
    Stream(String),
    /// A compressed transaction.
    Payload(String),
}

/// What the server sends in a dump.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet {
    Event(RawEvent),
    /// Why it stops.
    Error(ServerError),
    /// It has nothing more.
    End,
}

/// Bytes before an event's body: "this is an event" and its header.
const PREFIX_BYTES: usize = 1 + HEADER_BYTES;
/// Longest packet that may be the end of the stream, in bytes.
const END_BYTES_MAX: usize = 8;

const PAYLOAD: u8 = 40;
const FORMAT: u8 = 15;

/// The assembler of one connection.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    frame: Frame,
    /// The packet so far; of a compressed transaction no more than its prefix.
    packet: Vec<u8>,
    payload: Option<Box<Payload>>,
    complete: bool,
    /// Whether events end with a checksum: CRC32 or nothing, said by each file's first event.
    checksums: bool,
}

impl Assembler {
    /// Takes bytes, at least one unless there is a packet to be had; answers how many.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut used = 0;
        while !self.complete && used < bytes.len() {
            let rest = bytes.get(used..).unwrap_or_default();
            let Some(piece) = self.frame.piece(rest, &mut used) else {
                continue;
            };
            let taken = self.piece(piece)?;
            if taken == 0 && !piece.is_empty() {
                break;
            }
            used += taken;
            self.complete = self.frame.took(taken);
        }
        if self.complete
            && let Some(payload) = &mut self.payload
        {
            payload.end();
        }
        Ok(used)
    }

    /// Takes bytes of one packet.
    fn piece(&mut self, piece: &[u8]) -> Result<usize, Broken> {
        if let Some(payload) = &mut self.payload {
            return payload.take(piece).map_err(Broken::Payload);
        }
        // What kind of event it is decides where its body goes.
        let room = match PREFIX_BYTES.checked_sub(self.packet.len()) {
            None | Some(0) => (1 + EVENT_BYTES_MAX).saturating_sub(self.packet.len()),
            Some(prefix) => prefix,
        };
        if room == 0 {
            return Err(Broken::Stream(format!(
                "an event is longer than {EVENT_BYTES_MAX} bytes"
            )));
        }
        let taken = piece.get(..room).unwrap_or(piece);
        self.packet.extend_from_slice(taken);
        if self.packet.len() == PREFIX_BYTES
            && let Some(header) = self.header()
            && header.kind() == PAYLOAD
        {
            self.payload = Some(Box::new(
                Payload::new(header, self.checksums).map_err(Broken::Payload)?,
            ));
        }
        Ok(taken.len())
    }

    fn header(&self) -> Option<Header> {
        let (0, rest) = self.packet.split_first()? else {
            return None;
        };
        rest.first_chunk().copied().map(Header)
    }

    /// The next packet, if what was taken makes one.
    pub(super) fn next(&mut self) -> Result<Option<Packet>, Broken> {
        if let Some(payload) = &mut self.payload {
            if let Some(event) = payload.next().map_err(Broken::Payload)? {
                return Ok(Some(Packet::Event(event)));
            }
            if self.complete {
                self.payload = None;
                self.complete = false;
                self.packet.clear();
            }
            return Ok(None);
        }
        if !std::mem::take(&mut self.complete) {
            return Ok(None);
        }
        let packet = std::mem::take(&mut self.packet);
        match packet.split_first() {
            Some((0, _)) => self.event(packet).map(|e| Some(Packet::Event(e))),
            Some((0xff, _)) => Ok(Some(Packet::Error(server_error(&packet)))),
            Some((0xfe, _)) if packet.len() <= END_BYTES_MAX => Ok(Some(Packet::End)),
            _ => Err(Broken::Stream("a packet that is no event".to_owned())),
        }
    }

    fn event(&mut self, mut packet: Vec<u8>) -> Result<RawEvent, Broken> {
        let broken = |why: &str| Broken::Stream(why.to_owned());
        let header: Option<[u8; HEADER_BYTES]> =
            packet.get(1..).and_then(|p| p.first_chunk().copied());
        let header = Header(header.ok_or_else(|| broken("an event shorter than its header"))?);
        packet.drain(..PREFIX_BYTES);
        let mut data = packet;
        if u64::from(header.bytes()) != (HEADER_BYTES + data.len()) as u64 {
            return Err(broken("an event whose length is not that of its packet"));
        }
        if header.kind() == FORMAT {
            // Its checksum comes after the number of the method of all others.
            const CRC32: u8 = 1;
            let method = data.len().checked_sub(CHECKSUM_BYTES + 1);
            let method = method.and_then(|at| data.get(at));
            self.checksums = method == Some(&CRC32);
        }
        if self.checksums {
            let body = data.len().checked_sub(CHECKSUM_BYTES);
            let body = body.ok_or_else(|| broken("an event shorter than its checksum"))?;
            let mut sum = crc32fast::Hasher::new();
            sum.update(&header.summed());
            sum.update(data.get(..body).unwrap_or_default());
            if data.get(body..) != Some(&sum.finalize().to_le_bytes()) {
                return Err(broken("the event's checksum does not match its bytes"));
            }
            data.truncate(body);
        }
        Ok(RawEvent {
            header,
            data,
            inner: false,
        })
    }
}

/// Takes the packets' own headers out.
#[derive(Debug, Default)]
struct Frame {
    header: Vec<u8>,
    left: usize,
    /// Whether the packet goes on in another piece.
    more: bool,
}

impl Frame {
    /// The packet's bytes at the beginning of `bytes`; `None` where a header is read first, which counts as `used`.
    fn piece<'a>(&mut self, bytes: &'a [u8], used: &mut usize) -> Option<&'a [u8]> {
        if self.header.len() < 4 {
            let missing = 4 - self.header.len();
            let taken = bytes.get(..missing).unwrap_or(bytes);
            self.header.extend_from_slice(taken);
            *used += taken.len();
            let [a, b, c, _] = *self.header.first_chunk()?;
            self.left = u32::from_le_bytes([a, b, c, 0]) as usize;
            self.more = self.left == PIECE_BYTES_MAX;
            // An empty piece has nothing that could be waited for.
            return (self.left == 0).then_some(&[]);
        }
        Some(bytes.get(..self.left).unwrap_or(bytes))
    }

    /// Counts bytes of the packet; answers whether it is complete.
    fn took(&mut self, bytes: usize) -> bool {
        self.left = self.left.saturating_sub(bytes);
        if self.left > 0 {
            return false;
        }
        self.header.clear();
        !self.more
    }
}

#[cfg(test)]
mod tests;
