//! OneEntry's errors: `{"statusCode", "message", "pageData": null, "timestamp"}`.

use axum::response::Response;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};
use paydesk_api::auth::AuthError;
use paydesk_api::http::body::BodyError;
use paydesk_api::http::json::JsonProblem;
use paydesk_api::http::rate_limit::TooMany;
use paydesk_api::wire::{self, Iso};
use paydesk_core::engine::EngineError;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::ShopRefusal;
use paydesk_core::time::Timestamp;
use serde::Serialize;

/// An answer that is an error.
#[derive(Debug)]
pub struct Error {
    status: StatusCode,
    message: String,
    retry_after: Option<HeaderValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'e> {
    status_code: u16,
    message: &'e str,
    page_data: (),
    timestamp: Iso,
}

impl Error {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
        }
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub fn no_shop() -> Self {
        let message = "a valid x-app-token is required: the merchant's publishable key";
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    pub fn not_signed_in() -> Self {
        Refusal::from(ShopRefusal::NotSignedIn).into()
    }

    fn try_again_after(self, seconds: HeaderValue) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// The answer, given at `now`.
    pub fn answer(self, now: Timestamp) -> Response {
        let body = wire::bytes(&Body {
            status_code: self.status.as_u16(),
            message: &self.message,
            page_data: (),
            timestamp: Iso(now),
        });
        let mut response = wire::json(self.status, body);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }
}

impl From<TooMany> for Error {
    fn from(too_many: TooMany) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, too_many.to_string())
            .try_again_after(too_many.retry_after_header())
    }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing | AuthError::Wrong => Self::no_shop(),
            AuthError::TooMany(too_many) => too_many.into(),
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
        Self::new(StatusCode::BAD_REQUEST, problem.to_string())
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Unavailable(error) => {
                tracing::error!(%error, "the store is unavailable");
                let message = "the service is temporarily unavailable; try again shortly";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
                    .try_again_after(HeaderValue::from_static("1"))
            }
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(status(&refusal), refusal.to_string());
        match refusal {
            Refusal::Shop(ShopRefusal::TooManySigningIn) => {
                error.try_again_after(HeaderValue::from_static("1"))
            }
            _ => error,
        }
    }
}

const fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::SessionNotFound
        | Refusal::TransactionNotFound
        | Refusal::PaymentMethodNotFound
        | Refusal::ProviderAccountNotFound
        | Refusal::CustomerNotFound
        | Refusal::KeyNotFound
        | Refusal::EndpointNotFound
        | Refusal::EventNotFound
        | Refusal::DeliveryNotFound
        | Refusal::Shop(ShopRefusal::ProductNotFound | ShopRefusal::OrderNotFound) => {
            StatusCode::NOT_FOUND
        }
        Refusal::Shop(ShopRefusal::WrongCredentials | ShopRefusal::NotSignedIn) => {
            StatusCode::UNAUTHORIZED
        }
        Refusal::Shop(ShopRefusal::TooManySigningIn) => StatusCode::TOO_MANY_REQUESTS,
        Refusal::Shop(ShopRefusal::OrderPaid | ShopRefusal::LoginTaken)
        | Refusal::ReferenceTaken { .. }
        | Refusal::CustomerCodeTaken
        | Refusal::SessionCompleted
        | Refusal::AlreadyPaid
        | Refusal::PaymentInProgress
        | Refusal::OperationInProgress
        | Refusal::IdempotencyKeyInUse => StatusCode::CONFLICT,
        Refusal::InvalidField { .. }
        | Refusal::InvalidAmount { .. }
        | Refusal::NoProviderAccount
        | Refusal::ProviderAccountAmbiguous
        | Refusal::ProviderAccountDisabled
        | Refusal::NoMethodSettles { .. }
        | Refusal::MethodCannotSettle { .. }
        | Refusal::MethodNotOffered { .. }
        | Refusal::SessionExpired
        | Refusal::SessionCancelled
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
        | Refusal::TestModeOnly
        | Refusal::TooManyEndpoints { .. }
        | Refusal::IdempotencyKeyReused => StatusCode::BAD_REQUEST,
    }
}
