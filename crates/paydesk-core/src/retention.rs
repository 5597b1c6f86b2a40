//! Retention: what may be removed once it is old, and what has to stay however old it is.
//!
//! Old is what has not changed since a [`Horizon`], in the tenant's own time. Old data goes only if nobody can do anything
//! with it any more, and nothing that stays needs it:
//!
//! | | goes | stays |
//! |---|---|---|
//! | a session and its transactions | ended, each of its transactions too | while any of it is open, unknown, held or undecided; while money of it can be given back, unless the merchant gave [a time for that](Retention::paid); if it stored a card that is still attached, or paid an order, by accepted late money too; while one of its events is still to be told |
//! | a charge without a session, and its refunds | as a session | as a session |
//! | an event and its deliveries | dispatched, and every delivery taken or given up | while a delivery waits |
//! | a stored card | detached, and no transaction names it | attached |
//!
//! Merchants, keys, accounts, customers, products, orders, users and bank transfers stay. So do claims: a reference that
//! was used, the reference of a payment code and a bank's id of a transfer stay used.

use std::collections::HashSet;

use serde::Serialize;

use crate::event::Event;
use crate::id::TransactionId;
use crate::payment_method::PaymentMethod;
use crate::session::Session;
use crate::time::{Span, Timestamp};
use crate::transaction::{Action, Hold, Status, Transaction};

/// The shortest time that anything is kept: longer than a hold, the schedule of deliveries and the memory of requests
/// together, so that nothing goes that somebody may still be busy with.
pub const SHORTEST: Span = Span::days(30);

/// How long finished data is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retention {
    /// What is finished goes so long after it last changed.
    pub finished: Span,
    /// A payment of which something can still be given back goes so long after it last changed; never, if nothing is
    /// set.
    pub paid: Option<Span>,
}

/// A retention that would take away too early.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TooShort {
    /// Less than [`SHORTEST`].
    #[error("finished data is kept for at least 30 days")]
    Finished,
    /// Payments would go before what was never paid.
    #[error("payments that can be refunded are kept at least as long as the rest")]
    Paid,
}

impl Retention {
    /// Refuses what is too short.
    pub fn checked(self) -> Result<Self, TooShort> {
        if self.finished < SHORTEST {
            return Err(TooShort::Finished);
        }
        if self.paid.is_some_and(|paid| paid < self.finished) {
            return Err(TooShort::Paid);
        }
        Ok(self)
    }

    /// What is old at `now`.
    #[must_use]
    pub const fn horizon(self, now: Timestamp) -> Horizon {
        Horizon {
            finished: now.before(self.finished),
            paid: match self.paid {
                Some(paid) => Some(now.before(paid)),
                None => None,
            },
        }
    }
}

/// What is before it is old.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Horizon {
    /// For what is finished.
    pub finished: Timestamp,
    /// For payments of which something can still be given back; they stay if there is none.
    pub paid: Option<Timestamp>,
}

/// Why something old stays. In the order in which it is looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Kept {
    /// It changed since, or while it was looked at.
    Changed,
    /// A session that has not ended, or whose end is not written down yet.
    Open,
    /// A transaction whose outcome is not known, or an operation on one that is under way.
    UnderWay,
    /// An authorization whose money is held.
    Held,
    /// Money that came late, short or over, which the merchant has neither accepted nor given back.
    Undecided,
    /// Money that can still be given back.
    Refundable,
    /// It stored a card that is attached.
    StoredCard,
    /// It paid an order.
    PaidOrder,
    /// Somebody is still to be told of it.
    Untold,
    /// Transactions that stay name it.
    Named,
}

impl Kept {
    /// Said of many: "12 …".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed since",
            Self::Open => "are open",
            Self::UnderWay => "have something under way",
            Self::Held => "hold money",
            Self::Undecided => "have money that nobody decided about",
            Self::Refundable => "can be refunded",
            Self::StoredCard => "stored a card that is attached",
            Self::PaidOrder => "paid an order",
            Self::Untold => "are still to be told of",
            Self::Named => "are named by transactions that stay",
        }
    }
}

impl Horizon {
    /// Whether a session may go, with all its transactions. `stored` are those among them that stored a card which is
    /// attached.
    pub fn session(
        &self,
        session: &Session,
        transactions: &[Transaction],
        stored: &HashSet<TransactionId>,
    ) -> Result<(), Kept> {
        if session.updated_at >= self.finished {
            return Err(Kept::Changed);
        }
        if !session.state.is_terminal() {
            return Err(Kept::Open);
        }
        if session.hold_expires_at.is_some() {
            return Err(Kept::Held);
        }
        self.transactions(transactions, stored)?;
        // An order says how it was paid for as long as there is the order. A session that had ended paid it too, if money
        // that came late was accepted.
        if session.ordered.is_some() && transactions.iter().any(took_money) {
            return Err(Kept::PaidOrder);
        }
        Ok(())
    }

    /// Whether transactions may go, all of them together: those of a session, or a charge without one and the
    /// operations on it.
    pub fn transactions(
        &self,
        transactions: &[Transaction],
        stored: &HashSet<TransactionId>,
    ) -> Result<(), Kept> {
        // The first reason of any, so that what is said does not depend on the order of transactions.
        let kept = transactions
            .iter()
            .filter_map(|transaction| self.transaction(transaction, stored).err());
        kept.min().map_or(Ok(()), Err)
    }

    fn transaction(&self, it: &Transaction, stored: &HashSet<TransactionId>) -> Result<(), Kept> {
        if it.updated_at >= self.finished {
            return Err(Kept::Changed);
        }
        // Late money waits for nobody but the merchant: that is looked at below.
        if it.reserved > 0
            || !(it.status.is_terminal() || matches!(it.status, Status::Received { .. }))
        {
            return Err(Kept::UnderWay);
        }
        if matches!(it.hold, Some(Hold::Open { .. })) {
            return Err(Kept::Held);
        }
        if it.remaining() > 0 {
            let undecided = it.exception.is_some_and(|it| it.accepted_at.is_none());
            if undecided || matches!(it.status, Status::Received { .. }) {
                return Err(Kept::Undecided);
            }
            if self.paid.is_none_or(|paid| it.updated_at >= paid) {
                return Err(Kept::Refundable);
            }
        }
        // The payer agreed to later charges with this transaction, and rails are asked by it.
        if stored.contains(&it.id) {
            return Err(Kept::StoredCard);
        }
        Ok(())
    }

    /// Whether an event is old. Whether somebody is still to be told of it only the store knows.
    #[must_use]
    pub fn event(&self, event: &Event) -> bool {
        event.at < self.finished
    }

    /// Whether a stored card may go. Whether a transaction names it only the store knows.
    #[must_use]
    pub fn payment_method(&self, card: &PaymentMethod) -> bool {
        card.detached_at.is_some() && card.updated_at < self.finished
    }
}

fn took_money(it: &Transaction) -> bool {
    it.action == Action::Payment && matches!(it.status, Status::Succeeded { .. })
}
