//! `paydesk trigger`: brings an event about, by doing in test mode what really leads to it.

use anyhow::bail;
use serde_json::{Value, json};

use super::{Api, text};
use crate::cli::TriggerOptions;

/// What leads to an event.
#[derive(Clone, Copy)]
enum Way {
    /// A session is opened.
    Open,
    /// And its payer begins.
    Begin,
    /// And it is ended by the merchant: by this call.
    End(&'static str),
    /// And its payer tries a card.
    Card(&'static str),
    /// And stores one.
    Store,
    /// And pays, and gets the money back.
    Refund,
    /// And sends too much money.
    TooMuch,
}

const SUCCEEDS: &str = "4242424242424242";
const WAYS: &[(&str, Way)] = &[
    ("session.created", Way::Open),
    ("session.initiated", Way::Begin),
    ("session.completed", Way::Card(SUCCEEDS)),
    ("session.cancelled", Way::End("cancel")),
    ("session.expired", Way::End("expire")),
    ("transaction.pending", Way::Card(SUCCEEDS)),
    ("transaction.succeeded", Way::Card(SUCCEEDS)),
    ("transaction.declined", Way::Card("4000000000000002")),
    ("transaction.failed", Way::Card("4000000000000119")),
    ("transaction.unknown", Way::Card("4000000000005126")),
    ("transaction.exception", Way::TooMuch),
    ("refund.succeeded", Way::Refund),
    ("paymentMethod.stored", Way::Store),
];

/// Brings it about; says with which session.
pub async fn run(options: TriggerOptions) -> anyhow::Result<()> {
    let Some((_, way)) = WAYS.iter().find(|(name, _)| *name == options.event) else {
        let known: Vec<_> = WAYS.iter().map(|(name, _)| *name).collect();
        bail!(
            "{} cannot be brought about; these can: {}",
            options.event,
            known.join(", ")
        );
    };
    let api = Api::new(&options.api)?;
    let kind = match way {
        Way::Store => "addPaymentMethod",
        _ => "payment",
    };
    let mut request = json!({
        "kind": kind, "currency": "SGD", "title": "Triggered", "methods": ["card"],
    });
    if let Some(request) = request.as_object_mut() {
        match way {
            Way::Store => {}
            Way::TooMuch => {
                request.insert("amount".to_owned(), json!(3500));
                request.insert("methods".to_owned(), json!(["paynow"]));
            }
            _ => {
                request.insert("amount".to_owned(), json!(3500));
            }
        }
    }
    let session = api.post("/sessions", &request).await?;
    if session.get("livemode") != Some(&Value::Bool(false)) {
        bail!("events are brought about in test mode only: use the test secret");
    }
    let (id, url) = (text(&session, "id"), text(&session, "url"));
    match way {
        Way::Open => {}
        Way::Begin => {
            let body = json!({"method": "card"});
            api.pay(&format!("{url}/initiate"), &body).await?;
        }
        Way::End(call) => {
            api.post(&format!("/sessions/{id}/{call}"), &json!({}))
                .await?;
        }
        Way::Card(number) => {
            pay(&api, url, number).await?;
        }
        Way::Store => {
            pay(&api, url, SUCCEEDS).await?;
        }
        Way::Refund => {
            pay(&api, url, SUCCEEDS).await?;
            let session = api.get(&format!("/sessions/{id}")).await?;
            let charge = session
                .pointer("/transactions/0/id")
                .and_then(Value::as_str);
            let charge = charge.unwrap_or_default();
            api.post(&format!("/transactions/{charge}/refund"), &json!({}))
                .await?;
        }
        Way::TooMuch => {
            let body = json!({"method": "paynow"});
            let state = api.pay(&format!("{url}/payments"), &body).await?;
            let code = state.pointer("/nextAction/qrCode");
            let transfer = json!({"qrCode": code, "amount": "40.00"});
            api.sandbox("/bank/transfers", &transfer).await?;
        }
    }
    println!("{} is on its way, of session {id}", options.event);
    Ok(())
}

async fn pay(api: &Api, url: &str, number: &str) -> anyhow::Result<()> {
    let card = json!({
        "method": "card",
        "card": {"number": number, "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "A. Payer"},
    });
    api.pay(&format!("{url}/payments"), &card).await?;
    Ok(())
}
