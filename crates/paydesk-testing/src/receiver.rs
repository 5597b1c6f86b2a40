//! A merchant's side: receives notifications and keeps them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::Value;

/// One notification as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Headers.
    pub headers: HeaderMap,
    /// The exact body.
    pub body: Bytes,
}

impl Received {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

#[derive(Default)]
struct Inbox {
    received: Mutex<Vec<Received>>,
    /// What to answer next; 200 when it runs out.
    answers: Mutex<Vec<StatusCode>>,
}

/// A receiver on loopback.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    inbox: Arc<Inbox>,
}

impl Receiver {
    /// Opens one.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!(
            "http://{}/notify",
            listener.local_addr().expect("it is bound")
        );
        let inbox = Arc::new(Inbox::default());
        let router = Router::new().fallback(receive).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inbox }
    }

    /// What has come.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.inbox.received.lock().clone()
    }

    /// What the next notifications are answered with, in this order; 200 after that.
    pub fn answer_with(&self, statuses: &[StatusCode]) {
        *self.inbox.answers.lock() = statuses.iter().rev().copied().collect();
    }
}

async fn receive(
    State(inbox): State<Arc<Inbox>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    inbox.received.lock().push(Received { headers, body });
    let status = inbox.answers.lock().pop().unwrap_or(StatusCode::OK);
    (status, status.canonical_reason().unwrap_or_default())
}
