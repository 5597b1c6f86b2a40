//! Stored cards: whose they are, and that none is charged once it is let go.

use std::sync::Arc;

use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::start_payment::StartPayment;
use paydesk_core::id::PaymentMethodId;
use paydesk_core::method::Method;
use paydesk_core::payment_method::{PaymentMethod, StoredCard};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Amount, CustomerDetails, Door, Kind, Session};
use paydesk_core::store::{Change, Record, Store as _};
use paydesk_core::transaction::Status;

use super::desk::{Desk, cents, refusal};

/// A card of a customer's, kept by the rail.
pub async fn kept_card(desk: &Desk) -> PaymentMethod {
    let (_, paid) = desk.paid().await;
    let now = desk.engine.wall();
    let stored = PaymentMethod {
        id: PaymentMethodId::fresh(&paydesk_core::id::SystemIds, now),
        tenant: desk.tenant,
        version: 1,
        customer: Some("customer 1".into()),
        provider_account: paid.provider_account,
        card: StoredCard {
            token: "tok_1".into(),
            brand: "visa".into(),
            last_four: "4242".into(),
            exp_month: 12,
            exp_year: 2040,
        },
        stored_by: paid.id,
        detached_at: None,
        created_at: now,
        updated_at: now,
    };
    let mut change = Change::new(desk.tenant);
    change.puts.push(Record::PaymentMethod(stored.clone()));
    desk.store.commit(change).await.unwrap();
    stored
}

async fn session_of(desk: &Desk, customer: Option<&str>) -> Session {
    let mut request = OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(3_500)));
    request.customer = customer.map(|code| CustomerDetails {
        code: Some(code.into()),
        ..CustomerDetails::default()
    });
    let opened = desk.engine.open_session(desk.tenant, request, None).await;
    opened.unwrap()
}

fn with_saved(saved: &PaymentMethod) -> StartPayment {
    StartPayment {
        card: None,
        saved: Some(saved.clone()),
        ..super::desk::paying(Method::Card)
    }
}

#[tokio::test]
async fn a_stored_card_pays_in_its_own_customers_sessions_only_whoever_asks() {
    let desk = Desk::new().await;
    let saved = kept_card(&desk).await;
    let strays = [
        PaymentMethod {
            customer: None,
            ..saved.clone()
        },
        saved.clone(),
    ];
    for (card, customer) in [
        (&strays[0], None),
        (&strays[0], Some("customer 1")),
        (&strays[1], None),
        (&strays[1], Some("customer 2")),
    ] {
        let session = session_of(&desk, customer).await;
        let start = with_saved(card);
        let refused = desk.engine.start_payment(desk.tenant, session.id, start);
        assert_eq!(refusal(refused.await), Refusal::PaymentMethodNotFound);
    }
    let session = session_of(&desk, Some("customer 1")).await;
    let start = with_saved(&saved);
    let paid = desk.engine.start_payment(desk.tenant, session.id, start);
    assert!(matches!(
        paid.await.unwrap().1.status,
        Status::Succeeded { .. }
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_charge_of_a_card_goes_through_after_it_was_detached() {
    let desk = Desk::new().await;
    let (mut through, mut refused) = (0, 0);
    for round in 0..120 {
        let saved = kept_card(&desk).await;
        let session = session_of(&desk, Some("customer 1")).await;
        let together = Arc::new(tokio::sync::Barrier::new(3));
        let (engine, gate, card) = (
            Arc::clone(&desk.engine),
            Arc::clone(&together),
            saved.clone(),
        );
        let tenant = desk.tenant;
        let in_session = tokio::spawn(async move {
            gate.wait().await;
            // As it was read before, by whoever asks.
            engine
                .start_payment(tenant, session.id, with_saved(&card))
                .await
                .map(|_| ())
        });
        let (engine, gate, id) = (Arc::clone(&desk.engine), Arc::clone(&together), saved.id);
        let alone = tokio::spawn(async move {
            gate.wait().await;
            let request = ChargePaymentMethod {
                payment_method: id,
                amount: cents(900),
                reference: Some(format!("order {round}")),
            };
            engine
                .charge_payment_method(tenant, request, None)
                .await
                .map(|_| ())
        });
        together.wait().await;
        desk.engine
            .detach_payment_method(tenant, saved.id, None)
            .await
            .unwrap();
        let mut charges = 0;
        for outcome in [in_session.await.unwrap(), alone.await.unwrap()] {
            match outcome {
                Ok(()) => charges += 1,
                refused => assert_eq!(refusal(refused), Refusal::PaymentMethodNotFound),
            }
        }
        let card = desk
            .store
            .payment_method(tenant, saved.id)
            .await
            .unwrap()
            .unwrap();
        assert!(
            card.detached_at.is_some(),
            "no charge takes the detachment back"
        );
        assert_eq!(
            card.version,
            2 + charges,
            "each charge was seen by the detachment, or saw it"
        );
        through += charges;
        refused += 2 - charges;
    }
    assert!(
        through > 0 && refused > 0,
        "{through} went through, {refused} came too late"
    );
}
