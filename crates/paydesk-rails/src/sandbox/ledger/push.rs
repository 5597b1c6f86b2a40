//! Push payments, and the payer's bank that sends the money.

use paydesk_core::id::{MerchantId, TransactionId};
use paydesk_core::money::{Currency, Money};
use paydesk_core::rail::Transfer;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Destination;
use rusqlite::{OptionalExtension as _, Row, params};

use super::super::bank::{PushName, PushPayment, SandboxError};
use super::balance::Movement;
use super::operation::{OperationRow, money, text};
use super::{Book, LedgerError};
use crate::emvqr::Code;

impl Book<'_> {
    /// Makes a destination known to the payer's bank; false if its reference is taken on that account.
    pub(super) fn register(
        &self,
        reference: TransactionId,
        destination: &Destination,
    ) -> Result<bool, LedgerError> {
        let written = self
            .db
            .prepare_cached("INSERT INTO pushes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (nonce, account) DO NOTHING")?
            .execute(params![
                reference.to_string(),
                destination.account,
                destination.nonce,
                destination.qr_code,
                destination.account_name,
                destination.bank,
            ])?;
        Ok(written == 1)
    }

    pub(super) fn destination(
        &self,
        reference: TransactionId,
    ) -> Result<Option<Destination>, LedgerError> {
        let mut query = self
            .db
            .prepare_cached("SELECT * FROM pushes WHERE reference = ?")?;
        Ok(query
            .query_row([reference.to_string()], read_destination)
            .optional()?)
    }

    pub(super) fn push(
        &self,
        named: &PushName,
    ) -> Result<Result<PushPayment, SandboxError>, LedgerError> {
        let (nonce, code) = match named {
            PushName::Reference(nonce) => (nonce.trim().to_owned(), None),
            PushName::QrCode(text) => match Code::parse(text.trim()) {
                Err(error) => return Ok(Err(SandboxError::NotACode(error.to_string()))),
                Ok(code) => (code.bill_number().unwrap_or_default(), Some(code)),
            },
        };
        let mut query = self.db.prepare_cached(
            "SELECT * FROM pushes JOIN operations USING (reference) WHERE nonce = ?",
        )?;
        let mut found = Vec::new();
        for row in query.query_map([nonce], read_push)? {
            let row = row?;
            // A code that was changed on its way, its amount for one, is not the code of this payment.
            let same_code = code.as_ref().is_none_or(|code| {
                let own = row.1.qr_code.as_deref().map(Code::parse);
                matches!(own, Some(Ok(own)) if own == *code)
            });
            if same_code {
                found.push(row);
            }
        }
        let mut found = found.into_iter();
        Ok(match (found.next(), found.next()) {
            (None, _) => Err(SandboxError::UnknownPayment),
            (Some(_), Some(_)) => Err(SandboxError::Ambiguous),
            (Some((operation, destination)), None) => {
                let received = self.balance(&operation.reference.to_string())?.captured;
                let received = Money::from_minor(received, operation.amount.currency());
                Ok(PushPayment {
                    reference: operation.reference,
                    tenant: operation.tenant(),
                    method: operation.method,
                    amount: operation.amount,
                    received: received.map_err(LedgerError::because)?,
                    destination,
                })
            }
        })
    }

    /// Sends money, whatever has become of the payment: late money and money sent twice are real.
    pub(super) fn bank_transfer(
        &self,
        named: &PushName,
        amount: Option<Money>,
    ) -> Result<Result<Transfer, SandboxError>, LedgerError> {
        let payment = match self.push(named)? {
            Ok(payment) => payment,
            Err(error) => return Ok(Err(error)),
        };
        let amount = amount.unwrap_or(payment.amount);
        let expected = payment.amount.currency();
        if amount.currency() != expected {
            return Ok(Err(SandboxError::WrongCurrency { expected }));
        }
        let pool = payment.reference.to_string();
        if amount.is_zero() || !self.has_room(&pool, amount)? {
            return Ok(Err(SandboxError::Amount));
        }
        let transfer = Transfer {
            // By time, so that they are told in the order in which they came.
            id: format!("sbx_transfer_{}", self.ids.uuid(self.now)),
            tenant: payment.tenant,
            account: payment.destination.account,
            amount,
            nonce: Some(payment.destination.nonce),
            received_at: self.now,
        };
        self.db
            .prepare_cached(
                "INSERT INTO transfers (id, reference, amount, received_at) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![
                transfer.id,
                pool,
                amount.minor(),
                self.now.as_millis()
            ])?;
        self.moves(&pool, &transfer.id, Movement::Captured, amount.minor())?;
        Ok(Ok(transfer))
    }

    /// What has not been acknowledged, oldest first.
    pub(super) fn transfers(&self, limit: usize) -> Result<Vec<Transfer>, LedgerError> {
        let mut query = self.db.prepare_cached(
            "SELECT id, transfers.amount, received_at, account, nonce, merchant, currency
             FROM transfers JOIN pushes USING (reference) JOIN operations USING (reference)
             WHERE acknowledged = 0 ORDER BY id LIMIT ?",
        )?;
        let transfers =
            query.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], read_transfer)?;
        Ok(transfers.collect::<Result<_, _>>()?)
    }

    /// Unknown ids, and those that were acknowledged before, are none of its business.
    pub(super) fn acknowledge(&self, transfers: &[String]) -> Result<(), LedgerError> {
        let mut update = self
            .db
            .prepare_cached("UPDATE transfers SET acknowledged = 1 WHERE id = ?")?;
        for id in transfers {
            update.execute([id])?;
        }
        Ok(())
    }
}

fn read_push(row: &Row<'_>) -> rusqlite::Result<(OperationRow, Destination)> {
    Ok((OperationRow::read(row)?, read_destination(row)?))
}

fn read_destination(row: &Row<'_>) -> rusqlite::Result<Destination> {
    Ok(Destination {
        account: row.get("account")?,
        nonce: row.get("nonce")?,
        qr_code: row.get("qr_code")?,
        account_name: row.get("account_name")?,
        bank: row.get("bank")?,
    })
}

fn read_transfer(row: &Row<'_>) -> rusqlite::Result<Transfer> {
    let currency: Currency = text(row, "currency")?;
    let merchant: MerchantId = text(row, "merchant")?;
    Ok(Transfer {
        id: row.get("id")?,
        tenant: Tenant {
            merchant,
            mode: Mode::Test,
        },
        account: row.get("account")?,
        amount: money(row, "amount", currency)?,
        nonce: row.get("nonce")?,
        received_at: Timestamp::from_millis(row.get("received_at")?),
    })
}
