//! Reading a request's body: bounded in size and in time.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;

use axum::body::Body;

/// How large a body may be, and how long it may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BodyLimits {
    /// In bytes.
    pub size: usize,
    /// From the first byte waited for to the last.
    pub time: Duration,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self {
            size: 64 * 1024,
            time: Duration::from_secs(15),
        }
    }
}

/// Why a body was not read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BodyError {
    /// It is, or says that it will be, larger than allowed.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// What is allowed.
        limit: usize,
    },
    /// It did not arrive in time.
    #[error("the body did not arrive within {} s", limit.as_secs_f32())]
    TooSlow {
        /// What is allowed.
        limit: Duration,
    },
    /// The connection ended first, or what came is no body.
    #[error("the body ended before it was complete")]
    Broken,
}

impl BodyError {
    /// What a dialect without a status of its own for this answers.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads the whole body. One that announces too large a length is refused before any of it is read.
pub async fn read(body: Body, limits: &BodyLimits) -> Result<Bytes, BodyError> {
    let mut reading = pin!(collect(body, limits.size));
    // Nearly always the body came with the head: no timer is needed then.
    if let Poll::Ready(read) = poll_fn(|cx| Poll::Ready(reading.as_mut().poll(cx))).await {
        return read;
    }
    tokio::time::timeout(limits.time, reading)
        .await
        .unwrap_or(Err(BodyError::TooSlow { limit: limits.time }))
}

async fn collect(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let too_large = BodyError::TooLarge { limit };
    if Pin::new(&body).size_hint().lower() > limit as u64 {
        return Err(too_large);
    }
    let Some(first) = next(&mut body).await? else {
        return Ok(Bytes::new());
    };
    if first.len() > limit {
        return Err(too_large);
    }
    if body.is_end_stream() {
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while let Some(more) = next(&mut body).await? {
        if more.len() > limit - whole.len() {
            return Err(too_large);
        }
        whole.extend_from_slice(&more);
    }
    Ok(whole.freeze())
}

/// The next piece; trailers are skipped.
async fn next(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::body::Frame;
    use tokio::sync::mpsc;

    use super::*;

    /// A body of unknown length that is fed by the test.
    struct Fed(mpsc::UnboundedReceiver<Result<Frame<Bytes>, std::io::Error>>);

    impl hyper::body::Body for Fed {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0.poll_recv(cx)
        }
    }

    fn fed(
        pieces: &[&[u8]],
    ) -> (
        mpsc::UnboundedSender<Result<Frame<Bytes>, std::io::Error>>,
        Body,
    ) {
        let (feed, receiver) = mpsc::unbounded_channel();
        for piece in pieces {
            feed.send(Ok(Frame::data(Bytes::copy_from_slice(piece))))
                .unwrap();
        }
        (feed, Body::new(Fed(receiver)))
    }

    const TEN: BodyLimits = BodyLimits {
        size: 10,
        time: Duration::from_millis(50),
    };

    #[tokio::test]
    async fn a_body_is_read_whole_up_to_the_limit() {
        assert_eq!(
            read(Body::from("0123456789"), &TEN).await.unwrap(),
            "0123456789"
        );
        assert_eq!(read(Body::empty(), &TEN).await.unwrap(), "");
        let (feed, body) = fed(&[b"01234", b"", b"56789"]);
        feed.send(Ok(Frame::trailers(http::HeaderMap::new())))
            .unwrap();
        drop(feed);
        assert_eq!(read(body, &TEN).await.unwrap(), "0123456789");
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused() {
        let too_large = Err(BodyError::TooLarge { limit: 10 });
        assert_eq!(read(Body::from("0123456789a"), &TEN).await, too_large);
        let (_feed, body) = fed(&[b"01234", b"56789a"]);
        assert_eq!(read(body, &TEN).await, too_large);
        let (_feed, body) = fed(&[b"0123456789a"]);
        assert_eq!(read(body, &TEN).await, too_large);
        assert_eq!(BodyError::TooLarge { limit: 10 }.status(), 413);
    }

    #[tokio::test]
    async fn an_announced_length_beyond_the_limit_is_refused_unread() {
        struct Announced;
        impl hyper::body::Body for Announced {
            type Data = Bytes;
            type Error = Infallible;
            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
                panic!("it was read")
            }
            fn size_hint(&self) -> hyper::body::SizeHint {
                hyper::body::SizeHint::with_exact(11)
            }
        }
        let refused = read(Body::new(Announced), &TEN).await;
        assert_eq!(refused, Err(BodyError::TooLarge { limit: 10 }));
    }

    #[tokio::test]
    async fn a_body_that_dribbles_is_given_up_in_total_time() {
        let (feed, body) = fed(&[]);
        let dribble = tokio::spawn(async move {
            while feed.send(Ok(Frame::data(Bytes::from_static(b"")))).is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        assert_eq!(
            read(body, &TEN).await,
            Err(BodyError::TooSlow { limit: TEN.time })
        );
        dribble.await.unwrap();
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_no_body() {
        let (feed, body) = fed(&[b"0123"]);
        feed.send(Err(std::io::ErrorKind::UnexpectedEof.into()))
            .unwrap();
        assert_eq!(read(body, &TEN).await, Err(BodyError::Broken));
    }
}
