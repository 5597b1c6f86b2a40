//! Which events a change must have, said from what was there before and after alone.

use std::collections::BTreeMap;

use paydesk_core::event::{Event, EventKind, Subject};
use paydesk_core::id::SessionId;
use paydesk_core::session::{NotifyFormat, Session, StateName};
use paydesk_core::store::Record;
use paydesk_core::transaction::{Action, Hold, Status, Transaction};

use super::books::{Books, Touched, rule};
use super::commands::bank_transfer;

/// What is told of a transaction that was `before` and is `after`.
fn of_transaction(before: Option<&Transaction>, after: &Transaction) -> Vec<EventKind> {
    let Some(before) = before else {
        return match (&after.status, after.action) {
            // A refund is told when it is done.
            (_, Action::Refund) => vec![],
            (Status::Received { .. }, _) => vec![EventKind::TransactionException],
            _ => vec![EventKind::TransactionPending],
        };
    };
    let mut told = Vec::new();
    let changed = std::mem::discriminant(&before.status) != std::mem::discriminant(&after.status);
    if changed {
        told.extend(of_status(before, after));
    }
    let more_came = before.received != after.received;
    let waits_for_more = matches!(after.status, Status::AwaitingPayer { .. });
    let paid_before = matches!(before.status, Status::Succeeded { .. });
    let too_much = after
        .received
        .is_some_and(|all| all.minor() > after.amount.minor());
    if more_came && (waits_for_more || paid_before || too_much) {
        told.push(EventKind::TransactionException);
    }
    if matches!(before.hold, Some(Hold::Open { .. })) && after.hold == Some(Hold::Lapsed) {
        told.push(EventKind::TransactionExpired);
    }
    told
}

fn of_status(before: &Transaction, after: &Transaction) -> Option<EventKind> {
    let refund = after.action == Action::Refund;
    match &after.status {
        Status::InFlight { .. } | Status::AwaitingPayer { .. } | Status::Received { .. } => None,
        Status::Unknown { .. } => Some(EventKind::TransactionUnknown),
        Status::Succeeded { .. } if refund => Some(EventKind::RefundSucceeded),
        Status::Succeeded { .. } => Some(EventKind::TransactionSucceeded),
        Status::Declined { .. } | Status::Failed { .. } if refund => Some(EventKind::RefundFailed),
        Status::Declined { .. } => Some(EventKind::TransactionDeclined),
        Status::Failed { .. } => Some(EventKind::TransactionFailed),
        Status::Expired { .. } => Some(EventKind::TransactionExpired),
        // Unasked money that was given back whole: the last refund tells.
        Status::Cancelled { .. } if matches!(before.status, Status::Received { .. }) => None,
        Status::Cancelled { .. } => Some(EventKind::TransactionCancelled),
    }
}

/// What is told of a session that was `before` and is `after`.
fn of_session(before: Option<&Session>, after: &Session) -> Vec<EventKind> {
    let Some(before) = before else {
        return vec![EventKind::SessionCreated];
    };
    let (from, to) = (before.state.name(), after.state.name());
    if from == to {
        return vec![];
    }
    match to {
        StateName::Initiated | StateName::Processing if from == StateName::Created => {
            vec![EventKind::SessionInitiated]
        }
        StateName::Created | StateName::Initiated | StateName::Processing => vec![],
        StateName::Completed => vec![EventKind::SessionCompleted],
        StateName::Cancelled => vec![EventKind::SessionCancelled],
        StateName::Expired => vec![EventKind::SessionExpired],
    }
}

/// Whether a session's own address hears of an event: XanPay's of the charge that completes, ours of everything
/// from the first payment on.
fn is_notified(session: &Session, event: &Event) -> bool {
    let Some(notify) = &session.terms.notify else {
        return false;
    };
    match (notify.format, &event.subject) {
        (NotifyFormat::XanPayCharge, Subject::Transaction { transaction }) => {
            event.kind == EventKind::TransactionSucceeded && transaction.action == Action::Payment
        }
        (NotifyFormat::XanPayCharge, _) => false,
        (NotifyFormat::Event, _) => !matches!(
            event.kind,
            EventKind::SessionCreated
                | EventKind::SessionInitiated
                | EventKind::PaymentMethodStored
        ),
    }
}

impl Books {
    /// Each transition has exactly its events, numbered without a gap.
    pub fn told(&self, touched: &Touched<'_>) -> Result<(), String> {
        type About = (Option<SessionId>, EventKind, uuid::Uuid);
        let mut expected: Vec<About> = Vec::new();
        for session in &touched.sessions {
            let before = self.sessions.get(&session.id);
            for kind in of_session(before, session) {
                expected.push((Some(session.id), kind, session.id.0));
            }
        }
        for transaction in &touched.transactions {
            let before = self.transactions.get(&transaction.id);
            for kind in of_transaction(before, transaction) {
                expected.push((transaction.session, kind, transaction.id.0));
            }
        }
        for record in &touched.change.puts {
            if let Record::PaymentMethod(stored) = record
                && stored.version == 1
            {
                let by = touched
                    .transactions
                    .iter()
                    .find(|one| one.id == stored.stored_by);
                let session = by.and_then(|by| by.session);
                expected.push((session, EventKind::PaymentMethodStored, stored.id.0));
            }
        }
        for kept in touched.change.puts.iter().filter_map(bank_transfer) {
            if kept.transaction().is_none() {
                expected.push((None, EventKind::BankTransferUnmatched, kept.id.0));
            }
        }
        let mut events: Vec<About> = Vec::new();
        for event in &touched.change.events {
            events.push((event.session, event.kind, self.subject(touched, event)?));
        }
        expected.sort_unstable();
        events.sort_unstable();
        rule!(
            expected == events,
            "events are\n  {events:?}\nand should be\n  {expected:?}"
        );
        self.numbered(touched)
    }

    /// What an event is about, as it was: the very record that the change writes.
    fn subject(&self, touched: &Touched<'_>, event: &Event) -> Result<uuid::Uuid, String> {
        let kind = event.kind;
        rule!(
            event.tenant == touched.tenant && event.at == touched.at,
            "{kind:?} is told of another tenant or time"
        );
        match &event.subject {
            Subject::Session {
                state,
                version,
                charge,
            } => {
                let session = touched
                    .sessions
                    .iter()
                    .find(|one| Some(one.id) == event.session);
                let Some(session) = session else {
                    return Err(format!("{kind:?} is about a session that is not written"));
                };
                // What was over by time is told before what the command then did to it.
                let before = self.sessions.get(&session.id).and_then(|one| one.charge);
                let same = *state == session.state && [before, session.charge].contains(charge);
                rule!(
                    *version == session.version && (same || kind == EventKind::SessionInitiated),
                    "{kind:?} tells {state:?} of {session:?}"
                );
                Ok(session.id.0)
            }
            Subject::Transaction { transaction } => {
                rule!(
                    touched.transactions.contains(transaction),
                    "{kind:?} tells what is not written: {transaction:?}"
                );
                rule!(
                    transaction.session == event.session,
                    "{kind:?} is told in another session"
                );
                Ok(transaction.id.0)
            }
            Subject::PaymentMethod { payment_method } => {
                let written = touched.change.puts.iter().any(
                    |put| matches!(put, Record::PaymentMethod(stored) if stored == &**payment_method),
                );
                rule!(written, "{kind:?} tells of a card that is not written");
                Ok(payment_method.id.0)
            }
            Subject::Endpoint { .. } => Err(format!("{kind:?}, and nothing is delivered here")),
            Subject::Customer { .. } => Err(format!("{kind:?}, and no command here is about one")),
            Subject::BankTransfer {
                bank_transfer: told,
            } => {
                let mut kept = touched.change.puts.iter().filter_map(bank_transfer);
                rule!(
                    kept.any(|kept| kept == **told),
                    "{kind:?} tells of money that is not kept"
                );
                Ok(told.id.0)
            }
        }
    }

    fn numbered(&self, touched: &Touched<'_>) -> Result<(), String> {
        let mut last: BTreeMap<SessionId, u32> = touched
            .sessions
            .iter()
            .map(|one| {
                (
                    one.id,
                    self.sessions.get(&one.id).map_or(0, |one| one.events),
                )
            })
            .collect();
        for event in &touched.change.events {
            let (Some(session), sequence) = (event.session, event.sequence) else {
                let version = match &event.subject {
                    Subject::Transaction { transaction } => transaction.version,
                    Subject::BankTransfer { bank_transfer } => bank_transfer.version,
                    _ => return Err(format!("{:?} has no session", event.kind)),
                };
                rule!(
                    u64::from(event.sequence) == version && !event.notify,
                    "{:?} of no session is numbered {}",
                    event.kind,
                    event.sequence
                );
                continue;
            };
            let last = last.entry(session).or_default();
            rule!(
                sequence == *last + 1,
                "event {sequence} of session {session} follows event {last}"
            );
            *last = sequence;
            let session = touched.sessions.iter().find(|one| one.id == session);
            let notified = session.is_some_and(|session| is_notified(session, event));
            rule!(
                event.notify == notified,
                "{:?} is{} told to the session's own address",
                event.kind,
                if event.notify { "" } else { " not" }
            );
        }
        for session in &touched.sessions {
            rule!(
                last.get(&session.id) == Some(&session.events),
                "session {} counts {} events, and has {last:?}",
                session.id,
                session.events
            );
        }
        Ok(())
    }
}
