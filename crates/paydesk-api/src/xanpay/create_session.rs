//! `POST /sessions`: opens a session. What comes is read as JSON whatever its content type says, since the
//! documented `curl` sends it as a form.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::StatusCode;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::method::Method;
use paydesk_core::money::Currency;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{
    Amount, CustomerDetails, Door, Kind, LineItem, Notify, NotifyFormat, Phone, Session,
};
use serde::Deserialize;

use super::error::Error;
use super::session::SessionOut;
use crate::app::App;
use crate::auth;
use crate::http::{body, json};
use crate::wire::{self, Repeatable, WrittenAmount};

/// What a merchant sends. Fields that XanPay does not document are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    amount: Option<WrittenAmount>,
    currency: Option<String>,
    #[serde(default)]
    orders: Option<Vec<OrderIn>>,
    #[serde(default)]
    methods: Option<Vec<String>>,
    notify_url: Option<String>,
    notify_payload: Option<String>,
    redirect_url: Option<String>,
    customer: Option<CustomerIn>,
}

#[derive(Deserialize)]
struct OrderIn {
    id: Option<String>,
    name: String,
    quantity: u32,
    amount: WrittenAmount,
}

#[derive(Deserialize)]
struct CustomerIn {
    email: Option<String>,
    phone: Option<PhoneIn>,
}

#[derive(Deserialize)]
struct PhoneIn {
    #[serde(default)]
    code: String,
    phone: String,
}

/// Handles the request.
pub async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    create(&app, request)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn create(app: &Arc<App>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let caller = auth::basic(app, &parts.headers).await?;
    let body = body::read(body, &app.body_limits).await?;
    let input: Input = json::parse_json(&body)?;
    let command = command(input)?;

    let repeatable = Repeatable::of(&parts.headers, &caller, "POST /sessions", &body)?;
    let (tenant, status) = (caller.tenant, StatusCode::OK);
    Ok(wire::open_once(app, tenant, repeatable, command, status, render).await?)
}

fn render(app: &App, session: &Session) -> Bytes {
    wire::bytes(&SessionOut::new(
        session,
        session.public_id(app.engine.keys()),
        app.engine.now(session.tenant),
    ))
}

fn command(input: Input) -> Result<OpenSession, Refusal> {
    let code = input
        .currency
        .ok_or_else(|| Refusal::field("currency", "is missing; it is required"))?;
    let currency: Currency = code
        .parse()
        .map_err(|error| Refusal::field("currency", format!("{error}")))?;
    let amount = input
        .amount
        .ok_or_else(|| Refusal::field("amount", "is missing; it is required"))?;
    let amount = amount.read("amount", currency)?;
    let mut command = OpenSession::new(Door::XanPay, Kind::Payment, Amount::Fixed(amount));
    for (index, name) in input.methods.unwrap_or_default().iter().enumerate() {
        let method = name.parse().ok().filter(|method| *method != Method::Card);
        command
            .methods
            .push(method.ok_or_else(|| unknown_method(index))?);
    }
    for (index, order) in input.orders.unwrap_or_default().into_iter().enumerate() {
        let amount = order
            .amount
            .read(&format!("orders[{index}].amount"), currency)?;
        command.line_items.push(LineItem {
            id: order.id,
            name: order.name,
            quantity: order.quantity,
            amount,
        });
    }
    command.customer = input.customer.map(|customer| CustomerDetails {
        email: customer.email,
        phone: customer.phone.map(|phone| Phone {
            code: phone.code,
            number: phone.phone,
        }),
        ..CustomerDetails::default()
    });
    command.success_url = input.redirect_url;
    command.notify = input.notify_url.map(|url| Notify {
        url,
        format: NotifyFormat::XanPayCharge,
    });
    command.notify_payload = input.notify_payload;
    Ok(command)
}

fn unknown_method(index: usize) -> Refusal {
    let known = Method::ALL
        .iter()
        .filter(|method| **method != Method::Card)
        .map(|method| method.name());
    Refusal::field(
        format!("methods[{index}]"),
        format!("is not one of {}", known.collect::<Vec<_>>().join(", ")),
    )
}
