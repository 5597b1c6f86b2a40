use super::super::super::end_session::{self, End};
use super::super::super::fixtures::*;
use super::super::create_order::{self, CreateOrder};
use super::*;
use crate::event::EventKind;
use crate::given::Given;
use crate::id::{ProductId, UserId};
use crate::method::Method;
use crate::money::{Currency, MAX_MINOR};
use crate::number::Number;
use crate::session::{Canceller, StateName};
use crate::shop::Product;
use crate::store::{Claim, ClaimKey, NameSpace, Record};
use crate::time::Span;

fn dollars(minor: i64) -> Money {
    Money::from_minor(minor, Currency::from_code("USD").unwrap()).unwrap()
}

/// An order of two for 17.50 each.
fn order(desk: &Desk) -> Order {
    let product = Product {
        id: ProductId::fresh(&desk.ids, desk.now),
        tenant: desk.tenant,
        version: 1,
        number: 7,
        title: "Ticket".into(),
        price: dollars(1_750),
        created_at: desk.now,
        updated_at: desk.now,
    };
    let asked = CreateOrder {
        user: Some(UserId::fresh(&desk.ids, desk.now)),
        storage: "tickets".into(),
        form: None,
        form_data: Given::default(),
        account: None,
        products: vec![(7, 2)],
        currency: None,
    };
    let shop = create_order::Snapshot {
        tenant: desk.tenant,
        accounts: vec![(desk.account.clone(), None)],
        products: vec![product],
        storage: None,
    };
    create_order::decide(asked, &shop, desk.env()).unwrap().0
}

fn asking(flow: Flow) -> OpenOrderSession {
    OpenOrderSession {
        door: Door::OneEntry,
        flow,
        automatic_tax: false,
        device: None,
    }
}

fn ask(
    desk: &Desk,
    order: &Order,
    flow: Flow,
    holder: Option<SessionSnapshot>,
) -> Result<(Option<Change>, Session), Refusal> {
    let snapshot = Snapshot {
        order: order.clone(),
        holder,
        accounts: desk.accounts(),
        settings: None,
        tax: dollars(0),
    };
    decide(asking(flow), snapshot, desk.env())
}

fn opened(desk: &Desk, order: &Order) -> Session {
    ask(desk, order, Flow::Session, None).unwrap().1
}

#[test]
fn a_session_asks_for_what_its_order_costs_and_takes_the_orders_claim() {
    let desk = Desk::new();
    let order = order(&desk);
    let (change, session) = ask(&desk, &order, Flow::Intent, None).unwrap();
    assert_eq!(session.terms.amount, Amount::Fixed(dollars(3_500)));
    assert_eq!(session.terms.order, Some(order.id.to_string()));
    assert_eq!(session.terms.owner, order.user.map(|user| user.to_string()));
    assert_eq!(session.ordered.as_ref().unwrap().flow, Flow::Intent);
    let own = |key| Claim {
        key,
        owner: session.id.0,
    };
    assert_eq!(
        change.unwrap().claims,
        [
            own(Order::live_session(order.id)),
            own(Number::of(session.id.0).key(NameSpace::Session)),
        ]
    );
}

#[test]
fn a_live_session_is_given_back_in_the_way_last_asked_for() {
    let desk = Desk::new();
    let order = order(&desk);
    let session = opened(&desk, &order);
    let again = ask(&desk, &order, Flow::Session, Some(snapshot(&session, None)));
    assert_eq!(again, Ok((None, session.clone())));

    let (change, typed) = ask(&desk, &order, Flow::Intent, Some(snapshot(&session, None))).unwrap();
    assert_eq!((typed.id, typed.version), (session.id, 2));
    assert_eq!(typed.ordered.as_ref().unwrap().flow, Flow::Intent);
    let change = change.unwrap();
    assert!(change.claims.is_empty() && change.releases.is_empty());
    assert_eq!(told(&change), []);

    // Also while a payment is under way.
    let (paying, live) = desk.start(session, Method::Card);
    let (_, same) = ask(
        &desk,
        &order,
        Flow::Intent,
        Some(snapshot(&paying, Some(&live))),
    )
    .unwrap();
    assert_eq!(same.id, paying.id);
}

#[test]
fn a_session_whose_time_is_over_ends_as_the_next_is_opened() {
    let mut desk = Desk::new();
    let order = order(&desk);
    let old = opened(&desk, &order);
    desk.pass(Span::days(7));
    let (change, next) = ask(&desk, &order, Flow::Session, Some(snapshot(&old, None))).unwrap();
    assert_ne!(next.id, old.id);
    let change = change.unwrap();
    assert_eq!(
        told(&change),
        [EventKind::SessionCreated, EventKind::SessionExpired]
    );
    let released = Claim {
        key: Order::live_session(order.id),
        owner: old.id.0,
    };
    assert_eq!(change.releases, [released]);
    let states: Vec<_> = change
        .puts
        .iter()
        .map(|record| match record {
            Record::Session(session) => (session.id, session.state.name()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        states,
        [(next.id, StateName::Created), (old.id, StateName::Expired)]
    );
}

#[test]
fn a_cancelled_session_gives_its_order_free() {
    let desk = Desk::new();
    let order = order(&desk);
    let session = opened(&desk, &order);
    let end = End::Cancel(Canceller::Payer);
    let (change, cancelled) =
        end_session::decide(end, snapshot(&session, None), desk.env()).unwrap();
    let freed: Vec<ClaimKey> = change
        .unwrap()
        .releases
        .into_iter()
        .map(|one| one.key)
        .collect();
    assert_eq!(freed, [Order::live_session(order.id)]);
    let (_, next) = ask(
        &desk,
        &order,
        Flow::Session,
        Some(snapshot(&cancelled, None)),
    )
    .unwrap();
    assert_ne!(next.id, session.id);
}

#[test]
fn a_paid_order_has_no_further_session() {
    let desk = Desk::new();
    let order = order(&desk);
    let session = opened(&desk, &order);
    let (paid, _) = desk.answer(desk.start(session, Method::Card), succeeded());
    // Whichever of the two says so.
    let by_session = ask(&desk, &order, Flow::Session, Some(snapshot(&paid, None)));
    assert_eq!(by_session, Err(ShopRefusal::OrderPaid.into()));
    let settled = order.paid_by(paid.id, desk.now);
    let by_order = ask(&desk, &settled, Flow::Session, None);
    assert_eq!(by_order, Err(ShopRefusal::OrderPaid.into()));
}

#[test]
fn the_accounts_settings_and_the_tax_are_the_sessions() {
    let mut desk = Desk::new();
    let order = order(&desk);
    let snapshot = Snapshot {
        settings: Some(AccountSettings {
            account: order.account,
            tenant: desk.tenant,
            version: 1,
            identifier: None,
            success_url: Some("https://shop.example/thanks".into()),
            cancel_url: Some("https://shop.example/basket".into()),
            session_timeout: Some(Span::minutes(15)),
            updated_at: desk.now,
        }),
        order: order.clone(),
        holder: None,
        accounts: desk.accounts(),
        tax: dollars(350),
    };
    let asked = OpenOrderSession {
        automatic_tax: true,
        device: Some("{\"os\":\"x\"}".into()),
        ..asking(Flow::Session)
    };
    let (_, session) = decide(asked.clone(), snapshot.clone(), desk.env()).unwrap();
    let terms = &session.terms;
    assert_eq!(
        terms.success_url.as_deref(),
        Some("https://shop.example/thanks")
    );
    assert_eq!(
        terms.cancel_url.as_deref(),
        Some("https://shop.example/basket")
    );
    assert_eq!(terms.amount, Amount::Fixed(dollars(3_850)));
    assert_eq!(terms.line_items.last().unwrap().amount, dollars(350));
    let ordered = session.ordered.clone().unwrap();
    assert!(ordered.automatic_tax);
    assert_eq!(ordered.device.as_deref(), Some("{\"os\":\"x\"}"));
    desk.pass(Span::minutes(15));
    assert_eq!(session.state_at(desk.now).name(), StateName::Expired);

    let too_much = Snapshot {
        tax: dollars(MAX_MINOR),
        ..snapshot
    };
    let refused = decide(asked, too_much, desk.env()).unwrap_err();
    assert!(
        matches!(refused, Refusal::InvalidAmount { .. }),
        "{refused:?}"
    );
}
