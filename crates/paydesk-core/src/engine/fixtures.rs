//! A desk to try decisions at: a tenant and its account, a time that passes only when told to, ids that repeat.

use std::sync::Arc;

use super::open_session::{self, OpenSession, Snapshot};
use super::operate::Operate;
use super::start_payment::{self, Intent, StartPayment};
use super::{Env, SessionSnapshot, Timing, operate, record_outcome, record_transfer};
use crate::bank_transfer::{BankTransfer, MatchedBy, Origin};
use crate::event::EventKind;
use crate::id::{
    BankTransferId, MerchantId, NodeId, PaymentMethodId, ProviderAccountId, SeededIds,
    TransactionId,
};
use crate::merchant::{Provider, ProviderAccount};
use crate::method::{Family, Method};
use crate::money::{Currency, Money};
use crate::outgoing::Policy;
use crate::payment_method::{Card, PaymentMethod, StoredCard};
use crate::rail::{RailAnswer, Receipt, Transfer, Waiting};
use crate::rates::Rates;
use crate::refusal::Refusal;
use crate::session::{Amount, Door, Kind, Session};
use crate::store::{Change, Record};
use crate::tenant::{Mode, Tenant};
use crate::time::{Span, Timestamp};
use crate::transaction::{Destination, Transaction};

/// When every test begins.
pub(super) const START: Timestamp = Timestamp::from_millis(1_750_000_000_000);

pub(super) struct Desk {
    pub(super) ids: SeededIds,
    pub(super) now: Timestamp,
    pub(super) tenant: Tenant,
    pub(super) account: ProviderAccount,
    /// None unless a test sets them.
    pub(super) rates: Rates,
    node: NodeId,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::in_mode(Mode::Test)
    }

    pub(super) fn in_mode(mode: Mode) -> Self {
        let ids = SeededIds::new(7);
        let tenant = Tenant {
            merchant: MerchantId::fresh(&ids, START),
            mode,
        };
        let account = ProviderAccount {
            id: ProviderAccountId::fresh(&ids, START),
            tenant,
            version: 1,
            provider: Provider::Sandbox,
            name: "Sandbox".into(),
            enabled: true,
            is_default: false,
            methods: Method::ALL.to_vec(),
            receives: Vec::new(),
            created_at: START,
            updated_at: START,
        };
        let node = NodeId::fresh(&ids, START);
        Self {
            ids,
            now: START,
            tenant,
            account,
            rates: Rates::default(),
            node,
        }
    }

    pub(super) fn env(&self) -> Env<'_> {
        Env {
            now: self.now,
            wall: self.now,
            key: 1,
            ids: &self.ids,
            node: self.node,
            timing: Timing::default(),
            rates: &self.rates,
            outgoing: Policy::default(),
        }
    }

    pub(super) fn pass(&mut self, span: Span) {
        self.now = self.now.after(span);
    }

    pub(super) fn accounts(&self) -> Arc<[ProviderAccount]> {
        [self.account.clone()].into()
    }

    pub(super) fn open(&self, request: OpenSession) -> Session {
        let snapshot = Snapshot {
            tenant: self.tenant,
            accounts: self.accounts(),
            holder: None,
        };
        open_session::decide(request, snapshot, self.env())
            .unwrap()
            .1
    }

    /// An open session that asks for 35 dollars.
    pub(super) fn session(&self) -> Session {
        self.open(request())
    }

    pub(super) fn try_start(
        &self,
        snapshot: SessionSnapshot,
        request: StartPayment,
    ) -> Result<(Option<Change>, Intent), Refusal> {
        start_payment::decide(request, snapshot, &self.account, self.env())
    }

    /// The same session with a payment in flight.
    pub(super) fn start(&self, session: Session, method: Method) -> (Session, Transaction) {
        let snapshot = SessionSnapshot {
            session,
            live: None,
        };
        match self.try_start(snapshot, paying(method)).unwrap().1 {
            Intent::Call {
                session,
                transaction,
                ..
            } => (session, *transaction),
            Intent::Waiting { .. } => panic!("a payment waits already"),
        }
    }

    pub(super) fn answer(
        &self,
        (session, transaction): (Session, Transaction),
        answer: RailAnswer,
    ) -> (Session, Transaction) {
        let (_, transaction, session) = self.try_answer(session, transaction, None, answer);
        (session.unwrap(), transaction)
    }

    pub(super) fn try_answer(
        &self,
        session: Session,
        transaction: Transaction,
        parent: Option<Transaction>,
        answer: RailAnswer,
    ) -> (Option<Change>, Transaction, Option<Session>) {
        let snapshot = record_outcome::Snapshot {
            transaction,
            parent,
            session: Some(session),
        };
        record_outcome::decide(answer, snapshot, self.env())
    }

    /// A session whose payment of this method is in flight.
    pub(super) fn in_flight(&self, method: Method) -> (Session, Transaction) {
        self.start(self.session(), method)
    }

    /// A session whose payer is to push 35 dollars.
    pub(super) fn waiting(&self) -> (Session, Transaction) {
        self.answer(self.in_flight(Method::PayNow), to_be_pushed())
    }

    /// A session whose `PayNow` payment ran out of time, and that itself is not over.
    pub(super) fn run_out(&mut self) -> (Session, Transaction) {
        let waiting = self.waiting();
        self.pass(Span::hours(1));
        let snapshot = snapshot(&waiting.0, Some(&waiting.1));
        let (_, snapshot) = super::Draft::new(snapshot, self.env()).finish();
        (snapshot.session, snapshot.live.unwrap())
    }

    /// A session that is paid by card.
    pub(super) fn paid(&self) -> (Session, Transaction) {
        self.answer(self.in_flight(Method::Card), succeeded())
    }

    /// A session whose card holds 35 dollars.
    pub(super) fn held(&self) -> (Session, Transaction) {
        let session = self.open(OpenSession {
            kind: Kind::Authorization,
            ..request()
        });
        self.answer(self.start(session, Method::Card), succeeded())
    }

    /// The session, the parent and the child of an operation in flight.
    pub(super) fn operate(
        &self,
        operate: Operate,
        (session, parent): (Session, Transaction),
    ) -> (Session, Transaction, Transaction) {
        let id = parent.id;
        let (change, child, session) =
            operate::decide(operate, parent, Some(session), None, self.env()).unwrap();
        (session.unwrap(), put(&change, id), child)
    }

    /// Money that a rail tells of, for this payment.
    pub(super) fn count(
        &self,
        money: &Transfer,
        target: Transaction,
        snapshot: SessionSnapshot,
    ) -> Result<(Change, Transaction), Refusal> {
        let told = self.told(money, Origin::Rail);
        record_transfer::decide(&told, MatchedBy::Reference, target, snapshot, self.env())
            .map(|(change, transaction, _)| (change, transaction))
    }

    pub(super) fn told(&self, money: &Transfer, origin: Origin) -> BankTransfer {
        let id = BankTransferId::fresh(&self.ids, self.now);
        BankTransfer::told(id, money, origin, self.now)
    }

    pub(super) fn stored_card(&self) -> PaymentMethod {
        PaymentMethod {
            id: PaymentMethodId::fresh(&self.ids, self.now),
            tenant: self.tenant,
            version: 1,
            customer: None,
            provider_account: self.account.id,
            card: card_on_file(),
            stored_by: TransactionId::fresh(&self.ids, self.now),
            detached_at: None,
            created_at: self.now,
            updated_at: self.now,
        }
    }
}

pub(super) fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

/// Singapore cents.
pub(super) fn cents(minor: i64) -> Money {
    Money::from_minor(minor, currency("SGD")).unwrap()
}

/// A request for 35 dollars.
pub(super) fn request() -> OpenSession {
    OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(3_500)))
}

/// A payer's request with this method, and with a card if it needs one.
pub(super) fn paying(method: Method) -> StartPayment {
    StartPayment {
        method,
        amount: None,
        custom_field_values: Vec::new(),
        contact: None,
        card: (method.family() == Family::Card).then(card),
        saved: None,
    }
}

pub(super) fn card() -> Card {
    Card {
        number: "4242424242424242".into(),
        exp_month: 12,
        exp_year: 2030,
        cvc: "123".into(),
        name: None,
    }
}

pub(super) fn card_on_file() -> StoredCard {
    StoredCard {
        token: "tok_1".into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        exp_month: 12,
        exp_year: 2030,
    }
}

pub(super) fn succeeded() -> RailAnswer {
    RailAnswer::Succeeded(Receipt::default())
}

pub(super) fn to_be_pushed() -> RailAnswer {
    RailAnswer::AwaitingPayer(Waiting {
        provider_reference: None,
        destination: Some(Destination {
            account: "+6585867834".into(),
            nonce: "ABCDEFGHIJ".into(),
            qr_code: None,
            account_name: "NA".into(),
            bank: String::new(),
        }),
        redirect_url: None,
    })
}

pub(super) fn to_be_confirmed() -> RailAnswer {
    RailAnswer::AwaitingPayer(Waiting {
        provider_reference: None,
        destination: None,
        redirect_url: Some("https://bank.example/confirm".into()),
    })
}

/// So much money for this payment, under this bank's id.
pub(super) fn transfer(target: &Transaction, id: &str, amount: Money) -> Transfer {
    let destination = target.destination.as_ref().unwrap();
    Transfer {
        id: id.into(),
        tenant: target.tenant,
        account: destination.account.clone(),
        amount,
        nonce: Some(destination.nonce.clone()),
        payment: Some(target.id),
        received_at: START,
    }
}

pub(super) fn snapshot(session: &Session, live: Option<&Transaction>) -> SessionSnapshot {
    SessionSnapshot {
        session: session.clone(),
        live: live.cloned(),
    }
}

/// What a change tells, in order.
pub(super) fn told(change: &Change) -> Vec<EventKind> {
    change.events.iter().map(|event| event.kind).collect()
}

/// The transaction as a change writes it.
pub(super) fn put(change: &Change, id: TransactionId) -> Transaction {
    let mut puts = change.puts.iter().filter_map(|record| match record {
        Record::Transaction(transaction) if transaction.id == id => Some(transaction.clone()),
        _ => None,
    });
    let found = puts.next().unwrap();
    assert_eq!(puts.next(), None, "a record is written once");
    found
}

/// A fault that a request or what it meets may have.
pub(super) type Fault<S> = (fn(&mut S), Refusal);

/// Without a fault a decision is made; each fault alone meets its refusal; and of any two, the one that is
/// listed first wins. A fault that overwrites what another did is applied last.
pub(super) fn assert_ladder<S>(
    sound: impl Fn() -> S,
    faults: &[Fault<S>],
    decide: impl Fn(S) -> Result<(), Refusal>,
) {
    assert_eq!(decide(sound()), Ok(()), "without a fault");
    for (rung, (fault, refusal)) in faults.iter().enumerate() {
        let mut scene = sound();
        fault(&mut scene);
        assert_eq!(decide(scene).as_ref(), Err(refusal), "rung {rung} alone");
        for (later, (other, _)) in faults.iter().enumerate().skip(rung + 1) {
            let mut scene = sound();
            other(&mut scene);
            fault(&mut scene);
            assert_eq!(
                decide(scene).as_ref(),
                Err(refusal),
                "rung {rung} comes before rung {later}"
            );
        }
    }
}
