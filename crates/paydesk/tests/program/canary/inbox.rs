//! Where the merchant's notifications arrive.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use http::HeaderMap;

type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

/// Keeps all that it is sent, headers and body.
pub struct Inbox {
    pub url: String,
    kept: Kept,
}

impl Inbox {
    pub async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/told", listener.local_addr().unwrap());
        let kept = Kept::default();
        let router = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, kept }
    }

    pub fn received(&self) -> Vec<Vec<u8>> {
        self.kept.lock().unwrap().clone()
    }
}

async fn keep(State(kept): State<Kept>, headers: HeaderMap, body: Bytes) {
    let mut told = format!("{headers:?}\n").into_bytes();
    told.extend_from_slice(&body);
    kept.lock().unwrap().push(told);
}
