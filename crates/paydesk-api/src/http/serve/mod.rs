//! Accepting connections, keeping them to their time, and letting them finish.
//!
//! The HTTP library can time one thing, the reading of a head, and takes a fresh timer for it with every request. Here
//! a connection only notes what it waits for and since when; one task looks at all of them a few times a
//! second. So every kind of waiting has its own limit, and none costs a timer.

mod accept;
mod connection;
mod watch;

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use tokio::sync::Semaphore;

pub use accept::Accept;
use accept::PatientAccept;
use watch::Watch;

use super::metrics::ConnectionMetrics;

/// How long connections may take, and how many there may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    /// As many at once; those beyond wait to be accepted.
    pub connections: usize,
    /// From a head's first byte (on a new connection: from its beginning) to its last.
    pub head: Duration,
    /// How long a connection may stay open between requests, or take nothing of an answer that is being sent.
    pub idle: Duration,
    /// From a request's head to the head of its answer: the last resort against one that never ends. Bodies and
    /// handlers have their own, shorter limits.
    pub answer: Duration,
    /// How long requests may go on once the server is told to stop.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            answer: Duration::from_mins(2),
            grace: Duration::from_secs(30),
        }
    }
}

/// How a server stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drained {
    /// Connections that were not finished within the grace period and were cut.
    pub cut: usize,
}

/// A head's size at most, the request line included. It is checked between reads: one read may go beyond it.
const LARGEST_HEAD: usize = 32 * 1024;

/// Serves HTTP/1.1 until `stop` is over; then accepts no more, closes what is idle, and lets requests finish.
///
/// `service_for` makes the service for each connection. A listener that fails (no more file descriptors) is tried
/// again, ever more slowly up to once a second.
pub async fn serve<A, M, S, B>(
    listener: A,
    service_for: M,
    limits: ConnectionLimits,
    metrics: Arc<ConnectionMetrics>,
    stop: impl Future<Output = ()>,
) -> Drained
where
    A: Accept,
    M: Fn(SocketAddr) -> S,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let watch = Watch::new(limits, metrics.clone());
    let mut watching = pin!(watch.watch());
    let places = Arc::new(Semaphore::new(
        limits.connections.min(Semaphore::MAX_PERMITS),
    ));
    let http = http();

    {
        let mut listener = PatientAccept::new(listener, metrics);
        let accepting = async {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else {
                    // It is never closed.
                    return;
                };
                let (stream, peer) = listener.accept().await;
                let serving = connection::serve(&http, stream, service_for(peer), watch.enter());
                tokio::spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            () = stop => {}
            () = accepting => {}
            () = &mut watching => {}
        }
        // Here the listener is dropped: nobody is accepted any more.
    }

    watch.finish_all();
    tokio::select! {
        () = watch.all_gone() => Drained { cut: 0 },
        () = tokio::time::sleep(limits.grace) => Drained { cut: watch.cut_all() },
        () = &mut watching => Drained { cut: 0 },
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    // Our own watch does it.
    http.header_read_timeout(None);
    http.max_buf_size(LARGEST_HEAD);
    http
}

/// The requests to end that the process gets: `SIGTERM`, or `SIGINT` from a terminal.
#[derive(Debug)]
pub struct EndRequests {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl EndRequests {
    /// Listens from now on: none of them kills the process any more.
    pub fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
            })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Resolves with the next one, also if it came before this was awaited.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        // An error means that there is nothing to listen to: then it never ends by itself.
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests;
