//! Real sockets, short limits. What must last longer than something else lasts until the test lets it go.

mod load;
mod requests;
mod stopping;
mod timeouts;

use std::time::Instant;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::extract::Request as AxumRequest;
use axum::routing::{get, post};
use paydesk_core::id::SeededIds;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::*;
use crate::http::body::{BodyLimits, read};
use crate::http::context::RequestContext;
use crate::http::edge::{Edge, EdgeConfig};
use crate::http::metrics::Metrics;
use crate::http::service::wrap;

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(20);

/// Every limit far away; each test brings its own near.
const FAR: ConnectionLimits = ConnectionLimits {
    connections: 100,
    head: LONG,
    idle: LONG,
    answer: LONG,
    grace: LONG,
};

struct Server {
    address: SocketAddr,
    edge: Arc<Edge>,
    /// Lets the requests go on that wait for it.
    go_on: Arc<Notify>,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<Drained>,
}

impl Server {
    async fn start(limits: ConnectionLimits, config: EdgeConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::on(listener, address, limits, config)
    }

    fn on(
        listener: impl Accept + 'static + Sync,
        address: SocketAddr,
        limits: ConnectionLimits,
        config: EdgeConfig,
    ) -> Self {
        let edge = Edge::new(config, Arc::new(Metrics::new("0")), &SeededIds::new(1));
        let go_on = Arc::new(Notify::new());
        let services = wrap(routes(&go_on), edge.clone());
        let (stop, stopping) = oneshot::channel();
        let connections = edge.metrics().connections("public");
        let stopped = tokio::spawn(async move {
            let stop = async { drop(stopping.await) };
            serve(
                listener,
                |peer| services.for_peer(peer),
                limits,
                connections,
                stop,
            )
            .await
        });
        Self {
            address,
            edge,
            go_on,
            stop,
            stopped,
        }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn stop(self) -> Drained {
        self.stop.send(()).unwrap();
        timeout(LONG, self.stopped).await.unwrap().unwrap()
    }

    fn metric(&self, line: &str) -> u64 {
        let text = self.edge.metrics().text().unwrap();
        let value = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        value
            .unwrap_or_else(|| panic!("{line} in {text}"))
            .parse()
            .unwrap()
    }

    /// Waits until this metric has this value.
    async fn until(&self, line: &str, value: u64) {
        let watching = async {
            while self.metric(line) != value {
                sleep(Duration::from_millis(2)).await;
            }
        };
        let waited = timeout(LONG, watching).await;
        waited.unwrap_or_else(|_| panic!("{line} is {}", self.metric(line)));
    }

    /// Waits until this many requests are being worked on.
    async fn in_flight(&self, count: u64) {
        self.until("paydesk_http_requests_in_flight", count).await;
    }
}

fn routes(go_on: &Arc<Notify>) -> Router {
    let (slow_goes_on, wait_goes_on) = (go_on.clone(), go_on.clone());
    let slow = async move || {
        slow_goes_on.notified().await;
        "done"
    };
    let wait = async move |request: RequestContext| {
        let _waiting = request.wait_aside();
        wait_goes_on.notified().await;
        "news"
    };
    let echo = async |request: AxumRequest| {
        let limits = BodyLimits {
            size: 10,
            time: SHORT,
        };
        match read(request.into_body(), &limits).await {
            Ok(body) => (http::StatusCode::OK, AxumBody::from(body)),
            Err(error) => (error.status(), AxumBody::from(error.to_string())),
        }
    };
    let large = async || AxumBody::from(vec![b'x'; 32 * 1024 * 1024]);
    Router::new()
        .route("/", get(async || "hello"))
        .route("/slow", get(slow))
        .route("/wait", get(wait))
        .route("/echo", post(echo))
        .route("/large", get(large))
        .route("/never", get(std::future::pending::<()>))
        .route(
            "/panic/{token}",
            get(async || -> &str { panic!("hunter2") }),
        )
}

struct Client(TcpStream);

impl Client {
    async fn send(&self, text: &str) {
        self.try_send(text).await.unwrap();
    }

    async fn try_send(&self, text: &str) -> io::Result<()> {
        let mut left = text.as_bytes();
        while !left.is_empty() {
            self.0.writable().await?;
            match self.0.try_write(left) {
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Adds what comes next to `bytes`; false if nothing comes any more.
    async fn receive(&self, bytes: &mut Vec<u8>) -> bool {
        loop {
            timeout(LONG, self.0.readable())
                .await
                .expect("something comes")
                .unwrap();
            let mut buffer = [0; 4096];
            match self.0.try_read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Closing what was not read through resets the connection; that is an end, too.
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    bytes.extend_from_slice(&buffer[..count]);
                    return true;
                }
            }
        }
    }

    /// What comes until the connection is closed.
    async fn rest(&self) -> String {
        let mut bytes = Vec::new();
        while self.receive(&mut bytes).await {}
        String::from_utf8(bytes).unwrap()
    }

    /// What comes until this text has come.
    async fn until(&self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(end) {
            let more = self.receive(&mut bytes).await;
            let so_far = String::from_utf8_lossy(&bytes);
            assert!(
                more || so_far.contains(end),
                "the connection ended before {end:?}: {so_far:?}"
            );
        }
        String::from_utf8(bytes).unwrap()
    }
}
