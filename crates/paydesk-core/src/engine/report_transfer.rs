//! Money on a push rail is reported, by the merchant's bank feed or by hand.

use super::idempotency::Idempotent;
use super::record_transfer::TakenIn;
use super::{Engine, EngineError, Env};
use crate::bank_transfer::Origin;
use crate::money::Money;
use crate::rail::Transfer;
use crate::refusal::Refusal;
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

const MOST_OF_AN_ID: usize = 200;
const MOST_OF_AN_ACCOUNT: usize = 100;
const MOST_OF_A_REFERENCE: usize = 300;
/// How far ahead of ours a bank's clock, and its zone, may be.
const AHEAD: Span = Span::days(1);

/// What a bank says came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportTransfer {
    /// The bank's id of it: counts once per account.
    pub bank_transaction_id: String,
    /// On which account, as the payer was told it.
    pub account: String,
    /// How much.
    pub amount: Money,
    /// What the payer's bank passed on, if anything.
    pub reference: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
}

/// Checks a report. Refuses, in this order: the bank's id, the account, the amount, the reference, the time.
pub fn check(report: ReportTransfer, tenant: Tenant, env: Env<'_>) -> Result<Transfer, Refusal> {
    let text = |field: &str, text: String, most: usize| {
        let text = text.trim().to_owned();
        if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
            return Err(Refusal::field(
                field,
                format!("is not a text of 1 to {most} characters"),
            ));
        }
        Ok(text)
    };
    let id = text(
        "bankTransactionId",
        report.bank_transaction_id,
        MOST_OF_AN_ID,
    )?;
    let account = text("account", report.account, MOST_OF_AN_ACCOUNT)?;
    let amount = report
        .amount
        .positive()
        .map_err(|error| Refusal::InvalidAmount {
            field: "amount".into(),
            error,
        })?;
    // Banks leave a field empty as readily as they leave it out.
    let nonce = report
        .reference
        .filter(|reference| !reference.trim().is_empty())
        .map(|reference| text("reference", reference, MOST_OF_A_REFERENCE))
        .transpose()?;
    if report.received_at > env.now.after(AHEAD) {
        return Err(Refusal::field(
            "receivedAt",
            "is in the future: it is when the money came",
        ));
    }
    Ok(Transfer {
        id,
        tenant,
        account,
        amount,
        nonce,
        payment: None,
        received_at: report.received_at,
    })
}

impl Engine {
    /// Takes in a transfer that the merchant reports; once per bank's id and account, however often it is reported.
    /// Reported again with another amount, it is refused: one of the two is wrong.
    pub async fn report_transfer(
        &self,
        tenant: Tenant,
        report: ReportTransfer,
        idempotent: Option<Idempotent<TakenIn>>,
    ) -> Result<TakenIn, EngineError> {
        let transfer = check(report, tenant, self.env(tenant))?;
        self.take_in(&transfer, Origin::Report, idempotent.as_ref())
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::money::AmountError;

    fn sound() -> (Desk, ReportTransfer) {
        let report = ReportTransfer {
            bank_transaction_id: "bank 1".into(),
            account: "+6585867834".into(),
            amount: cents(3_500),
            reference: Some("ABCDEFGHIJ".into()),
            received_at: START,
        };
        (Desk::new(), report)
    }

    #[test]
    fn it_refuses_in_its_documented_order() {
        let text = |field: &str, most| {
            Refusal::field(field, format!("is not a text of 1 to {most} characters"))
        };
        assert_ladder(
            sound,
            &[
                (
                    |scene| scene.1.bank_transaction_id = " ".into(),
                    text("bankTransactionId", 200),
                ),
                (
                    |scene| scene.1.account = "a".repeat(101),
                    text("account", 100),
                ),
                (
                    |scene| scene.1.amount = cents(0),
                    Refusal::InvalidAmount {
                        field: "amount".into(),
                        error: AmountError::Zero,
                    },
                ),
                (
                    |scene| scene.1.reference = Some("tea\u{7}".into()),
                    text("reference", 300),
                ),
                (
                    |scene| scene.1.received_at = START.after(Span::days(2)),
                    Refusal::field("receivedAt", "is in the future: it is when the money came"),
                ),
            ],
            |(desk, report)| check(report, desk.tenant, desk.env()).map(|_| ()),
        );
    }

    #[test]
    fn an_empty_reference_is_none() {
        for reference in [None, Some(String::new()), Some("  ".into())] {
            let (desk, report) = sound();
            let report = ReportTransfer {
                reference,
                ..report
            };
            let transfer = check(report, desk.tenant, desk.env()).unwrap();
            assert_eq!(transfer.nonce, None);
        }
    }
}
