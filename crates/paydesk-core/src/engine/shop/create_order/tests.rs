use super::super::super::fixtures::*;
use super::*;
use crate::given::Given;
use crate::id::ProductId;
use crate::money::{MAX_MINOR, Money};
use crate::store::ClaimKey;

fn product(desk: &Desk, number: u64, minor: i64, code: &str) -> Product {
    Product {
        id: ProductId::fresh(&desk.ids, desk.now),
        tenant: desk.tenant,
        version: 1,
        number,
        title: format!("Product {number}"),
        price: Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap(),
        created_at: desk.now,
        updated_at: desk.now,
    }
}

fn order(products: &[(u64, u32)]) -> CreateOrder {
    CreateOrder {
        user: None,
        storage: "orders".into(),
        form: None,
        form_data: Given::default(),
        account: None,
        products: products.to_vec(),
        currency: None,
    }
}

/// A shop that sells 1 and 2 in dollars and 3 in yen.
fn shop(desk: &Desk) -> Snapshot {
    Snapshot {
        tenant: desk.tenant,
        accounts: vec![(desk.account.clone(), None)],
        products: vec![
            product(desk, 1, 350, "USD"),
            product(desk, 2, 1_999, "USD"),
            product(desk, 3, 500, "JPY"),
            product(desk, 4, MAX_MINOR, "USD"),
        ],
        storage: None,
    }
}

/// A second account beside the first.
fn with_two_accounts(desk: &Desk) -> Snapshot {
    let mut shop = shop(desk);
    let mut other = desk.account.clone();
    other.name = "Other bank".into();
    other.id = crate::id::ProviderAccountId::fresh(&desk.ids, desk.now);
    shop.accounts.push((other, None));
    shop
}

#[test]
fn an_order_costs_what_the_merchants_prices_say() {
    let desk = Desk::new();
    let asked = order(&[(1, 3), (2, 1), (1, 2)]);
    let (order, claims) = decide(asked, &shop(&desk), desk.env()).unwrap();
    assert_eq!(order.total.to_string(), "USD 37.49");
    assert_eq!(order.lines.len(), 3);
    assert_eq!(order.account_identifier, "sandbox");
    assert_eq!(order.paid, None);
    let keys: Vec<_> = claims.iter().map(|claim| &claim.key).collect();
    let name = |space, name: String| ClaimKey::Name { space, name };
    assert_eq!(
        keys,
        [
            &name(NameSpace::Order, order.number().to_string()),
            &name(NameSpace::Storage, "orders".into()),
        ]
    );
}

#[test]
fn a_storage_keeps_its_id() {
    let desk = Desk::new();
    let first = decide(order(&[(1, 1)]), &shop(&desk), desk.env())
        .unwrap()
        .0;
    let known = Snapshot {
        storage: Some(first.storage.id),
        ..shop(&desk)
    };
    let second = decide(order(&[(1, 1)]), &known, desk.env()).unwrap().0;
    assert_eq!(second.storage, first.storage);
    assert_ne!(second.id, first.id);
}

#[test]
fn what_is_wrong_with_an_order_is_named() {
    let desk = Desk::new();
    let with = |change: fn(&mut CreateOrder)| {
        let mut order = order(&[(1, 1)]);
        change(&mut order);
        order
    };
    for (asked, field) in [
        (with(|order| order.storage = "a/b".into()), "marker"),
        (with(|order| order.storage = String::new()), "marker"),
        (
            with(|order| order.form = Some(" ".into())),
            "formIdentifier",
        ),
        (order(&[]), "products"),
        (order(&[(1, 1); 101]), "products"),
        (order(&[(1, 1), (1, 0)]), "products[1].quantity"),
        (order(&[(1, 1_000_001)]), "products[0].quantity"),
        (order(&[(1, 1), (9, 1)]), "products[1].productId"),
        (order(&[(1, 1), (3, 1)]), "products[1].productId"),
        (order(&[(4, 2)]), "products"),
        (order(&[(4, 1), (1, 1)]), "products"),
        (
            with(|order| order.currency = Currency::from_code("JPY")),
            "currency",
        ),
    ] {
        let refused = decide(asked, &shop(&desk), desk.env()).unwrap_err();
        let named = match &refused {
            Refusal::InvalidField { field, .. } | Refusal::InvalidAmount { field, .. } => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(named, field, "{refused}");
    }
}

#[test]
fn one_account_goes_by_every_name_and_several_by_their_own() {
    let desk = Desk::new();
    let called = |name: Option<&str>, shop: &Snapshot| {
        let asked = CreateOrder {
            account: name.map(str::to_owned),
            ..order(&[(1, 1)])
        };
        decide(asked, shop, desk.env()).map(|(order, _)| (order.account, order.account_identifier))
    };
    let one = shop(&desk);
    assert_eq!(called(Some("cash"), &one).unwrap().1, "cash");
    assert_eq!(called(None, &one).unwrap().1, "sandbox");
    let two = with_two_accounts(&desk);
    let other = &two.accounts[1].0;
    assert_eq!(
        called(Some("other-bank"), &two).unwrap(),
        (other.id, "other-bank".into())
    );
    assert_eq!(called(None, &two), Err(Refusal::ProviderAccountAmbiguous));
    let refused = called(Some("cash"), &two).unwrap_err().to_string();
    assert_eq!(
        refused,
        "paymentAccountIdentifier is not one of sandbox, other-bank"
    );
    // A disabled one is not among them.
    let mut one_left = two;
    one_left.accounts[0].0.enabled = false;
    assert_eq!(called(None, &one_left).unwrap().1, "other-bank");
    one_left.accounts[1].0.enabled = false;
    assert_eq!(called(None, &one_left), Err(Refusal::NoProviderAccount));
}
