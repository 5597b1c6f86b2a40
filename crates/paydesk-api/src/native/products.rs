//! `/api/v1/products/{id}`: put, read, take away. `id` is the merchant's own whole number.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_core::engine::shop::products::PutProduct;
use paydesk_core::money::Currency;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::{Product, ShopRefusal};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::app::App;
use crate::auth;
use crate::http::{body, json};
use crate::wire::{self, Iso, WrittenAmount};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProductIn {
    title: String,
    price: WrittenAmount,
    currency: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProductOut<'p> {
    id: u64,
    title: &'p str,
    price: String,
    currency: &'static str,
    version: u64,
    created_at: Iso,
    updated_at: Iso,
}

impl<'p> From<&'p Product> for ProductOut<'p> {
    fn from(product: &'p Product) -> Self {
        Self {
            id: product.number,
            title: &product.title,
            price: product.price.to_major(),
            currency: product.price.currency().code(),
            version: product.version,
            created_at: Iso(product.created_at),
            updated_at: Iso(product.updated_at),
        }
    }
}

fn answer(product: &Product) -> Response {
    wire::json(StatusCode::OK, wire::bytes(&ProductOut::from(product)))
}

/// Handles `PUT /products/{id}`: a new product, or a new title and price for a known one.
pub async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let put = async {
        let tenant = auth::bearer(&app, &parts.headers).await?.tenant;
        let body = body::read(body, &app.body_limits).await?;
        let input: ProductIn = json::parse_json(&body)?;
        let number = id
            .parse()
            .map_err(|_| Refusal::field("id", "is not a whole number"))?;
        let currency: Currency = input
            .currency
            .parse()
            .map_err(|error| Refusal::field("currency", format!("{error}")))?;
        let request = PutProduct {
            number,
            title: input.title,
            price: input.price.read("price", currency)?,
        };
        let product = app.engine.put_product(tenant, request).await?;
        Ok(answer(&product))
    };
    put.await.unwrap_or_else(Problem::into_response)
}

/// Handles `GET /products/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let get = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        let product = app.engine.product(tenant, number(&id)?).await?;
        Ok(answer(&product))
    };
    get.await.unwrap_or_else(Problem::into_response)
}

/// Handles `DELETE /products/{id}`.
pub async fn delete(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let delete = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        app.engine.remove_product(tenant, number(&id)?).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    delete.await.unwrap_or_else(Problem::into_response)
}

fn number(id: &str) -> Result<u64, Refusal> {
    id.parse().map_err(|_| ShopRefusal::ProductNotFound.into())
}
