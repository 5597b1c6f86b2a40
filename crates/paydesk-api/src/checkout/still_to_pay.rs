//! What a payer who is to push money still has to push: all of it, or what is missing after a part came.

use std::borrow::Cow;

use paydesk_core::money::Money;
use paydesk_core::transaction::{Destination, Transaction};
use paydesk_rails::emvqr::Code;

/// What is still to be pushed, and by which code: the payment's own, under its reference, or one that asks for the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StillToPay<'t> {
    /// How much.
    pub amount: Money,
    /// The text of the code, if it is scanned.
    pub code: Option<Cow<'t, str>>,
}

impl<'t> StillToPay<'t> {
    /// Of a transaction that waits for money to be pushed there.
    #[must_use]
    pub fn of(transaction: &Transaction, destination: &'t Destination) -> Self {
        let whole = transaction.amount;
        let code = destination.qr_code.as_deref();
        let missing = transaction
            .received
            .filter(|received| !received.is_zero())
            .and_then(|received| whole.checked_sub(received))
            .filter(|missing| !missing.is_zero());
        let Some(missing) = missing else {
            return Self {
                amount: whole,
                code: code.map(Cow::Borrowed),
            };
        };
        let rest = |text| Code::parse(text).ok()?.asking_for(missing).ok();
        // A code of ours can always be read; if ever not, what it asks for is more than enough.
        let code = code.map(|text| {
            rest(text).map_or(Cow::Borrowed(text), |code| Cow::Owned(code.to_string()))
        });
        Self {
            amount: missing,
            code,
        }
    }
}
