//! Accepting connections from a listener that may fail for a while.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::http::metrics::ConnectionMetrics;

/// Where connections come from.
pub trait Accept: Send {
    /// The next one, and whose it is.
    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send;
}

impl Accept for TcpListener {
    fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send {
        Self::accept(self)
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Tries again until there is a connection.
pub(super) struct PatientAccept<A> {
    listener: A,
    metrics: Arc<ConnectionMetrics>,
    pause: Duration,
}

impl<A: Accept> PatientAccept<A> {
    pub(super) const fn new(listener: A, metrics: Arc<ConnectionMetrics>) -> Self {
        Self {
            listener,
            metrics,
            pause: FIRST_PAUSE,
        }
    }

    pub(super) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.pause = FIRST_PAUSE;
                    // Without it a small answer could wait for the client's acknowledgement of an earlier one. A
                    // connection that fails here fails at its first read, too.
                    let _ = stream.set_nodelay(true);
                    return (stream, peer);
                }
                // That was one client's connection, gone before it was accepted; the next may be fine.
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    // Mostly no more file descriptors: without a pause this would be a busy loop.
                    self.metrics.accept_failed();
                    tracing::error!(%error, pause_ms = self.pause.as_millis(), "no connection can be accepted");
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}
