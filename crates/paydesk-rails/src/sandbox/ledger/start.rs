//! Payments, authorizations and the storing of cards.

use paydesk_core::id::TransactionId;
use paydesk_core::method::Family;
use paydesk_core::rail::RailAnswer;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{DeclineReason, FailureReason};
use rusqlite::{OptionalExtension as _, params};

use super::super::accounts;
use super::super::attempt::{Attempt, Kind, PaidWith, TypedCard};
use super::super::cards::{self, Behaviour};
use super::balance::Movement;
use super::operation::{OperationRow, Outcome, json, to_json};
use super::{Book, LedgerError};
use crate::destination::destination;

/// What the sandbox makes of an attempt.
struct Verdict {
    outcome: Outcome,
    /// The answer is lost on its way back.
    answer_is_lost: bool,
    /// How a card that is to be stored will behave.
    stores: Option<Behaviour>,
    /// The payer decides on a page.
    on_a_page: bool,
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            answer_is_lost: false,
            stores: None,
            on_a_page: false,
        }
    }
}

impl Book<'_> {
    /// The first attempt under a reference decides; the same attempt again gets the same answer and moves nothing.
    pub(super) fn start(&self, attempt: &Attempt) -> Result<RailAnswer, LedgerError> {
        if attempt.tenant.mode.is_live() {
            return Ok(RailAnswer::Failed(FailureReason::NotSupported));
        }
        if self.is_refused(attempt.reference)? {
            return Ok(RailAnswer::Failed(FailureReason::NeverArrived));
        }
        let mut row = OperationRow {
            reference: attempt.reference,
            merchant: attempt.tenant.merchant,
            account: attempt.account,
            kind: attempt.kind,
            method: attempt.method,
            amount: attempt.amount,
            original: None,
            provider_reference: self.provider_reference(),
            outcome: Outcome::Waiting,
            created_at: self.now,
        };
        if let Some(first) = self.operation(attempt.reference)? {
            return self.again(&first, &row);
        }
        let verdict = self.judge(attempt)?;
        row.outcome = verdict.outcome;
        self.record(&row)?;
        if let (Some(behaviour), PaidWith::Typed(card)) = (verdict.stores, &attempt.paid_with) {
            self.store(attempt.reference, card, behaviour)?;
        }
        if verdict.on_a_page {
            self.open_challenge(
                attempt.reference,
                &attempt.merchant_name,
                &attempt.return_url,
            )?;
        }
        if row.outcome == Outcome::Succeeded {
            self.take(&row)?;
        }
        if verdict.answer_is_lost {
            return Ok(RailAnswer::Unknown);
        }
        self.answer(&row)
    }

    /// The answer to a reference that was used before.
    pub(super) fn again(
        &self,
        first: &OperationRow,
        now: &OperationRow,
    ) -> Result<RailAnswer, LedgerError> {
        if first.asks_the_same(now) {
            return self.answer(first);
        }
        // Neither outcome would be true of what is asked now.
        tracing::error!(reference = %first.reference, "a reference was used for two different operations");
        Ok(RailAnswer::Unknown)
    }

    /// Moves the money of an attempt that succeeded.
    pub(super) fn take(&self, row: &OperationRow) -> Result<(), LedgerError> {
        let movement = match row.kind {
            Kind::Pay => Movement::Captured,
            Kind::Authorize => Movement::Held,
            Kind::Store | Kind::Settle | Kind::Void | Kind::Refund => return Ok(()),
        };
        let reference = row.reference.to_string();
        self.moves(&reference, &reference, movement, row.amount.minor())
    }

    fn judge(&self, attempt: &Attempt) -> Result<Verdict, LedgerError> {
        let currency = attempt.amount.currency().code();
        let settles = attempt
            .method
            .currency_code()
            .is_none_or(|only| only == currency);
        if !settles || attempt.amount.is_zero() != (attempt.kind == Kind::Store) {
            return Ok(Outcome::NOT_SUPPORTED.into());
        }
        match (&attempt.paid_with, attempt.method.family(), attempt.kind) {
            (PaidWith::Typed(card), Family::Card, Kind::Pay | Kind::Authorize | Kind::Store) => {
                Ok(self.judge_typed(attempt, card))
            }
            (PaidWith::Stored { token }, Family::Card, Kind::Pay | Kind::Authorize) => {
                self.judge_stored(attempt, token)
            }
            (
                PaidWith::Push { nonce, expires_at },
                Family::Qr | Family::BankTransfer,
                Kind::Pay,
            ) => self.judge_push(attempt, nonce, *expires_at),
            (PaidWith::Push { .. }, Family::Wallet, Kind::Pay) => Ok(Verdict {
                on_a_page: true,
                ..Outcome::Waiting.into()
            }),
            _ => Ok(Outcome::NOT_SUPPORTED.into()),
        }
    }

    fn judge_typed(&self, attempt: &Attempt, card: &TypedCard) -> Verdict {
        let stores =
            |behaviour| (attempt.store || attempt.kind == Kind::Store).then_some(behaviour);
        if has_expired(card.exp_month, card.exp_year, self.now) {
            return declined(DeclineReason::ExpiredCard).into();
        }
        match cards::behaviour(&card.number) {
            // Test mode takes no other number; whoever called should have said so.
            None => Outcome::DECLINED.into(),
            Some(Behaviour::Declines(reason)) => declined(reason).into(),
            Some(Behaviour::Fails) => Outcome::PROCESSING_ERROR.into(),
            Some(behaviour @ (Behaviour::Succeeds | Behaviour::FailsWhenChargedLater)) => Verdict {
                stores: stores(behaviour),
                ..Outcome::Succeeded.into()
            },
            Some(behaviour @ Behaviour::LosesTheAnswer) => Verdict {
                stores: stores(behaviour),
                answer_is_lost: true,
                ..Outcome::Succeeded.into()
            },
            Some(behaviour @ Behaviour::Challenges) => Verdict {
                stores: stores(behaviour),
                on_a_page: true,
                ..Outcome::Waiting.into()
            },
        }
    }

    fn judge_stored(&self, attempt: &Attempt, token: &str) -> Result<Verdict, LedgerError> {
        let mut query = self.db.prepare_cached(
            "SELECT behaviour, exp_month, exp_year, operations.* FROM cards
             JOIN operations ON reference = stored_by WHERE token = ?",
        )?;
        let found = query.query_row([token], |row| {
            let behaviour: Behaviour = json(row, "behaviour")?;
            let expired = has_expired(row.get("exp_month")?, row.get("exp_year")?, self.now);
            Ok((behaviour, expired, OperationRow::read(row)?))
        });
        let Some((behaviour, expired, stored_by)) = found.optional()? else {
            return Ok(Outcome::DECLINED.into());
        };
        // A token charges for whom it was made, and only once the payer's bank agreed to it.
        if stored_by.tenant() != attempt.tenant
            || stored_by.account != attempt.account
            || stored_by.outcome != Outcome::Succeeded
        {
            return Ok(Outcome::DECLINED.into());
        }
        if expired {
            return Ok(declined(DeclineReason::ExpiredCard).into());
        }
        Ok(match behaviour {
            Behaviour::Succeeds | Behaviour::Challenges => Outcome::Succeeded.into(),
            Behaviour::Declines(reason) => declined(reason).into(),
            Behaviour::Fails | Behaviour::FailsWhenChargedLater => Outcome::PROCESSING_ERROR.into(),
            Behaviour::LosesTheAnswer => Verdict {
                answer_is_lost: true,
                ..Outcome::Succeeded.into()
            },
        })
    }

    fn judge_push(
        &self,
        attempt: &Attempt,
        nonce: &str,
        expires_at: Timestamp,
    ) -> Result<Verdict, LedgerError> {
        let Some(receiver) = accounts::receiver(attempt.method, &attempt.merchant_name) else {
            return Ok(Outcome::NOT_SUPPORTED.into());
        };
        let destination = match destination(&receiver, attempt.amount, nonce, expires_at) {
            Ok(destination) => destination,
            Err(error) => {
                tracing::warn!(reference = %attempt.reference, %error, "no code can be made of a payment");
                return Ok(Outcome::PROCESSING_ERROR.into());
            }
        };
        let registered = self.register(attempt.reference, &destination)?;
        Ok(if registered {
            Outcome::Waiting.into()
        } else {
            Outcome::PROCESSING_ERROR.into()
        })
    }

    /// Keeps a card: how it behaves and what it is recognised by, not its number.
    fn store(
        &self,
        reference: TransactionId,
        card: &TypedCard,
        behaviour: Behaviour,
    ) -> Result<(), LedgerError> {
        let last_four = card
            .number
            .len()
            .checked_sub(4)
            .and_then(|at| card.number.get(at..));
        self.db
            .prepare_cached("INSERT INTO cards VALUES (?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                format!("sbx_card_{}", self.token::<16>()),
                reference.to_string(),
                cards::BRAND,
                last_four,
                card.exp_month,
                card.exp_year,
                to_json(&behaviour)?,
            ])?;
        Ok(())
    }
}

const fn declined(reason: DeclineReason) -> Outcome {
    Outcome::Declined { reason }
}

/// A card is good until the last day of its month, everywhere on earth: a day's grace covers the time zones.
fn has_expired(month: u8, year: u16, now: Timestamp) -> bool {
    let Ok(first_of_month) = jiff::civil::Date::new(
        i16::try_from(year).unwrap_or(9999),
        i8::try_from(month).unwrap_or(0),
        1,
    ) else {
        return true;
    };
    let after = first_of_month
        .last_of_month()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map(|last_day| {
            last_day
                .timestamp()
                .as_millisecond()
                .saturating_add(2 * 86_400_000)
        });
    after.is_ok_and(|after| now.as_millis() >= after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_good_until_its_month_has_ended_everywhere() {
        let at = |text: &str| {
            let time: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_millis(time.as_millisecond())
        };
        for (month, year, now, expired) in [
            (12, 2030, "2026-01-01T00:00:00Z", false),
            (2, 2026, "2026-02-28T23:59:59Z", false),
            (2, 2026, "2026-03-01T11:59:59Z", false),
            (2, 2026, "2026-03-02T00:00:00Z", true),
            (12, 2025, "2026-01-03T00:00:00Z", true),
            (13, 2030, "2026-01-01T00:00:00Z", true),
            (0, 2030, "2026-01-01T00:00:00Z", true),
            (1, u16::MAX, "2026-01-01T00:00:00Z", false),
        ] {
            assert_eq!(
                has_expired(month, year, at(now)),
                expired,
                "{month}/{year} at {now}"
            );
        }
    }
}
