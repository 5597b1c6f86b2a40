//! Settles, voids and refunds. None of them takes more than is there.

use paydesk_core::rail::RailAnswer;
use paydesk_core::transaction::FailureReason;
use rusqlite::OptionalExtension as _;

use super::super::attempt::{After, Kind};
use super::balance::Movement;
use super::operation::{OperationRow, Outcome, text};
use super::{Book, LedgerError};

impl Book<'_> {
    pub(super) fn follow_up(&self, after: &After) -> Result<RailAnswer, LedgerError> {
        if after.tenant.mode.is_live() {
            return Ok(RailAnswer::Failed(FailureReason::NotSupported));
        }
        if self.is_refused(after.reference)? {
            return Ok(RailAnswer::Failed(FailureReason::NeverArrived));
        }
        let mut row = OperationRow {
            reference: after.reference,
            merchant: after.tenant.merchant,
            account: after.account,
            kind: after.kind,
            method: after.method,
            amount: after.amount,
            original: Some(after.original),
            provider_reference: self.provider_reference(),
            outcome: Outcome::Succeeded,
            created_at: self.now,
        };
        if let Some(first) = self.operation(after.reference)? {
            return self.again(&first, &row);
        }
        row.outcome = match self.original(after)? {
            // Money that was reported to the server, for a payment of its own: the sandbox has never seen either.
            None if after.kind == Kind::Refund && after.placed > 0 => {
                self.refund(&after.original.to_string(), after)?
            }
            None => Outcome::PROCESSING_ERROR,
            Some(original) if original.amount.currency() != after.amount.currency() => {
                Outcome::PROCESSING_ERROR
            }
            Some(original) => match after.kind {
                Kind::Settle => self.settle(&original, after)?,
                Kind::Void => self.void(&original, after)?,
                Kind::Refund => self.refund(&original.reference.to_string(), after)?,
                Kind::Pay | Kind::Authorize | Kind::Store => Outcome::NOT_SUPPORTED,
            },
        };
        self.record(&row)?;
        self.answer(&row)
    }

    /// The operation that it is about. Late money is a transaction of the server's own, which the ledger has never
    /// heard of: it is found by the transfer that brought it, and belongs to the payment that it was meant for.
    fn original(&self, after: &After) -> Result<Option<OperationRow>, LedgerError> {
        let mut found = self.operation(after.original)?;
        if let (None, Some(transfer)) = (&found, &after.original_provider_reference) {
            let mut query = self
                .db
                .prepare_cached("SELECT reference FROM transfers WHERE id = ?")?;
            let reference = query
                .query_row([transfer], |row| text(row, "reference"))
                .optional()?;
            found = match reference {
                Some(reference) => self.operation(reference)?,
                None => None,
            };
        }
        Ok(found.filter(|row| row.tenant() == after.tenant && row.account == after.account))
    }

    fn settle(&self, original: &OperationRow, after: &After) -> Result<Outcome, LedgerError> {
        let (pool, own) = (original.reference.to_string(), after.reference.to_string());
        let Some(held) = self.balance(&pool)?.open_hold() else {
            return Ok(Outcome::DECLINED);
        };
        let taken = after.amount.minor();
        if taken == 0 || taken > held {
            return Ok(Outcome::DECLINED);
        }
        self.moves(&pool, &own, Movement::Settled, taken)?;
        self.moves(&pool, &own, Movement::Released, held - taken)?;
        self.moves(&own, &own, Movement::Captured, taken)?;
        Ok(Outcome::Succeeded)
    }

    fn void(&self, original: &OperationRow, after: &After) -> Result<Outcome, LedgerError> {
        let pool = original.reference.to_string();
        let Some(held) = self.balance(&pool)?.open_hold() else {
            return Ok(Outcome::DECLINED);
        };
        self.moves(
            &pool,
            &after.reference.to_string(),
            Movement::Released,
            held,
        )?;
        Ok(Outcome::Succeeded)
    }

    fn refund(&self, pool: &str, after: &After) -> Result<Outcome, LedgerError> {
        self.note_placed(pool, after.original, after.placed)?;
        let amount = after.amount.minor();
        if amount == 0 || amount > self.balance(pool)?.refundable() {
            return Ok(Outcome::DECLINED);
        }
        self.moves(
            pool,
            &after.reference.to_string(),
            Movement::Refunded,
            amount,
        )?;
        Ok(Outcome::Succeeded)
    }
}
