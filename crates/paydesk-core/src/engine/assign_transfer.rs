//! The merchant says for which payment a transfer is that nobody knew what it was for.

use super::idempotency::Idempotent;
use super::record_transfer::{TakenIn, known_before};
use super::{Engine, EngineError};
use crate::bank_transfer::{BankTransfer, MatchedBy, TransferState};
use crate::id::{BankTransferId, TransactionId};
use crate::refusal::Refusal;
use crate::store::{Conflict, Record};
use crate::tenant::Tenant;
use crate::transaction::{Action, Transaction};

/// Decides whether a transfer may be assigned to a payment: nothing if it is already. Refuses, in this order: one that is
/// counted for another, what is no payment that money is pushed for.
pub fn check(bank_transfer: &BankTransfer, target: &Transaction) -> Result<bool, Refusal> {
    if let TransferState::Matched { transaction, .. } = bank_transfer.state {
        // Late money is a transaction of its own, below the payment that it was for.
        return if transaction == target.id {
            Ok(false)
        } else {
            Err(Refusal::field(
                "transactionId",
                format!("comes too late: the transfer is counted for {transaction}"),
            ))
        };
    }
    let is_payment = target.action == Action::Payment && target.parent.is_none();
    if !is_payment || !target.method.family().is_pushed() || target.session.is_none() {
        return Err(Refusal::field(
            "transactionId",
            "is not a payment that money is sent for, by a code or a transfer",
        ));
    }
    Ok(true)
}

impl Engine {
    /// Counts an unmatched transfer for a payment, as if it had carried its reference. Assigning it to the same payment
    /// again changes nothing. Nothing if there is no such transfer, for this tenant.
    pub async fn assign_transfer(
        &self,
        tenant: Tenant,
        id: BankTransferId,
        target: TransactionId,
        idempotent: Option<Idempotent<TakenIn>>,
    ) -> Result<Option<TakenIn>, EngineError> {
        let idempotent = idempotent.as_ref();
        self.repeat(|conflict| async move {
            if let (Some(Conflict::Idempotency(known)), Some(idempotent)) = (&conflict, idempotent)
            {
                return Err(idempotent.refuse(known).into());
            }
            let found = self.store().find::<BankTransfer>(tenant, id.0).await?;
            let Some(mut bank_transfer) = found else {
                return Ok((None, None));
            };
            let payment = self.transaction(tenant, target).await?;
            // Late money that it made is below the payment: assigned to that, it is where it should be.
            let counted_below = match bank_transfer.transaction() {
                Some(counted) if counted != target => {
                    let counted = self.transaction(tenant, counted).await?;
                    (counted.parent == Some(target)).then_some(counted)
                }
                _ => None,
            };
            if counted_below.is_some() || !check(&bank_transfer, &payment)? {
                let (change, taken) = known_before(bank_transfer, idempotent, self.wall());
                return Ok((change, Some(taken)));
            }
            bank_transfer.version += 1;
            let by = MatchedBy::Assignment;
            let (mut change, transaction, kept) =
                self.decide_for(&bank_transfer, by, target).await?;
            change.puts.push(Record::entry(&kept)?);
            let taken = TakenIn {
                bank_transfer: kept,
                transaction: Some(transaction),
                known: false,
            };
            change.idempotency =
                idempotent.map(|idempotent| idempotent.answered(&taken, self.wall()));
            Ok((Some(change), Some(taken)))
        })
        .await
    }
}
