//! What a session and its transactions may be at the same time, and what each may become.

use paydesk_core::engine::SessionSnapshot;
use paydesk_core::method::Family;
use paydesk_core::money::Money;
use paydesk_core::rates::Exchange;
use paydesk_core::session::{Amount, Kind, MAX_CARD_ATTEMPTS, MAX_PUSHED_ATTEMPTS, Session, State};
use paydesk_core::transaction::{Action, ExceptionKind, Hold, Status, Transaction};

use super::books::{Books, Touched, rule};

/// Whether its outcome is still to come.
pub fn is_live(transaction: &Transaction) -> bool {
    matches!(
        transaction.status,
        Status::InFlight { .. } | Status::Unknown { .. } | Status::AwaitingPayer { .. }
    )
}

/// Whether money may move, or have moved, without a transfer that tells of it.
fn only_the_rail_knows(transaction: &Transaction) -> bool {
    let waits_for_transfer = matches!(
        transaction.status,
        Status::AwaitingPayer { ask_at: None, .. }
    );
    is_live(transaction) && !waits_for_transfer
}

/// Whether it is money that came when nobody waited for it.
pub fn is_late(transaction: &Transaction) -> bool {
    let exception = transaction.exception.map(|exception| exception.kind);
    exception == Some(ExceptionKind::Late)
}

/// Whether it is a payer's attempt that is under way or has come to its end well.
pub fn has_the_session(transaction: &Transaction) -> bool {
    let succeeded = matches!(transaction.status, Status::Succeeded { .. });
    transaction.action.is_attempt() && (is_live(transaction) || succeeded)
}

impl Books {
    /// What is over stays as it is, and what never changes has not changed.
    pub fn history(&self, touched: &Touched<'_>) -> Result<(), String> {
        for after in &touched.sessions {
            let Some(before) = self.sessions.get(&after.id) else {
                continue;
            };
            let fixed = |one: &Session| (one.tenant, one.first_transaction, one.created_at);
            rule!(
                fixed(before) == fixed(after) && before.terms == after.terms,
                "what never changes has changed from {before:?} to {after:?}"
            );
            // Time counts, whether or not a sweeper came by: what anybody could have seen as over stays so.
            let (was, is) = (before.state_at(touched.at), after.state_at(touched.at));
            rule!(
                !was.is_terminal() || was == is,
                "the session was {was:?} and is {is:?}"
            );
            rule!(
                after.card_attempts >= before.card_attempts && after.events >= before.events,
                "a count went down from {before:?} to {after:?}"
            );
        }
        for after in &touched.transactions {
            let Some(before) = self.transactions.get(&after.id) else {
                rule!(
                    matches!(
                        after.status,
                        Status::InFlight { .. } | Status::Received { .. }
                    ),
                    "a transaction begins as {after:?}"
                );
                continue;
            };
            let fixed = |one: &Transaction| {
                (
                    (one.tenant, one.session, one.action, one.parent, one.amount),
                    one.exchange,
                    (one.method, one.provider_account, one.created_at),
                    (one.reference.clone(), one.idempotency.clone()),
                )
            };
            rule!(
                fixed(before) == fixed(after),
                "what never changes has changed from {before:?} to {after:?}"
            );
            let seen = before.status_at(touched.at);
            rule!(
                !seen.is_terminal() || seen == after.status,
                "the transaction was {seen:?} and is {after:?}"
            );
            let in_vain = matches!(
                after.status,
                Status::Cancelled { .. } | Status::Expired { .. }
            );
            rule!(
                !(only_the_rail_knows(before) && in_vain),
                "a payment is left of which only the rail knows: {after:?}"
            );
            let received = |one: &Transaction| one.received.map_or(0, Money::minor);
            rule!(
                after.done >= before.done && received(after) >= received(before),
                "money went away between {before:?} and {after:?}"
            );
            rule!(
                hold_may_become(before.hold, after.hold),
                "the hold went from {:?} to {:?}",
                before.hold,
                after.hold
            );
        }
        Ok(())
    }

    /// Session and transactions agree.
    pub fn states(&self, touched: &Touched<'_>) -> Result<(), String> {
        for session in &touched.sessions {
            self.state(session)
                .map_err(|rule| format!("{rule}\n  {session:?}"))?;
        }
        for transaction in &touched.transactions {
            self.parentage(transaction)
                .map_err(|rule| format!("{rule}\n  {transaction:?}"))?;
        }
        Ok(())
    }

    fn state(&self, session: &Session) -> Result<(), String> {
        let mut holders = self
            .transactions_of(session.id)
            .filter(|one| has_the_session(one));
        let holder = holders.next();
        rule!(holders.next().is_none(), "two payments have the session");
        match session.state {
            State::Created { .. } | State::Initiated { .. } => {
                rule!(
                    holder.is_none(),
                    "an open session is being paid by {holder:?}"
                );
            }
            State::Processing {
                transaction,
                lapses_at,
                ..
            } => {
                let Some(live) = holder.filter(|one| one.id == transaction && is_live(one)) else {
                    return Err(format!(
                        "it is processing what is not under way: {holder:?}"
                    ));
                };
                let waits_until = match live.status {
                    Status::AwaitingPayer {
                        expires_at,
                        ask_at: None,
                        ..
                    } => Some(expires_at),
                    _ => None,
                };
                let pushed = live.method.family().is_pushed();
                rule!(
                    lapses_at == waits_until && (waits_until.is_none() || pushed),
                    "it lapses at {lapses_at:?}, and its payment at {waits_until:?}"
                );
                rule!(
                    SessionSnapshot::watched(session) == Some(live.id),
                    "nobody watches the payment"
                );
            }
            State::Completed { transaction, .. } => {
                let paid = holder.filter(|one| one.id == transaction && !is_live(one));
                rule!(paid.is_some(), "it is completed by {holder:?}");
                rule!(session.charge == Some(transaction), "its charge is another");
            }
            State::Cancelled { .. } | State::Expired { .. } => {
                let late = holder.is_none_or(|one| {
                    let accepted = one.exception.filter(|one| one.kind == ExceptionKind::Late);
                    !is_live(one) && accepted.is_some_and(|one| one.accepted_at.is_some())
                });
                rule!(late, "an ended session has a payment: {holder:?}");
            }
        }
        let held = holder.is_some_and(|one| matches!(one.hold, Some(Hold::Open { .. })));
        rule!(
            session.hold_expires_at.is_some() == held,
            "the hold and its time do not agree"
        );
        self.attempts(session)
    }

    fn attempts(&self, session: &Session) -> Result<(), String> {
        let (mut cards, mut others, mut first) = (0, 0, false);
        for one in self.transactions_of(session.id) {
            if one.action.is_attempt() && !is_late(one) {
                let is_card = one.method.family() == Family::Card;
                cards += u32::from(is_card);
                others += u32::from(!is_card);
                first |= one.id == session.first_transaction;
                let right = match session.terms.kind {
                    Kind::Payment => Action::Payment,
                    Kind::Authorization => Action::Authorization,
                    Kind::AddPaymentMethod => Action::AddPaymentMethod,
                };
                rule!(one.action == right, "it was opened for another action");
                let asked = match session.terms.amount {
                    Amount::Fixed(asked) => one.merchant_amount() == asked,
                    Amount::AtLeast(least) => one.merchant_amount().checked_sub(least).is_some(),
                    Amount::Nothing(currency) => one.amount == Money::zero(currency),
                };
                let settled = one
                    .method
                    .currency_code()
                    .is_none_or(|code| code == one.amount.currency().code());
                let converted = one.exchange.is_none_or(|exchange| {
                    let Exchange {
                        merchant_amount,
                        rate,
                    } = exchange;
                    merchant_amount.currency() != one.amount.currency()
                        && rate.convert(merchant_amount, one.amount.currency()) == Ok(one.amount)
                });
                rule!(
                    asked && settled && converted,
                    "another amount is paid than was asked for: {one:?}"
                );
            }
        }
        rule!(
            cards == session.card_attempts && cards <= MAX_CARD_ATTEMPTS,
            "{cards} cards were tried"
        );
        rule!(
            others == session.pushed_attempts && others <= MAX_PUSHED_ATTEMPTS,
            "{others} other ways were begun"
        );
        rule!(
            session.attempted == first,
            "the first attempt has not the first id"
        );
        let charge = session.charge.map(|id| self.transactions.get(&id));
        rule!(
            charge.is_none_or(|found| found.is_some_and(|one| one.session == Some(session.id))),
            "its charge is of another session"
        );
        Ok(())
    }

    fn parentage(&self, transaction: &Transaction) -> Result<(), String> {
        let late = is_late(transaction);
        rule!(
            transaction.parent.is_some() == (late || !transaction.action.is_attempt()),
            "a payer's attempt has no parent, and everything else has one"
        );
        let parent = transaction.parent.map(|id| &self.transactions[&id]);
        rule!(
            parent.is_none_or(|one| one.session == transaction.session
                && one.tenant == transaction.tenant
                && one.amount.currency() == transaction.amount.currency()),
            "its parent is a stranger"
        );
        Ok(())
    }
}

fn hold_may_become(before: Option<Hold>, after: Option<Hold>) -> bool {
    let begins = before.is_none() && matches!(after, Some(Hold::Open { .. }));
    let ends = matches!(before, Some(Hold::Open { .. }))
        && matches!(after, Some(Hold::Settled | Hold::Voided | Hold::Lapsed));
    before == after || begins || ends
}
