//! `POST /graphql`. Every answer is HTTP 200, errors included, for the published client loses them on any other status;
//! only a body that is too large, too many requests and a store that does not answer are told by the status.

use std::sync::Arc;

use async_graphql::{Request, Response as Answer, ServerError, Variables};
use axum::extract::Request as HttpRequest;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ORIGIN, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use paydesk_api::app::App;
use paydesk_api::auth;
use paydesk_api::http::body::{self, BodyError};
use paydesk_api::http::cors::{self, AllowedOrigin, Cors};
use paydesk_api::http::{RequestContext, json};
use paydesk_api::wire;
use serde::Deserialize;

use crate::desk::Caller;
use crate::fault::{Code, Fault};
use crate::guard::{self, MOST_AT_ONCE};
use crate::public::Asked;
use crate::{Dialect, Schema};

/// What a browser may send: not the secret, which has no business there.
static CORS: Cors = Cors::new("POST", "content-type");

/// One request as GraphQL over HTTP writes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, serde_json::Value>>,
}

/// What came: one request, or several at once.
enum Batch {
    One(Posted),
    Many(Vec<Posted>),
}

impl Batch {
    fn read(body: &[u8]) -> Result<Self, Fault> {
        let wrong = |problem: json::JsonProblem| Fault::new(Code::Validation, problem.to_string());
        if body.trim_ascii_start().first() != Some(&b'[') {
            return Ok(Self::One(json::parse_json(body).map_err(wrong)?));
        }
        let many: Vec<Posted> = json::parse_json(body).map_err(wrong)?;
        if many.is_empty() || many.len() > MOST_AT_ONCE {
            return Err(Fault::new(
                Code::Validation,
                format!("a batch has from 1 to {MOST_AT_ONCE} requests"),
            ));
        }
        Ok(Self::Many(many))
    }
}

/// Answers a browser that asks what it may send. Whose data it will ask for is not known yet; its answer decides.
pub async fn preflight(headers: HeaderMap) -> Response {
    let origin = AllowedOrigin::of(&headers, |origin| origin != "null");
    CORS.preflight(origin.as_ref())
}

/// Answers what is no post.
pub async fn method_not_allowed() -> Response {
    let fault = Fault::new(Code::Validation, "requests are posted to this address");
    respond(&[refused(fault)], false)
}

/// Handles a request.
pub async fn handle(app: Arc<App>, dialect: Arc<Dialect>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let body = match body::read(body, &app.body_limits).await {
        Ok(body) => body,
        Err(error) => return unread(error),
    };
    let asked = Arc::new(Asked::default());
    let mut response = match answer(&app, &dialect, &parts, &body, &asked).await {
        Ok((answers, is_batch)) => respond(&answers, is_batch),
        Err(fault) => respond(&[refused(fault)], false),
    };
    if parts.headers.contains_key(ORIGIN) {
        let origin = reader(&app, &asked, &parts.headers).await;
        cors::mark(response.headers_mut(), origin.as_ref());
    }
    response
}

async fn answer(
    app: &Arc<App>,
    dialect: &Dialect,
    parts: &Parts,
    body: &Bytes,
    asked: &Arc<Asked>,
) -> Result<(Vec<Answer>, bool), Fault> {
    let key = match parts.headers.get("accrupay-api-secret") {
        None => None,
        Some(secret) => {
            let secret = secret.to_str().map_err(|_| Fault::unauthenticated())?;
            Some(auth::by_secret(app, secret).await?)
        }
    };
    let prepare = |posted: Posted| {
        let mut request = Request::new(posted.query)
            .data(Arc::clone(app))
            .data(Arc::clone(asked))
            .data(Arc::clone(&dialect.public));
        if let Some(key) = &key {
            request = request.data(Caller::new(app, Arc::clone(key)));
        }
        if let Some(context) = parts.extensions.get::<RequestContext>() {
            request = request.data(context.clone());
        }
        if let Some(name) = posted.operation_name {
            request = request.operation_name(name);
        }
        let variables = serde_json::Value::Object(posted.variables.unwrap_or_default());
        request.variables(Variables::from_json(variables))
    };
    match Batch::read(body)? {
        Batch::One(posted) => Ok((vec![execute(&dialect.schema, prepare(posted)).await], false)),
        Batch::Many(many) => {
            let mut answers = Vec::with_capacity(many.len());
            // One after the other: they may be mutations, and what one client asks is not worth more than what
            // others ask.
            for posted in many {
                answers.push(execute(&dialect.schema, prepare(posted)).await);
            }
            Ok((answers, true))
        }
    }
}

async fn execute(schema: &Schema, mut request: Request) -> Answer {
    let too_much = |error: guard::TooMuch| refused(Fault::new(Code::Validation, error.to_string()));
    if let Err(error) = guard::judge_text(&request.query) {
        return too_much(error);
    }
    let judged = match request.parsed_query() {
        Ok(document) => guard::judge(document),
        Err(error) => return coded(Answer::from_errors(vec![error])),
    };
    if let Err(error) = judged {
        return too_much(error);
    }
    coded(schema.execute(request).await)
}

/// Gives a code to what the library itself refused.
fn coded(mut answer: Answer) -> Answer {
    for error in &mut answer.errors {
        if Code::of(error).is_none() {
            let mut fault = Fault::new(Code::Validation, &error.message);
            fault.argument = named(&error.message);
            error.extensions = fault.into_server_error().extensions;
        }
    }
    answer
}

/// The argument that the library's own message is about.
fn named(message: &str) -> Option<String> {
    let rest = message.strip_prefix("Invalid value for argument \"")?;
    rest.split('"').next().map(str::to_owned)
}

fn refused(fault: Fault) -> Answer {
    Answer::from_errors(vec![fault.into_server_error()])
}

/// A body that did not come as a whole.
fn unread(error: BodyError) -> Response {
    let fault = Fault::new(Code::Validation, error.to_string());
    let mut response = respond(&[refused(fault)], false);
    if let BodyError::TooLarge { .. } = error {
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    }
    response
}

fn respond(answers: &[Answer], is_batch: bool) -> Response {
    let body = match answers {
        [only] if !is_batch => wire::bytes(only),
        all => wire::bytes(&all),
    };
    let errors = || answers.iter().flat_map(|answer| &answer.errors);
    let has = |code: Code| errors().find(|error| Code::of(error) == Some(code));
    if has(Code::Unavailable).is_some() {
        return late(
            StatusCode::SERVICE_UNAVAILABLE,
            HeaderValue::from_static("1"),
            body,
        );
    }
    if let Some(error) = has(Code::TooMany) {
        return late(StatusCode::TOO_MANY_REQUESTS, retry_after(error), body);
    }
    wire::json(StatusCode::OK, body)
}

fn late(status: StatusCode, retry_after: HeaderValue, body: Bytes) -> Response {
    let mut response = wire::json(status, body);
    response.headers_mut().insert(RETRY_AFTER, retry_after);
    response
}

fn retry_after(error: &ServerError) -> HeaderValue {
    let seconds = error
        .extensions
        .as_ref()
        .and_then(|extensions| extensions.get("retryAfter"));
    match seconds {
        Some(async_graphql::Value::Number(seconds)) => seconds.as_u64().unwrap_or(1).into(),
        _ => HeaderValue::from_static("1"),
    }
}

/// The origin that may read the answer: one that every merchant it speaks of allows. What a secret opened is for no
/// browser.
async fn reader(app: &App, asked: &Asked, headers: &HeaderMap) -> Option<AllowedOrigin> {
    let tenants = std::mem::take(&mut *asked.0.lock());
    if tenants.is_empty() || headers.contains_key("accrupay-api-secret") {
        return None;
    }
    let mut named = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        match app.engine.store().merchant(tenant.merchant).await {
            Ok(Some(merchant)) => {
                let origins = merchant.settings(tenant.mode).allowed_origins.clone();
                named.push((origins, tenant.mode));
            }
            Ok(None) => return None,
            Err(error) => {
                tracing::warn!(%error, "allowed origins could not be read");
                return None;
            }
        }
    }
    AllowedOrigin::of(headers, |origin| {
        named
            .iter()
            .all(|(origins, mode)| cors::may_call(origins, *mode, origin))
    })
}
