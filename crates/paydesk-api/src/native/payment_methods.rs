//! `/api/v1/paymentMethods`: read, charge, detach.

use std::sync::Arc;

use paydesk_core::engine::EngineError;
use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::id::PaymentMethodId;
use paydesk_core::list::PaymentMethodFilter;
use paydesk_core::money::{Currency, Money};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::refusal::Refusal;
use paydesk_core::transaction::Transaction;
use schemars::JsonSchema;
use serde::Deserialize;

use super::event::PaymentMethodOut;
use super::frame::{Asked, Call, NoBody, Parameter, Problem, Reply, Scope};
use super::transaction::TransactionOut;
use super::{schema, transactions};

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::list("/paymentMethods", Scope::PaymentMethodsRead, list)
            .named("listPaymentMethods", "Lists stored payment methods")
            .told("Detached ones too: they say when they were detached.")
            .takes([Parameter::text("customer", "Only of the customer with this code.")])
            .pages::<PaymentMethodOut<'_>>(),
        Call::get("/paymentMethods/{id}", Scope::PaymentMethodsRead, get)
            .named("getPaymentMethod", "Reads a stored payment method")
            .answers::<PaymentMethodOut<'_>>(),
        Call::post(
            "/paymentMethods/{id}/charge",
            Scope::PaymentMethodsWrite,
            charge,
        )
        .named("chargePaymentMethod", "Charges a stored payment method")
        .told("Without the payer and without a session. The answer is the transaction, whatever came of it.")
        .creates::<TransactionOut<'_>>(),
        Call::post(
            "/paymentMethods/{id}/detach",
            Scope::PaymentMethodsWrite,
            detach,
        )
        .named("detachPaymentMethod", "Lets a stored payment method go")
        .told("It can no longer be charged. Detaching twice is no mistake.")
        .answers::<PaymentMethodOut<'_>>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChargeRequest")]
struct ChargeIn {
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: String,
    /// Your own code; unique among your sessions and charges.
    #[schemars(length(min = 1, max = 255))]
    reference: Option<String>,
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("paymentMethods")?;
    let filter = PaymentMethodFilter {
        customer: asked.query("customer").map(str::to_owned),
        ..PaymentMethodFilter::default()
    };
    let store = asked.engine().store();
    let found = store.payment_methods(asked.tenant(), &filter, paging.newest()?);
    let found = found.await.map_err(EngineError::from)?;
    Ok(asked.page_of(&paging, &found, PaymentMethodOut::from))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: PaymentMethodId = asked.id(Refusal::PaymentMethodNotFound)?;
    let store = asked.engine().store();
    let found = store.payment_method(asked.tenant(), id).await;
    let found = found.map_err(EngineError::from)?;
    let stored = found.ok_or(Refusal::PaymentMethodNotFound)?;
    Ok(Reply::ok(&PaymentMethodOut::from(&stored)))
}

async fn charge(mut asked: Asked, input: ChargeIn) -> Result<Reply, Problem> {
    let payment_method = asked.id(Refusal::PaymentMethodNotFound)?;
    let currency: Currency = input
        .currency
        .parse()
        .map_err(|error| Refusal::field("currency", format!("{error}")))?;
    let amount =
        Money::from_minor(input.amount, currency).map_err(|error| Refusal::InvalidAmount {
            field: "amount".to_owned(),
            error,
        })?;
    let request = ChargePaymentMethod {
        payment_method,
        amount,
        reference: input.reference,
    };
    let app = Arc::clone(&asked.app);
    let render = move |transaction: &Transaction| transactions::begun(&app, transaction);
    let idempotent = asked.idempotent(render.clone());
    let charged = asked
        .engine()
        .charge_payment_method(asked.tenant(), request, idempotent)
        .await?;
    Ok(render(&charged))
}

async fn detach(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::PaymentMethodNotFound)?;
    let render = |stored: &PaymentMethod| Reply::ok(&PaymentMethodOut::from(stored));
    let idempotent = asked.idempotent(render);
    let detached = asked
        .engine()
        .detach_payment_method(asked.tenant(), id, idempotent)
        .await?;
    Ok(render(&detached))
}
