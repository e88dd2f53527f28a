//! One real request to a server, spelled out byte by byte, to know that it serves.
//!
//! An open port says little: MySQL listens before it is ready, Kafka before it has joined its
//! cluster. Deliberately no client library: this is two small packets each way. Invariant: reads
//! are bounded in time and size, whatever answers.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, bail};

const LIMIT: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: usize = 64 * 1024;

fn connect(address: &str) -> Result<TcpStream> {
    let resolved = address
        .to_socket_addrs()
        .with_context(|| format!("resolving {address}"))?
        .next()
        .with_context(|| format!("resolving {address}: no address"))?;
    let stream = TcpStream::connect_timeout(&resolved, LIMIT)
        .with_context(|| format!("connecting to {address}"))?;
    stream
        .set_read_timeout(Some(LIMIT))
        .context("setting a read time-out")?;
    stream
        .set_write_timeout(Some(LIMIT))
        .context("setting a write time-out")?;
    Ok(stream)
}

/// Whether anything accepts connections there.
pub(super) fn listens(address: &str) -> bool {
    connect(address).is_ok()
}

/// The server's version from its greeting; then a login as root without a password, which must
/// get an answer in the protocol, be it a refusal (a server of the user's has other accounts).
pub(super) fn mysql(address: &str) -> Result<String> {
    let mut stream = connect(address)?;
    let greeting = mysql_packet(&mut stream).context("reading the MySQL greeting")?;
    let version = greeting_version(&greeting)?;
    stream.write_all(&login()).context("logging in to MySQL")?;
    let answer = mysql_packet(&mut stream).context("reading MySQL's answer to a login")?;
    match answer.first() {
        // OK, an error (refused), or a request to go on in another way: all are the server alive.
        Some(0x00 | 0x01 | 0xfe | 0xff) => Ok(version),
        other => bail!("reading MySQL's answer to a login: unknown packet {other:?}"),
    }
}

fn mysql_packet(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut header = [0; 4];
    stream
        .read_exact(&mut header)
        .context("reading a packet header")?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize;
    read_bounded(stream, length)
}

/// Protocol version 10, then the version text up to a zero byte ("Protocol::HandshakeV10").
fn greeting_version(packet: &[u8]) -> Result<String> {
    match packet.split_first() {
        Some((10, rest)) => {
            let text = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            Ok(String::from_utf8_lossy(text).into_owned())
        }
        // An error packet: code, then text, for instance "too many connections".
        Some((0xff, rest)) => bail!(
            "reading the MySQL greeting: the server says {}",
            String::from_utf8_lossy(rest.get(2..).unwrap_or_default())
        ),
        _ => bail!("reading the MySQL greeting: not a MySQL server"),
    }
}

/// "Protocol::HandshakeResponse41" for root with an empty password.
fn login() -> Vec<u8> {
    const PROTOCOL_41: u32 = 0x0200;
    const SECURE_CONNECTION: u32 = 0x8000;
    const PLUGIN_AUTH: u32 = 0x0008_0000;
    let mut body = Vec::new();
    body.extend((PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH).to_le_bytes());
    body.extend((ANSWER_BYTES_MAX as u32).to_le_bytes());
    body.push(45); // utf8mb4_general_ci
    body.extend([0; 23]);
    body.extend(b"root\0\0"); // the second zero: no authentication bytes
    body.extend(b"caching_sha2_password\0");
    let mut packet = (body.len() as u32).to_le_bytes()[..3].to_vec();
    packet.push(1); // sequence: the greeting was 0
    packet.extend(body);
    packet
}

/// A Metadata request (version 1, no topics); answers once a broker has joined its cluster.
pub(super) fn kafka(address: &str) -> Result<String> {
    let mut stream = connect(address)?;
    stream
        .write_all(&metadata_request())
        .context("asking Kafka for its brokers")?;
    let mut length = [0; 4];
    stream
        .read_exact(&mut length)
        .context("reading Kafka's answer")?;
    let answer = read_bounded(&mut stream, u32::from_be_bytes(length) as usize)
        .context("reading Kafka's answer")?;
    match broker_count(&answer) {
        Some(0) => bail!("asking Kafka for its brokers: none has joined yet"),
        Some(n) => Ok(format!(
            "Kafka, {n} broker{}",
            if n == 1 { "" } else { "s" }
        )),
        None => bail!("asking Kafka for its brokers: not a Kafka server"),
    }
}

const CORRELATION: u32 = 0x7469_6465;

fn metadata_request() -> Vec<u8> {
    const CLIENT: &[u8] = b"tidegate-xtask";
    let mut body = Vec::new();
    body.extend(3_u16.to_be_bytes()); // api key: Metadata
    body.extend(1_u16.to_be_bytes()); // api version
    body.extend(CORRELATION.to_be_bytes());
    body.extend((CLIENT.len() as u16).to_be_bytes());
    body.extend(CLIENT);
    body.extend(0_u32.to_be_bytes()); // topics: an empty list, not all
    let mut request = (body.len() as u32).to_be_bytes().to_vec();
    request.extend(body);
    request
}

/// Correlation id, then the broker array's length.
fn broker_count(answer: &[u8]) -> Option<u32> {
    let number = |at: usize| {
        let bytes = answer.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    (number(0)? == CORRELATION)
        .then(|| number(4))?
        .filter(|n| *n < 10_000)
}

fn read_bounded(stream: &mut TcpStream, length: usize) -> Result<Vec<u8>> {
    if length > ANSWER_BYTES_MAX {
        bail!("an answer of {length} bytes is not one of this protocol");
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).context("reading a packet")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_told_from_noise() {
        assert_eq!(greeting_version(b"\x0a9.7.4-2\0rest").unwrap(), "9.7.4-2");
        let error = |bytes: &[u8]| greeting_version(bytes).unwrap_err().to_string();
        assert!(error(b"\xff\x10\x04Too many connections").ends_with("says Too many connections"));
        assert!(error(b"HTTP/1.1 400").ends_with("not a MySQL server"));
        assert!(error(b"").ends_with("not a MySQL server"));
    }

    #[test]
    fn a_kafka_answer_counts_brokers() {
        let answer = |count: u32| [CORRELATION.to_be_bytes(), count.to_be_bytes()].concat();
        assert_eq!(broker_count(&answer(1)), Some(1));
        assert_eq!(broker_count(&answer(0)), Some(0));
        assert_eq!(broker_count(&answer(u32::MAX)), None);
        assert_eq!(broker_count(b"HTTP/1.1"), None);
        assert_eq!(broker_count(b"tid"), None);
    }

    #[test]
    fn the_login_packet_has_its_length_and_sequence() {
        let packet = login();
        assert_eq!(usize::from(packet[0]), packet.len() - 4);
        assert_eq!(packet[3], 1);
    }
}
