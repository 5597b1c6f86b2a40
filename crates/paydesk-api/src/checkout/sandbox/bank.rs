//! The payer's bank of the sandbox: sees a payment by its code or reference, and sends money for it.

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use paydesk_core::authority::Authority;
use paydesk_core::money::Money;
use paydesk_core::refusal::Refusal;
use paydesk_core::tenant::Mode;
use paydesk_rails::sandbox::{PushName, PushPayment, SandboxError};
use serde::{Deserialize, Serialize};

use super::{sandbox, trouble_page};
use crate::app::App;
use crate::checkout::answer::{self, Shell, page_path};
use crate::checkout::locale::{Language, money};
use crate::checkout::origin;
use crate::checkout::submission::Written;
use crate::checkout::trouble::Trouble;
use crate::checkout::visit::Guest;
use crate::http::body;
use crate::http::cross_site::{self, Post};
use crate::http::json::parse_json;
use crate::native::problem::Problem;
use crate::wire::{self, Iso, WrittenAmount};

#[derive(Template)]
#[template(path = "sandbox_bank.html")]
struct BankPage {
    shell: Shell,
    payee: String,
    account: String,
    reference: String,
    amount: String,
    received: Option<String>,
    /// What is missing, as the form's field takes it.
    missing: String,
    currency: &'static str,
    /// How the form names the payment.
    name: &'static str,
    value: String,
    action: String,
}

/// Shows a payment to its payer, who decides how much to send.
pub async fn show(State(app): State<Arc<App>>, guest: Guest) -> Response {
    let found = match named(&guest) {
        Some(name) => seen(&app, &guest, name).await,
        None => Err(Trouble::NotFound),
    };
    match found {
        Ok(response) => response,
        Err(trouble) => trouble.page(&app, Mode::Test, Language::English),
    }
}

fn named(guest: &Guest) -> Option<PushName> {
    let reference = || guest.param("reference").map(str::to_owned);
    guest
        .param("qrCode")
        .map(|code| PushName::QrCode(code.to_owned()))
        .or_else(|| reference().map(PushName::Reference))
}

async fn seen(app: &App, guest: &Guest, named: PushName) -> Result<Response, Trouble> {
    guest.admit(app)?;
    let payment = match sandbox(app)?.push(named.clone()).await {
        Ok(payment) => payment,
        Err(error) => return Ok(trouble_page(app, &error)),
    };
    let english = Language::English;
    let missing = payment.amount.checked_sub(payment.received);
    let (name, value) = match named {
        PushName::QrCode(code) => ("qrCode", code),
        PushName::Reference(reference) => ("reference", reference),
    };
    let page = BankPage {
        shell: Shell::new(app, Mode::Test, english, "Test bank"),
        payee: payment.destination.account_name.clone(),
        account: payment.destination.account.clone(),
        reference: payment.destination.nonce.clone(),
        amount: money(payment.amount, english),
        received: (!payment.received.is_zero()).then(|| money(payment.received, english)),
        missing: missing
            .filter(|missing| !missing.is_zero())
            .unwrap_or(payment.amount)
            .to_major(),
        currency: payment.amount.currency().code(),
        name,
        value,
        action: format!("{}/sandbox/bank/transfers", answer::base(app)),
    };
    Ok(answer::page(app, Mode::Test, StatusCode::OK, &page))
}

/// What is sent.
struct Order {
    named: PushName,
    /// Major units, as written.
    amount: Option<WrittenSum>,
    /// What the payer writes as the reference, if not the payment's; nothing if it is empty.
    written: Option<String>,
}

/// An amount in one of the two ways in which it comes.
enum WrittenSum {
    Json(WrittenAmount),
    Typed(String),
}

/// As long as what a payer writes beside a transfer may be.
const LONGEST_REFERENCE: usize = 140;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderIn {
    qr_code: Option<String>,
    reference: Option<String>,
    amount: Option<WrittenAmount>,
    sent_reference: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TransferOut<'t> {
    id: &'t str,
    account: &'t str,
    reference: Option<&'t str>,
    /// Major units, as it was sent.
    amount: String,
    currency: &'static str,
    received_at: Iso,
}

/// Sends money: exactly what is asked for, or less or more, or again, or too late.
pub async fn transfer(State(app): State<Arc<App>>, guest: Guest, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let written = Written::of(&parts.headers);
    let outcome = match written {
        Some(written) => send(&app, &guest, &parts.headers, written, body).await,
        None => Err(Trouble::MediaType),
    };
    match (outcome, written) {
        (Ok(response), _) => response,
        (Err(trouble), Some(Written::Form)) => trouble.page(&app, Mode::Test, Language::English),
        (Err(trouble), _) => answer::problem(&app, Mode::Test, trouble),
    }
}

async fn send(
    app: &App,
    guest: &Guest,
    headers: &HeaderMap,
    written: Written,
    body: Body,
) -> Result<Response, Trouble> {
    guest.admit(app)?;
    let bank = sandbox(app)?;
    // Test money, and whoever knows the code may send it; only a page that sends what its reader does not see
    // is kept out.
    if cross_site::judge(headers, &origin::own_origin(app), |_| false) == Post::Refused {
        return Err(Trouble::CrossSite);
    }
    let body = body::read(body, &app.body_limits).await?;
    let order = order(written, &body)?;
    let payment = match bank.push(order.named.clone()).await {
        Ok(payment) => payment,
        Err(error) => return Ok(refused(app, written, &error)),
    };
    let currency = payment.amount.currency();
    let invalid = |error| {
        Trouble::from(Refusal::InvalidAmount {
            field: "amount".to_owned(),
            error,
        })
    };
    let amount = match order.amount {
        None => None,
        Some(WrittenSum::Json(amount)) => Some(amount.read("amount", currency)?),
        Some(WrittenSum::Typed(typed)) => {
            Some(Money::from_major(typed.trim(), currency).map_err(invalid)?)
        }
    };
    let transfer = match bank
        .bank_transfer_with(order.named, amount, order.written)
        .await
    {
        Ok(transfer) => transfer,
        Err(error) => return Ok(refused(app, written, &error)),
    };
    // The job that counts transfers would find it within half a second; a payer without a script who goes back to
    // the page should see it there at once.
    if let Err(error) = app.engine.collect_transfers().await {
        tracing::warn!(%error, "a transfer could not be counted at once");
    }
    if written == Written::Form {
        return back(app, &payment).await;
    }
    let out = TransferOut {
        id: &transfer.id,
        account: &transfer.account,
        reference: transfer.nonce.as_deref(),
        amount: transfer.amount.to_major(),
        currency: transfer.amount.currency().code(),
        received_at: Iso(transfer.received_at),
    };
    let mut response = wire::json(StatusCode::CREATED, wire::bytes(&out));
    app.page_headers.apply(Mode::Test, response.headers_mut());
    Ok(response)
}

fn order(written: Written, body: &Bytes) -> Result<Order, Trouble> {
    let mut input = OrderIn::default();
    let mut typed = None;
    match written {
        Written::Json => input = parse_json(body)?,
        Written::Form => {
            for (name, value) in url::form_urlencoded::parse(body) {
                let given = Some(value.into_owned());
                let filled = || given.clone().filter(|value| !value.trim().is_empty());
                match &*name {
                    "qrCode" => input.qr_code = filled(),
                    "reference" => input.reference = filled(),
                    "amount" => typed = filled(),
                    // Emptied by a payer who forgets it.
                    "sentReference" => input.sent_reference = given,
                    _ => {}
                }
            }
        }
    }
    let named = match (input.qr_code, input.reference) {
        (Some(code), None) => PushName::QrCode(code),
        (None, Some(reference)) => PushName::Reference(reference),
        (Some(_), Some(_)) => {
            return Err(
                Refusal::field("reference", "is given beside qrCode; give one of them").into(),
            );
        }
        (None, None) => {
            return Err(Refusal::field("qrCode", "is missing; it or reference is required").into());
        }
    };
    if let Some(written) = &input.sent_reference
        && (written.chars().count() > LONGEST_REFERENCE || written.chars().any(char::is_control))
    {
        let problem = format!("is not a text of at most {LONGEST_REFERENCE} characters");
        return Err(Refusal::field("sentReference", problem).into());
    }
    let amount = input.amount.map(WrittenSum::Json);
    Ok(Order {
        named,
        amount: amount.or(typed.map(WrittenSum::Typed)),
        written: input.sent_reference,
    })
}

/// Back to the page of the session that was paid.
async fn back(app: &App, payment: &PushPayment) -> Result<Response, Trouble> {
    let store = app.engine.store();
    let transaction = store
        .transaction(payment.tenant, payment.reference)
        .await
        .map_err(paydesk_core::engine::EngineError::from)?;
    let session = transaction.and_then(|transaction| transaction.session);
    let session = session.ok_or(Trouble::NotFound)?;
    let link = Authority::page(payment.tenant, session).to_text(app.engine.keys());
    let address = page_path(app, &link, "", None);
    Ok(answer::see_other(app, Mode::Test, &address))
}

fn refused(app: &App, written: Written, error: &SandboxError) -> Response {
    if written == Written::Form {
        return trouble_page(app, error);
    }
    let problem = |status, code| Problem::new(status, code, error.to_string());
    let problem = match error {
        SandboxError::NotACode(_) => {
            problem(StatusCode::BAD_REQUEST, "not_a_code").of_field("qrCode")
        }
        SandboxError::UnknownPayment => problem(StatusCode::NOT_FOUND, "payment_not_found"),
        SandboxError::Ambiguous => {
            problem(StatusCode::CONFLICT, "reference_ambiguous").of_field("reference")
        }
        SandboxError::WrongCurrency { .. } => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, "currency_differs")
        }
        SandboxError::Amount => {
            problem(StatusCode::BAD_REQUEST, "invalid_amount").of_field("amount")
        }
        SandboxError::Unreachable(reason) => {
            tracing::error!(%reason, "the sandbox does not answer");
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the sandbox does not answer; try again shortly",
            )
        }
    };
    let mut response = problem.into_response();
    app.page_headers.apply(Mode::Test, response.headers_mut());
    response
}
