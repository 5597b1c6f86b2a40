//! A change: all that one step does to a store, and why it may be refused.

use uuid::Uuid;

use crate::event::Event;
use crate::id::{EventId, PaymentMethodId, SessionId, TransactionId};
use crate::tenant::Tenant;

use super::claim::{Claim, ClaimKey};
use super::idempotency::{IdempotencyRecord, IdempotencyWrite};
use super::record::{Record, RecordKey};

/// What is taken out for good, with all that belongs to it alone. What [may go](crate::retention) is not for a store to
/// say; it only sees to it that nothing is taken away from under something else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Removal {
    /// A session at this version, its transactions, and the claim of its payment. Kept while it has events.
    Session {
        /// Which.
        id: SessionId,
        /// As it was read. Since each change to a transaction raises it, the transactions are as they were read, too.
        version: u64,
    },
    /// A charge without a session, at this version, and the operations on it, each of which raised that.
    Charge {
        /// Which.
        id: TransactionId,
        /// As it was read.
        version: u64,
    },
    /// A stored card at this version. Kept while a transaction names it.
    PaymentMethod {
        /// Which.
        id: PaymentMethodId,
        /// As it was read.
        version: u64,
    },
    /// An event and its deliveries. Kept while it is undispatched, and while one of its deliveries waits for its time
    /// or is with a worker.
    Event(EventId),
}

/// Everything that one step changes, applied as a whole.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Whose. Every record, claim and event in it belongs to this merchant.
    pub tenant: Tenant,
    /// What to write; no record twice.
    pub puts: Vec<Record>,
    /// Given up, before anything is taken. Releasing what another owner has does nothing.
    pub releases: Vec<Claim>,
    /// Taken; refused if anybody else has one. Taking what one already has is allowed.
    pub claims: Vec<Claim>,
    /// Appended. Each is undispatched from the start if its session's notify address hears of it, or if the tenant has
    /// an [audience](crate::endpoint::AUDIENCE) once this change is made: the store itself looks, so that no event is
    /// lost between an endpoint's making and its being known.
    pub events: Vec<Event>,
    /// Events whose deliveries are in `puts`: each must still be undispatched.
    pub dispatched: Vec<EventId>,
    /// Events to be dispatched once more, whether or not they were; unknown ones are passed over.
    pub retold: Vec<EventId>,
    /// Taken out. Each must be free to go as things stand before this change; the claims that names were given with stay,
    /// so that what was used once is used for ever.
    pub removals: Vec<Removal>,
    /// Added to totals.
    pub increments: Vec<Increment>,
    /// Written with the rest.
    pub idempotency: Option<IdempotencyWrite>,
}

impl Change {
    /// A change of nothing, for this tenant.
    #[must_use]
    pub const fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            puts: Vec::new(),
            releases: Vec::new(),
            claims: Vec::new(),
            events: Vec::new(),
            dispatched: Vec::new(),
            retold: Vec::new(),
            removals: Vec::new(),
            increments: Vec::new(),
            idempotency: None,
        }
    }

    /// Adds to it whatever another change of the same tenant would do; its idempotency record stays its own.
    pub fn absorb(&mut self, other: Self) {
        self.puts.extend(other.puts);
        self.releases.extend(other.releases);
        self.claims.extend(other.claims);
        self.events.extend(other.events);
        self.dispatched.extend(other.dispatched);
        self.retold.extend(other.retold);
        self.removals.extend(other.removals);
        self.increments.extend(other.increments);
    }
}

/// Why a change was refused; nothing of it was applied. Checked in this order: idempotency, dispatched,
/// records (in the order given), claims (in the order given), removals (in the order given).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Conflict {
    /// The idempotency key is known.
    #[error("the idempotency key is known")]
    Idempotency(Box<IdempotencyRecord>),
    /// Another worker dispatched the event.
    #[error("event {0} is dispatched")]
    Dispatched(EventId),
    /// A record is not at the version that the change was decided on.
    #[error("{0:?} has changed")]
    Stale(RecordKey),
    /// Somebody has what the change would take.
    #[error("{key:?} is held by {owner}")]
    Claimed {
        /// What.
        key: ClaimKey,
        /// By whom.
        owner: Uuid,
    },
    /// What the change would take out is not there, has changed, or is needed.
    #[error("{0:?} cannot go")]
    Kept(Removal),
}

/// Totals that are kept rather than counted. Increments commute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Counter {
    /// All sessions that the tenant has.
    Sessions,
    /// All transactions that it has.
    Transactions,
}

/// Adds to a total.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Increment {
    /// Which.
    pub counter: Counter,
    /// How much.
    pub by: i64,
}
