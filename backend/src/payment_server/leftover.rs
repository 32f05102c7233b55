//! The rest of a body that nobody read. A call that is refused by its headers is answered while its body may still be on
//! the way; a connection that is closed then breaks under the caller's hands before it reads why it was refused.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures::future::poll_fn;
use hyper::body::{Frame, SizeHint};

/// The most that is read and thrown away, in bytes. Whoever still sends more finds the connection closed.
const LEFTOVER_BYTES_MAX: usize = 1_024 * 1_024;
/// How long it may take to arrive.
const LEFTOVER_DEADLINE: Duration = Duration::from_secs(2);

/// What is left of a call's body.
pub(super) struct Leftover(Arc<Mutex<Body>>);

/// The body as its handler reads it.
struct Read(Arc<Mutex<Body>>);

impl Leftover {
    /// The body to hand on, and what will be left of it.
    pub(super) fn of(body: Body) -> (Body, Self) {
        let shared = Arc::new(Mutex::new(body));
        (Body::new(Read(Arc::clone(&shared))), Self(shared))
    }

    /// Reads what is left, within its bounds.
    pub(super) async fn discard(self) {
        let discarding = async {
            let mut bytes = 0;
            while bytes <= LEFTOVER_BYTES_MAX
                && let Some(Ok(frame)) = poll_fn(|cx| poll_frame(&self.0, cx)).await
            {
                bytes += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        // A body that does not come to its end is cut off.
        let _ = tokio::time::timeout(LEFTOVER_DEADLINE, discarding).await;
    }
}

fn poll_frame(body: &Mutex<Body>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
    let mut body = body.lock().unwrap_or_else(PoisonError::into_inner);
    if body.is_end_stream() { Poll::Ready(None) } else { Pin::new(&mut *body).poll_frame(cx) }
}

impl HttpBody for Read {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        poll_frame(&self.0, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::stream;

    use super::*;

    const FRAME_BYTES: usize = 16 * 1_024;

    /// How many bytes of a body of so many frames are read when nobody else reads it.
    async fn discarded(frames: usize) -> usize {
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let sent = stream::iter((0..frames).map(move |_| {
            counter.fetch_add(FRAME_BYTES, Ordering::Relaxed);
            Ok::<_, std::io::Error>(vec![b'x'; FRAME_BYTES])
        }));
        let (_, leftover) = Leftover::of(Body::from_stream(sent));
        leftover.discard().await;
        taken.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_body_that_nobody_read_is_read_to_its_end_within_a_bound() {
        // What a caller that only knew the description once sent, and was cut off for.
        assert_eq!(discarded(13).await, 13 * FRAME_BYTES);
        assert_eq!(discarded(1_000).await, LEFTOVER_BYTES_MAX + FRAME_BYTES);
    }
}
