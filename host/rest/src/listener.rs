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
}

impl BoundedListener {
    /// The same listener with bounds.
    pub(crate) fn new(inner: TcpListener) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        Self { inner, places }
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
        let idle = Box::pin(sleep(IDLE_MAX));
        let connection = Connection {
            io,
            idle,
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
            self.idle.as_mut().reset(Instant::now() + IDLE_MAX);
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
