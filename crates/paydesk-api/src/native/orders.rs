//! `/api/v1/orders`: take an order, list orders, and open the session that pays one.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_core::directory::EntryPage;
use paydesk_core::engine::EngineError;
use paydesk_core::engine::shop::create_order::CreateOrder;
use paydesk_core::engine::shop::open_order_session::OpenOrderSession;
use paydesk_core::id::{OrderId, SessionId, UserId};
use paydesk_core::money::Currency;
use paydesk_core::number::Number;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Door, Flow};
use paydesk_core::shop::{Order, OrderLine, ShopRefusal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem::Problem;
use super::session::SessionOut;
use crate::app::App;
use crate::auth;
use crate::http::{body, json};
use crate::wire::{self, Iso};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OrderIn {
    products: Vec<ProductIn>,
    #[serde(default = "orders")]
    storage: String,
    currency: Option<String>,
    form_identifier: Option<String>,
    #[serde(default)]
    form_data: Value,
    payment_account_identifier: Option<String>,
}

/// Where orders are kept that name no place.
fn orders() -> String {
    "orders".to_owned()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ProductIn {
    product_id: u64,
    quantity: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderOut<'o> {
    id: OrderId,
    number: Number,
    status: &'static str,
    storage: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    amount: i64,
    currency: &'static str,
    products: Vec<LineOut<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form_identifier: Option<&'o str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    form_data: &'o Value,
    payment_account_identifier: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineOut<'o> {
    product_id: u64,
    title: &'o str,
    price: i64,
    quantity: u32,
}

impl<'o> From<&'o OrderLine> for LineOut<'o> {
    fn from(line: &'o OrderLine) -> Self {
        Self {
            product_id: line.product,
            title: &line.title,
            price: line.price.minor(),
            quantity: line.quantity,
        }
    }
}

impl<'o> OrderOut<'o> {
    /// With the session that pays it, if there is one.
    fn new(order: &'o Order, session: Option<SessionId>) -> Self {
        Self {
            id: order.id,
            number: order.number(),
            status: if order.paid.is_some() { "paid" } else { "open" },
            storage: &order.storage.marker,
            user: order.user,
            amount: order.total.minor(),
            currency: order.total.currency().code(),
            products: order.lines.iter().map(LineOut::from).collect(),
            form_identifier: order.form.as_deref(),
            form_data: &order.form_data,
            payment_account_identifier: &order.account_identifier,
            session_id: session,
            paid_at: order.paid.map(|paid| Iso(paid.at)),
            created_at: Iso(order.created_at),
            updated_at: Iso(order.updated_at),
        }
    }
}

/// Handles `POST /orders`.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let create = async {
        let tenant = auth::bearer(&app, &parts.headers).await?.tenant;
        let body = body::read(body, &app.body_limits).await?;
        let input: OrderIn = json::parse_json(&body)?;
        let currency = input
            .currency
            .map(|code| code.parse::<Currency>())
            .transpose()
            .map_err(|error| Refusal::field("currency", format!("{error}")))?;
        let request = CreateOrder {
            user: None,
            storage: input.storage,
            form: input.form_identifier,
            form_data: input.form_data,
            account: input.payment_account_identifier,
            products: input
                .products
                .iter()
                .map(|product| (product.product_id, product.quantity))
                .collect(),
            currency,
        };
        let order = app.engine.create_order(tenant, request).await?;
        let out = wire::bytes(&OrderOut::new(&order, None));
        Ok(wire::json(StatusCode::CREATED, out))
    };
    create.await.unwrap_or_else(Problem::into_response)
}

/// Handles `GET /orders/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let get = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        let orders = [app.engine.order(tenant, read_id(&id)?).await?];
        let sessions = app.engine.sessions_of_orders(tenant, &orders).await?;
        let [order] = &orders;
        let out = OrderOut::new(order, sessions.first().copied().flatten());
        Ok(wire::json(StatusCode::OK, wire::bytes(&out)))
    };
    get.await.unwrap_or_else(Problem::into_response)
}

fn read_id(id: &str) -> Result<OrderId, Refusal> {
    id.parse().map_err(|_| ShopRefusal::OrderNotFound.into())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'o> {
    data: Vec<OrderOut<'o>>,
    next_cursor: Option<OrderId>,
}

/// Handles `GET /orders`.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    page(&app, query.as_deref().unwrap_or_default(), &headers)
        .await
        .unwrap_or_else(Problem::into_response)
}

async fn page(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let tenant = auth::bearer(app, headers).await?.tenant;
    let (mut limit, mut after) = (30, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=100).contains(number));
                limit = number
                    .ok_or_else(|| Refusal::field("limit", "is not a number from 1 to 100"))?;
            }
            "after" => {
                let cursor = value.parse::<OrderId>();
                let wrong = |_| Refusal::field("after", "is not a cursor of this list");
                after = Some(cursor.map_err(wrong)?.0);
            }
            other => return Err(Refusal::field(other, "is not a parameter of this list").into()),
        }
    }
    // One more than asked for tells whether there is a next page.
    let page = EntryPage {
        after,
        ..EntryPage::first(limit + 1)
    };
    let found: Vec<Order> = app
        .engine
        .store()
        .list(tenant, page)
        .await
        .map_err(EngineError::from)?;
    let shown = found.get(..limit).unwrap_or(&found);
    let sessions = app.engine.sessions_of_orders(tenant, shown).await?;
    let out = Page {
        data: shown
            .iter()
            .zip(sessions)
            .map(|(order, session)| OrderOut::new(order, session))
            .collect(),
        next_cursor: (found.len() > limit)
            .then(|| shown.last().map(|order| order.id))
            .flatten(),
    };
    Ok(wire::json(StatusCode::OK, wire::bytes(&out)))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SessionIn {
    #[serde(default)]
    automatic_tax: bool,
}

/// Handles `POST /orders/{id}/session`: opens the session that pays it, or gives back the one that there is.
pub async fn session(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let open = async {
        let tenant = auth::bearer(&app, &parts.headers).await?.tenant;
        let body = body::read(body, &app.body_limits).await?;
        let input: SessionIn = if body.is_empty() {
            SessionIn::default()
        } else {
            json::parse_json(&body)?
        };
        let asked = OpenOrderSession {
            door: Door::Native,
            flow: Flow::Session,
            automatic_tax: input.automatic_tax,
            device: None,
        };
        let engine = &app.engine;
        let order = read_id(&id)?;
        let opened = engine.open_order_session(tenant, order, asked).await?;
        let (session, transactions) = engine.session(tenant, opened.id).await?;
        let out = SessionOut::new(&session, &transactions, engine, engine.now(tenant));
        Ok(wire::json(StatusCode::OK, wire::bytes(&out)))
    };
    open.await.unwrap_or_else(Problem::into_response)
}
