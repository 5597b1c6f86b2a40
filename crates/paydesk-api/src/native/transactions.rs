//! `/api/v1/transactions`: list, read, settle, void, refund, sync.

use std::sync::Arc;

use paydesk_core::engine::EngineError;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::record_refund::{RecordRefund, RefundRecorded};
use paydesk_core::id::TransactionId;
use paydesk_core::list::TransactionFilter;
use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::refusal::Refusal;
use paydesk_core::transaction::{Action, StatusName, Transaction};
use schemars::JsonSchema;
use serde::Deserialize;

use super::frame::{Asked, Call, NoBody, Parameter, Problem, Reply, Scope};
use super::schema;
use super::transaction::TransactionOut;
use crate::app::App;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::list("/transactions", Scope::TransactionsRead, list)
            .named("listTransactions", "Lists transactions")
            .told(
                "Newest first; only those that are all of what is asked for. Searching (`q`) finds the transactions of \
                 those sessions that the same words find, and a transaction by its id.",
            )
            .takes([
                Parameter::text("session", "Only of the session with this id."),
                Parameter::words("status", "Only with these statuses.", &STATUSES),
                Parameter::words("action", "Only those that do this.", &ACTIONS.map(action_name)),
                Parameter::text("customer", "Only of the customer with this code."),
                Parameter::text("currency", "Only in this currency."),
                Parameter::word(
                    "method",
                    "Only by this method.",
                    &Method::ALL.iter().map(|method| method.name()).collect::<Vec<_>>(),
                ),
                Parameter::text("paymentMethod", "Only those of the stored payment method with this id."),
                Parameter::text("q", "Words to search for."),
            ])
            .takes(Parameter::bounds())
            .pages::<TransactionOut<'_>>(),
        Call::get("/transactions/{id}", Scope::TransactionsRead, get)
            .named("getTransaction", "Reads a transaction")
            .answers::<TransactionOut<'_>>(),
        Call::post("/transactions/{id}/settle", Scope::TransactionsWrite, settle)
            .named("settleTransaction", "Takes what an authorization holds")
            .told("All of it, or `amount`; the rest is released. An authorization is settled once.")
            .creates::<TransactionOut<'_>>(),
        Call::post("/transactions/{id}/void", Scope::TransactionsWrite, void)
            .named("voidTransaction", "Releases what an authorization holds")
            .creates::<TransactionOut<'_>>(),
        Call::post("/transactions/{id}/refund", Scope::TransactionsWrite, refund)
            .named("refundTransaction", "Gives money back")
            .told(
                "All that is left of a payment or a settled authorization, or `amount` of it. Several refunds never exceed what \
                 was taken. From a `BANK` only you send money back: do that first, then record it here with \
                 `providerReference`. Each such transfer counts once; one that was recorded before answers 200, as it now \
                 stands.",
            )
            .creates::<TransactionOut<'_>>()
            .or_known(),
        Call::post("/transactions/{id}/sync", Scope::TransactionsWrite, sync)
            .named("syncTransaction", "Asks the rail about a transaction now")
            .told("Does nothing where the outcome is known. The server asks by itself too; this is for those who will not wait.")
            .answers::<TransactionOut<'_>>(),
    ]
}

/// What a status is called; what is pending has several of them.
const STATUSES: [&str; 7] = [
    "pending",
    "unknown",
    "succeeded",
    "declined",
    "failed",
    "expired",
    "cancelled",
];
const ACTIONS: [Action; 6] = [
    Action::Payment,
    Action::Authorization,
    Action::Settle,
    Action::Void,
    Action::Refund,
    Action::AddPaymentMethod,
];

/// The name of an action on the wire.
const fn action_name(action: Action) -> &'static str {
    match action {
        Action::Payment => "payment",
        Action::Authorization => "authorization",
        Action::Settle => "settle",
        Action::Void => "void",
        Action::Refund => "refund",
        Action::AddPaymentMethod => "addPaymentMethod",
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let (tenant, now) = (asked.tenant(), asked.now());
    let paging = asked.paging("transactions")?;
    let method = asked.parsed("method", "is not a method such as card or paynow")?;
    let filter = TransactionFilter {
        ahead: asked.engine().ahead(tenant),
        session: asked.parsed("session", "is not the id of a session")?,
        statuses: asked.named("status", &StatusName::ALL, StatusName::as_str)?,
        actions: asked.named("action", &ACTIONS, action_name)?,
        customer: asked.text("customer"),
        currency: asked.currency()?,
        methods: method.into_iter().collect(),
        payment_method: asked.parsed("paymentMethod", "is not the id of a payment method")?,
        amount: asked.amounts()?,
        created: asked.created()?,
        search: asked.sought_transactions().await?,
        ..TransactionFilter::at(now)
    };
    let store = asked.engine().store();
    let found = store.transactions(tenant, &filter, paging.newest()?).await;
    let found = found.map_err(EngineError::from)?;
    Ok(asked.page_of(&paging, &found, |one| TransactionOut::new(one, now)))
}

/// How much.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PortionRequest")]
struct PortionIn {
    /// How much of it; all that is left if it is not given.
    #[schemars(with = "Option<schema::Amount>")]
    amount: Option<i64>,
    /// Checked if it is given: the transaction's own currency.
    #[schemars(with = "Option<schema::CurrencyCode>")]
    currency: Option<String>,
}

/// How much is given back, and by which transfer if you sent it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "RefundRequest")]
struct RefundIn {
    /// How much of it; all that is left if it is not given.
    #[schemars(with = "Option<schema::Amount>")]
    amount: Option<i64>,
    /// Checked if it is given: the transaction's own currency.
    #[schemars(with = "Option<schema::CurrencyCode>")]
    currency: Option<String>,
    /// For a `BANK`, and only there: your bank's id of the transfer that you sent.
    #[schemars(length(min = 1, max = 200))]
    provider_reference: Option<String>,
}

impl PortionIn {
    /// The portion of a transaction in this currency.
    fn of(self, transaction: &Transaction) -> Result<Option<Money>, Refusal> {
        let expected = transaction.amount.currency();
        // What was meant in the merchant's currency would give back too much or too little in the payer's.
        if transaction.exchange.is_some() && self.amount.is_some() && self.currency.is_none() {
            let problem = format!(
                "is missing: the payer paid in {expected} and is refunded in it; give it beside amount"
            );
            return Err(Refusal::field("currency", problem));
        }
        if self.currency.is_some_and(|code| code != expected.code()) {
            return Err(Refusal::CurrencyDiffers { expected });
        }
        self.amount
            .map(|amount| {
                Money::from_minor(amount, expected).map_err(|error| Refusal::InvalidAmount {
                    field: "amount".to_owned(),
                    error,
                })
            })
            .transpose()
    }
}

/// Writes a transaction as it now stands.
pub fn written(app: &App, transaction: &Transaction) -> Reply {
    let now = app.engine.now(transaction.tenant);
    Reply::ok(&TransactionOut::new(transaction, now))
}

/// Writes a transaction that is new.
pub fn begun(app: &App, transaction: &Transaction) -> Reply {
    let now = app.engine.now(transaction.tenant);
    Reply::created(&TransactionOut::new(transaction, now))
}

async fn read(asked: &Asked) -> Result<Transaction, Problem> {
    let id: TransactionId = asked.id(Refusal::TransactionNotFound)?;
    let found = asked.engine().store().transaction(asked.tenant(), id).await;
    let found = found.map_err(EngineError::from)?;
    Ok(found.ok_or(Refusal::TransactionNotFound)?)
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let transaction = read(&asked).await?;
    Ok(written(&asked.app, &transaction))
}

async fn settle(asked: Asked, portion: PortionIn) -> Result<Reply, Problem> {
    let parent = read(&asked).await?;
    let amount = portion.of(&parent)?;
    operate(asked, &parent, Operate::Settle(amount)).await
}

async fn void(asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let parent = read(&asked).await?;
    operate(asked, &parent, Operate::Void).await
}

async fn refund(asked: Asked, input: RefundIn) -> Result<Reply, Problem> {
    let parent = read(&asked).await?;
    let portion = PortionIn {
        amount: input.amount,
        currency: input.currency,
    };
    let amount = portion.of(&parent)?;
    match input.provider_reference {
        Some(reference) => record(asked, &parent, amount, reference).await,
        None => operate(asked, &parent, Operate::Refund(amount)).await,
    }
}

/// Writes down money that the merchant sent back itself.
async fn record(
    mut asked: Asked,
    parent: &Transaction,
    amount: Option<Money>,
    provider_reference: String,
) -> Result<Reply, Problem> {
    let request = RecordRefund {
        amount,
        provider_reference,
    };
    let app = Arc::clone(&asked.app);
    let render = move |recorded: &RefundRecorded| {
        if recorded.known {
            written(&app, &recorded.refund)
        } else {
            begun(&app, &recorded.refund)
        }
    };
    let idempotent = asked.idempotent(render.clone());
    let recorded = asked
        .engine()
        .record_refund(asked.tenant(), parent.id, &request, idempotent)
        .await?;
    Ok(render(&recorded))
}

async fn operate(
    mut asked: Asked,
    parent: &Transaction,
    operate: Operate,
) -> Result<Reply, Problem> {
    let app = Arc::clone(&asked.app);
    let render = move |child: &Transaction| begun(&app, child);
    let idempotent = asked.idempotent(render.clone());
    let child = asked
        .engine()
        .operate(asked.tenant(), parent.id, operate, idempotent)
        .await?;
    Ok(render(&child))
}

async fn sync(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let tenant = asked.tenant();
    let id: TransactionId = asked.id(Refusal::TransactionNotFound)?;
    let app = Arc::clone(&asked.app);
    let render = move |transaction: &Transaction| written(&app, transaction);
    let idempotent = asked.idempotent(render.clone());
    let synced = asked.engine().sync(tenant, id).await?;
    let synced = asked.engine().remember(tenant, idempotent, synced).await?;
    Ok(render(&synced))
}
