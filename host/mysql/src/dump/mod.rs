//! The connection that the binlog comes over: its login, and its bytes made into events.
//!
//! `mysql_async` speaks SQL everywhere else, but decompresses a compressed transaction whole (and aborts the process on a
//! hostile size), so the dump has a connection of its own. What an event means is not known here. Invariant: memory holds
//! one event and a few buffers of fixed size, whatever the server sends.

mod assemble;
mod link;
mod login;
mod payload;
mod raw;
mod tls;

pub(crate) use assemble::Broken;
pub(crate) use raw::RawEvent;

use crate::config::ServerConfig;
use assemble::{Assembler, Packet};
use link::Link;
use mysql_async::Error;
use mysql_common::packets::ComRegisterSlave;
use mysql_common::packets::binlog_request::BinlogRequest;
use mysql_common::proto::MySerialize;

/// Largest event taken, in bytes, compressed or not: MySQL's upper bound of `max_allowed_packet`.
pub(crate) const EVENT_BYTES_MAX: usize = 1 << 30;

/// Why there is no next event.
#[derive(Debug)]
pub(crate) enum DumpError {
    /// The connection or the server.
    Driver(Error),
    /// What came is not what the protocol says.
    Broken(Broken),
}

impl From<Error> for DumpError {
    fn from(e: Error) -> Self {
        Self::Driver(e)
    }
}

/// A connection whose server sends its binlog.
#[derive(Debug)]
pub(crate) struct Dump {
    link: Link,
    assembler: Assembler,
}

impl Dump {
    /// Logs in, runs `settings` and asks for the binlog. The caller has checked that the tenant may reach the host.
    pub(crate) async fn open(
        config: &ServerConfig,
        settings: &[String],
        request: &BinlogRequest<'_>,
    ) -> Result<Self, Error> {
        let mut link = login::login(config).await?;
        for statement in settings {
            link.query(statement).await?;
        }
        link.query("SET @master_binlog_checksum='ALL'").await?;
        link.command(&bytes(&ComRegisterSlave::new(request.server_id())))
            .await?;
        link.answer().await?;
        link.command(&bytes(&request.as_cmd())).await?;
        Ok(Self {
            link,
            assembler: Assembler::default(),
        })
    }

    /// The next event, `None` once the server ends the stream. May be dropped while it waits: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Option<RawEvent>, DumpError> {
        loop {
            match self.assembler.next().map_err(DumpError::Broken)? {
                Some(Packet::Event(event)) => return Ok(Some(event)),
                Some(Packet::Error(e)) => return Err(Error::Server(e).into()),
                Some(Packet::End) => return Ok(None),
                None => {}
            }
            let bytes = self.link.received().await.map_err(Error::from)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let used = self.assembler.take(bytes).map_err(DumpError::Broken)?;
            self.link.consume(used);
        }
    }
}

fn bytes(packet: &impl MySerialize) -> Vec<u8> {
    let mut to = Vec::new();
    packet.serialize(&mut to);
    to
}
