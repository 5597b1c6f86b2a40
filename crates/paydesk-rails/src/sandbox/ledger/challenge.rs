//! Payers who decide on a page: a wallet's, or their card's bank's.

use paydesk_core::id::TransactionId;
use paydesk_core::method::Family;
use paydesk_core::transaction::DeclineReason;
use rusqlite::{OptionalExtension as _, params};

use super::super::bank::{Challenge, Choice, Decision, SandboxError};
use super::operation::{OperationRow, Outcome};
use super::{Book, LedgerError};

impl Book<'_> {
    pub(super) fn open_challenge(
        &self,
        reference: TransactionId,
        merchant_name: &str,
        return_url: &str,
    ) -> Result<(), LedgerError> {
        self.db
            .prepare_cached("INSERT INTO challenges (token, reference, merchant_name, return_url) VALUES (?, ?, ?, ?)")?
            .execute(params![
                self.token::<16>(),
                reference.to_string(),
                merchant_name,
                return_url
            ])?;
        Ok(())
    }

    pub(super) fn challenge(
        &self,
        token: &str,
    ) -> Result<Result<Challenge, SandboxError>, LedgerError> {
        Ok(self
            .challenged(token)?
            .map(|(_, challenge)| challenge)
            .ok_or(SandboxError::UnknownPayment))
    }

    pub(super) fn choose(
        &self,
        token: &str,
        choice: Choice,
    ) -> Result<Result<Challenge, SandboxError>, LedgerError> {
        let Some((operation, mut challenge)) = self.challenged(token)? else {
            return Ok(Err(SandboxError::UnknownPayment));
        };
        if challenge.decision == Decision::Open {
            match choice {
                Choice::Approve => {
                    self.conclude(operation.reference, Outcome::Succeeded)?;
                    self.take(&operation)?;
                    challenge.decision = Decision::Approved;
                }
                Choice::Refuse => {
                    let reason = match operation.method.family() {
                        Family::Card => DeclineReason::AuthenticationFailed,
                        Family::Wallet | Family::Qr | Family::BankTransfer => {
                            DeclineReason::Declined
                        }
                    };
                    self.conclude(operation.reference, Outcome::Declined { reason })?;
                    challenge.decision = Decision::Refused;
                }
            }
        }
        Ok(Ok(challenge))
    }

    fn challenged(&self, token: &str) -> Result<Option<(OperationRow, Challenge)>, LedgerError> {
        let mut query = self.db.prepare_cached(
            "SELECT * FROM challenges JOIN operations USING (reference) WHERE token = ?",
        )?;
        let found = query.query_row([token], |row| {
            let operation = OperationRow::read(row)?;
            let challenge = Challenge {
                reference: operation.reference,
                tenant: operation.tenant(),
                method: operation.method,
                amount: operation.amount,
                merchant_name: row.get("merchant_name")?,
                return_url: row.get("return_url")?,
                decision: match operation.outcome {
                    Outcome::Waiting => Decision::Open,
                    Outcome::Succeeded => Decision::Approved,
                    Outcome::Declined { .. } => Decision::Refused,
                    Outcome::Failed { .. } => Decision::Closed,
                },
            };
            Ok((operation, challenge))
        });
        Ok(found.optional()?)
    }
}
