//! Logging in: greeting, TLS, and the two authentication methods MySQL's users have.
//!
//! `caching_sha2_password` (over TLS, or with the server's public key) and `mysql_native_password`; packets and hashes
//! are `mysql_common`'s. Invariant: a password crosses an unencrypted connection only encrypted by the server's key.

use super::bytes;
use super::link::{Link, broken};
use super::tls;
use crate::config::{ServerConfig, SslMode};
use mysql_async::{DriverError, Error};
use mysql_common::constants::{CapabilityFlags, UTF8MB4_GENERAL_CI};
use mysql_common::crypto;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{
    AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse, SslRequest,
};
use std::io;
use tokio::net::TcpStream;

/// Answers of the server until it lets somebody in or not.
const ANSWERS_MAX: usize = 8;
/// Bytes of the server's random challenge.
const NONCE_BYTES: usize = 20;
/// Largest packet the server may send in one go, in bytes.
const PACKET_BYTES_MAX: u32 = super::EVENT_BYTES_MAX as u32;

fn wanted() -> CapabilityFlags {
    CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
}

/// Connects and logs in within `connect.timeout.ms`.
pub(super) async fn login(config: &ServerConfig) -> Result<Link, Error> {
    let within = config.connect_timeout;
    match tokio::time::timeout(within, Box::pin(converse(config))).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} ms", within.as_millis()),
        )
        .into()),
    }
}

async fn converse(config: &ServerConfig) -> Result<Link, Error> {
    let socket = TcpStream::connect((config.host.as_str(), config.port)).await?;
    socket.set_nodelay(true)?;
    if let Some(every) = config.keep_alive {
        tls::keep_alive(&socket, every)?;
    }
    let mut link = Link::new(Box::new(socket), 0);
    let greeting = link.answer().await?;
    let hello: HandshakePacket<'_> = ParseBuf(&greeting).parse(())?;
    let mut capabilities = hello.capabilities() & wanted();
    let offered = hello.capabilities().contains(CapabilityFlags::CLIENT_SSL);
    let secure = match config.ssl_mode {
        SslMode::Disabled => false,
        SslMode::Preferred => offered,
        _ if offered => true,
        _ => return Err(DriverError::NoClientSslFlagFromServer.into()),
    };
    if secure {
        capabilities |= CapabilityFlags::CLIENT_SSL;
        let collation = UTF8MB4_GENERAL_CI as u8;
        let request = SslRequest::new(capabilities, PACKET_BYTES_MAX, collation);
        link.send(&bytes(&request)).await?;
        let (socket, sequence) = link.into_socket()?;
        link = Link::new(tls::secure(config, socket).await?, sequence);
    }
    let mut nonce = hello.scramble_1_ref().to_vec();
    nonce.extend_from_slice(hello.scramble_2_ref().unwrap_or_default());
    nonce.resize(NONCE_BYTES, 0);
    let method = match hello.auth_plugin() {
        Some(AuthPlugin::CachingSha2Password) => AuthPlugin::CachingSha2Password,
        _ => AuthPlugin::MysqlNativePassword,
    };
    let password = config.password.expose();
    let proof = method.gen_data(Some(password), &nonce);
    let response = HandshakeResponse::new(
        proof.as_deref(),
        hello.server_version_parsed().unwrap_or((8, 0, 0)),
        Some(config.user.as_bytes()),
        None::<&[u8]>,
        Some(method),
        capabilities,
        None,
        PACKET_BYTES_MAX,
    );
    link.send(&bytes(&response)).await?;
    authenticate(link, password, nonce, secure).await
}

/// Answers the server's questions until it is content.
async fn authenticate(
    mut link: Link,
    password: &str,
    mut nonce: Vec<u8>,
    secure: bool,
) -> Result<Link, Error> {
    const FAST: u8 = 3;
    const FULL: u8 = 4;
    for _ in 0..ANSWERS_MAX {
        let answer = link.answer().await?;
        match answer.as_slice() {
            [0, ..] => return Ok(link),
            [0xfe, ..] => {
                let switch: AuthSwitchRequest<'_> = ParseBuf(&answer).parse(())?;
                nonce = switch.plugin_data().to_vec();
                let proof = match switch.auth_plugin() {
                    m @ (AuthPlugin::CachingSha2Password | AuthPlugin::MysqlNativePassword) => {
                        m.gen_data(Some(password), &nonce)
                    }
                    other => {
                        let name = String::from_utf8_lossy(other.as_bytes()).into_owned();
                        return Err(DriverError::UnknownAuthPlugin { name }.into());
                    }
                };
                link.send(proof.as_deref().unwrap_or_default()).await?;
            }
            [1, FAST, ..] => {}
            [1, FULL, ..] => full(&mut link, password, &nonce, secure).await?,
            _ => return Err(broken("an unknown answer to the login").into()),
        }
    }
    Err(broken("the login does not end").into())
}

/// Sends the password itself, which the server has not cached.
async fn full(link: &mut Link, password: &str, nonce: &[u8], secure: bool) -> Result<(), Error> {
    const ASK_FOR_KEY: u8 = 2;
    let mut secret = [password.as_bytes(), &[0]].concat();
    if secure {
        return link.send(&secret).await;
    }
    link.send(&[ASK_FOR_KEY]).await?;
    let answer = link.answer().await?;
    for (byte, mask) in secret.iter_mut().zip(nonce.iter().cycle()) {
        *byte ^= mask;
    }
    let key = answer.get(1..).unwrap_or_default();
    link.send(&crypto::encrypt(&secret, key)).await
}
