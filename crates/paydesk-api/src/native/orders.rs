//! `/api/v1/orders`: take an order, list orders, and open the session that pays one.

use std::sync::Arc;

use paydesk_core::engine::shop::create_order::CreateOrder;
use paydesk_core::engine::shop::open_order_session::OpenOrderSession;
use paydesk_core::id::{OrderId, SessionId, UserId};
use paydesk_core::money::Currency;
use paydesk_core::number::Number;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Door, Flow, Session};
use paydesk_core::shop::{Order, OrderLine, ShopRefusal};
use paydesk_core::transaction::Transaction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::frame::{Asked, Call, Problem, Reply, Scope};
use super::schema;
use super::session::SessionOut;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/orders", Scope::OrdersWrite, create)
            .named("createOrder", "Takes an order")
            .creates::<OrderOut<'_>>(),
        Call::list("/orders", Scope::OrdersRead, list)
            .named("listOrders", "Lists orders")
            .pages::<OrderOut<'_>>(),
        Call::get("/orders/{id}", Scope::OrdersRead, get)
            .named("getOrder", "Reads an order")
            .answers::<OrderOut<'_>>(),
        Call::post("/orders/{id}/session", Scope::OrdersWrite, session)
            .named("openOrderSession", "Opens the session that pays an order")
            .told("Or gives back the one that there is.")
            .answers::<SessionOut<'_>>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderRequest")]
struct OrderIn {
    products: Vec<OrderedIn>,
    /// Where it is kept.
    #[serde(default = "orders")]
    storage: String,
    /// The products' own, if it is not given.
    #[schemars(with = "Option<schema::CurrencyCode>")]
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

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderedRequest")]
struct OrderedIn {
    /// Your own number of it.
    product_id: u64,
    quantity: u32,
}

/// An order as the native API writes it; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Order")]
struct OrderOut<'o> {
    #[schemars(with = "schema::Id")]
    id: OrderId,
    /// What people know it by.
    #[schemars(with = "u64")]
    number: Number,
    /// `open` or `paid`.
    status: &'static str,
    storage: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Id")]
    user: Option<UserId>,
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: &'static str,
    products: Vec<LineOut<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form_identifier: Option<&'o str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    form_data: &'o Value,
    payment_account_identifier: &'o str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Id")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OrderLine")]
struct LineOut<'o> {
    product_id: u64,
    title: &'o str,
    #[schemars(with = "schema::Amount")]
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

async fn create(mut asked: Asked, input: OrderIn) -> Result<Reply, Problem> {
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
    let render = |order: &Order| Reply::created(&OrderOut::new(order, None));
    let idempotent = asked.idempotent(render);
    let order = asked
        .engine()
        .create_order(asked.tenant(), request, idempotent)
        .await?;
    Ok(render(&order))
}

fn read_id(asked: &Asked) -> Result<OrderId, Refusal> {
    asked.id(ShopRefusal::OrderNotFound.into())
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let (engine, tenant) = (asked.engine(), asked.tenant());
    let orders = [engine.order(tenant, read_id(&asked)?).await?];
    let sessions = engine.sessions_of_orders(tenant, &orders).await?;
    let [order] = &orders;
    let session = sessions.first().copied().flatten();
    Ok(Reply::ok(&OrderOut::new(order, session)))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("orders")?;
    let found: Vec<Order> = asked.entries(&paging, None).await?;
    let sessions = asked
        .engine()
        .sessions_of_orders(asked.tenant(), &found)
        .await?;
    let mut sessions = sessions.into_iter();
    Ok(asked.page_of_entries(&paging, &found, |order| {
        OrderOut::new(order, sessions.next().flatten())
    }))
}

#[derive(Deserialize, JsonSchema, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderSessionRequest")]
struct OrderSessionIn {
    /// Whether the account adds the tax.
    #[serde(default)]
    automatic_tax: bool,
}

async fn session(mut asked: Asked, input: OrderSessionIn) -> Result<Reply, Problem> {
    let (tenant, order) = (asked.tenant(), read_id(&asked)?);
    let request = OpenOrderSession {
        door: Door::Native,
        flow: Flow::Session,
        automatic_tax: input.automatic_tax,
        device: None,
    };
    let engine = Arc::clone(asked.engine());
    let render = {
        let engine = Arc::clone(&engine);
        move |(session, transactions): &(Session, Vec<Transaction>)| {
            let now = engine.now(tenant);
            Reply::ok(&SessionOut::new(session, transactions, &engine, now))
        }
    };
    let idempotent = asked.idempotent(render.clone());
    // Sent again after a crash, it finds the session that there is.
    let opened = engine.open_order_session(tenant, order, request).await?;
    let whole = engine.session(tenant, opened.id).await?;
    let whole = engine.remember(tenant, idempotent, whole).await?;
    Ok(render(&whole))
}
