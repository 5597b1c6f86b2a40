//! Puts a product, or takes it away. Orders keep the price of the time of ordering.

use super::super::open_session::fields;
use super::super::{Engine, EngineError, Env};
use crate::id::ProductId;
use crate::money::Money;
use crate::refusal::Refusal;
use crate::shop::{Product, ShopRefusal};
use crate::store::{Change, Claim, Record};
use crate::tenant::Tenant;

/// The largest number of a product: what a client that reads doubles reads exactly.
pub const MAX_NUMBER: u64 = (1 << 53) - 1;

/// What a merchant says of a product.
#[derive(Clone, Debug)]
pub struct PutProduct {
    /// The merchant's own number of it.
    pub number: u64,
    /// What payers read.
    pub title: String,
    /// What one costs.
    pub price: Money,
}

/// Decides what a product becomes.
pub fn decide(
    tenant: Tenant,
    request: PutProduct,
    known: Option<Product>,
    env: Env<'_>,
) -> Result<(Change, Product), EngineError> {
    if request.number == 0 || request.number > MAX_NUMBER {
        let problem = format!("is not a number from 1 to {MAX_NUMBER}");
        return Err(Refusal::field("id", problem).into());
    }
    fields::text("title", Some(&request.title), 500)?;
    request
        .price
        .positive()
        .map_err(|error| Refusal::InvalidAmount {
            field: "price".into(),
            error,
        })?;
    let mut change = Change::new(tenant);
    let product = match known {
        Some(known) => Product {
            version: known.version + 1,
            title: request.title,
            price: request.price,
            updated_at: env.now,
            ..known
        },
        None => Product {
            id: ProductId::fresh(env.ids, env.wall),
            tenant,
            version: 1,
            number: request.number,
            title: request.title,
            price: request.price,
            created_at: env.now,
            updated_at: env.now,
        },
    };
    change.claims.push(claim(&product));
    change.puts.push(Record::entry(&product)?);
    Ok((change, product))
}

fn claim(product: &Product) -> Claim {
    Claim {
        key: Product::key(product.number),
        owner: product.id.0,
    }
}

impl Engine {
    /// Puts a product: a new one, or a new title and price for a known one.
    pub async fn put_product(
        &self,
        tenant: Tenant,
        request: PutProduct,
    ) -> Result<Product, EngineError> {
        self.repeat(|_| {
            let request = request.clone();
            async move {
                let known = self.known_product(tenant, request.number).await?;
                let (change, product) = decide(tenant, request, known, self.env(tenant))?;
                Ok((Some(change), product))
            }
        })
        .await
    }

    /// A product, by the merchant's own number.
    pub async fn product(&self, tenant: Tenant, number: u64) -> Result<Product, EngineError> {
        self.known_product(tenant, number)
            .await?
            .ok_or_else(|| Refusal::from(ShopRefusal::ProductNotFound).into())
    }

    /// Takes a product away: nobody can order it any more. Its number may be used again. Answers it as it was.
    pub async fn remove_product(
        &self,
        tenant: Tenant,
        number: u64,
    ) -> Result<Product, EngineError> {
        self.repeat(|_| async move {
            let product = self.product(tenant, number).await?;
            let mut change = Change::new(tenant);
            change.releases.push(claim(&product));
            change.puts.push(Record::removal(&product));
            Ok((Some(change), product))
        })
        .await
    }

    async fn known_product(
        &self,
        tenant: Tenant,
        number: u64,
    ) -> Result<Option<Product>, EngineError> {
        match self.store().claim(tenant, &Product::key(number)).await? {
            Some(id) => Ok(self.store().find(tenant, id).await?),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::*;
    use super::*;
    use crate::money::Currency;

    fn tea(number: u64, minor: i64) -> PutProduct {
        let usd = Currency::from_code("USD").unwrap();
        PutProduct {
            number,
            title: "Tea".into(),
            price: Money::from_minor(minor, usd).unwrap(),
        }
    }

    #[test]
    fn a_known_product_keeps_its_id_and_takes_the_new_price() {
        let mut desk = Desk::new();
        let (_, first) = decide(desk.tenant, tea(1, 350), None, desk.env()).unwrap();
        desk.pass(crate::time::Span::hours(1));
        let known = Some(first.clone());
        let (change, second) = decide(desk.tenant, tea(1, 400), known, desk.env()).unwrap();
        assert_eq!((second.id, second.version), (first.id, 2));
        assert_eq!(second.price.minor(), 400);
        assert_eq!(second.created_at, first.created_at);
        assert_eq!(change.claims, [claim(&first)]);
    }

    #[test]
    fn what_is_wrong_with_a_product_is_named() {
        let desk = Desk::new();
        let untitled = PutProduct {
            title: " ".into(),
            ..tea(1, 350)
        };
        for (request, field) in [
            (tea(0, 350), "id"),
            (tea(MAX_NUMBER + 1, 350), "id"),
            (untitled, "title"),
            (tea(1, 0), "price"),
        ] {
            let refused = decide(desk.tenant, request, None, desk.env()).unwrap_err();
            assert!(refused.to_string().starts_with(field), "{refused}");
        }
    }
}
