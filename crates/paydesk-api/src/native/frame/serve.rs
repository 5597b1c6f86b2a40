//! Answers calls: what is checked of each before its handler runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter};
use http::Method;
use http::request::Parts;
use paydesk_core::refusal::Refusal;
use uuid::Uuid;

use super::asked::replay;
use super::{Asked, Call, Parameter, Problem};
use crate::app::App;
use crate::auth;
use crate::http::{RequestContext, body};
use crate::native::problem::{self, insufficient_scope};
use crate::wire::Repeatable;

/// Below what all addresses are.
pub const BASE: &str = "/api/v1";

/// The routes of these calls.
pub fn routes(calls: Vec<Call>) -> Router<Arc<App>> {
    let mut by_path: BTreeMap<&'static str, MethodRouter<Arc<App>>> = BTreeMap::new();
    for call in calls {
        let filter = filter(&call.method);
        let call = Arc::new(call);
        let path = call.path;
        let handler =
            move |state: State<Arc<App>>,
                  context: RequestContext,
                  path: Result<RawPathParams, axum::extract::rejection::RawPathParamsRejection>,
                  request: Request| {
                let call = Arc::clone(&call);
                async move { answer(call, state.0, context, path.ok(), request).await }
            };
        let known = by_path
            .remove(path)
            .unwrap_or_else(|| MethodRouter::new().fallback(problem::method_not_allowed));
        by_path.insert(path, known.on(filter, handler));
    }
    by_path
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(&format!("{BASE}{path}"), methods)
        })
}

/// The router answers a `HEAD` as the `GET` that it is the head of.
fn filter(method: &Method) -> MethodFilter {
    match *method {
        Method::POST => MethodFilter::POST,
        Method::PUT => MethodFilter::PUT,
        Method::PATCH => MethodFilter::PATCH,
        Method::DELETE => MethodFilter::DELETE,
        _ => MethodFilter::GET,
    }
}

async fn answer(
    call: Arc<Call>,
    app: Arc<App>,
    context: RequestContext,
    path: Option<RawPathParams>,
    request: Request,
) -> Response {
    match ask(&call, app, path, request).await {
        Ok(reply) => reply,
        Err(problem) => problem.of_request(context.id()).into_response(),
    }
}

async fn ask(
    call: &Call,
    app: Arc<App>,
    path: Option<RawPathParams>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = auth::bearer_with_scopes(&app, &parts.headers).await?;
    if !call.access.allows(&caller) {
        return Err(insufficient_scope(&call.access.needed()));
    }
    let path = path
        .ok_or_else(|| Refusal::field("path", "is not UTF-8, percent-encoded"))?
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let query = read_query(&parts, &call.parameters)?;
    let body = body::read(body, &app.body_limits).await?;
    if call.body.is_none() && !body.is_empty() {
        return Err(Refusal::field("body", "is given, but this call takes none").into());
    }
    let tenant = caller.tenant;
    let of_request = || Repeatable::of(&parts.headers, &caller, &route(call, &parts), &body);
    let repeat = if call.method == Method::POST {
        of_request()?
    } else {
        None
    };
    if let Some(known_by) = &repeat
        && let Some(reply) = replay(&app, tenant, known_by, call.success).await?
    {
        return Ok(reply.into_response());
    }
    let asked = Asked {
        app: Arc::clone(&app),
        caller: Arc::clone(&caller),
        path,
        query,
        body: body.clone(),
        repeat,
    };
    match (call.run)(asked).await {
        // Another request with this key was faster: by now it may have its answer.
        Err(problem) if problem.code() == Refusal::IdempotencyKeyInUse.code() => {
            match of_request()? {
                Some(known_by) => match replay(&app, tenant, &known_by, call.success).await? {
                    Some(reply) => Ok(reply.into_response()),
                    None => Err(problem),
                },
                None => Err(problem),
            }
        }
        answered => Ok(answered?.into_response()),
    }
}

/// What an idempotency key belongs to: the method and the address, each id in it as it is usually written.
fn route(call: &Call, parts: &Parts) -> String {
    let mut route = call.method.to_string();
    route.push(' ');
    for segment in parts.uri.path().split('/').skip(1) {
        route.push('/');
        match segment.parse::<Uuid>() {
            Ok(id) => route.push_str(&id.to_string()),
            Err(_) => route.push_str(segment),
        }
    }
    route
}

/// Reads the query: only what the call takes, each once unless it may be repeated.
fn read_query(parts: &Parts, known: &[Parameter]) -> Result<Vec<(String, String)>, Refusal> {
    let text = parts.uri.query().unwrap_or_default();
    let mut query: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
            let shown: String = name.chars().take(100).collect();
            return Err(Refusal::field(shown, "is not a parameter of this call"));
        };
        if !parameter.many && query.iter().any(|(earlier, _)| *earlier == name) {
            return Err(Refusal::field(parameter.name, "is given more than once"));
        }
        if value.contains('\0') {
            return Err(Refusal::field(parameter.name, "contains a NUL character"));
        }
        query.push((name.into_owned(), value.into_owned()));
    }
    Ok(query)
}
