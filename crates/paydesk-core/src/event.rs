//! Events: what happened, in the same commit as what made it happen.

use serde::{Deserialize, Serialize};

use crate::bank_transfer::BankTransfer;
use crate::customer::Customer;
use crate::endpoint::DisabledBecause;
use crate::id::{EndpointId, EventId, SessionId, TransactionId};
use crate::payment_method::PaymentMethod;
use crate::session::{Session, State};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use crate::transaction::Transaction;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What kind of thing happened.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }
        impl EventKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

kinds! {
    /// A merchant opened a session.
    SessionCreated = "session.created";
    /// The payer's first act.
    SessionInitiated = "session.initiated";
    /// Paid, held or stored.
    SessionCompleted = "session.completed";
    /// Given up.
    SessionCancelled = "session.cancelled";
    /// Out of time, or ended by the merchant.
    SessionExpired = "session.expired";
    /// The payer is asked to act, or the rail is being called.
    TransactionPending = "transaction.pending";
    /// Done.
    TransactionSucceeded = "transaction.succeeded";
    /// The rail said no.
    TransactionDeclined = "transaction.declined";
    /// It came to nothing.
    TransactionFailed = "transaction.failed";
    /// Its outcome is not known yet.
    TransactionUnknown = "transaction.unknown";
    /// A pushed payment that was not pushed in time; or a hold that ran out.
    TransactionExpired = "transaction.expired";
    /// Left for another method, or ended with its session.
    TransactionCancelled = "transaction.cancelled";
    /// Money came late, short or over.
    TransactionException = "transaction.exception";
    /// Money was given back.
    RefundSucceeded = "refund.succeeded";
    /// Money could not be given back.
    RefundFailed = "refund.failed";
    /// A card was stored.
    PaymentMethodStored = "paymentMethod.stored";
    /// An endpoint is told nothing more, because it is gone or took nothing for days.
    EndpointDisabled = "webhookEndpoint.disabled";
    /// Money came in that no payment was found for.
    BankTransferUnmatched = "bankTransfer.unmatched";
    /// The merchant made a customer, or a session named a new one.
    CustomerCreated = "customer.created";
    /// What is known of a customer changed.
    CustomerUpdated = "customer.updated";
    /// A customer was deleted.
    CustomerDeleted = "customer.deleted";
}

/// What an event is about, as it was when it happened. What never changes (a session's terms) is not
/// repeated: it is read when the event is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Subject {
    /// A session.
    Session {
        /// Where it stood.
        state: State,
        /// Its version.
        version: u64,
        /// Its charge.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        charge: Option<TransactionId>,
    },
    /// A transaction.
    Transaction {
        /// As it was.
        transaction: Box<Transaction>,
    },
    /// A stored card.
    PaymentMethod {
        /// As it was.
        payment_method: Box<PaymentMethod>,
    },
    /// A webhook endpoint.
    Endpoint {
        /// Which.
        endpoint: EndpointId,
        /// Where it is.
        url: String,
        /// Why it is told nothing more.
        why: DisabledBecause,
    },
    /// Money that came in.
    BankTransfer {
        /// As it was.
        bank_transfer: Box<BankTransfer>,
    },
    /// A customer.
    Customer {
        /// As it was; of a deleted one, as it was last.
        customer: Box<Customer>,
    },
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id; stable over every retry of telling it.
    pub id: EventId,
    /// Whose.
    pub tenant: Tenant,
    /// What happened.
    pub kind: EventKind,
    /// Counts from 1 per session, since deliveries may overtake each other. Of what has no session: the
    /// version of what it is about.
    pub sequence: u32,
    /// When, in the tenant's own time.
    pub at: Timestamp,
    /// Of which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// About what.
    pub subject: Subject,
    /// Whether the session's own notify address hears of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub notify: bool,
}

impl Event {
    /// This session of the event's as it stood then: what never changes is the session's, the rest is the event's.
    /// Nothing if the event is not about where a session stood.
    #[must_use]
    pub fn session_then(&self, session: &Session) -> Option<Session> {
        let Subject::Session {
            state,
            version,
            charge,
        } = &self.subject
        else {
            return None;
        };
        let mut then = session.clone();
        (then.state, then.version, then.charge) = (*state, *version, *charge);
        then.updated_at = self.at;
        Some(then)
    }
}
