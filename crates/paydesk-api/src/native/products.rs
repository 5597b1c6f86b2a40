//! `/api/v1/products/{id}`: put, read, take away. `id` is the merchant's own whole number.

use paydesk_core::engine::shop::products::PutProduct;
use paydesk_core::money::Currency;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::{Product, ShopRefusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, Problem, Reply, Scope};
use super::schema;
use crate::wire::{Iso, WrittenAmount};

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::put("/products/{id}", Scope::ProductsWrite, put)
            .named("putProduct", "Puts a product")
            .told(
                "`id` is your own whole number. A known product takes the new title and price; orders keep the price \
                 of the time of ordering.",
            )
            .answers::<ProductOut<'_>>(),
        Call::get("/products/{id}", Scope::ProductsRead, get)
            .named("getProduct", "Reads a product")
            .answers::<ProductOut<'_>>(),
        Call::delete("/products/{id}", Scope::ProductsWrite, delete)
            .named("deleteProduct", "Takes a product away")
            .told("Nobody can order it any more; it is answered as it was.")
            .answers::<ProductOut<'_>>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProductRequest")]
struct ProductIn {
    /// What payers read.
    #[schemars(length(min = 1, max = 500))]
    title: String,
    /// What one costs: a decimal string in major units, such as "17.50".
    #[schemars(with = "String")]
    price: WrittenAmount,
    #[schemars(with = "schema::CurrencyCode")]
    currency: String,
}

/// A product as the native API writes it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Product")]
struct ProductOut<'p> {
    /// Your own whole number of it.
    id: u64,
    title: &'p str,
    /// In major units, exactly.
    price: String,
    #[schemars(with = "schema::CurrencyCode")]
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

fn written(product: &Product) -> Reply {
    Reply::ok(&ProductOut::from(product))
}

async fn put(asked: Asked, input: ProductIn) -> Result<Reply, Problem> {
    let number = asked.id(Refusal::field("id", "is not a whole number"))?;
    let currency: Currency = input
        .currency
        .parse()
        .map_err(|error| Refusal::field("currency", format!("{error}")))?;
    let request = PutProduct {
        number,
        title: input.title,
        price: input.price.read("price", currency)?,
    };
    let engine = asked.engine();
    Ok(written(&engine.put_product(asked.tenant(), request).await?))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let number = asked.id(ShopRefusal::ProductNotFound.into())?;
    let engine = asked.engine();
    Ok(written(&engine.product(asked.tenant(), number).await?))
}

async fn delete(asked: Asked) -> Result<Reply, Problem> {
    let number = asked.id(ShopRefusal::ProductNotFound.into())?;
    let engine = asked.engine();
    Ok(written(
        &engine.remove_product(asked.tenant(), number).await?,
    ))
}
