//! Orders of a storage: make one, read, list.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use paydesk_api::App;
use paydesk_api::http::{body, json as read_json};
use paydesk_api::segment::{Segment, Segments};
use paydesk_core::directory::EntryPage;
use paydesk_core::engine::EngineError;
use paydesk_core::engine::shop::create_order::CreateOrder;
use paydesk_core::given::Given;
use paydesk_core::number::Number;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::{Order, ShopRefusal};
use paydesk_core::tenant::Tenant;
use serde::Deserialize;

use crate::caller::Caller;
use crate::error::Error;
use crate::list::{Items, Slice};
use crate::order::{CreatedOrder, OrderOut};
use crate::reply::{json, reply};
use crate::session::page;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    form_identifier: Option<String>,
    payment_account_identifier: Option<String>,
    #[serde(default)]
    form_data: Given,
    products: Vec<ProductIn>,
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductIn {
    product_id: u64,
    quantity: u32,
}

/// Handles `POST /orders`.
pub async fn create(
    State(app): State<Arc<App>>,
    Segment(marker): Segment,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let caller = Caller::new(&app, &parts.headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let body = body::read(body, &app.body_limits).await?;
        let input: Input = read_json::parse_json(&body)?;
        // The client's own examples leave the currency empty.
        let currency = match input.currency.as_deref() {
            None | Some("") => None,
            Some(code) => Some(
                code.parse()
                    .map_err(|error| Refusal::field("currency", format!("{error}")))?,
            ),
        };
        let order = CreateOrder {
            user: Some(user.user),
            storage: marker,
            form: named(input.form_identifier),
            form_data: input.form_data,
            account: named(input.payment_account_identifier),
            products: input
                .products
                .iter()
                .map(|product| (product.product_id, product.quantity))
                .collect(),
            currency,
        };
        let order = app.engine.create_order(tenant, order, None).await?;
        Ok(json(StatusCode::CREATED, &CreatedOrder::from(&order)))
    })
    .await
}

fn named(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

/// Handles `GET /orders/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Segments(marker, id): Segments,
    headers: HeaderMap,
) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let not_found = || Refusal::from(ShopRefusal::OrderNotFound);
        let number = Number::read(&id).ok_or_else(not_found)?;
        let order = app.engine.order_of(tenant, user.user, number).await?;
        if order.storage.marker != marker {
            return Err(not_found().into());
        }
        let orders = [order];
        let mut out = outs(&app, tenant, &orders).await?;
        let out = out.pop().ok_or_else(not_found)?;
        Ok(json(StatusCode::OK, &out))
    })
    .await
}

/// Handles `GET /orders`: the user's in this storage, newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    Segment(marker): Segment,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let slice = Slice::read(query.as_deref())?;
        let group = Order::group_of(Some(user.user), &marker);
        let page = EntryPage {
            skip: slice.offset,
            ..EntryPage::first(slice.limit).of(&group)
        };
        let store = app.engine.store();
        let orders: Vec<Order> = store.list(tenant, page).await.map_err(EngineError::from)?;
        let total = store
            .total::<Order>(tenant, Some(&group))
            .await
            .map_err(EngineError::from)?;
        let items = outs(&app, tenant, &orders).await?;
        Ok(json(StatusCode::OK, &Items { total, items }))
    })
    .await
}

/// Orders with the pages where they are paid, in one more read.
async fn outs<'o>(
    app: &App,
    tenant: Tenant,
    orders: &'o [Order],
) -> Result<Vec<OrderOut<'o>>, Error> {
    let engine = &app.engine;
    let sessions = engine.sessions_of_orders(tenant, orders).await?;
    Ok(orders
        .iter()
        .zip(sessions)
        .map(|(order, session)| {
            OrderOut::new(order, session.map(|session| page(engine, tenant, session)))
        })
        .collect())
}
