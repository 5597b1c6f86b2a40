//! Accounts that one node makes while another has older ones in hand.

use std::sync::Arc;

use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::configure_accounts::NewAccount;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::{Engine, EngineError};
use paydesk_core::id::ProviderAccountId;
use paydesk_core::merchant::Provider;
use paydesk_core::method::Method;
use paydesk_core::session::{Amount, Door, Kind, Session};
use paydesk_core::store::{Change, Record, Store as _};
use paydesk_core::transaction::{Status, Transaction};

use super::desk::{Desk, cents, paying};
use super::rail::Behaviour;
use super::stored_cards::kept_card;

/// An account that `maker` makes when the desk's own engine has just read all others.
async fn made_elsewhere(desk: &Desk, maker: &Engine) -> ProviderAccountId {
    desk.engine.provider_accounts(desk.tenant).await.unwrap();
    let new = NewAccount {
        provider: Provider::Sandbox,
        name: "Another".into(),
        methods: Vec::new(),
        receives: Vec::new(),
        enabled: true,
    };
    let made = maker.create_provider_account(desk.tenant, new, None).await;
    made.unwrap().id
}

async fn open(
    engine: &Engine,
    desk: &Desk,
    account: ProviderAccountId,
) -> Result<Session, EngineError> {
    let mut request = OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(3_500)));
    request.provider_account = Some(account);
    engine.open_session(desk.tenant, request, None).await
}

async fn pay(engine: &Arc<Engine>, session: &Session) -> Result<Transaction, EngineError> {
    let paying = paying(Method::Card);
    let paid = engine.start_payment(session.tenant, session.id, paying);
    Ok(paid.await?.1)
}

fn succeeded(transaction: Result<Transaction, EngineError>) -> Transaction {
    let transaction = transaction.unwrap();
    assert!(matches!(transaction.status, Status::Succeeded { .. }));
    transaction
}

#[tokio::test]
async fn a_session_is_opened_on_an_account_that_another_node_just_made() {
    let desk = Desk::new().await;
    let account = made_elsewhere(&desk, &desk.another(true)).await;
    let session = open(&desk.engine, &desk, account).await.unwrap();
    assert_eq!(session.terms.provider_account, account);
}

#[tokio::test]
async fn a_session_of_an_account_that_another_node_just_made_is_paid() {
    let desk = Desk::new().await;
    let elsewhere = desk.another(true);
    let account = made_elsewhere(&desk, &elsewhere).await;
    let session = open(&elsewhere, &desk, account).await.unwrap();
    succeeded(pay(&desk.engine, &session).await);
}

#[tokio::test]
async fn a_payment_on_an_account_that_another_node_just_made_is_refunded() {
    let desk = Desk::new().await;
    let elsewhere = desk.another(true);
    let account = made_elsewhere(&desk, &elsewhere).await;
    let session = open(&elsewhere, &desk, account).await.unwrap();
    let paid = succeeded(pay(&elsewhere, &session).await);
    let refund = Operate::Refund(None);
    let refund = desk.engine.operate(desk.tenant, paid.id, refund, None);
    succeeded(refund.await);
}

#[tokio::test]
async fn a_card_that_an_account_which_another_node_just_made_keeps_is_charged() {
    let desk = Desk::new().await;
    let mut card = kept_card(&desk).await;
    let account = made_elsewhere(&desk, &desk.another(true)).await;
    (card.version, card.provider_account) = (card.version + 1, account);
    let mut change = Change::new(desk.tenant);
    change.puts.push(Record::PaymentMethod(card.clone()));
    desk.store.commit(change).await.unwrap();
    let charge = ChargePaymentMethod {
        payment_method: card.id,
        amount: cents(900),
        reference: None,
    };
    let charged = desk.engine.charge_payment_method(desk.tenant, charge, None);
    succeeded(charged.await);
}

#[tokio::test]
async fn an_outcome_is_asked_of_an_account_that_another_node_just_made() {
    let desk = Desk::new().await;
    let elsewhere = desk.another(true);
    let account = made_elsewhere(&desk, &elsewhere).await;
    let session = open(&elsewhere, &desk, account).await.unwrap();
    desk.rail.behave(Behaviour::LosesTheAnswer);
    let unknown = pay(&elsewhere, &session).await.unwrap();
    assert!(matches!(unknown.status, Status::Unknown { .. }));
    succeeded(desk.engine.sync(desk.tenant, unknown.id).await);
}
