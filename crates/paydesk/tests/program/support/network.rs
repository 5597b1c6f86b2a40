//! The network between a server and the sandbox, where calls are late and answers are lost.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::watch;

use super::{SOON, wait_for};

/// What becomes of calls to a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// They arrive, and so do their answers.
    Delivered,
    /// They are on their way until that changes, whether or not anybody still waits for them.
    Held,
    /// They arrive; instead of the answer comes an error of something in between.
    Unanswered,
}

/// Passes everything on, except calls to one path, whose fate is the test's.
pub struct Network {
    pub url: String,
    link: Arc<Link>,
}

struct Link {
    http: reqwest::Client,
    to: String,
    path: &'static str,
    fate: watch::Sender<Fate>,
    /// Calls to the path that were held, and those that have arrived.
    seen: watch::Sender<Seen>,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    held: usize,
    arrived: usize,
}

impl Network {
    pub async fn between(sandbox_url: &str, path: &'static str, fate: Fate) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        // The client wants a provider of cryptography even where it only speaks plain HTTP; there may be one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let link = Arc::new(Link {
            http,
            to: sandbox_url.to_owned(),
            path,
            fate: watch::Sender::new(fate),
            seen: watch::Sender::default(),
        });
        let router = Router::new().fallback(relay).with_state(link.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, link }
    }

    /// From now on this becomes of the calls, those included that are held.
    pub fn decide(&self, fate: Fate) {
        self.link.fate.send_replace(fate);
    }

    /// Waits until that many calls were held.
    pub async fn held(&self, calls: usize) {
        self.seen("a call is held", |seen| seen.held >= calls).await;
    }

    /// Waits until the sandbox has answered that many calls.
    pub async fn arrived(&self, calls: usize) {
        self.seen("a call arrives", |seen| seen.arrived >= calls)
            .await;
    }

    async fn seen(&self, what: &str, enough: impl Fn(Seen) -> bool) {
        let look = async || enough(*self.link.seen.borrow()).then_some(());
        wait_for(what, SOON, look).await;
    }
}

async fn relay(State(link): State<Arc<Link>>, request: Request) -> Response {
    // In a task of its own: a call that is under way arrives even if its caller is gone.
    let relayed = tokio::spawn(async move { link.carry(request).await });
    let answer = relayed.await.unwrap();
    answer.unwrap_or_else(|| StatusCode::BAD_GATEWAY.into_response())
}

impl Link {
    /// The answer; none if it is lost.
    async fn carry(&self, request: Request) -> Option<Response> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.ok()?;
        let is_watched = parts.uri.path() == self.path;
        let mut fate = Fate::Delivered;
        if is_watched {
            let mut decided = self.fate.subscribe();
            if *decided.borrow() == Fate::Held {
                self.seen.send_modify(|seen| seen.held += 1);
            }
            fate = *decided.wait_for(|fate| *fate != Fate::Held).await.unwrap();
        }
        let onward = self
            .http
            .request(parts.method, format!("{}{}", self.to, parts.uri))
            .headers(parts.headers)
            .body(body);
        let answer = onward.send().await.ok()?;
        let status = answer.status();
        let body = answer.bytes().await.unwrap_or_default();
        if is_watched {
            self.seen.send_modify(|seen| seen.arrived += 1);
        }
        (fate == Fate::Delivered).then(|| (status, Body::from(body)).into_response())
    }
}
