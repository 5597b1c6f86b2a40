//! Records that look like real ones, each a millisecond younger than the one before.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::delivery::{Delivery, DeliveryState, Receiver};
use crate::directory::{Entry, EntryKind};
use crate::event::{Event, EventKind, Subject};
use crate::id::{
    DeliveryId, EventId, Ids as _, MerchantId, NodeId, PaymentMethodId, ProviderAccountId,
    SeededIds, SessionId, TransactionId,
};
use crate::keys::{Secret, ServerKeys};
use crate::merchant::{ApiKey, Grant, Merchant, PerMode, Provider, ProviderAccount, Settings};
use crate::method::Method;
use crate::money::{Currency, Money};
use crate::payment_method::{PaymentMethod, StoredCard};
use crate::session::{
    Amount, CREATED_LIFETIME, CustomerDetails, Door, Kind, LineItem, Session, State, Terms,
};
use crate::store::{Claim, ClaimKey, IdempotencyKey, IdempotencyRecord, StoredAnswer};
use crate::tenant::{Mode, Tenant};
use crate::time::{Clock as _, ManualClock, Span, Timestamp};
use crate::transaction::{Action, Lease, Status, Transaction};

/// A small record, kept as an order would be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Note {
    pub tenant: Tenant,
    pub id: Uuid,
    pub version: u64,
    pub group: Option<String>,
    pub text: String,
}

impl Entry for Note {
    const KIND: EntryKind = EntryKind::Order;
    fn tenant(&self) -> Tenant {
        self.tenant
    }
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn group(&self) -> Option<String> {
        self.group.clone()
    }
}

/// Makes records. Two with one seed make the same ones.
#[derive(Debug)]
pub struct Samples {
    ids: SeededIds,
    clock: ManualClock,
    keys: ServerKeys,
}

impl Samples {
    /// Records of this seed, the first of them made on 14 November 2023.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let ids = SeededIds::new(seed);
        Self {
            keys: ServerKeys::generate(&ids),
            clock: ManualClock::starting_at(Timestamp::from_millis(1_700_000_000_000)),
            ids,
        }
    }

    /// The next millisecond: ids made at it sort after all earlier ones.
    #[must_use]
    pub fn tick(&self) -> Timestamp {
        self.clock.advance(Span::millis(1));
        self.clock.now()
    }

    /// A fresh id.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        self.ids.uuid(self.tick())
    }

    /// A merchant's test mode; the merchant itself is not made.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        Tenant {
            merchant: MerchantId(self.uuid()),
            mode: Mode::Test,
        }
    }

    /// A merchant.
    #[must_use]
    pub fn merchant(&self) -> Merchant {
        let at = self.tick();
        let id = MerchantId::fresh(&self.ids, at);
        let secret = |mode| {
            let context = Merchant::webhook_secret_context(Tenant { merchant: id, mode });
            self.keys.seal(&self.ids, &context, b"whsec_c2FtcGxl")
        };
        Merchant {
            id,
            version: 1,
            name: "Kopi & Küche 咖啡".to_owned(),
            webhook_secrets: PerMode {
                test: secret(Mode::Test),
                live: secret(Mode::Live),
            },
            replaced_webhook_secrets: PerMode::default(),
            settings: PerMode {
                test: Settings::default(),
                live: Settings {
                    allowed_origins: vec!["https://shop.example".to_owned()],
                    ..Settings::default()
                },
            },
            created_at: at,
            updated_at: at,
        }
    }

    /// A key of this tenant.
    #[must_use]
    pub fn api_key(&self, tenant: Tenant) -> ApiKey {
        let at = self.tick();
        let secret = Secret::fresh(&self.ids, "sk_test_");
        ApiKey {
            key_id: format!("key_test_{}", self.uuid().simple()),
            secret_hash: Secret::hash(secret.reveal()),
            publishable_key: format!("pk_test_{}", self.uuid().simple()),
            tenant,
            version: 1,
            grant: Grant::Everything,
            created_at: at,
            revoked_at: None,
            ends_at: None,
        }
    }

    /// A small record, in a group or in none.
    #[must_use]
    pub fn note(&self, tenant: Tenant, group: Option<&str>) -> Note {
        Note {
            tenant,
            id: self.uuid(),
            version: 1,
            group: group.map(str::to_owned),
            text: "first".to_owned(),
        }
    }

    /// An account with the sandbox.
    #[must_use]
    pub fn provider_account(&self, tenant: Tenant) -> ProviderAccount {
        let at = self.tick();
        ProviderAccount {
            id: ProviderAccountId::fresh(&self.ids, at),
            tenant,
            version: 1,
            provider: Provider::Sandbox,
            name: "Sandbox".to_owned(),
            enabled: true,
            is_default: false,
            methods: Method::ALL.to_vec(),
            receives: Vec::new(),
            created_at: at,
            updated_at: at,
        }
    }

    /// A session as it is when it is opened.
    #[must_use]
    pub fn session(&self, tenant: Tenant) -> Session {
        self.session_with(tenant, None)
    }

    /// A session that its merchant gave a lifetime.
    #[must_use]
    pub fn session_with(&self, tenant: Tenant, lifetime: Option<Span>) -> Session {
        let at = self.tick();
        let amount = money(3_550);
        // In this order, with these digits: a store changes nothing of it.
        let metadata = r#"{"cart":{"note":"größer 🧺","id":8731},"at":1e400,"weight":0.10}"#;
        Session {
            id: SessionId::fresh(&self.ids, at),
            tenant,
            version: 1,
            events: 1,
            state: State::Created {
                expires_at: at.after(lifetime.unwrap_or(CREATED_LIFETIME)),
            },
            first_transaction: TransactionId::fresh(&self.ids, at),
            attempted: false,
            card_attempts: 0,
            pushed_attempts: 0,
            signed_by: None,
            charge: None,
            hold_expires_at: None,
            ordered: None,
            terms: Arc::new(Terms {
                kind: Kind::Payment,
                amount: Amount::Fixed(amount),
                methods: vec![Method::Card, Method::PayNow],
                provider_account: ProviderAccountId(tenant.merchant.0),
                door: Door::Native,
                reference: None,
                owner: None,
                order: None,
                title: Some("Order 8731".to_owned()),
                description: Some("Two bags of beans, one grinder".to_owned()),
                line_items: vec![LineItem {
                    id: Some("beans-1kg".to_owned()),
                    name: "Beans, 1 kg".to_owned(),
                    quantity: 2,
                    amount,
                }],
                customer: Some(CustomerDetails {
                    code: None,
                    name: Some("Zoë Tan".to_owned()),
                    email: Some("zoe@example.com".to_owned()),
                    phone: None,
                }),
                billing: None,
                shipping: None,
                user: None,
                device: None,
                custom_fields: Vec::new(),
                metadata: serde_json::from_str(metadata).expect("an object"),
                success_url: Some("https://shop.example/thanks".to_owned()),
                cancel_url: Some("https://shop.example/cart".to_owned()),
                notify: None,
                notify_payload: None,
                lifetime,
                locale: None,
                store_payment_method: false,
            }),
            created_at: at,
            updated_at: at,
        }
    }

    /// A payment of a session, with the rail being called.
    #[must_use]
    pub fn transaction(&self, session: &Session) -> Transaction {
        let at = self.tick();
        Transaction {
            id: TransactionId::fresh(&self.ids, at),
            tenant: session.tenant,
            version: 1,
            session: Some(session.id),
            action: Action::Payment,
            parent: None,
            amount: money(3_550),
            exchange: None,
            placed: 0,
            method: Method::Card,
            status: Status::InFlight {
                lease: Lease {
                    node: NodeId::fresh(&self.ids, at),
                    until: at.after(Span::seconds(30)),
                },
            },
            provider_account: session.terms.provider_account,
            provider_reference: None,
            destination: None,
            custom_field_values: Vec::new(),
            contact: None,
            payment_method: None,
            customer: None,
            reference: None,
            received: None,
            exception: None,
            reserved: 0,
            done: 0,
            hold: None,
            idempotency: None,
            created_at: at,
            updated_at: at,
        }
    }

    /// A refund of a transaction.
    #[must_use]
    pub fn refund(&self, session: &Session, parent: &Transaction) -> Transaction {
        Transaction {
            action: Action::Refund,
            parent: Some(parent.id),
            ..self.transaction(session)
        }
    }

    /// A stored card.
    #[must_use]
    pub fn payment_method(&self, tenant: Tenant) -> PaymentMethod {
        let at = self.tick();
        PaymentMethod {
            id: PaymentMethodId::fresh(&self.ids, at),
            tenant,
            version: 1,
            customer: Some("customer-77".to_owned()),
            provider_account: ProviderAccountId::fresh(&self.ids, at),
            card: StoredCard {
                token: "tok_8731".to_owned(),
                brand: "visa".to_owned(),
                last_four: "4242".to_owned(),
                exp_month: 12,
                exp_year: 2031,
            },
            stored_by: TransactionId::fresh(&self.ids, at),
            detached_at: None,
            created_at: at,
            updated_at: at,
        }
    }

    /// An event of a session, which somebody hears of if `notify`.
    #[must_use]
    pub fn event(&self, session: &Session, sequence: u32, notify: bool) -> Event {
        let at = self.tick();
        Event {
            id: EventId::fresh(&self.ids, at),
            tenant: session.tenant,
            kind: if sequence == 1 {
                EventKind::SessionCreated
            } else {
                EventKind::SessionInitiated
            },
            sequence,
            at,
            session: Some(session.id),
            subject: Subject::Session {
                state: session.state,
                version: session.version,
                charge: session.charge,
            },
            notify,
        }
    }

    /// A delivery of an event, due at once.
    #[must_use]
    pub fn delivery(&self, event: &Event) -> Delivery {
        let at = self.tick();
        Delivery {
            id: DeliveryId::fresh(&self.ids, at),
            tenant: event.tenant,
            version: 1,
            event: event.id,
            receiver: Receiver::Notify(
                event
                    .session
                    .unwrap_or_else(|| SessionId::fresh(&self.ids, at)),
            ),
            url: "https://shop.example/hook".to_owned(),
            body: r#"{"type":"session.created"}"#.to_owned(),
            state: DeliveryState::Due { at },
            attempts: 0,
            last: None,
            ahead: Span::NONE,
            created_at: at,
            updated_at: at,
        }
    }

    /// What is known of a request that has just been claimed.
    #[must_use]
    pub fn running(&self, key: &str) -> IdempotencyRecord {
        IdempotencyRecord {
            key: IdempotencyKey {
                scope: "key_test_1 POST /api/v1/sessions".to_owned(),
                key: key.to_owned(),
            },
            body_hash: [7; 32],
            answer: StoredAnswer::Running,
            created_at: self.tick(),
        }
    }
}

/// So many minor units of Singapore dollars.
#[must_use]
pub fn money(minor: i64) -> Money {
    let dollars = Currency::from_code("SGD").unwrap();
    Money::from_minor(minor, dollars).unwrap()
}

/// The session after one more change, in this state.
#[must_use]
pub fn moved(session: &Session, state: State) -> Session {
    Session {
        version: session.version + 1,
        events: session.events + 1,
        state,
        ..session.clone()
    }
}

/// [`State::Completed`], without a card.
#[must_use]
pub const fn completed(at: Timestamp, transaction: TransactionId) -> State {
    State::Completed {
        at,
        transaction,
        payment_method: None,
    }
}

/// A claim on a merchant's reference.
#[must_use]
pub fn reference(text: &str, owner: Uuid) -> Claim {
    Claim {
        key: ClaimKey::Reference(text.to_owned()),
        owner,
    }
}

/// Choices that look random. Two with one seed make the same ones.
#[derive(Debug)]
pub struct Chance(SeededIds);

impl Chance {
    /// Choices of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SeededIds::new(seed))
    }

    /// A number below this one.
    #[must_use]
    pub fn below(&self, end: u32) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes) % end
    }

    /// True once in so many times.
    #[must_use]
    pub fn one_in(&self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    #[must_use]
    pub fn pick<'t, T>(&self, of: &'t [T]) -> &'t T {
        let last = u32::try_from(of.len()).unwrap();
        &of[self.below(last) as usize]
    }

    /// Some of these: often none, often one.
    #[must_use]
    pub fn some<T: Clone>(&self, of: &[T]) -> Vec<T> {
        match self.below(3) {
            0 => Vec::new(),
            1 => vec![self.pick(of).clone()],
            _ => of.iter().filter(|_| self.one_in(2)).cloned().collect(),
        }
    }
}
