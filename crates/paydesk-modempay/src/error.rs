//! Modem Pay's errors: `{"message", "statusCode"}`. The published client shows nothing but the message, so that says
//! all: the field, what was wrong with it, what would be right.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use paydesk_api::auth::AuthError;
use paydesk_api::http::body::BodyError;
use paydesk_api::http::json::JsonProblem;
use paydesk_api::wire;
use paydesk_core::engine::EngineError;
use paydesk_core::refusal::Refusal;
use paydesk_core::store::{Answer, Unavailable};
use serde::Serialize;

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

    fn of(status: StatusCode, refusal: &Refusal) -> Self {
        Self::new(status, refusal.to_string())
    }

    /// Of a field as this dialect names it.
    pub fn field(field: &str, problem: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("{field} {problem}"))
    }

    /// Of a refund that the rail would not make.
    pub fn refund_failed() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the refund failed; nothing was given back",
        )
    }

    /// As what is stored of it under an idempotency key.
    pub fn into_answer(self) -> Answer {
        Answer {
            status: self.status.as_u16(),
            body: self.body(),
        }
    }

    fn body(&self) -> Bytes {
        wire::bytes(&Body {
            message: &self.message,
            status_code: self.status.as_u16(),
        })
    }
}

/// What a known address answers to a method that it does not take.
pub async fn method_not_allowed() -> Error {
    Error::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take this method",
    )
}

/// What an unknown address answers.
pub async fn not_found() -> Error {
    Error::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'e> {
    message: &'e str,
    status_code: u16,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = wire::json(self.status, self.body());
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
                header: Some((
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer realm=\"Paydesk\""),
                )),
                ..Self::new(
                    StatusCode::UNAUTHORIZED,
                    "a valid secret key is required, as Authorization: Bearer <key>",
                )
            },
            AuthError::TooMany(too_many) => Self {
                header: Some((RETRY_AFTER, too_many.retry_after_header())),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    format!(
                        "too many requests with this key; try again in {} s",
                        too_many.seconds()
                    ),
                )
            },
            AuthError::Unavailable(error) => error.into(),
        }
    }
}

impl From<BodyError> for Error {
    // This dialect has no statuses of its own for these.
    fn from(error: BodyError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<JsonProblem> for Error {
    fn from(problem: JsonProblem) -> Self {
        Self::new(StatusCode::BAD_REQUEST, problem.to_string())
    }
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "the store is unavailable");
        Self {
            header: Some((RETRY_AFTER, HeaderValue::from_static("1"))),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the service is temporarily unavailable; try again shortly",
            )
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Unavailable(error) => error.into(),
        }
    }
}

impl From<Refusal> for Error {
    /// 400 for what is wrong in itself, 404 for what is not there, 422 for what the state does not allow.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidField { field, problem } => Self::field(&own_field(&field), &problem),
            Refusal::InvalidAmount { field, error } => {
                Self::field(&own_field(&field), &error.to_string())
            }
            Refusal::SessionNotFound => {
                Self::new(StatusCode::NOT_FOUND, "there is no session with this id")
            }
            Refusal::TransactionNotFound => Self::new(
                StatusCode::NOT_FOUND,
                "there is no transaction with this id",
            ),
            refusal @ (Refusal::PaymentMethodNotFound
            | Refusal::ProviderAccountNotFound
            | Refusal::EndpointNotFound
            | Refusal::CustomerNotFound
            | Refusal::KeyNotFound
            | Refusal::EventNotFound
            | Refusal::DeliveryNotFound) => Self::of(StatusCode::NOT_FOUND, &refusal),
            Refusal::NoMethodSettles { currency } => Self::field(
                "currency",
                &format!("{currency} cannot be settled by any enabled method"),
            ),
            refusal @ (Refusal::ProviderAccountAmbiguous
            | Refusal::MethodCannotSettle { .. }
            | Refusal::MethodNotOffered { .. }
            | Refusal::CardRequired
            | Refusal::CardNotExpected
            | Refusal::LiveCard
            | Refusal::NotATestCard
            | Refusal::CardsOnly
            | Refusal::AmountRequired { .. }
            | Refusal::AmountTooSmall { .. }
            | Refusal::AmountDiffers { .. }
            | Refusal::AmountTooLarge { .. }
            | Refusal::CurrencyDiffers { .. }) => Self::of(StatusCode::BAD_REQUEST, &refusal),
            refusal @ (Refusal::NoProviderAccount
            | Refusal::ProviderAccountDisabled
            | Refusal::ReferenceTaken { .. }
            | Refusal::SessionExpired
            | Refusal::SessionCancelled
            | Refusal::SessionCompleted
            | Refusal::PaymentInProgress
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
            | Refusal::OperationInProgress
            | Refusal::NoException
            | Refusal::TooManyEndpoints { .. }
            | Refusal::CustomerCodeTaken
            | Refusal::TestModeOnly
            | Refusal::Shop(_)
            | Refusal::IdempotencyKeyReused
            | Refusal::IdempotencyKeyInUse) => Self::of(StatusCode::UNPROCESSABLE_ENTITY, &refusal),
        }
    }
}

/// What Modem Pay calls a field of the engine.
fn own_field(field: &str) -> String {
    match field {
        "successUrl" => "redirect_url".to_owned(),
        "cancelUrl" => "cancel_url".to_owned(),
        "expiresIn" => "expires_in".to_owned(),
        "customer.code" => "customer".to_owned(),
        "customer.name" => "customer_name".to_owned(),
        "customer.email" => "customer_email".to_owned(),
        "customer.phone" => "customer_phone".to_owned(),
        // A custom field is its name here.
        other => other
            .trim_end_matches(".name")
            .replacen("customFields", "custom_fields", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_named_as_the_caller_wrote_them() {
        for (engines, own) in [
            ("title", "title"),
            ("amount", "amount"),
            ("successUrl", "redirect_url"),
            ("customFields", "custom_fields"),
            ("customFields[2].name", "custom_fields[2]"),
            ("customer.phone", "customer_phone"),
            ("expiresIn", "expires_in"),
        ] {
            assert_eq!(own_field(engines), own);
        }
    }
}
