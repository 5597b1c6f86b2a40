//! Refusals: everything that the engine may say no to, each by its name.
//!
//! A dialect turns each into its own words, exhaustively: a new refusal does not compile until all of them
//! answer it. The order in which a command checks is part of its contract and is tested.

use crate::id::SessionId;
use crate::method::Method;
use crate::money::{AmountError, Currency, Money};
use crate::shop::ShopRefusal;

/// Why a command was refused; nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// A field of the request is wrong in itself.
    #[error("{field} {problem}")]
    InvalidField {
        /// The field, as the engine names it (camelCase, dots for nesting, `[i]` for places in a list).
        field: String,
        /// What is wrong, and what would be right; reads on from the field's name.
        problem: String,
    },
    /// The amount is no amount.
    #[error("{field} {error}")]
    InvalidAmount {
        /// The field.
        field: String,
        /// Why.
        error: AmountError,
    },
    /// There is no such session, for this tenant.
    #[error("there is no such session")]
    SessionNotFound,
    /// There is no such transaction, for this tenant.
    #[error("there is no such transaction")]
    TransactionNotFound,
    /// There is no such stored payment method, or it is detached.
    #[error("there is no such payment method")]
    PaymentMethodNotFound,
    /// There is no such provider account, for this tenant.
    #[error("there is no such provider account")]
    ProviderAccountNotFound,
    /// The tenant has no enabled provider account.
    #[error("no provider account is enabled in this mode: enable one before taking payments")]
    NoProviderAccount,
    /// Several accounts are enabled and none was named.
    #[error("several provider accounts are enabled: name one")]
    ProviderAccountAmbiguous,
    /// The account is disabled.
    #[error("the provider account is disabled")]
    ProviderAccountDisabled,
    /// None of the methods that could be used settles the currency.
    #[error("no enabled method settles {currency}")]
    NoMethodSettles {
        /// The currency.
        currency: Currency,
    },
    /// A method that was asked for does not settle the currency.
    #[error("the method {method} does not settle {currency}")]
    MethodCannotSettle {
        /// The method.
        method: Method,
        /// The currency.
        currency: Currency,
    },
    /// The session does not offer that method.
    #[error("this session does not offer the method {method}")]
    MethodNotOffered {
        /// The method.
        method: Method,
    },
    /// The merchant's code is in use.
    #[error("the reference is already used by another session or charge")]
    ReferenceTaken {
        /// The session that has it, if it is a session.
        session: Option<SessionId>,
    },
    /// The session ran out of time or was ended by the merchant.
    #[error("the session has expired")]
    SessionExpired,
    /// The session was given up.
    #[error("the session was cancelled")]
    SessionCancelled,
    /// The session is paid.
    #[error("the session is already completed")]
    SessionCompleted,
    /// A payment is under way whose outcome decides.
    #[error("a payment is in progress on this session")]
    PaymentInProgress,
    /// The session was paid by another transaction.
    #[error("the session already has a successful payment")]
    AlreadyPaid,
    /// Cards were tried too often on this session.
    #[error("a card was tried {limit} times on this session: only other methods remain")]
    TooManyCardAttempts {
        /// How often is too often.
        limit: u32,
    },
    /// Other methods than cards were begun too often on this session.
    #[error(
        "another way to pay was chosen {limit} times on this session: what waits can be paid, or a card used"
    )]
    TooManyPushedAttempts {
        /// How often is too often.
        limit: u32,
    },
    /// The method needs a card.
    #[error("card is missing: paying by card needs one")]
    CardRequired,
    /// The method takes no card.
    #[error("card is given, but the method takes none")]
    CardNotExpected,
    /// Live cards go through a provider's own fields.
    #[error("card numbers are not taken here in live mode: use the provider's own fields")]
    LiveCard,
    /// In test mode only test cards are taken.
    #[error("card.number is not a test card: use a test card such as 4242 4242 4242 4242")]
    NotATestCard,
    /// The session's kind needs a card, or a stored one.
    #[error("this kind of session is only for cards")]
    CardsOnly,
    /// The payer chooses the amount, and has not.
    #[error("amount is missing: this session lets the payer choose, at least {minimum}")]
    AmountRequired {
        /// The least.
        minimum: Money,
    },
    /// The amount is below what the merchant takes.
    #[error("amount is below the least that is taken, {minimum}")]
    AmountTooSmall {
        /// The least.
        minimum: Money,
    },
    /// The amount differs from what is asked.
    #[error("amount differs from what this session asks for, {expected}")]
    AmountDiffers {
        /// What is asked.
        expected: Money,
    },
    /// The amount is more than what is left.
    #[error("amount is more than what is left, {remaining}")]
    AmountTooLarge {
        /// What is left.
        remaining: Money,
    },
    /// The amount is in another currency.
    #[error("currency differs from the transaction's, {expected}")]
    CurrencyDiffers {
        /// The transaction's.
        expected: Currency,
    },
    /// Only a successful authorization can be settled.
    #[error("only a successful authorization can be settled")]
    NotSettleable,
    /// Only a successful authorization can be voided; a payment is refunded.
    #[error("only a successful authorization can be voided; refund a payment instead")]
    NotVoidable,
    /// Only money that was taken or received can be refunded.
    #[error("only money that was taken can be refunded")]
    NotRefundable,
    /// The money is on the merchant's own account at a bank, from which only the merchant sends it back.
    #[error(
        "Paydesk moves no money of this account: send it back from your bank, then record the refund in the native API with \
         your bank's id of that transfer as providerReference"
    )]
    RefundAtBank,
    /// The authorization was settled before; the rest is released.
    #[error("the authorization is already settled")]
    AlreadySettled,
    /// The authorization was voided before.
    #[error("the authorization is already voided")]
    AlreadyVoided,
    /// The hold ran out.
    #[error("the authorization's hold has run out")]
    HoldExpired,
    /// Another operation on the transaction is under way.
    #[error("another operation on this transaction is in progress")]
    OperationInProgress,
    /// The transaction has no exception that could be accepted.
    #[error("the transaction has no exception to accept")]
    NoException,
    /// There is no such webhook endpoint, for this tenant.
    #[error("there is no such webhook endpoint")]
    EndpointNotFound,
    /// The tenant has as many webhook endpoints as it may have.
    #[error(
        "there are {limit} webhook endpoints already, which is as many as there may be: delete one first"
    )]
    TooManyEndpoints {
        /// How many that are.
        limit: usize,
    },
    /// There is no such event, for this tenant.
    #[error("there is no such event")]
    EventNotFound,
    /// There is no such delivery, for this tenant.
    #[error("there is no such delivery")]
    DeliveryNotFound,
    /// There is no such customer, for this tenant.
    #[error("there is no such customer")]
    CustomerNotFound,
    /// Another customer has the code.
    #[error("another customer has this code")]
    CustomerCodeTaken,
    /// There is no such restricted key, for this tenant.
    #[error("there is no such restricted key")]
    KeyNotFound,
    /// Only test mode has a clock that can be moved.
    #[error("only test mode has a clock that can be moved: use a test key")]
    TestModeOnly,
    /// The idempotency key was used with another request.
    #[error(
        "the idempotency key was used before with another body: use a fresh key for a new request"
    )]
    IdempotencyKeyReused,
    /// The first request with this key is still running.
    #[error("the first request with this idempotency key is still running: try again shortly")]
    IdempotencyKeyInUse,
    /// A shop's products, orders or users do not allow it.
    #[error(transparent)]
    Shop(#[from] ShopRefusal),
}

impl Refusal {
    /// For a field that is wrong in itself.
    #[must_use]
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::InvalidField {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// The stable name on the native wire.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidField { .. } => "invalid_field",
            Self::InvalidAmount { .. } => "invalid_amount",
            Self::SessionNotFound => "session_not_found",
            Self::TransactionNotFound => "transaction_not_found",
            Self::PaymentMethodNotFound => "payment_method_not_found",
            Self::ProviderAccountNotFound => "provider_account_not_found",
            Self::NoProviderAccount => "no_provider_account",
            Self::ProviderAccountAmbiguous => "provider_account_ambiguous",
            Self::ProviderAccountDisabled => "provider_account_disabled",
            Self::NoMethodSettles { .. } => "no_method_settles",
            Self::MethodCannotSettle { .. } => "method_cannot_settle",
            Self::MethodNotOffered { .. } => "method_not_offered",
            Self::ReferenceTaken { .. } => "reference_taken",
            Self::SessionExpired => "session_expired",
            Self::SessionCancelled => "session_cancelled",
            Self::SessionCompleted => "session_completed",
            Self::PaymentInProgress => "payment_in_progress",
            Self::AlreadyPaid => "already_paid",
            Self::TooManyCardAttempts { .. } => "too_many_card_attempts",
            Self::TooManyPushedAttempts { .. } => "too_many_attempts",
            Self::CardRequired => "card_required",
            Self::CardNotExpected => "card_not_expected",
            Self::LiveCard => "live_card",
            Self::NotATestCard => "not_a_test_card",
            Self::CardsOnly => "cards_only",
            Self::AmountRequired { .. } => "amount_required",
            Self::AmountTooSmall { .. } => "amount_too_small",
            Self::AmountDiffers { .. } => "amount_differs",
            Self::AmountTooLarge { .. } => "amount_too_large",
            Self::CurrencyDiffers { .. } => "currency_differs",
            Self::NotSettleable => "not_settleable",
            Self::NotVoidable => "not_voidable",
            Self::NotRefundable => "not_refundable",
            Self::RefundAtBank => "refund_at_bank",
            Self::AlreadySettled => "already_settled",
            Self::AlreadyVoided => "already_voided",
            Self::HoldExpired => "hold_expired",
            Self::OperationInProgress => "operation_in_progress",
            Self::NoException => "no_exception",
            Self::EndpointNotFound => "endpoint_not_found",
            Self::TooManyEndpoints { .. } => "too_many_endpoints",
            Self::EventNotFound => "event_not_found",
            Self::DeliveryNotFound => "delivery_not_found",
            Self::CustomerNotFound => "customer_not_found",
            Self::CustomerCodeTaken => "customer_code_taken",
            Self::KeyNotFound => "key_not_found",
            Self::TestModeOnly => "test_mode_only",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::IdempotencyKeyInUse => "idempotency_key_in_use",
            Self::Shop(refusal) => refusal.code(),
        }
    }

    /// One of each kind, for the catalogue of errors.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        let Some(currency) = Currency::from_code("SGD") else {
            return Vec::new();
        };
        let amount = Money::zero(currency);
        let method = Method::PayNow;
        let mut all = vec![
            Self::field("title", "is empty; leave it out instead"),
            Self::InvalidAmount {
                field: "amount".to_owned(),
                error: AmountError::Zero,
            },
            Self::SessionNotFound,
            Self::TransactionNotFound,
            Self::PaymentMethodNotFound,
            Self::ProviderAccountNotFound,
            Self::NoProviderAccount,
            Self::ProviderAccountAmbiguous,
            Self::ProviderAccountDisabled,
            Self::NoMethodSettles { currency },
            Self::MethodCannotSettle { method, currency },
            Self::MethodNotOffered { method },
            Self::ReferenceTaken { session: None },
            Self::SessionExpired,
            Self::SessionCancelled,
            Self::SessionCompleted,
            Self::PaymentInProgress,
            Self::AlreadyPaid,
            Self::TooManyCardAttempts {
                limit: crate::session::MAX_CARD_ATTEMPTS,
            },
            Self::TooManyPushedAttempts {
                limit: crate::session::MAX_PUSHED_ATTEMPTS,
            },
            Self::CardRequired,
            Self::CardNotExpected,
            Self::LiveCard,
            Self::NotATestCard,
            Self::CardsOnly,
            Self::AmountRequired { minimum: amount },
            Self::AmountTooSmall { minimum: amount },
            Self::AmountDiffers { expected: amount },
            Self::AmountTooLarge { remaining: amount },
            Self::CurrencyDiffers { expected: currency },
            Self::NotSettleable,
            Self::NotVoidable,
            Self::NotRefundable,
            Self::RefundAtBank,
            Self::AlreadySettled,
            Self::AlreadyVoided,
            Self::HoldExpired,
            Self::OperationInProgress,
            Self::NoException,
            Self::CustomerNotFound,
            Self::CustomerCodeTaken,
            Self::KeyNotFound,
            Self::TestModeOnly,
            Self::EndpointNotFound,
            Self::TooManyEndpoints {
                limit: crate::endpoint::MAX_ENDPOINTS,
            },
            Self::EventNotFound,
            Self::DeliveryNotFound,
            Self::IdempotencyKeyReused,
            Self::IdempotencyKeyInUse,
        ];
        all.extend(ShopRefusal::ALL.map(Self::Shop));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_has_an_example_and_a_code_of_its_own() {
        let source = include_str!("refusal.rs");
        let codes = source.split_once("pub const fn code").unwrap().1;
        let codes = codes.split_once("One of each kind").unwrap().0;
        let named: BTreeSet<&str> = codes
            .lines()
            .filter_map(|line| line.split_once("=> \"")?.1.split('"').next())
            .collect();
        let examples = Refusal::examples();
        let shown: BTreeSet<&str> = examples.iter().map(Refusal::code).collect();
        let of_shops = ShopRefusal::ALL.map(ShopRefusal::code);
        let own: BTreeSet<&str> = shown
            .iter()
            .copied()
            .filter(|code| !of_shops.contains(code))
            .collect();
        assert_eq!(own, named);
        assert_eq!(examples.len(), shown.len());
    }
}
