//! XanPay's errors: `{"statusCode", "error", "message"}`. "If the session cannot be created, then you will
//! receive a HTTP 400 error."

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};
use paydesk_core::engine::EngineError;
use paydesk_core::refusal::Refusal;
use serde::Serialize;

use crate::auth::AuthError;
use crate::http::body::BodyError;
use crate::http::json::JsonProblem;
use crate::wire;

/// An answer that is an error.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Error {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            header: None,
        }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
}

pub(super) async fn method_not_allowed() -> Error {
    Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take this method",
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'e> {
    status_code: u16,
    error: &'e str,
    message: &'e str,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let body = wire::bytes(&Body {
            status_code: self.status.as_u16(),
            error: self.status.canonical_reason().unwrap_or("Error"),
            message: &self.message,
        });
        let mut response = wire::json(self.status, body);
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing | AuthError::Wrong => Self {
                status: StatusCode::UNAUTHORIZED,
                message: "a valid API key and secret are required, as HTTP Basic authentication"
                    .to_owned(),
                header: Some((
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Basic realm=\"Paydesk\""),
                )),
            },
            AuthError::TooMany(too_many) => Self {
                status: StatusCode::TOO_MANY_REQUESTS,
                message: format!(
                    "too many requests with this key; try again in {} s",
                    too_many.seconds()
                ),
                header: Some((RETRY_AFTER, too_many.retry_after_header())),
            },
            AuthError::Unavailable(error) => EngineError::Unavailable(error).into(),
        }
    }
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Self {
        Self::new(error.status(), error.to_string())
    }
}

impl From<JsonProblem> for Error {
    fn from(problem: JsonProblem) -> Self {
        Self::bad_request(problem.to_string())
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Unavailable(error) => {
                tracing::error!(%error, "the store is unavailable");
                Self {
                    status: StatusCode::SERVICE_UNAVAILABLE,
                    message: "the service is temporarily unavailable; try again shortly".to_owned(),
                    header: Some((RETRY_AFTER, HeaderValue::from_static("1"))),
                }
            }
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidField { field, problem } => {
                Self::bad_request(format!("{} {problem}", own_field(&field)))
            }
            Refusal::InvalidAmount { field, error } => {
                Self::bad_request(format!("{} {error}", own_field(&field)))
            }
            Refusal::SessionNotFound => Self::not_found("there is no session with this id"),
            Refusal::TransactionNotFound => Self::not_found("there is no charge with this id"),
            refusal @ (Refusal::PaymentMethodNotFound
            | Refusal::ProviderAccountNotFound
            | Refusal::EndpointNotFound
            | Refusal::EventNotFound
            | Refusal::DeliveryNotFound) => Self::not_found(refusal.to_string()),
            refusal @ (Refusal::IdempotencyKeyInUse
            | Refusal::OperationInProgress
            | Refusal::PaymentInProgress) => Self::new(StatusCode::CONFLICT, refusal.to_string()),
            // No call of XanPay's speaks of a shop.
            Refusal::Shop(refusal) => Self::not_found(refusal.to_string()),
            Refusal::NoMethodSettles { currency } => Self::bad_request(format!(
                "currency {currency} cannot be settled by any enabled method"
            )),
            Refusal::MethodCannotSettle { method, currency } => {
                Self::bad_request(format!("methods: {method} cannot settle {currency}"))
            }
            refusal @ (Refusal::NoProviderAccount
            | Refusal::ProviderAccountAmbiguous
            | Refusal::ProviderAccountDisabled
            | Refusal::MethodNotOffered { .. }
            | Refusal::ReferenceTaken { .. }
            | Refusal::SessionExpired
            | Refusal::SessionCancelled
            | Refusal::SessionCompleted
            | Refusal::AlreadyPaid
            | Refusal::TooManyCardAttempts { .. }
            | Refusal::TooManyPushedAttempts { .. }
            | Refusal::CardRequired
            | Refusal::CardNotExpected
            | Refusal::LiveCard
            | Refusal::NotATestCard
            | Refusal::CardsOnly
            | Refusal::AmountRequired { .. }
            | Refusal::AmountTooSmall { .. }
            | Refusal::AmountDiffers { .. }
            | Refusal::AmountTooLarge { .. }
            | Refusal::CurrencyDiffers { .. }
            | Refusal::NotSettleable
            | Refusal::NotVoidable
            | Refusal::NotRefundable
            | Refusal::RefundAtBank
            | Refusal::AlreadySettled
            | Refusal::AlreadyVoided
            | Refusal::HoldExpired
            | Refusal::NoException
            | Refusal::TooManyEndpoints { .. }
            | Refusal::CustomerNotFound
            | Refusal::CustomerCodeTaken
            | Refusal::KeyNotFound
            | Refusal::TestModeOnly
            | Refusal::IdempotencyKeyReused) => Self::bad_request(refusal.to_string()),
        }
    }
}

/// What XanPay calls a field of the engine.
fn own_field(field: &str) -> String {
    match field.split_once(['[', '.']) {
        Some(("lineItems", _)) => field.replacen("lineItems", "orders", 1),
        _ if field == "lineItems" => "orders".to_owned(),
        _ if field == "successUrl" => "redirectUrl".to_owned(),
        _ => field.to_owned(),
    }
}
