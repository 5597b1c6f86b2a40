//! Takes an order. What it costs is computed here, from the merchant's own prices, and nowhere else.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::idempotency::Idempotent;
use super::super::open_session::fields;
use super::super::{Engine, EngineError, Env};
use super::account_settings::identifier;
use crate::given::Given;
use crate::id::{OrderId, UserId};
use crate::merchant::ProviderAccount;
use crate::money::{AmountError, Currency};
use crate::number::Number;
use crate::refusal::Refusal;
use crate::shop::{
    AccountSettings, NotInOneSum, Order, OrderLine, Product, ShopRefusal, Storage, total,
};
use crate::store::{Change, Claim, NameSpace, Record};
use crate::tenant::Tenant;

/// As many products as an order names.
const MAX_LINES: usize = 100;
/// As many of one product as an order asks for.
const MAX_QUANTITY: u32 = 1_000_000;

/// What somebody orders.
#[derive(Clone, Debug)]
pub struct CreateOrder {
    /// Who; nobody known if the merchant does.
    pub user: Option<UserId>,
    /// What the shop calls the place where it is kept. Any name will do.
    pub storage: String,
    /// Which form was filled in.
    pub form: Option<String>,
    /// What was filled in.
    pub form_data: Given,
    /// What the shop calls the account that it is paid through.
    pub account: Option<String>,
    /// The merchant's own numbers of products, and how many of each.
    pub products: Vec<(u64, u32)>,
    /// In which currency, if the caller has an opinion: that of the prices is right.
    pub currency: Option<Currency>,
}

/// What the decision looks at.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose.
    pub tenant: Tenant,
    /// The tenant's accounts, and what was set for them.
    pub accounts: Vec<(ProviderAccount, Option<AccountSettings>)>,
    /// Those of the products asked for that there are.
    pub products: Vec<Product>,
    /// The id of the storage, if there are orders in it.
    pub storage: Option<Uuid>,
}

/// Decides what becomes of an order. Refuses, in this order: what is wrong with a field, the account, the products,
/// their sum, the currency.
pub fn decide(
    request: CreateOrder,
    snapshot: &Snapshot,
    env: Env<'_>,
) -> Result<(Order, Vec<Claim>), Refusal> {
    check(&request)?;
    let tenant = snapshot.tenant;
    let (account, account_identifier) =
        choose_account(&snapshot.accounts, request.account.as_deref())?;
    let lines = lines(&request, &snapshot.products)?;
    let total = total(&lines).map_err(|error| match error {
        NotInOneSum::Mixed { index, expected } => Refusal::field(
            format!("products[{index}].productId"),
            format!("is not sold in {expected} as those before it: order them apart"),
        ),
        NotInOneSum::TooLarge => Refusal::InvalidAmount {
            field: "products".into(),
            error: AmountError::TooLarge,
        },
        NotInOneSum::Empty => empty(),
    })?;
    if let Some(currency) = request.currency
        && currency != total.currency()
    {
        let right = total.currency();
        let problem = format!("is not the currency of the prices, which is {right}");
        return Err(Refusal::field("currency", problem));
    }
    let order = Order {
        id: OrderId::fresh(env.ids, env.wall),
        tenant,
        version: 1,
        user: request.user,
        storage: Storage {
            id: snapshot.storage.unwrap_or_else(|| env.ids.uuid(env.wall)),
            marker: request.storage,
        },
        form: request.form,
        form_data: request.form_data,
        account: account.id,
        account_identifier,
        lines,
        total,
        paid: None,
        created_at: env.now,
        updated_at: env.now,
    };
    let claims = vec![
        Number::claim(NameSpace::Order, order.id.0),
        Claim {
            key: Storage::key(&order.storage.marker),
            owner: order.storage.id,
        },
    ];
    Ok((order, claims))
}

fn check(request: &CreateOrder) -> Result<(), Refusal> {
    check_marker("marker", &request.storage)?;
    fields::text("formIdentifier", request.form.as_deref(), 200)?;
    fields::text("paymentAccountIdentifier", request.account.as_deref(), 200)?;
    fields::form_data(&request.form_data)?;
    if request.products.is_empty() {
        return Err(empty());
    }
    if request.products.len() > MAX_LINES {
        let problem = format!("has more than {MAX_LINES} entries");
        return Err(Refusal::field("products", problem));
    }
    for (index, (_, quantity)) in request.products.iter().enumerate() {
        if !(1..=MAX_QUANTITY).contains(quantity) {
            return Err(Refusal::field(
                format!("products[{index}].quantity"),
                format!("is not a whole number from 1 to {MAX_QUANTITY}"),
            ));
        }
    }
    Ok(())
}

fn empty() -> Refusal {
    Refusal::field("products", "is empty; an order has at least one product")
}

/// Markers are parts of addresses and of the names of lists.
pub(super) fn check_marker(field: &str, marker: &str) -> Result<(), Refusal> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if marker.is_empty() || marker.len() > 100 || !marker.bytes().all(fits) {
        let right = "is not 1 to 100 letters, digits, dots, dashes and underscores";
        return Err(Refusal::field(field, right));
    }
    Ok(())
}

/// Which account an order is paid through. A shop that moves over keeps the names that it is used to: as long as
/// there is one account to choose from, every name means it. Among several it must be the identifier of one.
fn choose_account<'a>(
    accounts: &'a [(ProviderAccount, Option<AccountSettings>)],
    named: Option<&str>,
) -> Result<(&'a ProviderAccount, String), Refusal> {
    let enabled = || accounts.iter().filter(|(account, _)| account.enabled);
    let own_name = |(account, settings): &(ProviderAccount, Option<AccountSettings>)| {
        identifier(account, settings.as_ref())
    };
    if let Some(named) = named
        && let Some((account, _)) = enabled().find(|one| own_name(one) == named)
    {
        return Ok((account, named.to_owned()));
    }
    match (enabled().next(), enabled().nth(1)) {
        (None, _) => Err(Refusal::NoProviderAccount),
        (Some(only), None) => {
            let name = named.map_or_else(|| own_name(only), str::to_owned);
            Ok((&only.0, name))
        }
        (Some(_), Some(_)) if named.is_none() => Err(Refusal::ProviderAccountAmbiguous),
        (Some(_), Some(_)) => {
            let known: Vec<_> = enabled().map(own_name).collect();
            Err(Refusal::field(
                "paymentAccountIdentifier",
                format!("is not one of {}", known.join(", ")),
            ))
        }
    }
}

fn lines(request: &CreateOrder, products: &[Product]) -> Result<Vec<OrderLine>, Refusal> {
    let known: HashMap<u64, &Product> = products.iter().map(|one| (one.number, one)).collect();
    let of = |(index, &(number, quantity)): (usize, &(u64, u32))| match known.get(&number) {
        Some(product) => Ok(OrderLine {
            product: number,
            title: product.title.clone(),
            price: product.price,
            quantity,
        }),
        None => Err(Refusal::field(
            format!("products[{index}].productId"),
            "is not the number of a product: the merchant puts products with PUT /api/v1/products/{id}",
        )),
    };
    request.products.iter().enumerate().map(of).collect()
}

impl Engine {
    /// Takes an order.
    pub async fn create_order(
        &self,
        tenant: Tenant,
        request: CreateOrder,
        idempotent: Option<Idempotent<Order>>,
    ) -> Result<Order, EngineError> {
        // Before anything is looked up for it.
        check(&request)?;
        let accounts = self.accounts_with_settings(tenant).await?;
        let keys: Vec<_> = request
            .products
            .iter()
            .map(|(number, _)| Product::key(*number))
            .chain([Storage::key(&request.storage)])
            .collect();
        self.once(tenant, idempotent.as_ref(), |_| {
            let (request, keys) = (request.clone(), &keys);
            let accounts = accounts.clone();
            async move {
                let mut owners = self.store().claims(tenant, keys).await?;
                let storage = owners.pop().flatten();
                let ids: Vec<_> = owners.into_iter().flatten().collect();
                let products = self.store().find_all(tenant, &ids).await?;
                let snapshot = Snapshot {
                    tenant,
                    accounts,
                    products,
                    storage,
                };
                let (order, claims) = decide(request, &snapshot, self.env(tenant))?;
                let mut change = Change::new(tenant);
                change.puts.push(Record::entry(&order)?);
                change.claims = claims;
                Ok((Some(change), order))
            }
        })
        .await
    }

    /// An order, whoever's it is: for the merchant.
    pub async fn order(&self, tenant: Tenant, id: OrderId) -> Result<Order, EngineError> {
        self.store()
            .find(tenant, id.0)
            .await?
            .ok_or_else(|| Refusal::from(ShopRefusal::OrderNotFound).into())
    }
}

#[cfg(test)]
mod tests;
