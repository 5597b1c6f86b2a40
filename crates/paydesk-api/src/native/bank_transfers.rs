//! `/api/v1/bankTransfers`: money on push rails is reported, listed, and assigned to payments; and what came otherwise
//! than it was asked for is accepted.

use std::sync::Arc;

use http::StatusCode;
use paydesk_core::bank_transfer::{BankTransfer, TransferState};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::record_transfer::TakenIn;
use paydesk_core::engine::report_transfer::ReportTransfer;
use paydesk_core::id::{BankTransferId, TransactionId};
use paydesk_core::money::{Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, NoBody, Parameter, Problem, Reply, Scope};
use super::transaction::TransactionOut;
use super::{schema, transactions};
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/bankTransfers", Scope::Bank, report)
            .named("reportBankTransfer", "Reports money that came in on an account")
            .told("By your bank feed or by hand. It counts once per `bankTransactionId` and account; one that was taken in before answers 200, as it now stands.")
            .creates::<BankTransferOut<'_>>()
            .or_known(),
        Call::list("/bankTransfers", Scope::Bank, list)
            .named("listBankTransfers", "Lists bank transfers")
            .takes([Parameter {
                many: false,
                ..Parameter::words(
                    "state",
                    "Only those that are counted for a payment, or only those that nobody knows what they are for.",
                    &[TransferState::UNMATCHED, TransferState::MATCHED],
                )
            }])
            .pages::<BankTransferOut<'_>>(),
        Call::get("/bankTransfers/{id}", Scope::Bank, get)
            .named("getBankTransfer", "Reads a bank transfer")
            .answers::<BankTransferOut<'_>>(),
        Call::post("/bankTransfers/{id}/assign", Scope::Bank, assign)
            .named("assignBankTransfer", "Says for which payment an unmatched transfer is")
            .told("It then counts as if it had carried the payment's reference. Assigning it to the same payment again changes nothing.")
            .answers::<BankTransferOut<'_>>(),
        Call::post("/transactions/{id}/accept", Scope::TransactionsWrite, accept)
            .named("acceptTransaction", "Accepts money that came late, short or over")
            .told("Late: it pays, unless the session is paid. Short: what came is enough. Over: the surplus is kept.")
            .answers::<TransactionOut<'_>>(),
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
    /// What the payer's bank passed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'t str>,
    received_at: Iso,
    /// Who told of it: `report` or `rail`.
    origin: &'static str,
    /// `matched` or `unmatched`.
    state: &'static str,
    /// What it is counted for: the payment, or a transaction of its own if it came late.
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

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "BankTransferRequest")]
struct ReportIn {
    /// The bank's id of it: counts once per account.
    #[schemars(length(min = 1, max = 200))]
    bank_transaction_id: String,
    /// On which account, as the payer was told it.
    #[schemars(length(min = 1, max = 100))]
    account: String,
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: String,
    /// What the payer's bank passed on. Without it, only the one payment that waits for exactly this amount matches.
    #[schemars(length(max = 300))]
    reference: Option<String>,
    /// When the money came.
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

async fn report(mut asked: Asked, input: ReportIn) -> Result<Reply, Problem> {
    let command = input.command()?;
    let render = |taken: &TakenIn| Reply {
        status: if taken.known {
            StatusCode::OK
        } else {
            StatusCode::CREATED
        },
        ..written(taken)
    };
    let idempotent = asked.idempotent(render);
    let taken = asked
        .engine()
        .report_transfer(asked.tenant(), command, idempotent)
        .await?;
    Ok(render(&taken))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AssignRequest")]
struct AssignIn {
    /// The payment that the money is for.
    #[schemars(with = "schema::Id")]
    transaction_id: String,
}

async fn assign(mut asked: Asked, input: AssignIn) -> Result<Reply, Problem> {
    let id = read_id(&asked)?;
    let target = input.transaction_id.parse();
    let target = target.map_err(|_| Refusal::TransactionNotFound)?;
    let idempotent = asked.idempotent(written);
    let taken = asked
        .engine()
        .assign_transfer(asked.tenant(), id, target, idempotent)
        .await?;
    Ok(written(&taken.ok_or_else(not_found)?))
}

fn written(taken: &TakenIn) -> Reply {
    Reply::ok(&BankTransferOut::from(&taken.bank_transfer))
}

fn read_id(asked: &Asked) -> Result<BankTransferId, Problem> {
    asked.path("id").parse().map_err(|_| not_found())
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "bank_transfer_not_found",
        "there is no such bank transfer",
    )
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id = read_id(&asked)?;
    let store = asked.engine().store();
    let found = store.find::<BankTransfer>(asked.tenant(), id.0).await;
    let found = found.map_err(EngineError::from)?.ok_or_else(not_found)?;
    Ok(Reply::ok(&BankTransferOut::from(&found)))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let state = match asked.query("state") {
        None => None,
        Some(TransferState::UNMATCHED) => Some(TransferState::UNMATCHED),
        Some(TransferState::MATCHED) => Some(TransferState::MATCHED),
        Some(_) => return Err(Refusal::field("state", "is not unmatched or matched").into()),
    };
    let paging = asked.paging("bankTransfers")?;
    let found: Vec<BankTransfer> = asked.entries(&paging, state).await?;
    Ok(asked.page_of_entries(&paging, &found, BankTransferOut::from))
}

async fn accept(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let id: TransactionId = asked.id(Refusal::TransactionNotFound)?;
    let app = Arc::clone(&asked.app);
    let render = move |transaction: &Transaction| transactions::written(&app, transaction);
    let idempotent = asked.idempotent(render.clone());
    let accepted = asked
        .engine()
        .accept_exception(asked.tenant(), id, idempotent)
        .await?;
    Ok(render(&accepted))
}
