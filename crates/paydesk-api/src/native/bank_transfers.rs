//! `/api/v1/bankTransfers`: money on push rails is reported, listed, and assigned to payments.

use http::StatusCode;
use paydesk_core::bank_transfer::{BankTransfer, TransferState};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::record_transfer::TakenIn;
use paydesk_core::engine::report_transfer::ReportTransfer;
use paydesk_core::id::{BankTransferId, TransactionId};
use paydesk_core::money::{Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, Parameter, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/bankTransfers", Scope::Bank, report)
            .named("reportBankTransfer", "Reports money that came in on a push rail")
            .told(
                "Once per `bankTransactionId`: 201 for one that is new, 200 for one that is known. It is matched by \
                 its reference; without one, only if exactly one pending transaction has that account and amount; \
                 else it waits as `unmatched`.",
            )
            .creates::<BankTransferOut<'_>>()
            .or_known(),
        Call::list("/bankTransfers", Scope::Bank, list)
            .named("listBankTransfers", "Lists bank transfers")
            .takes([Parameter {
                many: false,
                ..Parameter::words(
                    "state",
                    "Only those that found their payment, or that did not.",
                    &[TransferState::UNMATCHED, TransferState::MATCHED],
                )
            }])
            .pages::<BankTransferOut<'_>>(),
        Call::get("/bankTransfers/{id}", Scope::Bank, get)
            .named("getBankTransfer", "Reads a bank transfer")
            .answers::<BankTransferOut<'_>>(),
        Call::post("/bankTransfers/{id}/assign", Scope::Bank, assign)
            .named("assignBankTransfer", "Assigns a bank transfer to a payment")
            .answers::<BankTransferOut<'_>>(),
    ]
}

/// A bank transfer as the native API writes it; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "BankTransfer")]
pub struct BankTransferOut<'t> {
    #[schemars(with = "schema::Id")]
    id: BankTransferId,
    bank_transaction_id: &'t str,
    account: &'t str,
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'t str>,
    received_at: Iso,
    /// Who told of it: `report` or `rail`.
    origin: &'static str,
    /// `matched` or `unmatched`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Id")]
    transaction_id: Option<TransactionId>,
    /// How its payment was found: `reference`, `amount` or `assignment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

impl<'t> From<&'t BankTransfer> for BankTransferOut<'t> {
    fn from(transfer: &'t BankTransfer) -> Self {
        let (transaction_id, matched_by, matched_at) = match transfer.state {
            TransferState::Unmatched => (None, None, None),
            TransferState::Matched {
                transaction,
                by,
                at,
            } => (Some(transaction), Some(by.as_str()), Some(Iso(at))),
        };
        Self {
            id: transfer.id,
            bank_transaction_id: &transfer.bank_transaction_id,
            account: &transfer.account,
            amount: transfer.amount.minor(),
            currency: transfer.amount.currency().code(),
            reference: transfer.reference.as_deref(),
            received_at: Iso(transfer.received_at),
            origin: transfer.origin.as_str(),
            state: transfer.state.as_str(),
            transaction_id,
            matched_by,
            matched_at,
            created_at: Iso(transfer.created_at),
            updated_at: Iso(transfer.updated_at),
        }
    }
}

/// What a bank feed sends. A field that is not here is refused by name.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "BankTransferRequest")]
struct ReportIn {
    /// The bank's own id of it: each counts once.
    bank_transaction_id: String,
    account: String,
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: String,
    /// What the payer wrote: the reference in the code or the transfer's text.
    reference: Option<String>,
    #[schemars(with = "Iso")]
    received_at: String,
}

impl ReportIn {
    fn command(self) -> Result<ReportTransfer, Refusal> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|error| Refusal::field("currency", format!("{error}")))?;
        let amount =
            Money::from_minor(self.amount, currency).map_err(|error| Refusal::InvalidAmount {
                field: "amount".to_owned(),
                error,
            })?;
        let received_at: jiff::Timestamp = self.received_at.parse().map_err(|_| {
            Refusal::field(
                "receivedAt",
                "is not a time such as 2026-01-31T09:30:00.000Z",
            )
        })?;
        Ok(ReportTransfer {
            bank_transaction_id: self.bank_transaction_id,
            account: self.account,
            amount,
            reference: self.reference,
            received_at: Timestamp::from_millis(received_at.as_millisecond()),
        })
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AssignRequest")]
struct AssignIn {
    /// The payment that it is for.
    #[schemars(with = "schema::Id")]
    transaction_id: String,
}

fn written(taken: &TakenIn) -> Reply {
    Reply::ok(&BankTransferOut::from(&taken.bank_transfer))
}

fn taken_in(taken: &TakenIn) -> Reply {
    let status = if taken.known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    Reply {
        status,
        ..written(taken)
    }
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "bank_transfer_not_found",
        "there is no such bank transfer",
    )
}

async fn report(mut asked: Asked, input: ReportIn) -> Result<Reply, Problem> {
    let command = input.command()?;
    let idempotent = asked.idempotent(taken_in);
    let taken = asked
        .engine()
        .report_transfer(asked.tenant(), command, idempotent)
        .await?;
    Ok(taken_in(&taken))
}

async fn assign(mut asked: Asked, input: AssignIn) -> Result<Reply, Problem> {
    let id: BankTransferId = asked.path("id").parse().map_err(|_| not_found())?;
    let target: TransactionId = input
        .transaction_id
        .parse()
        .map_err(|_| Refusal::TransactionNotFound)?;
    let idempotent = asked.idempotent(written);
    let taken = asked
        .engine()
        .assign_transfer(asked.tenant(), id, target, idempotent)
        .await?;
    Ok(written(&taken.ok_or_else(not_found)?))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: BankTransferId = asked.path("id").parse().map_err(|_| not_found())?;
    let store = asked.engine().store();
    let found = store.find::<BankTransfer>(asked.tenant(), id.0).await;
    let found = found.map_err(EngineError::from)?.ok_or_else(not_found)?;
    Ok(Reply::ok(&BankTransferOut::from(&found)))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("bankTransfers")?;
    let state = match asked.query("state") {
        None => None,
        Some(TransferState::UNMATCHED) => Some(TransferState::UNMATCHED),
        Some(TransferState::MATCHED) => Some(TransferState::MATCHED),
        Some(_) => return Err(Refusal::field("state", "is not unmatched or matched").into()),
    };
    let found: Vec<BankTransfer> = asked.entries(&paging, state).await?;
    Ok(asked.page_of_entries(&paging, &found, BankTransferOut::from))
}
