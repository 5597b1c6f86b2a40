//! One connection: it notes what it waits for, and does what the watch tells it.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::watch::{Order, Pass, Phase, Watched};

/// Serves one connection to its end.
pub(super) fn serve<S, B>(
    http: &http1::Builder,
    stream: TcpStream,
    service: S,
    pass: Pass,
) -> impl Future<Output = ()> + use<S, B>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    let watched = pass.watched().clone();
    let stream = NotedStream {
        stream,
        watched: watched.clone(),
    };
    let service = NotedService {
        service,
        watched: watched.clone(),
    };
    let connection = http.serve_connection(TokioIo::new(stream), service);
    async move {
        let mut connection = pin!(connection);
        let mut finishing = false;
        let ended = poll_fn(|cx| {
            // The task's waker never changes: nothing between the task and this future makes its own.
            watched.wake_by(cx.waker());
            match watched.order() {
                Order::Stay => {}
                Order::Finish if finishing => {}
                Order::Finish => {
                    finishing = true;
                    connection.as_mut().graceful_shutdown();
                }
                Order::Cut => return Poll::Ready(Ok(())),
            }
            connection.as_mut().poll(cx)
        })
        .await;
        if let Err(error) = ended {
            // Clients come and go, and send what is no HTTP: nobody's failure.
            tracing::debug!(target: "paydesk::connection", %error, "a connection ended");
        }
        drop(pass);
    }
}

/// A stream that notes when a head begins to arrive and when an answer is on its way.
struct NotedStream {
    stream: TcpStream,
    watched: Arc<Watched>,
}

impl NotedStream {
    /// Something of an answer was taken by the client.
    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        // While the handler runs, what is written is a mere `100 Continue`.
        if matches!(written, Poll::Ready(Ok(_))) && !self.watched.is_in(Phase::Answer) {
            self.watched.enters(Phase::Write);
        }
        written
    }
}

impl AsyncRead for NotedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.watched.is_in(Phase::Idle) {
            self.watched.enters(Phase::Head);
        }
        read
    }
}

impl AsyncWrite for NotedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.watched.is_in(Phase::Write) {
            self.watched.enters(Phase::Idle);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A service that notes when a request begins and when its answer does.
struct NotedService<S> {
    service: S,
    watched: Arc<Watched>,
}

impl<S: Service<Request<Incoming>>> Service<Request<Incoming>> for NotedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Noted<S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.watched.enters(Phase::Answer);
        Noted {
            answering: self.service.call(request),
            watched: self.watched.clone(),
        }
    }
}

pin_project! {
    struct Noted<F> {
        #[pin]
        answering: F,
        watched: Arc<Watched>,
    }
}

impl<F: Future> Future for Noted<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let answer = ready!(this.answering.poll(cx));
        this.watched.enters(Phase::Write);
        Poll::Ready(answer)
    }
}
