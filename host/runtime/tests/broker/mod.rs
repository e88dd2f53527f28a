//! A way to the real broker that can be cut: a Kafka that goes away and comes back, for one worker only.
//!
//! It passes frames on and, in answers, names itself where the broker names its own address, so that clients stay with
//! it. It knows nothing else of the protocol.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Answers are small here.
const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    there: watch::Sender<bool>,
}

impl Broker {
    pub(crate) async fn new(upstream: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (there, seen) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut seen, upstream) = (seen.clone(), upstream.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = seen.wait_for(|there| !there) => {}
                        () = pass(client, upstream, address.port()) => {}
                    }
                });
            }
        });
        Self { address, there }
    }
    pub(crate) fn goes_away(&self) {
        self.there.send_replace(false);
    }
    pub(crate) fn comes_back(&self) {
        self.there.send_replace(true);
    }
}

async fn pass(client: TcpStream, upstream: String, port: u16) {
    let Ok(broker) = TcpStream::connect(&upstream).await else {
        return;
    };
    let (from, to) = (advertised(&upstream), port);
    let ((mut read, write), (answers, mut requests)) = (client.into_split(), broker.into_split());
    tokio::select! {
        _ = tokio::io::copy(&mut read, &mut requests) => {}
        _ = pass_answers(answers, write, &from, to) => {}
    }
}

/// How an answer names a broker: its host, and its port as four bytes.
fn advertised(address: &str) -> Vec<u8> {
    let (host, port) = address.rsplit_once(':').unwrap();
    let port: u32 = port.parse().unwrap();
    [host.as_bytes(), &port.to_be_bytes()].concat()
}

async fn pass_answers(
    mut answers: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    from: &[u8],
    port: u16,
) -> std::io::Result<()> {
    loop {
        let len = answers.read_u32().await?;
        let mut frame = vec![0; (len as usize).min(FRAME_BYTES_MAX)];
        answers.read_exact(&mut frame).await?;
        let mut at = 0;
        while let Some(found) = frame[at..].windows(from.len()).position(|w| w == from) {
            at += found + from.len();
            frame[at - 4..at].copy_from_slice(&u32::from(port).to_be_bytes());
        }
        client.write_u32(len).await?;
        client.write_all(&frame).await?;
    }
}
