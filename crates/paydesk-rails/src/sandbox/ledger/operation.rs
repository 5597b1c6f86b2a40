//! Operations: what was asked under a reference, and what came of it.

use std::error::Error;
use std::str::FromStr;

use paydesk_core::id::{MerchantId, ProviderAccountId, TransactionId};
use paydesk_core::method::{Family, Method};
use paydesk_core::money::{Currency, Money};
use paydesk_core::payment_method::StoredCard;
use paydesk_core::rail::{Found, RailAnswer, Receipt, Waiting};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{DeclineReason, FailureReason};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::attempt::Kind;
use super::{Book, LedgerError};

/// What has become of an operation. Anything but waiting is for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum Outcome {
    /// The payer must act. A push payment waits for ever: its money is told as transfers.
    Waiting,
    /// Done.
    Succeeded,
    /// Refused.
    Declined {
        /// Why.
        reason: DeclineReason,
    },
    /// Came to nothing.
    Failed {
        /// Why.
        reason: FailureReason,
    },
}

impl Outcome {
    pub(super) const NOT_SUPPORTED: Self = Self::Failed {
        reason: FailureReason::NotSupported,
    };
    pub(super) const PROCESSING_ERROR: Self = Self::Failed {
        reason: FailureReason::ProcessingError,
    };
    pub(super) const NEVER_ARRIVED: Self = Self::Failed {
        reason: FailureReason::NeverArrived,
    };
    pub(super) const DECLINED: Self = Self::Declined {
        reason: DeclineReason::Declined,
    };
}

/// One operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct OperationRow {
    pub reference: TransactionId,
    pub merchant: MerchantId,
    pub account: ProviderAccountId,
    pub kind: Kind,
    pub method: Method,
    pub amount: Money,
    pub original: Option<TransactionId>,
    pub provider_reference: String,
    pub outcome: Outcome,
    pub created_at: Timestamp,
}

impl OperationRow {
    pub fn tenant(&self) -> Tenant {
        // Nothing else is ever written.
        Tenant {
            merchant: self.merchant,
            mode: Mode::Test,
        }
    }

    /// Whether the same was asked: the outcome and what was minted for it do not count.
    pub fn asks_the_same(&self, other: &Self) -> bool {
        let asked = |row: &Self| {
            (
                row.merchant,
                row.account,
                row.kind,
                row.method,
                row.amount,
                row.original,
            )
        };
        asked(self) == asked(other)
    }

    pub fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let currency: Currency = text(row, "currency")?;
        Ok(Self {
            reference: text(row, "reference")?,
            merchant: text(row, "merchant")?,
            account: text(row, "provider_account")?,
            kind: json(row, "kind")?,
            method: text(row, "method")?,
            amount: money(row, "amount", currency)?,
            original: row
                .get::<_, Option<String>>("original")?
                .map(|original| original.parse().map_err(unreadable))
                .transpose()?,
            provider_reference: row.get("provider_reference")?,
            outcome: json(row, "outcome")?,
            created_at: Timestamp::from_millis(row.get("created_at")?),
        })
    }
}

/// A column as the type that wrote it.
pub(super) fn text<T: FromStr<Err: Error + Send + Sync + 'static>>(
    row: &Row<'_>,
    column: &str,
) -> rusqlite::Result<T> {
    row.get::<_, String>(column)?.parse().map_err(unreadable)
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(unreadable)
}

pub(super) fn money(row: &Row<'_>, column: &str, currency: Currency) -> rusqlite::Result<Money> {
    Money::from_minor(row.get(column)?, currency).map_err(unreadable)
}

fn unreadable(error: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
}

/// For a column that holds JSON.
pub(super) fn to_json(value: &impl Serialize) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(LedgerError::because)
}

impl Book<'_> {
    pub(super) fn operation(
        &self,
        reference: TransactionId,
    ) -> Result<Option<OperationRow>, LedgerError> {
        let mut query = self
            .db
            .prepare_cached("SELECT * FROM operations WHERE reference = ?")?;
        Ok(query
            .query_row([reference.to_string()], OperationRow::read)
            .optional()?)
    }

    pub(super) fn record(&self, row: &OperationRow) -> Result<(), LedgerError> {
        self.db
            .prepare_cached("INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?
            .execute(params![
                row.reference.to_string(),
                row.merchant.to_string(),
                row.account.to_string(),
                to_json(&row.kind)?,
                row.method.name(),
                row.amount.minor(),
                row.amount.currency().code(),
                row.original.map(|original| original.to_string()),
                row.provider_reference,
                to_json(&row.outcome)?,
                row.created_at.as_millis(),
            ])?;
        Ok(())
    }

    /// Decides a waiting operation.
    pub(super) fn conclude(
        &self,
        reference: TransactionId,
        outcome: Outcome,
    ) -> Result<(), LedgerError> {
        self.db
            .prepare_cached("UPDATE operations SET outcome = ? WHERE reference = ?")?
            .execute(params![to_json(&outcome)?, reference.to_string()])?;
        Ok(())
    }

    pub(super) fn is_refused(&self, reference: TransactionId) -> Result<bool, LedgerError> {
        let mut query = self
            .db
            .prepare_cached("SELECT 1 FROM refused WHERE reference = ?")?;
        Ok(query.exists([reference.to_string()])?)
    }

    pub(super) fn query(&self, reference: TransactionId) -> Result<Found, LedgerError> {
        Ok(match self.operation(reference)? {
            Some(row) => Found::Known(self.answer(&row)?),
            None if self.is_refused(reference)? => {
                Found::Known(RailAnswer::Failed(FailureReason::NeverArrived))
            }
            None => Found::NotFound,
        })
    }

    /// From now on nothing happens under this reference that has not happened: if it never came it is refused
    /// when it does, and a payer who has not decided can no longer. Money that is pushed all the same is still
    /// taken in and told: no bank can be kept from sending.
    pub(super) fn abandon(&self, reference: TransactionId) -> Result<Found, LedgerError> {
        if self.is_refused(reference)? {
            return Ok(Found::NotFound);
        }
        match self.operation(reference)? {
            Some(row) if row.outcome == Outcome::Waiting => {
                self.conclude(reference, Outcome::NEVER_ARRIVED)?;
            }
            Some(row) => return Ok(Found::Known(self.answer(&row)?)),
            None => {}
        }
        self.db
            .prepare_cached("INSERT INTO refused (reference, at) VALUES (?, ?)")?
            .execute(params![reference.to_string(), self.now.as_millis()])?;
        Ok(Found::NotFound)
    }

    /// What the rail says of an operation, now or whenever it is asked.
    pub(super) fn answer(&self, row: &OperationRow) -> Result<RailAnswer, LedgerError> {
        let provider_reference = Some(row.provider_reference.clone());
        Ok(match row.outcome {
            Outcome::Succeeded => RailAnswer::Succeeded(Receipt {
                provider_reference,
                stored_card: self.card_stored_by(row.reference)?,
            }),
            Outcome::Waiting => RailAnswer::AwaitingPayer(Waiting {
                provider_reference,
                destination: self.destination(row.reference)?,
                redirect_url: self.page(row)?,
            }),
            Outcome::Declined { reason } => RailAnswer::Declined(reason),
            Outcome::Failed { reason } => RailAnswer::Failed(reason),
        })
    }

    pub(super) fn card_stored_by(
        &self,
        reference: TransactionId,
    ) -> Result<Option<StoredCard>, LedgerError> {
        let mut query = self
            .db
            .prepare_cached("SELECT * FROM cards WHERE stored_by = ?")?;
        let read = |row: &Row<'_>| {
            Ok(StoredCard {
                token: row.get("token")?,
                brand: row.get("brand")?,
                last_four: row.get("last_four")?,
                exp_month: row.get("exp_month")?,
                exp_year: row.get("exp_year")?,
            })
        };
        Ok(query.query_row([reference.to_string()], read).optional()?)
    }

    /// The path of the page on which the payer decides.
    fn page(&self, row: &OperationRow) -> Result<Option<String>, LedgerError> {
        let mut query = self
            .db
            .prepare_cached("SELECT token FROM challenges WHERE reference = ?")?;
        let token: Option<String> = query
            .query_row([row.reference.to_string()], |row| row.get(0))
            .optional()?;
        let page = if row.method.family() == Family::Wallet {
            "wallet"
        } else {
            "3ds"
        };
        Ok(token.map(|token| format!("/sandbox/{page}/{token}")))
    }

    /// The rail's own name for an operation.
    pub(super) fn provider_reference(&self) -> String {
        format!("sbx_{}", self.token::<10>())
    }

    /// Fresh random characters that can stand in an address: eight bits per byte, base32.
    pub(super) fn token<const BYTES: usize>(&self) -> String {
        let mut bytes = [0; BYTES];
        self.ids.fill(&mut bytes);
        data_encoding::BASE32_NOPAD
            .encode(&bytes)
            .to_ascii_lowercase()
    }
}
