//! Searching: whatever is looked for, a store finds what [`Search`] says is found.

use std::sync::Arc;

use uuid::Uuid;

use super::samples::{Chance, Samples};
use super::{apply, puts};
use crate::list::{By, Listed as _, Order, Page, Place, SessionFilter, TransactionFilter};
use crate::search::Search;
use crate::session::{CustomerDetails, Kind, Phone, Session, State, StateName, Terms};
use crate::store::{Record, Store};
use crate::tenant::{Mode, Tenant};
use crate::transaction::{Action, Transaction};

/// Words of which some begin others, in many spellings.
const WORDS: [&str; 24] = [
    "bean",
    "beans",
    "Beanstalk",
    "be",
    "Größe",
    "groß",
    "GROSSE",
    "Zoë",
    "zoe@example.com",
    "zoete",
    "ORD-2024-17",
    "2024",
    "20",
    "17",
    "咖啡店",
    "咖啡",
    "ร้านกาแฟ",
    "กาแฟ",
    "Łódź",
    "lodz",
    "naïve",
    "Ｎａｉｖｅ",
    "İzmir",
    "émail",
];

/// What is looked for: words, their beginnings, parts of scripts without spaces, several at once, nonsense.
fn any_question(chance: &Chance) -> String {
    let part = || {
        let word: Vec<char> = chance.pick(&WORDS).chars().collect();
        let start = if word[0] > '\u{0E00}' {
            chance.below(2)
        } else {
            0
        };
        let rest = &word[start as usize..];
        let length = 1 + chance.below(u32::try_from(rest.len()).unwrap());
        rest[..length as usize].iter().collect::<String>()
    };
    match chance.below(12) {
        0 => "nowhere".to_owned(),
        1 => "- !".to_owned(),
        2..=7 => part(),
        8..=10 => format!("{}  {}", part(), part()),
        _ => format!("{} {} {}", part(), part(), part()),
    }
}

fn search(text: &str) -> Option<Search> {
    Search::parse(text).unwrap()
}

fn any_text(chance: &Chance) -> Option<String> {
    let words = (0..chance.below(4)).map(|_| *chance.pick(&WORDS));
    let text: Vec<_> = words.collect();
    (!text.is_empty()).then(|| text.join(" "))
}

fn any_session(samples: &Samples, chance: &Chance, tenant: Tenant) -> Session {
    let mut session = samples.session(tenant);
    session.terms = Arc::new(Terms {
        kind: *chance.pick(&[Kind::Payment, Kind::Authorization]),
        title: any_text(chance),
        description: any_text(chance),
        reference: chance.one_in(4).then(|| format!("R-{}", chance.below(40))),
        customer: chance.one_in(2).then(|| CustomerDetails {
            code: None,
            name: any_text(chance),
            email: chance.one_in(2).then(|| "zoe@example.com".to_owned()),
            phone: chance.one_in(2).then(|| Phone {
                code: "+65".to_owned(),
                number: format!("9123 {}", chance.below(3)),
            }),
        }),
        ..(*session.terms).clone()
    });
    if chance.one_in(3) {
        let at = session.created_at;
        session.state = State::Expired { at };
    }
    session
}

/// Commits many sessions, so that a store which indexes some of them later has some of each.
async fn many(
    store: &Arc<dyn Store>,
    samples: &Samples,
    chance: &Chance,
    tenant: Tenant,
) -> Vec<Session> {
    let mut all = Vec::new();
    for _ in 0..13 {
        let some: Vec<_> = (0..50)
            .map(|_| any_session(samples, chance, tenant))
            .collect();
        apply(
            store,
            puts(tenant, some.iter().cloned().map(Record::Session)),
        )
        .await;
        all.extend(some);
    }
    all
}

/// Looks for many things among these sessions, which are all that the tenant has.
pub async fn assert_found(store: &dyn Store, chance: &Chance, tenant: Tenant, all: &[Session]) {
    for _ in 0..250 {
        let question = match chance.below(8) {
            0 => chance.pick(all).id.to_string(),
            1 => format!("{} bean", chance.pick(all).id),
            2 => "6591230".to_owned(),
            _ => any_question(chance),
        };
        let filter = SessionFilter {
            search: search(&question),
            states: if chance.one_in(3) {
                vec![StateName::Expired]
            } else {
                vec![]
            },
            kind: chance.one_in(4).then_some(Kind::Authorization),
            ..SessionFilter::at(all[0].created_at)
        };
        let order = Order {
            by: *chance.pick(&[By::Created, By::Created, By::Updated, By::Amount]),
            descending: chance.one_in(2),
        };
        let mark = chance.pick(all).mark(order.by);
        let page = Page {
            order,
            place: *chance.pick(&[
                Place::First,
                Place::Last,
                Place::After(mark),
                Place::Before(mark),
            ]),
            skip: *chance.pick(&[0, 0, 3]),
            limit: *chance.pick(&[1, 10, 1_000]),
        };
        let shown: Vec<_> = all.iter().filter(|one| filter.shows(one)).collect();
        let total = store.count_sessions(tenant, &filter).await.unwrap();
        assert_eq!(total, shown.len() as u64, "{question:?} {filter:?}");
        let found = store.sessions(tenant, &filter, page).await.unwrap();
        let found: Vec<_> = found.iter().map(|one| one.id).collect();
        let expected: Vec<_> = page.cut(shown).iter().map(|one| one.id).collect();
        assert_eq!(found, expected, "{question:?} {filter:?} {page:?}");
    }
}

pub async fn any_search_finds_the_sessions_that_it_should(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    let all = many(&store, &samples, &chance, tenant).await;
    assert_found(&*store, &chance, tenant, &all).await;
}

pub async fn a_search_finds_nothing_of_another_merchant_or_mode(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let test = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..test
    };
    let tenants = [test, live, samples.tenant()];
    let mut all: Vec<Vec<Session>> = vec![Vec::new(); tenants.len()];
    for _ in 0..700 {
        // The same words for all of them.
        let terms = any_session(&samples, &chance, test).terms;
        for (tenant, own) in tenants.iter().zip(&mut all) {
            let session = Session {
                terms: Arc::clone(&terms),
                ..samples.session(*tenant)
            };
            // Each has its own number of them.
            if chance.one_in(2) {
                apply(&store, puts(*tenant, [Record::Session(session.clone())])).await;
                own.push(session);
            }
        }
    }
    for question in ["bean", "b", "zoe", "咖", "20", "R-1", "65"] {
        for (tenant, own) in tenants.iter().zip(&all) {
            let filter = SessionFilter {
                search: search(question),
                ..SessionFilter::at(own[0].created_at)
            };
            let shown: Vec<_> = own.iter().filter(|one| filter.shows(one)).collect();
            let total = store.count_sessions(*tenant, &filter).await.unwrap();
            assert_eq!(total, shown.len() as u64, "{question}");
            for by in [By::Created, By::Amount] {
                let order = Order {
                    by,
                    descending: true,
                };
                let page = Page::first(9_999).ordered(order);
                let found = store.sessions(*tenant, &filter, page).await.unwrap();
                let found: Vec<_> = found.iter().map(|one| one.id).collect();
                let expected: Vec<_> = page.cut(shown.clone()).iter().map(|one| one.id).collect();
                assert_eq!(found, expected, "{question}");
            }
        }
    }
    // Nor by its id.
    let mine = all[0][0].id;
    let filter = SessionFilter {
        search: search(&mine.to_string()),
        ..SessionFilter::at(all[0][0].created_at)
    };
    for (tenant, count) in tenants.into_iter().zip([1, 0, 0]) {
        assert_eq!(store.count_sessions(tenant, &filter).await.unwrap(), count);
        let found = store.sessions(tenant, &filter, Page::first(9)).await;
        assert_eq!(found.unwrap().len() as u64, count);
    }
}

pub async fn a_search_finds_a_transaction_by_its_session_or_its_id(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    let sessions = many(&store, &samples, &chance, tenant).await;
    let mut all: Vec<(Transaction, Option<&Session>)> = Vec::new();
    for session in sessions.iter().filter(|_| chance.one_in(2)) {
        let payment = samples.transaction(session);
        let refund = samples.refund(session, &payment);
        all.extend([(payment, Some(session)), (refund, Some(session))]);
    }
    let mut lone = samples.transaction(&sessions[0]);
    lone.session = None;
    all.push((lone.clone(), None));
    let records = all.iter().map(|(one, _)| Record::Transaction(one.clone()));
    apply(&store, puts(tenant, records)).await;
    let mut questions: Vec<String> = (0..60).map(|_| any_question(&chance)).collect();
    questions.push(lone.id.to_string());
    questions.push(sessions[0].id.to_string());
    questions.push(sessions[649].id.to_string());
    questions.extend((0..5).map(|_| chance.pick(&all).0.id.to_string()));
    questions.push(format!("{} bean", chance.pick(&all).0.id));
    for question in questions {
        let filter = TransactionFilter {
            search: search(&question),
            actions: chance.some(&[Action::Payment, Action::Refund]),
            ..TransactionFilter::at(samples.tick())
        };
        let shown: Vec<_> = all
            .iter()
            .filter(|(one, session)| filter.shows(one, *session))
            .map(|(one, _)| one)
            .collect();
        let mark = chance.pick(&all).0.mark(By::Created);
        for page in [
            Page::first(999),
            Page::first(3).skipping(2),
            Page::first(5).at(Place::After(mark)),
            Page::first(5)
                .at(Place::Before(mark))
                .ordered(Order::OLDEST),
        ] {
            let found = store.transactions(tenant, &filter, page).await.unwrap();
            let found: Vec<_> = found.iter().map(|one| one.id).collect();
            let expected: Vec<_> = page.cut(shown.clone()).iter().map(|one| one.id).collect();
            assert_eq!(found, expected, "{question:?} {page:?}");
        }
        let total = store.count_transactions(tenant, &filter).await.unwrap();
        assert_eq!(total, shown.len() as u64, "{question:?}");
    }
}

pub async fn a_cursor_of_a_search_need_not_be_there(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let older = samples.session(tenant);
    let gone = samples.uuid();
    let newer = samples.session(tenant);
    for session in [&older, &newer] {
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    }
    let filter = SessionFilter {
        search: search("beans"),
        ..SessionFilter::at(newer.created_at)
    };
    let mark = crate::list::Mark::of(gone);
    let first = crate::list::Mark::of(Uuid::nil());
    for (page, expected) in [
        (Page::first(9).at(Place::After(mark)), vec![&older]),
        (Page::first(9).at(Place::Before(mark)), vec![&newer]),
        (Page::first(9).at(Place::After(first)), vec![]),
        (
            Page::first(9).at(Place::Before(first)),
            vec![&newer, &older],
        ),
    ] {
        let found = store.sessions(tenant, &filter, page).await.unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{page:?}");
    }
}
