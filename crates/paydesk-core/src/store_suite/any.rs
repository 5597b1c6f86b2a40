//! Records, filters and pages drawn by chance, from so few values that they often meet.

use std::sync::Arc;

use super::samples::{Chance, Samples};
use crate::id::{PaymentMethodId, ProviderAccountId, TransactionId};
use crate::list::{By, Listed, Order, Page, Place, SessionFilter, Within};
use crate::method::Method;
use crate::money::{Currency, Money};
use crate::session::{Amount, Canceller, CustomerDetails, Kind, Session, State, StateName, Terms};
use crate::tenant::{Mode, Tenant};
use crate::time::{Span, Timestamp};
use crate::transaction::{Action, DeclineReason, FailureReason, Hold, Status, Transaction};

pub const STATES: [StateName; 6] = [
    StateName::Created,
    StateName::Initiated,
    StateName::Processing,
    StateName::Completed,
    StateName::Cancelled,
    StateName::Expired,
];
pub const ACTIONS: [Action; 6] = [
    Action::Payment,
    Action::Authorization,
    Action::Settle,
    Action::Void,
    Action::Refund,
    Action::AddPaymentMethod,
];
pub const METHODS: [Method; 3] = [Method::Card, Method::PayNow, Method::Toss];
pub const KINDS: [Kind; 3] = [Kind::Payment, Kind::Authorization, Kind::AddPaymentMethod];

pub fn currency(chance: &Chance) -> Currency {
    let code: &&str = chance.pick(&["SGD", "JPY", "KWD"]);
    Currency::from_code(code).unwrap()
}

pub fn name(chance: &Chance, what: &str) -> Option<String> {
    (chance.one_in(2)).then(|| format!("{what}-{}", chance.below(3)))
}

/// A session that differs from others in everything that a filter can ask for.
pub fn any_session(samples: &Samples, chance: &Chance, tenant: Tenant) -> Session {
    let lifetime = chance.one_in(3).then(|| Span::hours(1 + chance.below(3)));
    let mut session = samples.session_with(tenant, lifetime);
    let currency = currency(chance);
    let money = Money::from_minor(i64::from(chance.below(5)) * 100, currency).unwrap();
    session.terms = Arc::new(Terms {
        kind: *chance.pick(&KINDS),
        amount: *chance.pick(&[
            Amount::Fixed(money),
            Amount::AtLeast(money),
            Amount::Nothing(currency),
        ]),
        methods: chance.some(&[Method::Card, Method::PayNow, Method::Toss]),
        provider_account: ProviderAccountId(uuid::Uuid::from_u128(chance.below(2).into())),
        reference: name(chance, "reference"),
        owner: name(chance, "owner"),
        order: name(chance, "order"),
        customer: Some(CustomerDetails {
            code: name(chance, "customer"),
            ..CustomerDetails::default()
        }),
        ..(*session.terms).clone()
    });
    let at = session.created_at;
    let transaction = TransactionId(samples.uuid());
    let by = Canceller::Merchant;
    session.state = match chance.below(8) {
        0 | 1 => session.state,
        2 => session.initiated_at(at),
        3 => State::Processing {
            since: at,
            transaction,
            lapses_at: Some(at.after(Span::minutes(chance.below(90)))),
        },
        4 => State::Processing {
            since: at,
            transaction,
            lapses_at: None,
        },
        5 => State::Completed {
            at,
            transaction,
            payment_method: any_card(chance),
        },
        6 => State::Cancelled { at, by },
        _ => State::Expired { at },
    };
    session.updated_at = at.after(Span::minutes(chance.below(4)));
    session
}

/// Another merchant, and the same in live mode.
pub fn others(samples: &Samples, tenant: Tenant) -> [Tenant; 2] {
    let mode = Mode::Live;
    [samples.tenant(), Tenant { mode, ..tenant }]
}

pub fn any_account(chance: &Chance) -> ProviderAccountId {
    ProviderAccountId(uuid::Uuid::from_u128(chance.below(3).into()))
}

pub fn some_accounts(chance: &Chance) -> Vec<ProviderAccountId> {
    (0..chance.below(3)).map(|_| any_account(chance)).collect()
}

/// One of a few cards, or none.
pub fn any_card(chance: &Chance) -> Option<PaymentMethodId> {
    (!chance.one_in(3)).then(|| PaymentMethodId(uuid::Uuid::from_u128(chance.below(3).into())))
}

pub fn any_order(chance: &Chance) -> Order {
    Order {
        by: *chance.pick(&[By::Created, By::Created, By::Updated, By::Amount]),
        descending: chance.one_in(2),
    }
}

pub fn any_page<T: Listed>(chance: &Chance, records: &[T]) -> Page {
    let order = any_order(chance);
    let mark = chance.pick(records).mark(order.by);
    Page {
        order,
        place: *chance.pick(&[
            Place::First,
            Place::Last,
            Place::After(mark),
            Place::Before(mark),
        ]),
        skip: *chance.pick(&[0, 0, 1, 7]),
        limit: *chance.pick(&[0, 1, 5, 1_000]),
    }
}

pub fn any_bounds<T>(chance: &Chance, bound: impl Fn(&Chance) -> T) -> Within<T> {
    if chance.one_in(2) {
        return Within::ANY;
    }
    Within {
        least: chance.one_in(2).then(|| bound(chance)),
        most: chance.one_in(2).then(|| bound(chance)),
    }
}

pub fn any_moment(chance: &Chance) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000).after(Span::minutes(chance.below(200)))
}

pub fn any_session_filter(chance: &Chance, all: &[Session]) -> SessionFilter {
    let rarely = |n| chance.one_in(n);
    let created = any_bounds(chance, |chance| chance.pick(all).created_at);
    SessionFilter {
        states: chance.some(&STATES),
        kind: rarely(4).then(|| *chance.pick(&KINDS)),
        currency: rarely(4).then(|| currency(chance)),
        method: rarely(4).then(|| *chance.pick(Method::ALL)),
        provider_account: rarely(6)
            .then(|| ProviderAccountId(uuid::Uuid::from_u128(chance.below(3).into()))),
        amount: any_bounds(chance, |chance| i64::from(chance.below(500))),
        created: if rarely(4) { created } else { Within::ANY },
        reference: rarely(8).then(|| "reference-1".to_owned()),
        customer: rarely(8).then(|| "customer-1".to_owned()),
        owner: rarely(8).then(|| "owner-1".to_owned()),
        order: rarely(8).then(|| "order-1".to_owned()),
        payment_method: if rarely(8) { any_card(chance) } else { None },
        ids: rarely(8).then(|| (0..9).map(|_| chance.pick(all).id).collect()),
        ..SessionFilter::at(any_moment(chance))
    }
}

/// A transaction that differs from others in everything that a filter can ask for.
pub fn any_transaction(samples: &Samples, chance: &Chance, sessions: &[Session]) -> Transaction {
    let session = chance.pick(sessions);
    let mut it = samples.transaction(session);
    // A session's first one has an id that was drawn when the session was opened.
    if chance.one_in(3) {
        it.created_at = it.created_at.after(Span::hours(chance.below(30 * 24)));
    }
    let at = it.created_at;
    it.action = *chance.pick(&ACTIONS);
    if chance.one_in(5) {
        it.session = None;
    }
    it.amount = Money::from_minor(i64::from(chance.below(5)) * 100, currency(chance)).unwrap();
    it.method = *chance.pick(&METHODS);
    it.provider_account = any_account(chance);
    it.parent = chance
        .one_in(3)
        .then(|| TransactionId(uuid::Uuid::from_u128(chance.below(3).into())));
    it.payment_method = any_card(chance);
    // Some was given back, or taken of what was held; of the latter, some was released.
    it.done = i64::from(chance.below(2));
    it.hold = chance
        .one_in(3)
        .then(|| *chance.pick(&[Hold::Voided, Hold::Settled]));
    it.customer = name(chance, "customer");
    it.reference = (chance.one_in(3)).then(|| format!("reference-{}", chance.below(3)));
    it.provider_reference = name(chance, "rail");
    it.updated_at = at.after(Span::minutes(chance.below(4)));
    let waiting = |ask_at| Status::AwaitingPayer {
        redirect_url: None,
        expires_at: at.after(Span::minutes(chance.below(200))),
        ask_at,
    };
    it.status = match chance.below(10) {
        0 => it.status,
        1 | 2 => waiting(None),
        3 => waiting(Some(at)),
        4 => Status::Unknown {
            since: at,
            asked: 1,
            ask_at: at,
        },
        5 => Status::Declined {
            at,
            reason: DeclineReason::Declined,
        },
        6 => Status::Failed {
            at,
            reason: FailureReason::ProcessingError,
        },
        7 => chance
            .pick(&[Status::Expired { at }, Status::Cancelled { at }])
            .clone(),
        8 => Status::Received { at },
        _ => Status::Succeeded { at },
    };
    it
}
