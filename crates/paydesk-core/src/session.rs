//! Sessions: one intention to pay, to hold money, or to store a card. Used once.
//!
//! ```text
//! created ──payer starts──> initiated ──pays──> processing ──succeeded──> completed
//!    │                        │  ▲                 │
//!    │                        │  └─declined, left──┤
//!    └──────┬─────────────────┘                    └──lifetime over──> expired
//!    expired / cancelled
//! ```

mod terms;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::authority::Authority;
use crate::id::{OrderId, PaymentMethodId, SessionId, TransactionId};
use crate::keys::{KeyVersion, ServerKeys};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

pub use terms::{
    Amount, Contact, CustomField, CustomFieldValue, CustomerDetails, Door, Kind, LineItem, Notify,
    NotifyFormat, Party, Phone, Terms,
};

/// How long a session waits for the payer's first act. Source: XanPay, "expire after 7 days if not initiated".
pub const CREATED_LIFETIME: Span = Span::days(7);
/// How long an initiated session waits for a payment. Source: XanPay, "expire after 1 hour".
pub const INITIATED_LIFETIME: Span = Span::hours(1);
/// The longest lifetime that a merchant may set.
pub const LONGEST_LIFETIME: Span = Span::days(30);
/// How many times a card may be tried on one session; after that only pushed methods remain.
pub const MAX_CARD_ATTEMPTS: u32 = 10;
/// How many times a code, a transfer or a wallet may be chosen anew on one session: each leaves a transaction, and
/// whoever has the link can choose.
pub const MAX_PUSHED_ATTEMPTS: u32 = 100;

/// What a session is to the order that it pays. While it lives, and for ever once it has paid, it holds the order's
/// one claim to a session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordered {
    /// Which order.
    pub order: OrderId,
    /// How the shop goes about it.
    pub flow: Flow,
    /// Whether the shop asked that the rail adds the tax; then what is asked for holds it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub automatic_tax: bool,
    /// What the shop said of the device that asked, as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// How a shop goes about a payment. It changes no rule, and may change while the session lives: both go on the
/// page's link as well as on the client secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Flow {
    /// The payer is sent to the page.
    Session,
    /// The payer pays in the shop itself.
    Intent,
}

/// Where a session stands. Each variant carries what is true only there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum State {
    /// Nobody has acted on it.
    Created {
        /// When it ends if nobody does.
        expires_at: Timestamp,
    },
    /// The payer has begun.
    Initiated {
        /// When the payer began, or came back from an attempt.
        at: Timestamp,
        /// When it ends if nothing more happens.
        expires_at: Timestamp,
    },
    /// A payment is under way.
    Processing {
        /// Since when.
        since: Timestamp,
        /// Which.
        transaction: TransactionId,
        /// For a pushed payment: when it stops waiting for the money, and the session is
        /// [`State::Initiated`] again. Any other payment under way has no such time: its outcome decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lapses_at: Option<Timestamp>,
    },
    /// Paid, held or stored. Terminal.
    Completed {
        /// When.
        at: Timestamp,
        /// By which transaction.
        transaction: TransactionId,
        /// The card that it stored, or charged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment_method: Option<PaymentMethodId>,
    },
    /// Given up. Terminal.
    Cancelled {
        /// When.
        at: Timestamp,
        /// By whom.
        by: Canceller,
    },
    /// Out of time, or ended by the merchant. Terminal.
    Expired {
        /// When.
        at: Timestamp,
    },
}

/// Who gave a session up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Canceller {
    /// On the page.
    Payer,
    /// Through an API.
    Merchant,
}

/// The name of a [`State`], for filters and wires.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StateName {
    /// [`State::Created`].
    Created,
    /// [`State::Initiated`].
    Initiated,
    /// [`State::Processing`].
    Processing,
    /// [`State::Completed`].
    Completed,
    /// [`State::Cancelled`].
    Cancelled,
    /// [`State::Expired`].
    Expired,
}

impl StateName {
    /// The name on the native wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Initiated => "initiated",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

impl State {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Created { .. } => StateName::Created,
            Self::Initiated { .. } => StateName::Initiated,
            Self::Processing { .. } => StateName::Processing,
            Self::Completed { .. } => StateName::Completed,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::Expired { .. } => StateName::Expired,
        }
    }

    /// Whether it never changes again.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Completed { .. } | Self::Cancelled { .. } | Self::Expired { .. }
        )
    }
}

/// A session as it is stored: the root of its transactions. Every change to one of them also raises
/// [`Session::version`], so that two changes to one session never pass each other unseen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// How many events it has had: the `sequence` of the last.
    pub events: u32,
    /// Where it stands as of its last change. Ask [`Session::state_at`] where it stands now.
    pub state: State,
    /// The id that its first transaction has or will have: fixed at opening, so that "started" and its
    /// result are one transaction.
    pub first_transaction: TransactionId,
    /// Whether that id has been used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub attempted: bool,
    /// How many times a card was tried.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub card_attempts: u32,
    /// How many times anything else was begun.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pushed_attempts: u32,
    /// The latest transaction that a payer was asked to pay or that took the money: what XanPay calls the
    /// charge. A declined card leaves none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<TransactionId>,
    /// When an open authorization's hold runs out; only on a completed session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_expires_at: Option<Timestamp>,
    /// What it is to a shop's order, if it pays one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Ordered>,
    /// The version of the server's key that signs its public id: what a merchant was told once stays its name, however
    /// the key is rotated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<KeyVersion>,
    /// What was asked for.
    pub terms: Arc<Terms>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

impl Session {
    /// Its public id: the text that opens its page, and what XanPay calls its id. The same for as long as the server has
    /// the key that first signed it.
    #[must_use]
    pub fn public_id(&self, keys: &ServerKeys) -> String {
        let version = self.signed_by.unwrap_or_else(|| keys.current());
        Authority::page(self.tenant, self.id).to_text_by(keys, version)
    }

    /// How much it asks for, in minor units: the least where the payer chooses, 0 where nothing is paid.
    #[must_use]
    pub fn amount_asked(&self) -> i64 {
        match self.terms.amount {
            Amount::Fixed(money) | Amount::AtLeast(money) => money.minor(),
            Amount::Nothing(_) => 0,
        }
    }

    /// The merchant's own code for the customer, if it gave one.
    #[must_use]
    pub fn customer_code(&self) -> Option<&str> {
        self.terms.customer.as_ref()?.code.as_deref()
    }

    /// The stored card that completed it: the one that it stored, or charged.
    #[must_use]
    pub const fn payment_method(&self) -> Option<PaymentMethodId> {
        match self.state {
            State::Completed { payment_method, .. } => payment_method,
            _ => None,
        }
    }

    /// Counts one more attempt to pay.
    pub const fn count_attempt(&mut self, is_card: bool) {
        self.attempted = true;
        if is_card {
            self.card_attempts += 1;
        } else {
            self.pushed_attempts += 1;
        }
    }

    /// When the merchant's own lifetime ends it, if the merchant set one.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.terms
            .lifetime
            .map(|lifetime| self.created_at.after(lifetime))
    }

    /// [`State::Initiated`], entered at `at`.
    #[must_use]
    pub fn initiated_at(&self, at: Timestamp) -> State {
        let expires_at = self
            .deadline()
            .unwrap_or_else(|| at.after(INITIATED_LIFETIME));
        State::Initiated { at, expires_at }
    }

    /// Where it stands at `now`: what is stored, and what time alone has done to it since. A sweeper that
    /// comes late therefore changes nothing that anybody could have seen.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> State {
        let mut state = self.state;
        if let State::Processing {
            lapses_at: Some(lapses_at),
            ..
        } = state
            && lapses_at <= now
        {
            state = self.initiated_at(lapses_at);
        }
        if let State::Created { expires_at } | State::Initiated { expires_at, .. } = state
            && expires_at <= now
        {
            state = State::Expired { at: expires_at };
        }
        state
    }

    /// When it ends if nothing more happens; nothing once it has ended. While a card is in flight,
    /// its outcome decides; then the merchant's own lifetime, if there is one, counts again.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Created { expires_at } | State::Initiated { expires_at, .. } => Some(expires_at),
            State::Processing {
                lapses_at: Some(lapses_at),
                ..
            } => match self.initiated_at(lapses_at) {
                State::Initiated { expires_at, .. } => Some(expires_at),
                _ => None,
            },
            State::Processing {
                lapses_at: None, ..
            } => self.deadline(),
            State::Completed { .. } | State::Cancelled { .. } | State::Expired { .. } => None,
        }
    }

    /// When time alone next changes it: what the sweeper looks for. The tenant's own time counts.
    #[must_use]
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Created { expires_at } | State::Initiated { expires_at, .. } => Some(expires_at),
            State::Processing { lapses_at, .. } => lapses_at,
            State::Completed { .. } => self.hold_expires_at,
            State::Cancelled { .. } | State::Expired { .. } => None,
        }
    }
}
