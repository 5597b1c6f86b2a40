//! Money that came otherwise than it was asked for: late, for a code that was left, in part, twice or too much. The payer
//! is told of it wherever the page would else be silent, for as long as it is not given back.

use paydesk_core::money::Money;
use paydesk_core::transaction::{Exception, ExceptionKind, Transaction};

use super::Screen;
use crate::checkout::locale::{Language, money};
use crate::checkout::visit::Visit;

/// What is said of it on this screen, one text for each currency.
#[must_use]
pub fn arrived(visit: &Visit, screen: &Screen, language: Language) -> Vec<String> {
    let t = language.texts();
    // What is chosen next asks for the whole again. Any other screen speaks of the current payment's own money itself.
    let beside = match screen {
        Screen::Choose(_) => None,
        _ => visit.current(),
    };
    let parts = visit.transactions.iter().filter_map(|transaction| {
        if beside.is_some_and(|current| current.id == transaction.id) {
            surplus(transaction)
        } else {
            pushed(transaction)
        }
    });
    let said = |amount| {
        let amount = money(amount, language);
        let places = [("amount", &*amount), ("merchant", visit.shop())];
        match screen {
            // Of a payment that is made, nothing else can be accepted.
            Screen::Receipt(_) => t.over_text.with(&places),
            Screen::Choose(_) => {
                let (arrived, ask) = (t.arrived_text.with(&places), t.ask_first.with(&places));
                format!("{arrived} {ask}")
            }
            _ => t.arrived_text.with(&places),
        }
    };
    sums(parts).into_iter().map(said).collect()
}

/// Whether any is there: then nobody is told that nothing was charged.
#[must_use]
pub fn has_arrived(visit: &Visit) -> bool {
    visit
        .transactions
        .iter()
        .any(|transaction| pushed(transaction).is_some())
}

/// How much a payment took, or is to take. What came beyond it is not part of it until the merchant has accepted it.
#[must_use]
pub fn taken(transaction: &Transaction) -> Money {
    let captured = transaction.captured();
    if captured.is_zero() || is_over(transaction) {
        transaction.amount
    } else {
        captured
    }
}

/// What was pushed for a transaction and not given back.
fn pushed(transaction: &Transaction) -> Option<Money> {
    transaction.received?;
    left(transaction, 0)
}

/// What was pushed beyond the amount of a payment, and neither accepted nor given back.
fn surplus(transaction: &Transaction) -> Option<Money> {
    is_over(transaction).then_some(())?;
    left(transaction, transaction.amount.minor())
}

const fn is_over(transaction: &Transaction) -> bool {
    matches!(
        transaction.exception,
        Some(Exception {
            kind: ExceptionKind::Over,
            accepted_at: None,
        })
    )
}

/// What is there of a transaction's money beyond so much.
fn left(transaction: &Transaction, beyond: i64) -> Option<Money> {
    let captured = transaction.captured();
    let left = captured.minor() - transaction.done - beyond;
    Money::from_minor(left, captured.currency())
        .ok()
        .filter(|left| left.minor() > 0)
}

/// One sum for each currency.
fn sums(parts: impl Iterator<Item = Money>) -> Vec<Money> {
    let mut sums: Vec<Money> = Vec::new();
    for part in parts {
        let known = sums
            .iter_mut()
            .find(|sum| sum.currency() == part.currency());
        match known.map(|sum| (sum.checked_add(part), sum)) {
            Some((Some(both), sum)) => *sum = both,
            // What no sum can hold is told beside it.
            _ => sums.push(part),
        }
    }
    sums
}
