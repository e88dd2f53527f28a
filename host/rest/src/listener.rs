//! Connections with bounds: how many there are, and how long one may stay silent.
//!
//! axum's own listener has neither. It does not look at bytes. Invariant: at most [`CONNECTIONS_MAX`] are open, and one
//! on which nothing moves for [`IDLE_MAX`] is closed.

use crate::edge::UPLOAD_TIMEOUT;
use axum::serve::Listener;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections open at a time; more wait in the kernel's queue.
pub(crate) const CONNECTIONS_MAX: usize = 1024;
/// Longest silence: longer than any request may take.
const IDLE_MAX: Duration = UPLOAD_TIMEOUT.saturating_add(Duration::from_secs(30));

/// A listener that hands out a bounded number of connections.
pub(crate) struct BoundedListener {
    inner: TcpListener,
    places: Arc<Semaphore>,
    idle_max: Duration,
}

impl BoundedListener {
    /// The same listener with bounds.
    pub(crate) fn new(inner: TcpListener) -> Self {
        Self::with_bounds(inner, CONNECTIONS_MAX, IDLE_MAX)
    }
    fn with_bounds(inner: TcpListener, connections_max: usize, idle_max: Duration) -> Self {
        let places = Arc::new(Semaphore::new(connections_max));
        Self {
            inner,
            places,
            idle_max,
        }
    }
}

impl Listener for BoundedListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            // The semaphore is never closed.
            return pending().await;
        };
        // axum's own accept waits out exhausted file descriptors.
        let (io, address) = <TcpListener as Listener>::accept(&mut self.inner).await;
        if let Err(e) = io.set_nodelay(true) {
            tracing::debug!("setting TCP_NODELAY for {address}: {e}");
        }
        let idle = Box::pin(sleep(self.idle_max));
        let connection = Connection {
            io,
            idle,
            idle_max: self.idle_max,
            _place: place,
        };
        (connection, address)
    }
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection that ends by itself when nothing moves.
pub(crate) struct Connection {
    io: TcpStream,
    idle: Pin<Box<Sleep>>,
    idle_max: Duration,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Puts the end off when something has moved, and says so when its time has come.
    fn watch<T>(
        &mut self,
        moved: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            let end = Instant::now() + self.idle_max;
            self.idle.as_mut().reset(end);
            return moved;
        }
        let silent = || io::Error::new(io::ErrorKind::TimedOut, "nothing moved for too long");
        self.idle.as_mut().poll(cx).map(|()| Err(silent()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let moved = Pin::new(&mut this.io).poll_read(cx, buffer);
        this.watch(moved, cx)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let moved = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.watch(moved, cx)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let moved = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.watch(moved, cx)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn serving(connections_max: usize, idle_max: Duration) -> SocketAddr {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = inner.local_addr().unwrap();
        let listener = BoundedListener::with_bounds(inner, connections_max, idle_max);
        let app = Router::new().route("/", get(async || "hello"));
        tokio::spawn(axum::serve(listener, app).into_future());
        address
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed_and_its_place_given_on() {
        let address = serving(1, Duration::from_millis(50)).await;
        let mut silent = TcpStream::connect(address).await.unwrap();
        let mut waiting = TcpStream::connect(address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        waiting.write_all(request).await.unwrap();
        // The only place is the silent one's until it is closed.
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let mut nothing = Vec::new();
        silent.read_to_end(&mut nothing).await.unwrap();
    }
}
