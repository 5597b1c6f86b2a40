//! RFC 9457 problems: `{type, title, status, detail, code, field?}`, as `application/problem+json`.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use paydesk_core::engine::EngineError;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::ShopRefusal;
use serde::Serialize;

use crate::auth::AuthError;
use crate::http::RequestContext;
use crate::http::body::BodyError;
use crate::http::json::JsonProblem;
use crate::http::rate_limit::TooMany;
use crate::http::request_id::RequestId;
use crate::wire;

/// An answer that says what went wrong.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    field: Option<String>,
    header: Option<(HeaderName, HeaderValue)>,
    request: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'p> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'p str,
    status: u16,
    detail: &'p str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'p str>,
}

impl Problem {
    /// A problem of this status and stable code.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            field: None,
            header: None,
            request: None,
        }
    }

    /// Its stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// Its status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says to people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// In answer to this request.
    #[must_use]
    pub fn of_request(mut self, id: &RequestId) -> Self {
        self.request = Some(id.to_string());
        self
    }

    /// Of this field.
    #[must_use]
    pub fn of_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// With a header beside it.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = wire::bytes(&Body {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            field: self.field.as_deref(),
            request_id: self.request.as_deref(),
        });
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        response
    }
}

/// What a known address answers to a method that it does not take.
pub async fn method_not_allowed(request: RequestContext) -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this address does not take this method",
    )
    .of_request(request.id())
}

/// What an address below `/api/v1` answers that is not one of the API's.
pub async fn no_such_address(request: RequestContext) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no_such_address",
        "there is nothing at this address: /api/v1/docs shows what there is",
    )
    .of_request(request.id())
}

/// A key that may do other things, but not this.
#[must_use]
pub fn insufficient_scope(needed: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "insufficient_scope",
        format!("this restricted key may not do this: it would need {needed}"),
    )
}

impl From<TooMany> for Problem {
    fn from(too_many: TooMany) -> Self {
        let detail = format!("too many requests; try again in {} s", too_many.seconds());
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
            .with_header(RETRY_AFTER, too_many.retry_after_header())
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing | AuthError::Wrong => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "a valid secret is required, as Authorization: Bearer <secret>",
            )
            .with_header(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"Paydesk\""),
            ),
            AuthError::TooMany(too_many) => too_many.into(),
            AuthError::Unavailable(error) => EngineError::Unavailable(error).into(),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        Self::new(error.status(), "invalid_body", error.to_string())
    }
}

impl From<JsonProblem> for Problem {
    fn from(problem: JsonProblem) -> Self {
        let detail = problem.to_string();
        let this = Self::new(StatusCode::BAD_REQUEST, "invalid_json", detail);
        match named_field(&problem) {
            Some(field) => this.of_field(field),
            None => this,
        }
    }
}

/// The field that a JSON problem is about. A field that is missing, unknown or given twice is named by the message,
/// and the path leads to what should or should not hold it.
fn named_field(problem: &JsonProblem) -> Option<String> {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .into_iter()
        .find_map(|prefix| problem.message.strip_prefix(prefix))
        .and_then(|rest| rest.split_once('`'))
        .map(|(name, _)| name);
    match (problem.field.as_deref(), named) {
        (None, None) => None,
        (Some(path), None) => Some(path.to_owned()),
        (None, Some(name)) => Some(name.to_owned()),
        (Some(path), Some(name)) if path == name || path.ends_with(&format!(".{name}")) => {
            Some(path.to_owned())
        }
        (Some(path), Some(name)) => Some(format!("{path}.{name}")),
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Unavailable(error) => {
                tracing::error!(%error, "the store is unavailable");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "the service is temporarily unavailable; try again shortly",
                )
                .with_header(RETRY_AFTER, HeaderValue::from_static("1"))
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let this = Self::new(status(&refusal), refusal.code(), refusal.to_string());
        match refusal {
            Refusal::InvalidField { field, .. } | Refusal::InvalidAmount { field, .. } => {
                this.of_field(field)
            }
            Refusal::AmountRequired { .. }
            | Refusal::AmountTooSmall { .. }
            | Refusal::AmountDiffers { .. }
            | Refusal::AmountTooLarge { .. } => this.of_field("amount"),
            Refusal::MethodNotOffered { .. } | Refusal::MethodCannotSettle { .. } => {
                this.of_field("method")
            }
            Refusal::NoMethodSettles { .. } | Refusal::CurrencyDiffers { .. } => {
                this.of_field("currency")
            }
            Refusal::ReferenceTaken { .. } => this.of_field("reference"),
            Refusal::CustomerCodeTaken => this.of_field("code"),
            Refusal::NotATestCard => this.of_field("card.number"),
            Refusal::CardRequired | Refusal::CardNotExpected => this.of_field("card"),
            _ => this,
        }
    }
}

/// The HTTP status of a refusal: 400 for what is wrong in itself, 404 for what is not there, 409 for what
/// clashes with what is under way, 422 for what the state does not allow.
const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::InvalidField { .. }
        | Refusal::InvalidAmount { .. }
        | Refusal::NoMethodSettles { .. }
        | Refusal::MethodCannotSettle { .. }
        | Refusal::MethodNotOffered { .. }
        | Refusal::ProviderAccountAmbiguous
        | Refusal::CardRequired
        | Refusal::CardNotExpected
        | Refusal::LiveCard
        | Refusal::NotATestCard
        | Refusal::CardsOnly
        | Refusal::AmountRequired { .. }
        | Refusal::AmountTooSmall { .. }
        | Refusal::AmountDiffers { .. }
        | Refusal::AmountTooLarge { .. }
        | Refusal::CurrencyDiffers { .. } => StatusCode::BAD_REQUEST,
        Refusal::SessionNotFound
        | Refusal::TransactionNotFound
        | Refusal::PaymentMethodNotFound
        | Refusal::ProviderAccountNotFound
        | Refusal::EndpointNotFound
        | Refusal::EventNotFound
        | Refusal::DeliveryNotFound
        | Refusal::CustomerNotFound
        | Refusal::KeyNotFound
        | Refusal::Shop(ShopRefusal::ProductNotFound | ShopRefusal::OrderNotFound) => {
            StatusCode::NOT_FOUND
        }
        Refusal::ReferenceTaken { .. }
        | Refusal::CustomerCodeTaken
        | Refusal::PaymentInProgress
        | Refusal::OperationInProgress
        | Refusal::IdempotencyKeyInUse
        | Refusal::Shop(ShopRefusal::OrderPaid | ShopRefusal::LoginTaken) => StatusCode::CONFLICT,
        Refusal::Shop(ShopRefusal::WrongCredentials | ShopRefusal::NotSignedIn) => {
            StatusCode::UNAUTHORIZED
        }
        Refusal::Shop(ShopRefusal::TooManySigningIn) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::NoProviderAccount
        | Refusal::ProviderAccountDisabled
        | Refusal::SessionExpired
        | Refusal::SessionCancelled
        | Refusal::SessionCompleted
        | Refusal::AlreadyPaid
        | Refusal::TooManyCardAttempts { .. }
        | Refusal::TooManyPushedAttempts { .. }
        | Refusal::NotSettleable
        | Refusal::NotVoidable
        | Refusal::NotRefundable
        | Refusal::RefundAtBank
        | Refusal::AlreadySettled
        | Refusal::AlreadyVoided
        | Refusal::HoldExpired
        | Refusal::NoException
        | Refusal::TooManyEndpoints { .. }
        | Refusal::TestModeOnly
        | Refusal::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
