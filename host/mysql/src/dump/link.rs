//! Packets of the client protocol: commands go out, answers and then the binlog come in.
//!
//! Only framing, and what an error packet says. Source: MySQL "Packets". Invariant: an answer longer than [`ANSWER_BYTES_MAX`] is refused before it is
//! read; nothing received is lost when a waiting future is dropped.

use mysql_async::{Error, ServerError};
use std::io;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

/// Largest answer to a command, in bytes: greetings, OK and error packets, public keys.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Bytes asked of the socket at once.
const READ_BYTES: usize = 64 << 10;
/// Bytes a packet's own header counts; a longer packet comes in several pieces.
pub(super) const PIECE_BYTES_MAX: usize = 0x00ff_ffff;

/// A socket, with TLS or without.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Socket for T {}

pub(super) struct Link {
    socket: BufReader<Box<dyn Socket>>,
    sequence: u8,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(socket: Box<dyn Socket>, sequence: u8) -> Self {
        Self {
            socket: BufReader::with_capacity(READ_BYTES, socket),
            sequence,
        }
    }

    /// The socket, to be wrapped in TLS, and the next packet's number. Nothing may have come that nobody read: it would
    /// be taken for part of the encrypted stream.
    pub(super) fn into_socket(self) -> io::Result<(Box<dyn Socket>, u8)> {
        if self.socket.buffer().is_empty() {
            Ok((self.socket.into_inner(), self.sequence))
        } else {
            Err(broken("the server went on without TLS"))
        }
    }

    /// One answer; an error packet is an error.
    pub(super) async fn answer(&mut self) -> Result<Vec<u8>, Error> {
        let mut header = [0; 4];
        self.socket.read_exact(&mut header).await?;
        let [a, b, c, sequence] = header;
        let bytes = u32::from_le_bytes([a, b, c, 0]) as usize;
        if bytes > ANSWER_BYTES_MAX {
            return Err(broken("an answer is too long for this protocol").into());
        }
        self.sequence = sequence.wrapping_add(1);
        let mut packet = vec![0; bytes];
        self.socket.read_exact(&mut packet).await?;
        match packet.first() {
            Some(0xff) => Err(Error::Server(server_error(&packet))),
            _ => Ok(packet),
        }
    }

    /// Sends the next packet of a conversation.
    pub(super) async fn send(&mut self, packet: &[u8]) -> Result<(), Error> {
        let piece = u32::try_from(packet.len()).ok();
        let Some(bytes) = piece.filter(|n| (*n as usize) < PIECE_BYTES_MAX) else {
            return Err(broken("a packet to the server is too long").into());
        };
        let [a, b, c, _] = bytes.to_le_bytes();
        let mut framed = vec![a, b, c, self.sequence];
        framed.extend_from_slice(packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.socket.write_all(&framed).await?;
        self.socket.flush().await?;
        Ok(())
    }

    /// Begins a conversation.
    pub(super) async fn command(&mut self, packet: &[u8]) -> Result<(), Error> {
        self.sequence = 0;
        self.send(packet).await
    }

    /// Runs a statement that answers no rows.
    pub(super) async fn query(&mut self, sql: &str) -> Result<(), Error> {
        const COM_QUERY: u8 = 3;
        self.command(&[&[COM_QUERY], sql.as_bytes()].concat())
            .await?;
        self.answer().await.map(drop)
    }

    /// Bytes that came, at least one unless the server closed the connection.
    pub(super) async fn received(&mut self) -> io::Result<&[u8]> {
        self.socket.fill_buf().await
    }

    /// Drops the first of what [`Link::received`] answered.
    pub(super) fn consume(&mut self, bytes: usize) {
        self.socket.consume(bytes);
    }
}

pub(super) fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// What an error packet says.
pub(super) fn server_error(packet: &[u8]) -> ServerError {
    let (code, mut rest) = packet
        .get(1..)
        .and_then(|p| p.split_first_chunk::<2>())
        .unwrap_or((&[0, 0], &[]));
    let mut state = "HY000".to_owned();
    if let Some((marked, message)) = rest.split_first_chunk::<6>()
        && marked[0] == b'#'
    {
        state = String::from_utf8_lossy(&marked[1..]).into_owned();
        rest = message;
    }
    ServerError {
        code: u16::from_le_bytes(*code),
        message: String::from_utf8_lossy(rest).into_owned(),
        state,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_packets_say_what_they_can() {
        for (packet, code, state, message) in [
            (
                &b"\xff\x15\x04#28000Access denied"[..],
                1045,
                "28000",
                "Access denied",
            ),
            (b"\xff\xd4\x04Binlog gone", 1236, "HY000", "Binlog gone"),
            (b"\xff\x01", 0, "HY000", ""),
        ] {
            let e = server_error(packet);
            assert_eq!(
                (e.code, e.state.as_str(), e.message.as_str()),
                (code, state, message)
            );
        }
    }
}
