use super::super::fixtures::*;
use super::*;
use crate::event::EventKind;
use crate::money::AmountError;
use crate::session::LineItem;
use crate::store::Record;
use crate::tenant::Mode;
use crate::time::Span;

struct Scene {
    desk: Desk,
    request: OpenSession,
    accounts: Vec<ProviderAccount>,
    holder: Option<ReferenceHolder>,
}

fn sound() -> Scene {
    let desk = Desk::new();
    let account = desk.account.clone();
    let mut second = account.clone();
    second.id = ProviderAccountId::fresh(&desk.ids, START);
    Scene {
        request: OpenSession {
            provider_account: Some(account.id),
            methods: vec![Method::PayNow, Method::Card],
            reference: Some("order 7".into()),
            ..request()
        },
        accounts: vec![account, second],
        desk,
        holder: None,
    }
}

fn decided(scene: &Scene) -> Result<(Change, Session), Refusal> {
    let snapshot = Snapshot {
        tenant: scene.desk.tenant,
        accounts: scene.accounts.clone().into(),
        holder: scene.holder.clone(),
    };
    decide(scene.request.clone(), snapshot, scene.desk.env())
}

#[test]
fn it_refuses_in_its_documented_order() {
    let sgd = currency("SGD");
    assert_ladder(
        sound,
        &[
            (
                |scene| scene.request.amount = Amount::Fixed(cents(0)),
                Refusal::InvalidAmount {
                    field: "amount".into(),
                    error: AmountError::Zero,
                },
            ),
            (
                |scene| scene.request.reference = Some(" ".into()),
                Refusal::field("reference", "is empty; leave it out instead"),
            ),
            (
                |scene| scene.request.lifetime = Some(Span::seconds(59)),
                Refusal::field(
                    "expiresIn",
                    "is not between 60 seconds and 30 days (2592000)",
                ),
            ),
            (
                |scene| {
                    let unknown = ProviderAccountId(uuid::Uuid::nil());
                    scene.request.provider_account = Some(unknown);
                },
                Refusal::ProviderAccountNotFound,
            ),
            (
                |scene| {
                    scene.accounts[0].enabled = false;
                    scene.request.provider_account = Some(scene.accounts[0].id);
                },
                Refusal::ProviderAccountDisabled,
            ),
            (
                |scene| {
                    scene.accounts.iter_mut().for_each(|one| one.enabled = true);
                    scene.request.provider_account = None;
                },
                Refusal::ProviderAccountAmbiguous,
            ),
            (
                |scene| {
                    scene
                        .accounts
                        .iter_mut()
                        .for_each(|one| one.enabled = false);
                    scene.request.provider_account = None;
                },
                Refusal::NoProviderAccount,
            ),
            (
                |scene| scene.request.methods = vec![Method::PromptPay],
                Refusal::MethodCannotSettle {
                    method: Method::PromptPay,
                    currency: sgd,
                },
            ),
            (
                |scene| {
                    scene.request.kind = Kind::Authorization;
                    scene.request.methods = vec![Method::PayNow];
                    scene.accounts[0].methods = Method::ALL.to_vec();
                },
                Refusal::CardsOnly,
            ),
            (
                |scene| {
                    scene.request.methods = Vec::new();
                    scene.accounts[0].methods = vec![Method::PromptPay];
                },
                Refusal::NoMethodSettles { currency: sgd },
            ),
            (
                |scene| {
                    let charge = TransactionId(uuid::Uuid::nil());
                    scene.holder = Some(ReferenceHolder::Charge(charge));
                },
                Refusal::ReferenceTaken { session: None },
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn every_field_that_is_wrong_in_itself_is_named() {
    type Spoil = fn(&mut OpenSession);
    fn long(characters: usize) -> String {
        "é".repeat(characters)
    }
    fn question(name: &str) -> CustomField {
        CustomField {
            name: name.into(),
            label: "Seat".into(),
            required: false,
        }
    }
    fn item(name: &str, amount: crate::money::Money) -> LineItem {
        LineItem {
            id: None,
            name: name.into(),
            quantity: 1,
            amount,
        }
    }
    fn notify(url: &str) -> Notify {
        Notify {
            url: url.into(),
            format: crate::session::NotifyFormat::Event,
        }
    }
    let faults: Vec<(&str, Spoil)> = vec![
        ("reference", |r| r.reference = Some(long(256))),
        ("title", |r| r.title = Some(long(501))),
        ("title", |r| r.title = Some("a\0b".into())),
        ("description", |r| r.description = Some(long(5_001))),
        ("locale", |r| r.locale = Some(String::new())),
        ("successUrl", |r| {
            r.success_url = Some("shop.example".into());
        }),
        ("successUrl", |r| {
            r.success_url = Some("javascript:alert(1)".into());
        }),
        ("cancelUrl", |r| {
            r.cancel_url = Some(format!("https://a.example/{}", "x".repeat(2_048)));
        }),
        ("notifyUrl", |r| {
            r.notify = Some(notify("ftp://shop.example"));
        }),
        ("notifyPayload", |r| r.notify_payload = Some(long(2_501))),
        ("lineItems", |r| {
            r.line_items = vec![item("Tea", cents(1)); 201];
        }),
        ("lineItems[0].name", |r| {
            r.line_items = vec![item("", cents(1))];
        }),
        ("lineItems[1].amount", |r| {
            let yen = crate::money::Money::zero(currency("JPY"));
            r.line_items = vec![item("Tea", cents(1)), item("Cake", yen)];
        }),
        ("customer.code", |r| {
            r.customer = Some(CustomerDetails {
                code: Some(String::new()),
                ..Default::default()
            });
        }),
        ("customer.email", |r| {
            r.customer = Some(CustomerDetails {
                email: Some(long(501)),
                ..Default::default()
            });
        }),
        ("customFields", |r| {
            r.custom_fields = vec![question("a"); 21];
        }),
        ("customFields[1].name", |r| {
            r.custom_fields = vec![question("a"), question("a")];
        }),
        ("metadata", |r| {
            let entries: Vec<_> = (0..5_001).map(|n| format!("\"{n}\":{n}")).collect();
            r.metadata = serde_json::from_str(&format!("{{{}}}", entries.join(","))).unwrap();
        }),
        ("expiresIn", |r| r.lifetime = Some(Span::days(31))),
        ("amount", |r| r.amount = Amount::Nothing(currency("SGD"))),
        ("amount", |r| r.kind = Kind::AddPaymentMethod),
    ];
    for (index, (name, fault)) in faults.into_iter().enumerate() {
        let mut scene = sound();
        fault(&mut scene.request);
        match decided(&scene) {
            Err(Refusal::InvalidField { field, .. }) => assert_eq!(field, name, "fault {index}"),
            other => panic!("fault {index}, {name}: {other:?}"),
        }
    }
}

#[test]
fn a_text_at_its_limit_is_taken_however_many_bytes_it_has() {
    let mut scene = sound();
    scene.request.title = Some("é".repeat(500));
    scene.request.lifetime = Some(Span::days(30));
    assert!(decided(&scene).is_ok());
}

#[test]
fn plain_http_is_for_test_mode_and_for_this_machine() {
    for (mode, url, taken) in [
        (Mode::Test, "http://shop.example/done", true),
        (Mode::Live, "http://shop.example/done", false),
        (Mode::Live, "https://shop.example/done", true),
        (Mode::Live, "http://localhost:3000/", true),
        (Mode::Live, "http://127.0.0.1/", true),
        (Mode::Live, "http://[::1]/", true),
        (Mode::Live, "http://localhost.example/", false),
    ] {
        let desk = Desk::in_mode(mode);
        let request = OpenSession {
            success_url: Some(url.into()),
            ..request()
        };
        let snapshot = Snapshot {
            tenant: desk.tenant,
            accounts: desk.accounts(),
            holder: None,
        };
        let decided = decide(request, snapshot, desk.env());
        assert_eq!(decided.is_ok(), taken, "{url} in {mode}: {decided:?}");
    }
}

#[test]
fn a_session_is_told_of_and_counted_once_and_takes_its_reference() {
    let (change, session) = decided(&sound()).unwrap();
    assert_eq!(told(&change), [EventKind::SessionCreated]);
    assert_eq!((session.version, session.events), (1, 1));
    assert_eq!(change.puts, [Record::Session(session.clone())]);
    assert_eq!(change.increments.len(), 1);
    let [claim] = &change.claims[..] else {
        panic!("one claim: {:?}", change.claims)
    };
    assert_eq!(claim.key, ClaimKey::Reference("order 7".into()));
    assert_eq!(claim.owner, session.id.0);
}

#[test]
fn it_waits_seven_days_or_as_long_as_the_merchant_says() {
    for (lifetime, waits) in [
        (None, Span::days(7)),
        (Some(Span::minutes(5)), Span::minutes(5)),
        (Some(Span::days(30)), Span::days(30)),
    ] {
        let mut scene = sound();
        scene.request.lifetime = lifetime;
        let session = decided(&scene).unwrap().1;
        let expires_at = START.after(waits);
        assert_eq!(session.state, State::Created { expires_at });
    }
}

#[test]
fn methods_are_those_asked_for_once_each_or_all_that_settle() {
    let mut scene = sound();
    scene.request.methods = vec![Method::PayNow, Method::Card, Method::PayNow];
    let chosen = decided(&scene).unwrap().1;
    assert_eq!(chosen.terms.methods, [Method::PayNow, Method::Card]);
    scene.request.methods = Vec::new();
    let all = decided(&scene).unwrap().1;
    assert_eq!(all.terms.methods, [Method::Card, Method::PayNow]);
    scene.request.kind = Kind::Authorization;
    let cards = decided(&scene).unwrap().1;
    assert_eq!(cards.terms.methods, [Method::Card]);
}

#[test]
fn an_open_session_keeps_its_reference() {
    let mut scene = sound();
    let session = scene.desk.session();
    let taken = Refusal::ReferenceTaken {
        session: Some(session.id),
    };
    let holder = snapshot(&session, None);
    scene.holder = Some(ReferenceHolder::Session(Box::new(holder)));
    assert_eq!(decided(&scene).unwrap_err(), taken);
    // A paid one too: a second session under the same reference would be a second payment.
    let (paid, _) = scene.desk.paid();
    let taken = Refusal::ReferenceTaken {
        session: Some(paid.id),
    };
    scene.holder = Some(ReferenceHolder::Session(Box::new(snapshot(&paid, None))));
    assert_eq!(decided(&scene).unwrap_err(), taken);
}

#[test]
fn a_holder_whose_time_is_over_is_expired_in_the_same_change() {
    let mut scene = sound();
    let held = scene.desk.open(scene.request.clone());
    scene.desk.pass(Span::days(7));
    scene.holder = Some(ReferenceHolder::Session(Box::new(snapshot(&held, None))));
    let (change, opened) = decided(&scene).unwrap();
    assert_eq!(
        told(&change),
        [EventKind::SessionCreated, EventKind::SessionExpired]
    );
    let key = ClaimKey::Reference("order 7".into());
    let released: Vec<_> = change
        .releases
        .iter()
        .map(|one| (&one.key, one.owner))
        .collect();
    let claimed: Vec<_> = change
        .claims
        .iter()
        .map(|one| (&one.key, one.owner))
        .collect();
    assert_eq!(released, [(&key, held.id.0)]);
    assert_eq!(claimed, [(&key, opened.id.0)]);
    let ended = change.puts.iter().any(|record| {
        matches!(record, Record::Session(session)
            if session.id == held.id && session.state == State::Expired { at: scene.desk.now })
    });
    assert!(ended, "{:?}", change.puts);
}
