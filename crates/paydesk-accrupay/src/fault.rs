//! What goes wrong, as GraphQL tells it: `extensions.code` says what sort of thing it is, `extensions.argument` which
//! argument it is about.

use std::borrow::Cow;

use async_graphql::{ErrorExtensions as _, ServerError, Value};
use paydesk_api::auth::AuthError;
use paydesk_api::http::rate_limit::TooMany;
use paydesk_core::engine::EngineError;
use paydesk_core::refusal::Refusal;
use paydesk_core::store::Unavailable;

/// The vendor's codes, and two of our own for answers that are not HTTP 200.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// No valid secret.
    Unauthenticated,
    /// There is no such thing, for this merchant in this mode.
    NotFound,
    /// The request is wrong, or cannot be done as things stand.
    Validation,
    /// A mistake of ours.
    Internal,
    /// Asked too often; answered with HTTP 429.
    TooMany,
    /// The store does not answer; answered with HTTP 503.
    Unavailable,
}

impl Code {
    /// As it stands in `extensions.code`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::NotFound => "NOT_FOUND",
            Self::Validation => "VALIDATION_ERROR",
            Self::Internal => "INTERNAL_SERVER_ERROR",
            Self::TooMany => "TOO_MANY_REQUESTS",
            Self::Unavailable => "SERVICE_UNAVAILABLE",
        }
    }

    /// What sort of thing a finished answer's error is; a request that the library found to be wrong has no code.
    #[must_use]
    pub fn of(error: &ServerError) -> Option<Self> {
        let Some(Value::String(code)) = error.extensions.as_ref()?.get("code") else {
            return None;
        };
        [
            Self::Unauthenticated,
            Self::NotFound,
            Self::Validation,
            Self::Internal,
            Self::TooMany,
            Self::Unavailable,
        ]
        .into_iter()
        .find(|known| known.as_str() == code)
    }
}

/// Something that went wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What sort of thing.
    pub code: Code,
    /// What was wrong, and what would be right.
    pub message: String,
    /// The argument's path, as `data.billing.billingEmail`.
    pub argument: Option<String>,
    /// For [`Code::TooMany`]: when to try again, in seconds.
    pub retry_after: Option<u64>,
}

impl Fault {
    /// Of this sort.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            argument: None,
            retry_after: None,
        }
    }

    /// An argument is wrong. `problem` reads on from its name.
    pub fn argument(argument: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        let argument = argument.into();
        Self {
            argument: Some(argument.clone()),
            ..Self::new(Code::Validation, format!("{argument} {problem}"))
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("there is no such {what}"))
    }

    /// This is outside the product.
    #[must_use]
    pub fn not_supported(what: &str) -> Self {
        Self::new(Code::Validation, format!("{what} are not supported"))
    }

    /// No valid secret came with the request.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            Code::Unauthenticated,
            "a valid secret is required, in the header accrupay-api-secret",
        )
    }

    /// What the engine refused. `own` gives the engine's field the name that it has among this operation's arguments.
    pub fn refused(refusal: Refusal, own: impl Fn(&str) -> Cow<'static, str>) -> Self {
        match refusal {
            Refusal::InvalidField { field, problem } => Self::argument(own(&field), problem),
            Refusal::InvalidAmount { field, error } => Self::argument(own(&field), error),
            Refusal::SessionNotFound => Self::not_found("session"),
            Refusal::TransactionNotFound => Self::not_found("transaction"),
            Refusal::PaymentMethodNotFound => Self::not_found("payment method"),
            Refusal::ProviderAccountNotFound => Self::not_found("transaction provider"),
            Refusal::CustomerNotFound => Self::not_found("customer"),
            refusal @ (Refusal::NoProviderAccount
            | Refusal::ProviderAccountAmbiguous
            | Refusal::ProviderAccountDisabled) => Self {
                argument: Some("merchantTransactionProviderId".to_owned()),
                ..Self::new(Code::Validation, refusal.to_string())
            },
            refusal @ (Refusal::NoMethodSettles { .. }
            | Refusal::MethodCannotSettle { .. }
            | Refusal::CurrencyDiffers { .. }) => Self {
                argument: Some(own("currency").into_owned()),
                ..Self::new(Code::Validation, refusal.to_string())
            },
            refusal @ Refusal::ReferenceTaken { .. } => Self {
                argument: Some(own("reference").into_owned()),
                ..Self::new(Code::Validation, refusal.to_string())
            },
            refusal @ (Refusal::AmountRequired { .. }
            | Refusal::AmountTooSmall { .. }
            | Refusal::AmountDiffers { .. }
            | Refusal::AmountTooLarge { .. }) => Self {
                argument: Some(own("amount").into_owned()),
                ..Self::new(Code::Validation, refusal.to_string())
            },
            // What a payer does is refused on the payer's page; what is left to a merchant says itself.
            refusal @ (Refusal::MethodNotOffered { .. }
            | Refusal::SessionExpired
            | Refusal::SessionCancelled
            | Refusal::SessionCompleted
            | Refusal::PaymentInProgress
            | Refusal::AlreadyPaid
            | Refusal::TooManyCardAttempts { .. }
            | Refusal::TooManyPushedAttempts { .. }
            | Refusal::CardRequired
            | Refusal::CardNotExpected
            | Refusal::LiveCard
            | Refusal::NotATestCard
            | Refusal::CardsOnly
            | Refusal::NotSettleable
            | Refusal::NotVoidable
            | Refusal::NotRefundable
            | Refusal::RefundAtBank
            | Refusal::AlreadySettled
            | Refusal::AlreadyVoided
            | Refusal::HoldExpired
            | Refusal::OperationInProgress
            | Refusal::NoException
            | Refusal::CustomerCodeTaken
            | Refusal::KeyNotFound
            | Refusal::TestModeOnly
            | Refusal::IdempotencyKeyReused
            | Refusal::IdempotencyKeyInUse
            // No call of this dialect speaks of a shop, or of who is told of what.
            | Refusal::EndpointNotFound
            | Refusal::TooManyEndpoints { .. }
            | Refusal::EventNotFound
            | Refusal::DeliveryNotFound
            | Refusal::Shop(_)) => Self::new(Code::Validation, refusal.to_string()),
        }
    }

    /// What the engine answered instead of a reply; see [`Fault::refused`].
    pub fn engine(error: EngineError, own: impl Fn(&str) -> Cow<'static, str>) -> Self {
        match error {
            EngineError::Refused(refusal) => Self::refused(refusal, own),
            EngineError::Unavailable(error) => error.into(),
        }
    }

    /// The error of a request that was not even looked at.
    #[must_use]
    pub fn into_server_error(self) -> ServerError {
        let error = async_graphql::Error::from(self);
        let mut of_no_place = ServerError::new(error.message, None);
        of_no_place.extensions = error.extensions;
        of_no_place
    }
}

impl From<Unavailable> for Fault {
    fn from(error: Unavailable) -> Self {
        tracing::error!(%error, "the store is unavailable");
        Self::new(
            Code::Unavailable,
            "the service is temporarily unavailable; try again shortly",
        )
    }
}

impl From<EngineError> for Fault {
    fn from(error: EngineError) -> Self {
        Self::engine(error, |field| Cow::Owned(field.to_owned()))
    }
}

impl From<TooMany> for Fault {
    fn from(too_many: TooMany) -> Self {
        Self {
            retry_after: Some(too_many.seconds()),
            ..Self::new(Code::TooMany, too_many.to_string())
        }
    }
}

impl From<AuthError> for Fault {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing | AuthError::Wrong => Self::unauthenticated(),
            AuthError::TooMany(too_many) => too_many.into(),
            AuthError::Unavailable(error) => error.into(),
        }
    }
}

impl From<Fault> for async_graphql::Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.message).extend_with(|_, extensions| {
            extensions.set("code", fault.code.as_str());
            if let Some(argument) = fault.argument {
                extensions.set("argument", argument);
            }
            if let Some(seconds) = fault.retry_after {
                extensions.set("retryAfter", seconds);
            }
        })
    }
}
