//! The one service between a connection and the router.
//!
//! It turns requests away when too many are in flight, gives each an id, survives a panic, counts, logs, and puts
//! on every answer what every answer must have. One future, unboxed: the hot path of everything.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode};
use hyper::body::{Body as _, Incoming};
use pin_project_lite::pin_project;

use super::apology::{Apology, Reader};
use super::context::RequestContext;
use super::edge::Edge;
use super::headers::api_headers;
use super::log::Finished;
use super::request_id::X_REQUEST_ID;
use super::route::TellRoute;

static JSON: HeaderValue = HeaderValue::from_static("application/json");
static ONE_SECOND: HeaderValue = HeaderValue::from_static("1");
const BUSY: &str = r#"{"statusCode":503,"message":"the server is busy; try again in a second"}"#;
const FAILED: &str =
    r#"{"statusCode":500,"message":"the server failed; the request id tells its operator where"}"#;

/// Puts the edge around a router. What it returns makes a service for each connection.
#[must_use]
pub fn wrap(router: Router, edge: Arc<Edge>) -> EdgeServices {
    EdgeServices {
        router: router.layer(TellRoute),
        edge,
        apology: None,
    }
}

/// Makes a service for each connection.
#[derive(Clone, Debug)]
pub struct EdgeServices {
    router: Router,
    edge: Arc<Edge>,
    apology: Option<Apology>,
}

impl EdgeServices {
    /// The same, with a page for persons whose request the edge must answer itself; without one, they get JSON too.
    #[must_use]
    pub fn with_apology(self, apology: Apology) -> Self {
        Self {
            apology: Some(apology),
            ..self
        }
    }

    /// The service for the connection of this peer.
    #[must_use]
    pub fn for_peer(&self, peer: SocketAddr) -> EdgeService {
        EdgeService {
            router: self.router.clone(),
            edge: self.edge.clone(),
            apology: self.apology.clone(),
            peer,
        }
    }
}

/// The edge around the router, for one connection.
#[derive(Clone, Debug)]
pub struct EdgeService {
    router: Router,
    edge: Arc<Edge>,
    apology: Option<Apology>,
    peer: SocketAddr,
}

type RouterFuture = <Router as tower::Service<Request>>::Future;

impl EdgeService {
    /// Answers one request.
    pub fn answer(&self, mut request: Request) -> Answering {
        let traffic = self.edge.metrics().traffic();
        // Counted before it is judged, or many at once would all find the last place free.
        let (in_flight, before) = InFlight::enter(&self.edge);
        let context = RequestContext::new(
            self.edge.request_id(request.headers()),
            self.edge.client(self.peer, request.headers()),
            self.edge.clone(),
        );
        let watch = Watch {
            method: request.method().clone(),
            target: request.uri().path_and_query().cloned(),
            started: Instant::now(),
            answered: false,
            reader: self.apology.as_ref().and_then(|apology| {
                Reader::of(request.headers()).map(|reader| (apology.clone(), reader))
            }),
            context: context.clone(),
            _in_flight: in_flight,
        };
        let handling = if before >= self.edge.config.max_in_flight {
            traffic.shed.fetch_add(1, Ordering::Relaxed);
            None
        } else {
            request.extensions_mut().insert(context);
            Some(tower::Service::call(&mut self.router.clone(), request))
        };
        Answering { handling, watch }
    }
}

impl hyper::service::Service<http::Request<Incoming>> for EdgeService {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: http::Request<Incoming>) -> Answering {
        // A request without a body, the most frequent kind, needs no box for it.
        self.answer(request.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else {
                Body::new(body)
            }
        }))
    }
}

impl tower::Service<Request> for EdgeService {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Answering {
        self.answer(request)
    }
}

pin_project! {
    /// A request on its way to its answer.
    pub struct Answering {
        // None if it is turned away.
        #[pin]
        handling: Option<RouterFuture>,
        watch: Watch,
    }
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut response = match this.handling.as_mut().as_pin_mut() {
            None => this.watch.own_answer(StatusCode::SERVICE_UNAVAILABLE, BUSY),
            Some(handling) => {
                // What a handler leaves half done when it panics is its own, and is dropped with it here.
                if let Ok(polled) = catch_unwind(AssertUnwindSafe(|| handling.poll(cx))) {
                    let Ok(response) = ready!(polled);
                    response
                } else {
                    this.watch.panicked();
                    this.watch
                        .own_answer(StatusCode::INTERNAL_SERVER_ERROR, FAILED)
                }
            }
        };
        this.handling.set(None);
        let headers = response.headers_mut();
        headers.insert(&X_REQUEST_ID, this.watch.context.id().header());
        api_headers(headers);
        this.watch.answered(response.status());
        Poll::Ready(Ok(response))
    }
}

fn plain(status: StatusCode, json: &'static str) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON.clone());
    response
}

/// What is remembered of a request until it is answered, or its client goes away.
struct Watch {
    method: Method,
    target: Option<PathAndQuery>,
    started: Instant,
    answered: bool,
    /// Who would rather read a page than JSON, and who writes it.
    reader: Option<(Apology, Reader)>,
    context: RequestContext,
    _in_flight: InFlight,
}

impl Watch {
    /// What the edge says itself.
    fn own_answer(&self, status: StatusCode, json: &'static str) -> Response {
        let mut response = match &self.reader {
            Some((apology, reader)) => apology.write(reader, self.target.as_ref(), status),
            None => plain(status, json),
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, ONE_SECOND.clone());
        }
        response
    }

    fn answered(&mut self, status: StatusCode) {
        self.answered = true;
        let took = self.started.elapsed();
        let busy = took.saturating_sub(self.context.waited());
        let route = self.context.route();
        route.answered(&self.method, status, busy);
        Finished {
            method: &self.method,
            route: route.label(),
            path: self.target.as_ref().map_or("", PathAndQuery::path),
            status,
            took,
            slow: busy > self.context.edge().config.slow,
            id: self.context.id(),
            client: self.context.client(),
        }
        .write();
    }

    fn panicked(&self) {
        self.context
            .edge()
            .metrics()
            .traffic()
            .panics
            .fetch_add(1, Ordering::Relaxed);
        // The panic's own words may hold anything; its place was written when it happened.
        tracing::error!(
            request_id = self.context.id().as_str(),
            route = self.context.route().label(),
            "a handler panicked"
        );
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.answered {
            self.context.route().abandoned(&self.method);
        }
    }
}

/// One in the count of requests that are worked on.
struct InFlight(Arc<Edge>);

impl InFlight {
    /// And how many there were before.
    fn enter(edge: &Arc<Edge>) -> (Self, usize) {
        let before = edge
            .metrics()
            .traffic()
            .in_flight
            .fetch_add(1, Ordering::Relaxed);
        (Self(edge.clone()), before)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0
            .metrics()
            .traffic()
            .in_flight
            .fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
