//! Tells the request's context which route the router found.
//!
//! The router keeps that to itself: only what lies behind it learns of it, so this one layer does.

use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use tower::{Layer, Service};

use super::context::RequestContext;

#[derive(Clone, Copy, Debug)]
pub(super) struct TellRoute;

impl<S> Layer<S> for TellRoute {
    type Service = RouteTeller<S>;

    fn layer(&self, inner: S) -> RouteTeller<S> {
        RouteTeller(inner)
    }
}

#[derive(Clone, Debug)]
pub(super) struct RouteTeller<S>(S);

impl<S: Service<Request>> Service<Request> for RouteTeller<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> S::Future {
        let extensions = request.extensions();
        if let (Some(context), Some(path)) = (
            extensions.get::<RequestContext>(),
            extensions.get::<MatchedPath>(),
        ) {
            context.matched(path.as_str());
        }
        self.0.call(request)
    }
}
