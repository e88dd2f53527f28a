//! Reading a body of bounded size.
//!
//! A client that is still sending when the answer comes often sees a reset connection in its place, so what is beyond the
//! limit is read and thrown away, within bounds of its own. Nothing is parsed here. Invariant: no more than the limit
//! is held in memory.

use crate::error::RestError;
use axum::body::{BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use futures_util::StreamExt as _;
use std::time::Duration;

/// Bytes that are thrown away for the sake of an answer.
const DISCARDED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Time for it.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);

/// The body, if it has at most `bytes_max` bytes; else 413.
pub(crate) async fn read(request: Request, bytes_max: usize) -> Result<Bytes, RestError> {
    let headers = request.headers();
    let told = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let told: Option<usize> = told.and_then(|v| v.parse().ok());
    let waits = headers.contains_key(EXPECT);
    let too_large = || {
        let message = format!("The request body is larger than {bytes_max} bytes");
        RestError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    let mut body = request.into_body().into_data_stream();
    if told.is_some_and(|bytes| bytes > bytes_max) {
        // Who waits for leave to send has sent nothing.
        if !waits {
            discard(body).await;
        }
        return Err(too_large());
    }
    let mut all = Vec::with_capacity(told.unwrap_or(0));
    while let Some(chunk) = body.next().await {
        let chunk =
            chunk.map_err(|_| RestError::bad("The request body ended before it was complete"))?;
        if all.len() + chunk.len() > bytes_max {
            drop(all);
            discard(body).await;
            return Err(too_large());
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.into())
}

async fn discard(mut body: BodyDataStream) {
    let all = async {
        let mut left = DISCARDED_BYTES_MAX;
        while let Some(Ok(chunk)) = body.next().await
            && chunk.len() <= left
        {
            left -= chunk.len();
        }
    };
    // Who sends more, or more slowly, is not answered.
    drop(tokio::time::timeout(DISCARD_TIMEOUT, all).await);
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A request of these chunks, and how many of them have been read.
    fn request(chunks: usize, headers: &[(&str, &str)]) -> (Request, Arc<AtomicUsize>) {
        let read = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&read);
        let chunks = futures_util::stream::iter((0..chunks).map(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>("0123456789")
        }));
        let mut request = Request::builder();
        for (k, v) in headers {
            request = request.header(*k, *v);
        }
        (request.body(Body::from_stream(chunks)).unwrap(), read)
    }

    #[tokio::test]
    async fn what_is_too_large_is_read_to_its_end_and_refused() {
        for (headers, read_to) in [
            (&[][..], 7),
            (&[("content-length", "70")], 7),
            (&[("content-length", "70"), ("expect", "100-continue")], 0),
        ] {
            let (request, chunks_read) = request(7, headers);
            let refused = read(request, 30).await.unwrap_err();
            assert_eq!(refused.text().0, 413);
            assert_eq!(chunks_read.load(Ordering::Relaxed), read_to, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn what_fits_is_whole() {
        let (request, _) = request(3, &[]);
        assert_eq!(read(request, 30).await.unwrap(), "0123456789".repeat(3));
    }
}
