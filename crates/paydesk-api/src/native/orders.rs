//! `/api/v1/orders`: take an order, read, list, and open the session that pays one.

use std::sync::Arc;

use paydesk_core::engine::shop::create_order::CreateOrder;
use paydesk_core::engine::shop::open_order_session::OpenOrderSession;
use paydesk_core::given::Given;
use paydesk_core::id::{OrderId, SessionId, UserId};
use paydesk_core::money::Currency;
use paydesk_core::number::Number;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Door, Flow, Session};
use paydesk_core::shop::{Order, OrderLine, ShopRefusal};
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
            .told("It costs what the products cost now: put them first.")
            .creates::<OrderOut<'_>>(),
        Call::list("/orders", Scope::OrdersRead, list)
            .named("listOrders", "Lists orders, also those of a shop's users")
            .pages::<OrderOut<'_>>(),
        Call::get("/orders/{id}", Scope::OrdersRead, get)
            .named("getOrder", "Reads an order")
            .answers::<OrderOut<'_>>(),
        Call::post("/orders/{id}/session", Scope::OrdersWrite, session)
            .named("openOrderSession", "Opens the session that pays an order")
            .told(
                "An order has one live session: asking again gives it back. When it completes, the order is paid, in \
                 the same moment.",
            )
            .creates::<SessionOut<'_>>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderRequest")]
struct OrderIn {
    /// What is ordered, all in one currency.
    #[schemars(length(min = 1, max = 100))]
    products: Vec<ProductIn>,
    /// Where your shop keeps it; any name will do.
    #[serde(default = "orders")]
    storage: String,
    /// If given, it must be that of the prices.
    #[schemars(with = "Option<schema::CurrencyCode>")]
    currency: Option<String>,
    /// Which form was filled in.
    form_identifier: Option<String>,
    /// What was filled in; comes back as given.
    #[serde(default)]
    #[schemars(with = "Value")]
    form_data: Given,
    /// Through which account it is paid, by the identifier in the account's settings.
    payment_account_identifier: Option<String>,
}

/// Where orders are kept that name no place.
fn orders() -> String {
    "orders".to_owned()
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
struct ProductIn {
    /// Your own whole number of it.
    product_id: u64,
    #[schemars(range(min = 1, max = 1_000_000))]
    quantity: u32,
}

/// An order as the native API writes it; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Order")]
struct OrderOut<'o> {
    #[schemars(with = "schema::Id")]
    id: OrderId,
    /// Its id for clients that take numbers only.
    #[schemars(with = "u64")]
    number: Number,
    /// `open` or `paid`.
    status: &'static str,
    storage: &'o str,
    /// Who ordered, if it was a user of your shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Id>")]
    user: Option<UserId>,
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: &'static str,
    products: Vec<LineOut<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    form_identifier: Option<&'o str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    form_data: Option<&'o Given>,
    payment_account_identifier: &'o str,
    /// The session that pays it, or did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Id>")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
struct LineOut<'o> {
    product_id: u64,
    title: &'o str,
    /// What one costs.
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
            form_data: Some(&order.form_data).filter(|data| !data.is_null()),
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
    let engine = asked.engine();
    let order = engine
        .create_order(asked.tenant(), request, idempotent)
        .await?;
    Ok(render(&order))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id = asked.id(ShopRefusal::OrderNotFound.into())?;
    let engine = asked.engine();
    let order = engine.order(asked.tenant(), id).await?;
    let orders = std::slice::from_ref(&order);
    let sessions = engine.sessions_of_orders(asked.tenant(), orders).await?;
    Ok(Reply::ok(&OrderOut::new(
        &order,
        sessions.first().copied().flatten(),
    )))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("orders")?;
    let found: Vec<Order> = asked.entries(&paging, None).await?;
    let engine = asked.engine();
    let sessions = engine.sessions_of_orders(asked.tenant(), &found).await?;
    let mut sessions = sessions.into_iter();
    Ok(asked.page_of_entries(&paging, &found, |order| {
        OrderOut::new(order, sessions.next().flatten())
    }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "OrderSessionRequest")]
struct SessionIn {
    /// Whether the rail adds the tax.
    #[serde(default)]
    automatic_tax: bool,
}

async fn session(mut asked: Asked, input: SessionIn) -> Result<Reply, Problem> {
    let order = asked.id(ShopRefusal::OrderNotFound.into())?;
    let request = OpenOrderSession {
        door: Door::Native,
        flow: Flow::Session,
        automatic_tax: input.automatic_tax,
        device: None,
    };
    let (app, now) = (Arc::clone(&asked.app), asked.now());
    let render =
        move |session: &Session| Reply::created(&SessionOut::new(session, [], &app.engine, now));
    let idempotent = asked.idempotent(render.clone());
    let engine = asked.engine();
    let session = engine
        .open_order_session(asked.tenant(), order, request, idempotent)
        .await?;
    Ok(render(&session))
}
