//! Transactions: one operation against a rail.

mod status;

use serde::{Deserialize, Serialize};

use crate::id::{PaymentMethodId, ProviderAccountId, SessionId, TransactionId};
use crate::method::Method;
use crate::money::Money;
use crate::rates::Exchange;
use crate::session::{Contact, CustomFieldValue, Kind, Session};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

pub use status::{DeclineReason, FailureReason, Lease, Status, StatusName};

/// How long an authorization holds the money before it is released by itself.
pub const HOLD_LIFETIME: Span = Span::days(7);

/// What a transaction does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Takes money.
    Payment,
    /// Holds money.
    Authorization,
    /// Takes what an authorization holds, whole or in part; the rest is released.
    Settle,
    /// Releases what an authorization holds.
    Void,
    /// Gives money back.
    Refund,
    /// Stores a card.
    AddPaymentMethod,
}

impl Action {
    /// What a payer's attempt at a session of this kind does.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Payment => Self::Payment,
            Kind::Authorization => Self::Authorization,
            Kind::AddPaymentMethod => Self::AddPaymentMethod,
        }
    }

    /// Whether it is a payer's attempt at a session (or at a stored card), and not an operation on an earlier one.
    #[must_use]
    pub const fn is_attempt(self) -> bool {
        matches!(
            self,
            Self::Payment | Self::Authorization | Self::AddPaymentMethod
        )
    }
}

/// Where a payer pushes money to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// The account or proxy.
    pub account: String,
    /// The reference that tells this payment from others on the account: ten base32 characters.
    pub nonce: String,
    /// The EMVCo code, if it is scanned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qr_code: Option<String>,
    /// Whose account.
    pub account_name: String,
    /// At which bank; empty where a proxy needs none.
    pub bank: String,
}

/// Money that came otherwise than it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExceptionKind {
    /// After the time.
    Late,
    /// Too little, so far.
    Partial,
    /// Too much, or twice.
    Over,
}

/// An exception and whether the merchant has settled it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// What was not as asked.
    pub kind: ExceptionKind,
    /// When the merchant accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
}

/// What became of an authorization's hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Hold {
    /// The money is held.
    Open {
        /// Until then, the tenant's own time.
        expires_at: Timestamp,
    },
    /// Settled, whole or in part; the rest is released.
    Settled,
    /// Released by the merchant.
    Voided,
    /// Released by time.
    Lapsed,
}

/// One operation against a rail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// Its id; also the idempotency reference that the rail has.
    pub id: TransactionId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// Of which session; none for a stored card charged without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// What it does.
    pub action: Action,
    /// The transaction that it settles, voids or refunds, or whose late money it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TransactionId>,
    /// How much the payer pays, in the currency in which the money moves; zero where a card is only stored.
    pub amount: Money,
    /// Where that is not the merchant's currency: what it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Exchange>,
    /// How the payer pays.
    pub method: Method,
    /// Where it stands.
    pub status: Status,
    /// On which account.
    pub provider_account: ProviderAccountId,
    /// The rail's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_reference: Option<String>,
    /// Where the payer pushes the money to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<Destination>,
    /// The payer's answers to the merchant's questions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_field_values: Vec<CustomFieldValue>,
    /// How the payer may be reached, where the payer was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Contact>,
    /// The stored card that it charged or made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethodId>,
    /// The merchant's own code for the customer: the session's or the stored card's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The merchant's own code, for a charge without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// All the money that was pushed for it; only where any was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Money>,
    /// Of what was received, in minor units: what the rail cannot know to be of this payment, since it was reported to
    /// us, or was matched without its reference.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub placed: i64,
    /// What was not as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<Exception>,
    /// Minor units that operations in flight on it have reserved.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reserved: i64,
    /// Minor units that operations on it have taken: settled of an authorization, refunded of a payment.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub done: i64,
    /// For a successful authorization: what became of the money held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The idempotency record that waits for its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<crate::store::IdempotencyKey>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// What a transaction is begun with; the rest is empty.
#[derive(Clone, Debug)]
pub struct Begin {
    /// Its id.
    pub id: TransactionId,
    /// Whose.
    pub tenant: Tenant,
    /// Of which session.
    pub session: Option<SessionId>,
    /// What it does.
    pub action: Action,
    /// How much.
    pub amount: Money,
    /// How the payer pays.
    pub method: Method,
    /// On which account.
    pub provider_account: ProviderAccountId,
    /// Where it stands.
    pub status: Status,
    /// When, in the tenant's own time.
    pub at: Timestamp,
}

impl Transaction {
    /// A transaction at its first version.
    #[must_use]
    pub fn begin(begin: Begin) -> Self {
        Self {
            id: begin.id,
            tenant: begin.tenant,
            version: 1,
            session: begin.session,
            action: begin.action,
            parent: None,
            amount: begin.amount,
            exchange: None,
            method: begin.method,
            status: begin.status,
            provider_account: begin.provider_account,
            provider_reference: None,
            destination: None,
            custom_field_values: Vec::new(),
            contact: None,
            payment_method: None,
            customer: None,
            reference: None,
            received: None,
            placed: 0,
            exception: None,
            reserved: 0,
            done: 0,
            hold: None,
            idempotency: None,
            created_at: begin.at,
            updated_at: begin.at,
        }
    }

    /// Whether it waits for money that is pushed to its destination.
    #[must_use]
    pub const fn is_awaited(&self) -> bool {
        matches!(self.status, Status::AwaitingPayer { ask_at: None, .. })
            && self.destination.is_some()
    }

    /// The amount as the merchant asks for it: in the session's currency, whatever the payer pays in.
    #[must_use]
    pub fn merchant_amount(&self) -> Money {
        self.exchange
            .map_or(self.amount, |exchange| exchange.merchant_amount)
    }

    /// What the payer paid for, in the payer's currency: what was asked, or what came in its stead once the merchant
    /// accepted that.
    #[must_use]
    pub fn agreed(&self) -> Money {
        match (&self.exception, self.received) {
            (
                Some(Exception {
                    accepted_at: Some(_),
                    ..
                }),
                Some(received),
            ) => received,
            _ => self.amount,
        }
    }

    /// The same in the merchant's currency.
    #[must_use]
    pub fn merchant_agreed(&self) -> Money {
        let (asked, agreed) = (self.merchant_amount(), self.agreed());
        if agreed == self.amount {
            return asked;
        }
        match self.exchange {
            None => agreed,
            Some(exchange) => exchange
                .of_paid(agreed)
                .map_or(asked, |exchange| exchange.merchant_amount),
        }
    }

    /// The money that is really with the merchant through it, before refunds: nothing unless it took or
    /// received some.
    #[must_use]
    pub fn captured(&self) -> Money {
        let nothing = Money::zero(self.amount.currency());
        match (self.action, &self.status) {
            (Action::Payment, _) if self.received.is_some() => self.received.unwrap_or(nothing),
            (Action::Payment | Action::Settle, Status::Succeeded { .. }) => self.amount,
            _ => nothing,
        }
    }

    /// Whether it is an attempt at what its session is for, or a charge; not an operation on one, nor money that came
    /// beside one.
    #[must_use]
    pub const fn is_attempt(&self) -> bool {
        self.action.is_attempt() && self.parent.is_none()
    }

    /// The merchant's own code for it: its own, or, of an attempt at this session, the session's. What is done to a
    /// payment has none: the code is the payment's.
    #[must_use]
    pub fn code<'t>(&'t self, session: Option<&'t Session>) -> Option<&'t str> {
        self.reference.as_deref().or_else(|| {
            let session = session.filter(|_| self.is_attempt())?;
            session.terms.reference.as_deref()
        })
    }

    /// Whether what it held was released by the merchant, or what it took was given back, in part at least.
    #[must_use]
    pub fn is_reverted(&self) -> bool {
        matches!(self.hold, Some(Hold::Voided)) || (self.captured().minor() > 0 && self.done > 0)
    }

    /// What operations may still take of it, in minor units: of an open authorization what is held, of
    /// anything else what was captured, less what is taken or reserved.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        let whole = match (self.action, self.hold) {
            (Action::Authorization, Some(Hold::Open { .. })) => self.amount.minor(),
            (Action::Authorization, _) => return 0,
            _ => self.captured().minor(),
        };
        whole - self.reserved - self.done
    }

    /// When the rail is to be asked about it, if ever: what the reconciler looks for. Wall time.
    #[must_use]
    pub const fn ask_at(&self) -> Option<Timestamp> {
        match &self.status {
            Status::InFlight { lease } => Some(lease.until),
            Status::AwaitingPayer { ask_at, .. } => *ask_at,
            Status::Unknown { ask_at, .. } => Some(*ask_at),
            _ => None,
        }
    }

    /// Where it stands at `now`: a push that ran out has expired, whether or not a sweeper came by.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> Status {
        match &self.status {
            Status::AwaitingPayer {
                expires_at,
                ask_at: None,
                ..
            } if *expires_at <= now => Status::Expired { at: *expires_at },
            status => status.clone(),
        }
    }
}
