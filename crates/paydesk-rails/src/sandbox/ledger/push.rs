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
            let payment = self.as_payment(row?)?;
            if code.as_ref().is_none_or(|code| is_of(&payment, code)) {
                found.push(payment);
            }
        }
        let mut found = found.into_iter();
        Ok(match (found.next(), found.next()) {
            (None, _) => Err(SandboxError::UnknownPayment),
            (Some(_), Some(_)) => Err(SandboxError::Ambiguous),
            (Some(payment), None) => Ok(payment),
        })
    }

    fn as_payment(
        &self,
        (operation, destination): (OperationRow, Destination),
    ) -> Result<PushPayment, LedgerError> {
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

    /// Sends money, whatever has become of the payment: late money and money sent twice are real.
    pub(super) fn bank_transfer(
        &self,
        named: &PushName,
        amount: Option<Money>,
        written: Option<&str>,
    ) -> Result<Result<Transfer, SandboxError>, LedgerError> {
        let payment = match self.push(named)? {
            Ok(payment) => payment,
            Err(error) => return Ok(Err(error)),
        };
        let amount = amount.unwrap_or_else(|| asked_for(named, &payment));
        let expected = payment.amount.currency();
        if amount.currency() != expected {
            return Ok(Err(SandboxError::WrongCurrency { expected }));
        }
        // By time, so that they are told in the order in which they came.
        let id = format!("sbx_transfer_{}", self.ids.uuid(self.now));
        let nonce = payment.destination.nonce;
        let other = written
            .map(str::trim)
            .filter(|written| !written.eq_ignore_ascii_case(&nonce));
        // What does not say what it is for is of no payment, as far as the bank knows.
        let pool = match other {
            None => payment.reference.to_string(),
            Some(_) => id.clone(),
        };
        if amount.is_zero() || !self.has_room(&pool, amount)? {
            return Ok(Err(SandboxError::Amount));
        }
        let transfer = Transfer {
            id,
            tenant: payment.tenant,
            account: payment.destination.account,
            amount,
            nonce: passed_on(other, nonce),
            payment: other.is_none().then_some(payment.reference),
            received_at: self.now,
        };
        self.db
            .prepare_cached(
                "INSERT INTO transfers (id, reference, amount, received_at, written)
                 VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                transfer.id,
                payment.reference.to_string(),
                amount.minor(),
                self.now.as_millis(),
                other,
            ])?;
        self.moves(&pool, &transfer.id, Movement::Captured, amount.minor())?;
        Ok(Ok(transfer))
    }

    /// What has not been acknowledged, oldest first, after that one.
    pub(super) fn transfers(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        let mut query = self.db.prepare_cached(
            "SELECT id, transfers.amount, received_at, account, nonce, merchant, currency, reference, written
             FROM transfers JOIN pushes USING (reference) JOIN operations USING (reference)
             WHERE acknowledged = 0 AND id > ? ORDER BY id LIMIT ?",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let transfers =
            query.query_map(params![after.unwrap_or_default(), limit], read_transfer)?;
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

/// Whether a code is this payment's: the one that it was begun with, or the one that asks for what is missing since. One
/// that was changed on its way, its amount for one, is not.
fn is_of(payment: &PushPayment, code: &Code) -> bool {
    let own = payment.destination.qr_code.as_deref().map(Code::parse);
    let Some(Ok(own)) = own else {
        return false;
    };
    let missing = payment.amount.checked_sub(payment.received);
    own == *code
        || missing.is_some_and(|missing| own.asking_for(missing).is_ok_and(|rest| rest == *code))
}

/// What a payer's bank sends by itself: what the code says, or all of it.
fn asked_for(named: &PushName, payment: &PushPayment) -> Money {
    let says = match named {
        PushName::Reference(_) => None,
        PushName::QrCode(text) => Code::parse(text.trim()).ok(),
    };
    says.and_then(|code| code.amount(payment.amount.currency()))
        .unwrap_or(payment.amount)
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

/// What the payer's bank passes on: what the payer wrote, which may be nothing.
fn passed_on(written: Option<&str>, nonce: String) -> Option<String> {
    match written {
        None => Some(nonce),
        Some("") => None,
        Some(other) => Some(other.to_owned()),
    }
}

fn read_transfer(row: &Row<'_>) -> rusqlite::Result<Transfer> {
    let written: Option<String> = row.get("written")?;
    let payment: TransactionId = text(row, "reference")?;
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
        nonce: passed_on(written.as_deref(), row.get("nonce")?),
        payment: written.is_none().then_some(payment),
        received_at: Timestamp::from_millis(row.get("received_at")?),
    })
}
