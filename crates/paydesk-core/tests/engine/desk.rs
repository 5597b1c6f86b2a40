//! One or more engines on one store and one rail.

use std::sync::Arc;

use paydesk_core::engine::idempotency::Idempotent;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::start_payment::StartPayment;
use paydesk_core::engine::{Engine, EngineError, Parts, Timing};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::method::{Family, Method};
use paydesk_core::money::{Currency, Money};
use paydesk_core::outgoing::Policy;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::{Rail, Transfer};
use paydesk_core::rates::Rates;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Amount, Door, Kind, Session};
use paydesk_core::store::{IdempotencyKey, Store, StoredAnswer};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::{ManualClock, Span, Timestamp};
use paydesk_core::transaction::Transaction;

use super::rail::ScriptedRail;
use super::turns::TakingTurns;

pub struct Desk {
    pub engine: Arc<Engine>,
    pub rail: Arc<ScriptedRail>,
    pub store: Arc<TakingTurns>,
    pub clock: Arc<ManualClock>,
    pub tenant: Tenant,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Timing::default()).await
    }

    /// One that gives a rail up soon that hangs, so that no test waits.
    pub async fn impatient() -> Self {
        Self::with(Timing {
            rail_timeout: Span::millis(50),
            ..Timing::default()
        })
        .await
    }

    async fn with(timing: Timing) -> Self {
        let store = Arc::new(TakingTurns::default());
        let rail = ScriptedRail::new();
        let clock = Arc::new(ManualClock::starting_at(Timestamp::from_millis(
            1_750_000_000_000,
        )));
        let engine = engine(&store, Some(&rail), &clock, timing);
        let made = engine.create_merchant("Tea House").await.unwrap();
        Self {
            engine,
            rail,
            store,
            clock,
            tenant: Tenant {
                merchant: made.merchant.id,
                mode: Mode::Test,
            },
        }
    }

    /// Another process on the same store, with the same rail or without one.
    pub fn another(&self, with_rail: bool) -> Arc<Engine> {
        let rail = with_rail.then_some(&self.rail);
        engine(&self.store, rail, &self.clock, Timing::default())
    }

    pub async fn open(&self, kind: Kind) -> Session {
        let request = OpenSession::new(Door::Native, kind, Amount::Fixed(cents(3_500)));
        let opened = self.engine.open_session(self.tenant, request, None).await;
        opened.unwrap()
    }

    pub async fn pay(
        &self,
        session: &Session,
        method: Method,
    ) -> Result<(Session, Transaction), EngineError> {
        let request = paying(method);
        self.engine
            .start_payment(self.tenant, session.id, request)
            .await
    }

    /// A session that is paid by card.
    pub async fn paid(&self) -> (Session, Transaction) {
        let session = self.open(Kind::Payment).await;
        self.pay(&session, Method::Card).await.unwrap()
    }

    pub async fn transaction(&self, one: &Transaction) -> Transaction {
        let found = self.store.transaction(self.tenant, one.id).await.unwrap();
        found.unwrap()
    }

    pub async fn session(&self, one: &Session) -> Session {
        let found = self.store.session(self.tenant, one.id).await.unwrap();
        found.unwrap()
    }
}

fn engine(
    store: &Arc<TakingTurns>,
    rail: Option<&Arc<ScriptedRail>>,
    clock: &Arc<ManualClock>,
    timing: Timing,
) -> Arc<Engine> {
    let ids = Arc::new(SystemIds);
    Arc::new(Engine::new(Parts {
        store: Arc::<TakingTurns>::clone(store),
        sandbox: rail.map(|rail| Arc::<ScriptedRail>::clone(rail) as Arc<dyn Rail>),
        bank: ScriptedRail::new(),
        clock: Arc::<ManualClock>::clone(clock),
        keys: Arc::new(ServerKeys::generate(ids.as_ref())),
        ids,
        timing,
        live_rates: Rates::default(),
        outgoing: Policy {
            allow_private: true,
        },
        public_url: "http://127.0.0.1:8420".into(),
    }))
}

pub fn cents(minor: i64) -> Money {
    Money::from_minor(minor, Currency::from_code("SGD").unwrap()).unwrap()
}

pub fn paying(method: Method) -> StartPayment {
    StartPayment {
        contact: None,
        method,
        amount: None,
        custom_field_values: Vec::new(),
        card: (method.family() == Family::Card).then(card),
        saved: None,
    }
}

pub fn card() -> Card {
    Card {
        number: "4242424242424242".into(),
        exp_month: 12,
        exp_year: 2040,
        cvc: "123".into(),
        name: None,
    }
}

pub fn transfer(target: &Transaction, id: &str, minor: i64) -> Transfer {
    let destination = target.destination.as_ref().unwrap();
    Transfer {
        id: id.into(),
        tenant: target.tenant,
        account: destination.account.clone(),
        amount: cents(minor),
        nonce: Some(destination.nonce.clone()),
        payment: Some(target.id),
        received_at: target.created_at,
    }
}

/// A request with this key and body, answered by the transaction's id.
pub fn idempotent(key: &str, body: u8) -> Idempotent<Transaction> {
    Idempotent {
        key: IdempotencyKey {
            scope: "key_1 refund".into(),
            key: key.into(),
        },
        body_hash: [body; 32],
        render: Arc::new(|transaction| StoredAnswer::Bytes {
            status: 201,
            body: format!("{} {}", transaction.id, transaction.status.name()),
        }),
    }
}

/// Why it was refused.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> Refusal {
    match answer {
        Err(EngineError::Refused(refusal)) => refusal,
        other => panic!("this should be refused: {other:?}"),
    }
}
