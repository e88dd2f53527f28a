//! Running the interface on a socket until the host stops.
//!
//! It installs no signal handler; the host says when. Invariant: it returns at most [`DRAIN`] after it was told to stop,
//! whatever clients do.

use crate::listener::BoundedListener;
use crate::router::router;
use crate::state::RestState;
use std::future::IntoFuture;
use std::io;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Time that requests in hand have to end once the host stops.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Answers requests on `listener` until `shutdown` completes and the requests in hand are answered.
pub async fn serve(
    listener: TcpListener,
    state: RestState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stopping, stopped) = oneshot::channel();
    let shutdown = async move {
        shutdown.await;
        // The other end is gone only when the server has ended by itself.
        stopping.send(()).ok();
    };
    let server = axum::serve(BoundedListener::new(listener), router(state));
    let server = server.with_graceful_shutdown(shutdown).into_future();
    let overdue = async move {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => ended,
        () = overdue => {
            tracing::warn!("requests were still in hand {} s after the stop; left them", DRAIN.as_secs());
            Ok(())
        }
    }
}
