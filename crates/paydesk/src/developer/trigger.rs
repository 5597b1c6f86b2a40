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
    /// And is shown a code, which nobody pays before the session ends.
    Leave,
    /// A customer is made, and this done to it.
    Customer(CustomerAct),
}

/// What is done to a customer that was made.
#[derive(Clone, Copy)]
enum CustomerAct {
    Make,
    Change,
    Delete,
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
    ("transaction.cancelled", Way::Leave),
    ("transaction.exception", Way::TooMuch),
    ("refund.succeeded", Way::Refund),
    ("paymentMethod.stored", Way::Store),
    ("customer.created", Way::Customer(CustomerAct::Make)),
    ("customer.updated", Way::Customer(CustomerAct::Change)),
    ("customer.deleted", Way::Customer(CustomerAct::Delete)),
];

/// Brings it about; says with which session or customer.
pub async fn run(options: TriggerOptions) -> anyhow::Result<()> {
    let Some(&(_, way)) = WAYS.iter().find(|(name, _)| *name == options.event) else {
        let known: Vec<_> = WAYS.iter().map(|(name, _)| *name).collect();
        bail!(
            "{} cannot be brought about; these can: {}",
            options.event,
            known.join(", ")
        );
    };
    let api = Api::new(&options.api)?;
    if api.secret.contains("_live_") {
        bail!("events are brought about in test mode only: use the test secret");
    }
    let about = match way {
        Way::Customer(act) => with_a_customer(&api, act).await?,
        way => with_a_session(&api, way).await?,
    };
    println!("{} is on its way, of {about}", options.event);
    Ok(())
}

async fn with_a_customer(api: &Api, act: CustomerAct) -> anyhow::Result<String> {
    let customer = api
        .post("/customers", &json!({"name": "Triggered"}))
        .await?;
    let id = text(&customer, "id");
    let path = format!("/customers/{id}");
    match act {
        CustomerAct::Make => {}
        CustomerAct::Change => {
            api.patch(&path, &json!({"name": "Triggered again"}))
                .await?;
        }
        CustomerAct::Delete => {
            api.delete(&path).await?;
        }
    }
    Ok(format!("customer {id}"))
}

async fn with_a_session(api: &Api, way: Way) -> anyhow::Result<String> {
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
            Way::TooMuch | Way::Leave => {
                request.insert("amount".to_owned(), json!(3500));
                request.insert("methods".to_owned(), json!(["paynow"]));
            }
            _ => {
                request.insert("amount".to_owned(), json!(3500));
            }
        }
    }
    let session = api.post("/sessions", &request).await?;
    let (id, url) = (text(&session, "id"), text(&session, "url"));
    match way {
        // Nothing more, and no session's.
        Way::Open | Way::Customer(_) => {}
        Way::Begin => {
            let body = json!({"method": "card"});
            api.pay(&format!("{url}/initiate"), &body).await?;
        }
        Way::End(call) => {
            api.post(&format!("/sessions/{id}/{call}"), &json!({}))
                .await?;
        }
        Way::Card(number) => {
            pay(api, url, number).await?;
        }
        Way::Store => {
            pay(api, url, SUCCEEDS).await?;
        }
        Way::Refund => {
            pay(api, url, SUCCEEDS).await?;
            let session = api.get(&format!("/sessions/{id}")).await?;
            let charge = session
                .pointer("/transactions/0/id")
                .and_then(Value::as_str);
            let charge = charge.unwrap_or_default();
            api.post(&format!("/transactions/{charge}/refund"), &json!({}))
                .await?;
        }
        Way::TooMuch => {
            let code = show_code(api, url).await?;
            let transfer = json!({"qrCode": code, "amount": "40.00"});
            api.sandbox("/bank/transfers", &transfer).await?;
        }
        Way::Leave => {
            show_code(api, url).await?;
            api.post(&format!("/sessions/{id}/cancel"), &json!({}))
                .await?;
        }
    }
    Ok(format!("session {id}"))
}

/// The payer chooses `PayNow`; answers the code that is shown.
async fn show_code(api: &Api, url: &str) -> anyhow::Result<Option<Value>> {
    let body = json!({"method": "paynow"});
    let state = api.pay(&format!("{url}/payments"), &body).await?;
    Ok(state.pointer("/nextAction/qrCode").cloned())
}

async fn pay(api: &Api, url: &str, number: &str) -> anyhow::Result<()> {
    let card = json!({
        "method": "card",
        "card": {"number": number, "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "A. Payer"},
    });
    api.pay(&format!("{url}/payments"), &card).await?;
    Ok(())
}
