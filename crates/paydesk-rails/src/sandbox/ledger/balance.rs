//! Movements of money and their sums.

use paydesk_core::id::TransactionId;
use paydesk_core::money::Money;
use rusqlite::params;

use super::{Book, LedgerError};

/// What a movement does to the payment or hold that it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Movement {
    /// Money is set aside on the payer's account.
    Held,
    /// Held money is taken, by a settle that captures as much.
    Settled,
    /// Held money is free again.
    Released,
    /// Money came to the merchant.
    Captured,
    /// Captured money went back.
    Refunded,
}

impl Movement {
    const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Settled => "settled",
            Self::Released => "released",
            Self::Captured => "captured",
            Self::Refunded => "refunded",
        }
    }
}

/// The sums over one pool, in minor units.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Balance {
    pub held: i64,
    pub settled: i64,
    pub released: i64,
    pub captured: i64,
    pub refunded: i64,
}

/// The sums, in the order in which [`Balance::read`] expects them.
pub(super) const SUMS: &str = "
    coalesce(sum(amount) FILTER (WHERE kind = 'held'), 0) AS held,
    coalesce(sum(amount) FILTER (WHERE kind = 'settled'), 0) AS settled,
    coalesce(sum(amount) FILTER (WHERE kind = 'released'), 0) AS released,
    coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0) AS captured,
    coalesce(sum(amount) FILTER (WHERE kind = 'refunded'), 0) AS refunded";

impl Balance {
    pub fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            held: row.get("held")?,
            settled: row.get("settled")?,
            released: row.get("released")?,
            captured: row.get("captured")?,
            refunded: row.get("refunded")?,
        })
    }

    /// What a settle or a void may still use: a hold is used once, as a whole.
    pub const fn open_hold(&self) -> Option<i64> {
        if self.held > 0 && self.settled == 0 && self.released == 0 {
            Some(self.held)
        } else {
            None
        }
    }

    /// What refunds may still give back.
    pub const fn refundable(&self) -> i64 {
        self.captured - self.refunded
    }
}

impl Book<'_> {
    /// Moves money, once per pool, cause and movement; nothing moves nothing.
    pub(super) fn moves(
        &self,
        pool: &str,
        cause: &str,
        movement: Movement,
        amount: i64,
    ) -> Result<(), LedgerError> {
        if amount != 0 {
            self.db
                .prepare_cached(
                    "INSERT INTO movements (pool, cause, kind, amount, at) VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    pool,
                    cause,
                    movement.name(),
                    amount,
                    self.now.as_millis()
                ])?;
        }
        Ok(())
    }

    /// Notes that so much came in for a payment which the sandbox cannot know to be of it, since the server was told of it
    /// by others, or found out by itself what it was for. Only what was not noted before is added.
    pub(super) fn note_placed(
        &self,
        pool: &str,
        payment: TransactionId,
        placed: i64,
    ) -> Result<(), LedgerError> {
        let cause = format!("placed for {payment} up to ");
        let mut noted = self.db.prepare_cached(
            "SELECT coalesce(sum(amount), 0) FROM movements
             WHERE pool = ?1 AND kind = 'captured' AND substr(cause, 1, length(?2)) = ?2",
        )?;
        let noted: i64 = noted.query_row(params![pool, cause], |row| row.get(0))?;
        let more = (placed - noted).max(0);
        self.moves(pool, &format!("{cause}{placed}"), Movement::Captured, more)
    }

    pub(super) fn balance(&self, pool: &str) -> Result<Balance, LedgerError> {
        let mut sums = self
            .db
            .prepare_cached(&format!("SELECT {SUMS} FROM movements WHERE pool = ?"))?;
        Ok(sums.query_row([pool], Balance::read)?)
    }

    /// Whether the pool could take in this much more without leaving the bounds of an amount.
    pub(super) fn has_room(&self, pool: &str, amount: Money) -> Result<bool, LedgerError> {
        let captured = Money::from_minor(self.balance(pool)?.captured, amount.currency());
        Ok(captured.is_ok_and(|captured| captured.checked_add(amount).is_some()))
    }
}
