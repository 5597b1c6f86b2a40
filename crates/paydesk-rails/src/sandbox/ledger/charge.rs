//! What was really charged, to be held against what the server believes.

use paydesk_core::id::{MerchantId, TransactionId};
use paydesk_core::method::Method;
use paydesk_core::money::Currency;
use paydesk_core::time::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};

use super::super::attempt::Kind;
use super::balance::{Balance, SUMS};
use super::operation::{OperationRow, Outcome};
use super::{Book, LedgerError};

/// The money that moved under one reference. Amounts are minor units.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Charge {
    /// The server's transaction.
    pub reference: TransactionId,
    /// Whose.
    pub merchant: MerchantId,
    /// What it was.
    pub kind: Kind,
    /// How it was paid.
    pub method: Method,
    /// What came of it.
    pub outcome: Outcome,
    /// Of which currency all these are.
    pub currency: Currency,
    /// What was asked for.
    pub amount: i64,
    /// What was set aside.
    pub held: i64,
    /// What of that was taken.
    pub settled: i64,
    /// What of that was let go.
    pub released: i64,
    /// What the merchant got.
    pub captured: i64,
    /// What of that went back.
    pub refunded: i64,
    /// When it was begun.
    pub created_at: Timestamp,
}

/// Some charges, by reference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargePage {
    /// These.
    pub charges: Vec<Charge>,
    /// Where the next page begins, if there is one.
    pub next_after: Option<TransactionId>,
}

impl Book<'_> {
    pub(super) fn charge(&self, reference: TransactionId) -> Result<Option<Charge>, LedgerError> {
        let mut query = self.db.prepare_cached(&format!(
            "SELECT operations.*, sums.* FROM (SELECT pool, {SUMS} FROM movements WHERE pool = ? GROUP BY pool) AS sums
             JOIN operations ON reference = pool"
        ))?;
        Ok(query.query_row([reference.to_string()], read).optional()?)
    }

    pub(super) fn charges(
        &self,
        after: Option<TransactionId>,
        limit: usize,
    ) -> Result<ChargePage, LedgerError> {
        let mut query = self.db.prepare_cached(&format!(
            "SELECT operations.*, sums.* FROM
             (SELECT pool, {SUMS} FROM movements
                 WHERE pool > ? AND EXISTS (SELECT 1 FROM operations WHERE reference = pool)
                 GROUP BY pool ORDER BY pool LIMIT ?) AS sums
             JOIN operations ON reference = pool ORDER BY reference"
        ))?;
        let after = after.map(|after| after.to_string()).unwrap_or_default();
        let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let found = query.query_map(params![after, one_more], read)?;
        let mut charges = found.collect::<Result<Vec<_>, _>>()?;
        let more = charges.len() > limit;
        charges.truncate(limit);
        let next_after = charges
            .last()
            .filter(|_| more)
            .map(|charge| charge.reference);
        Ok(ChargePage {
            charges,
            next_after,
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Charge> {
    let operation = OperationRow::read(row)?;
    let balance = Balance::read(row)?;
    Ok(Charge {
        reference: operation.reference,
        merchant: operation.merchant,
        kind: operation.kind,
        method: operation.method,
        outcome: operation.outcome,
        currency: operation.amount.currency(),
        amount: operation.amount.minor(),
        held: balance.held,
        settled: balance.settled,
        released: balance.released,
        captured: balance.captured,
        refunded: balance.refunded,
        created_at: operation.created_at,
    })
}
