//! `POST /v1/sessions`: opens a session.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use paydesk_api::http::{body, json};
use paydesk_api::wire::{self, Repeatable, WrittenAmount};
use paydesk_api::{App, auth};
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::given::Metadata;
use paydesk_core::money::Currency;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Amount, CustomField, CustomerDetails, Door, Kind, Phone, Session};
use paydesk_core::time::Span;
use serde::Deserialize;
use serde_json::Number;

use crate::error::Error;
use crate::session::SessionOut;

/// The currency where none is named: the vendor's own, Gambian dalasi.
const DEFAULT_CURRENCY: &str = "GMD";

#[derive(Deserialize)]
#[serde(expecting = "an object with data")]
struct Input {
    data: Option<Params>,
}

/// What a merchant sends. Fields that Modem Pay does not document are passed over.
#[derive(Deserialize)]
#[serde(expecting = "an object with the session's fields")]
struct Params {
    title: Option<String>,
    description: Option<String>,
    amount: Option<WrittenAmount>,
    min_amount: Option<WrittenAmount>,
    currency: Option<String>,
    redirect_url: Option<String>,
    cancel_url: Option<String>,
    custom_fields: Option<Vec<String>>,
    expires_in: Option<Number>,
    customer: Option<String>,
    customer_name: Option<String>,
    customer_email: Option<String>,
    customer_phone: Option<String>,
    metadata: Option<Metadata>,
}

/// Handles the request.
pub async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, request)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn create(app: &Arc<App>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let caller = auth::bearer(app, &parts.headers).await?;
    let body = body::read(body, &app.body_limits).await?;
    let input: Input = json::parse_json(&body)?;
    let params = input.data.ok_or_else(|| {
        Error::field(
            "data",
            "is missing; the session's fields are expected in it, as {\"data\":{\"amount\":450}}",
        )
    })?;
    let command = command(params)?;
    let repeatable = Repeatable::of(&parts.headers, &caller, "POST /v1/sessions", &body)?;
    let (tenant, status) = (caller.tenant, StatusCode::CREATED);
    Ok(wire::open_once(app, tenant, repeatable, command, status, render).await?)
}

fn render(app: &App, session: &Session) -> Bytes {
    let now = app.engine.now(session.tenant);
    wire::bytes(&SessionOut::new(session, &app.engine, now))
}

fn command(params: Params) -> Result<OpenSession, Refusal> {
    let code = params.currency.as_deref().unwrap_or(DEFAULT_CURRENCY);
    let currency: Currency = code
        .parse()
        .map_err(|error| Refusal::field("currency", format!("{error}")))?;
    let amount = amount(params.amount, params.min_amount, currency)?;
    let mut command = OpenSession::new(Door::ModemPay, Kind::Payment, amount);
    command.title = params.title;
    command.description = params.description;
    command.success_url = params.redirect_url;
    command.cancel_url = params.cancel_url;
    // What a merchant asks for is to be answered: a field has no way to say that it may be left empty.
    let asked = params.custom_fields.unwrap_or_default().into_iter();
    command.custom_fields = asked
        .map(|name| CustomField {
            label: name.clone(),
            name,
            required: true,
        })
        .collect();
    command.lifetime = params.expires_in.map(|it| lifetime(&it)).transpose()?;
    let customer = CustomerDetails {
        code: params.customer,
        name: params.customer_name,
        email: params.customer_email,
        phone: params.customer_phone.map(|number| Phone {
            code: String::new(),
            number,
        }),
    };
    command.customer = (customer != CustomerDetails::default()).then_some(customer);
    command.metadata = params.metadata.unwrap_or_default();
    Ok(command)
}

/// What is to be paid: that much, or what the payer chooses.
fn amount(
    fixed: Option<WrittenAmount>,
    least: Option<WrittenAmount>,
    currency: Currency,
) -> Result<Amount, Refusal> {
    match (fixed, least) {
        (Some(amount), None) => Ok(Amount::Fixed(amount.read("amount", currency)?)),
        (None, Some(least)) => {
            let least = least.read("min_amount", currency)?;
            let positive = least.positive().map_err(|error| Refusal::InvalidAmount {
                field: "min_amount".to_owned(),
                error,
            });
            Ok(Amount::AtLeast(positive?))
        }
        (Some(_), Some(_)) => Err(Refusal::field(
            "min_amount",
            "is given beside amount; give amount, or min_amount to let the payer choose",
        )),
        (None, None) => Err(Refusal::field(
            "amount",
            "is missing; give it in major units such as 450, or min_amount to let the payer choose",
        )),
    }
}

fn lifetime(seconds: &Number) -> Result<Span, Refusal> {
    let seconds = seconds
        .as_u64()
        .and_then(|seconds| u32::try_from(seconds).ok());
    seconds.map(Span::seconds).ok_or_else(|| {
        Refusal::field(
            "expires_in",
            "is not a whole number of seconds between 60 and 2592000 (30 days)",
        )
    })
}
