//! A merchant, a store, a clock that is moved by hand, and things that happen.

use std::sync::Arc;
use std::time::Duration;

use paydesk_core::delivery::Delivery;
use paydesk_core::endpoint::{Endpoint, EndpointFormat, Standing};
use paydesk_core::event::{Event, EventKind, Subject};
use paydesk_core::given::Metadata;
use paydesk_core::id::{
    EndpointId, EventId, MerchantId, NodeId, ProviderAccountId, SeededIds, SessionId, TransactionId,
};
use paydesk_core::keys::{Sealed, Secret, ServerKeys};
use paydesk_core::merchant::{Credentials, Merchant, PerMode};
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::session::{Amount, Door, Kind, Notify, NotifyFormat, Session, State, Terms};
use paydesk_core::store::{Change, Record, Store};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::{Clock as _, ManualClock, Span, SystemClock, Timestamp};
use paydesk_core::transaction::Transaction;
use paydesk_webhooks::{
    Guard, Parts, Policy, Sender, Settings, Timeouts, Vocabulary, Words, Worker,
};
use standardwebhooks::Webhook;

use crate::receiver::Hit;

/// Tells of everything but cancelled sessions (and has a fault: it panics at expired ones), in JSON that nobody's serialiser would write.
struct Plain;

impl Words for Plain {
    fn render(
        &self,
        event: &Event,
        session: Option<&Session>,
        transactions: &[Transaction],
    ) -> Option<String> {
        let title = session?.terms.title.as_deref()?;
        assert_ne!(event.kind, EventKind::SessionExpired, "words fail");
        let told = event.kind != EventKind::SessionCancelled;
        told.then(|| {
            format!(
                "{{\"id\":\"{}\",\n  \"title\" : \"{title}\", \"transactions\":{} }}",
                event.id,
                transactions.len()
            )
        })
    }
}

pub struct World {
    pub store: Arc<dyn Store>,
    pub clock: Arc<ManualClock>,
    pub keys: Arc<ServerKeys>,
    pub tenant: Tenant,
    ids: Arc<SeededIds>,
    secret: Secret,
}

/// Quick enough to wait for, slow enough for a busy machine.
pub const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    total: Duration::from_secs(2),
};

/// How long a lease is under [`TIMEOUTS`].
pub const LEASE: Span = Span::seconds(14);

/// A sender that gives nobody up while a test lasts.
pub fn patient() -> Sender {
    let timeouts = Timeouts {
        connect: Duration::from_mins(1),
        total: Duration::from_mins(1),
    };
    Sender::new(Guard::new(OPEN), timeouts).unwrap()
}

pub const OPEN: Policy = Policy {
    allow_private: true,
};

impl World {
    pub async fn over(store: Arc<dyn Store>) -> Self {
        let ids = Arc::new(SeededIds::new(11));
        // The wall clock's time, because receivers refuse messages that are minutes old.
        let now = SystemClock.now();
        let keys = Arc::new(ServerKeys::generate(&*ids));
        let tenant = Tenant {
            merchant: MerchantId::fresh(&*ids, now),
            mode: Mode::Test,
        };
        let secret = Credentials::fresh(&*ids, Mode::Test).webhook_secret;
        let context = Merchant::webhook_secret_context(tenant);
        let sealed = keys.seal(&*ids, &context, secret.reveal().as_bytes());
        let merchant = Merchant {
            id: tenant.merchant,
            version: 1,
            name: "A shop".into(),
            webhook_secrets: PerMode {
                test: sealed.clone(),
                live: sealed,
            },
            replaced_webhook_secrets: PerMode::default(),
            settings: PerMode::default(),
            created_at: now,
            updated_at: now,
        };
        let mut change = Change::new(tenant);
        change.puts.push(Record::Merchant(merchant));
        store.commit(change).await.unwrap();
        Self {
            store,
            clock: Arc::new(ManualClock::starting_at(now)),
            keys,
            tenant,
            ids,
            secret,
        }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn parts(&self) -> Parts {
        Parts {
            store: Arc::clone(&self.store),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            keys: Arc::clone(&self.keys),
            node: NodeId::fresh(&*self.ids, self.now()),
            words: Arc::new(Vocabulary {
                xanpay_charge: Box::new(Plain),
                event: Box::new(Plain),
                modempay: Box::new(Plain),
            }),
            hearing: Arc::default(),
            sender: Sender::new(Guard::new(OPEN), TIMEOUTS).unwrap(),
            settings: Settings::default(),
        }
    }

    pub fn worker(&self) -> Worker {
        Worker::new(self.parts())
    }

    /// A new session whose notify address is `url`, and an event of it.
    pub async fn happens(&self, kind: EventKind, url: &str) -> EventId {
        self.happening(kind, url, true).await
    }

    /// A new session whose notify address does not hear of it, and an event of it.
    pub async fn happens_quietly(&self, kind: EventKind) -> EventId {
        self.happening(kind, "https://nobody.example", false).await
    }

    /// An endpoint that hears of these events, of all if none are given; and its secret.
    pub async fn endpoint(
        &self,
        url: &str,
        format: EndpointFormat,
        events: &[EventKind],
    ) -> (Endpoint, Secret) {
        let id = EndpointId::fresh(&*self.ids, self.now());
        let (sealed, secret) = self.sealed(id);
        let endpoint = Endpoint {
            id,
            tenant: self.tenant,
            version: 1,
            url: url.to_owned(),
            description: None,
            format,
            events: events.to_vec(),
            standing: Standing::Enabled,
            secret: sealed,
            replaced: None,
            failing_since: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        self.put(&endpoint).await;
        (endpoint, secret)
    }

    /// A fresh secret of an endpoint.
    pub fn sealed(&self, id: EndpointId) -> (Sealed, Secret) {
        let secret = Secret::for_webhooks(&*self.ids);
        let context = Endpoint::secret_context(self.tenant, id);
        let sealed = self
            .keys
            .seal(&*self.ids, &context, secret.reveal().as_bytes());
        (sealed, secret)
    }

    pub async fn put(&self, endpoint: &Endpoint) {
        let mut change = Change::new(self.tenant);
        change.puts.push(Record::entry(endpoint).unwrap());
        self.store.commit(change).await.unwrap();
    }

    /// An endpoint as it is now.
    pub async fn stored(&self, endpoint: &Endpoint) -> Endpoint {
        let found = self.store.find(self.tenant, endpoint.id.0).await;
        found.unwrap().unwrap()
    }

    async fn happening(&self, kind: EventKind, url: &str, notify: bool) -> EventId {
        let now = self.now();
        let ids = &*self.ids;
        let state = State::Created {
            expires_at: Timestamp::FAR_FUTURE,
        };
        let usd = Currency::from_code("USD").unwrap();
        let session = Session {
            ordered: None,
            id: SessionId::fresh(ids, now),
            tenant: self.tenant,
            version: 1,
            events: 1,
            state,
            first_transaction: TransactionId::fresh(ids, now),
            attempted: false,
            card_attempts: 0,
            pushed_attempts: 0,
            signed_by: None,
            charge: None,
            hold_expires_at: None,
            terms: Arc::new(terms(url, ProviderAccountId::fresh(ids, now), usd)),
            created_at: now,
            updated_at: now,
        };
        let event = Event {
            id: EventId::fresh(ids, now),
            tenant: self.tenant,
            kind,
            sequence: 1,
            at: now,
            session: Some(session.id),
            subject: Subject::Session {
                state,
                version: 1,
                charge: None,
            },
            notify,
        };
        let id = event.id;
        let mut change = Change::new(self.tenant);
        change.puts.push(Record::Session(session));
        change.events.push(event);
        self.store.commit(change).await.unwrap();
        id
    }

    /// Something to tell `url` of.
    pub async fn tell(&self, url: &str) -> EventId {
        self.happens(EventKind::SessionCompleted, url).await
    }

    /// So many things.
    pub async fn tell_often(&self, url: &str, times: usize) -> Vec<EventId> {
        let mut events = Vec::new();
        for _ in 0..times {
            events.push(self.tell(url).await);
        }
        events
    }

    /// The only delivery of an event.
    pub async fn delivery(&self, event: EventId) -> Delivery {
        let mut deliveries = self.store.deliveries(self.tenant, event).await.unwrap();
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries.remove(0)
    }

    /// Whether an independent library takes the request as ours. It also wants it to be fresh, so it does not
    /// where the clock was moved.
    pub fn is_signed(&self, hit: &Hit) -> bool {
        self.webhook().verify(&hit.body, &hit.headers).is_ok()
    }

    /// The same for a request of any time.
    pub fn was_signed(&self, hit: &Hit) -> bool {
        let at = hit.header("webhook-timestamp").parse().unwrap();
        let signature = self.webhook().sign(hit.id(), at, &hit.body).unwrap();
        signature == hit.header("webhook-signature")
    }

    fn webhook(&self) -> Webhook {
        Webhook::new(self.secret.reveal()).unwrap()
    }
}

fn terms(url: &str, provider_account: ProviderAccountId, currency: Currency) -> Terms {
    Terms {
        kind: Kind::Payment,
        amount: Amount::Fixed(Money::from_minor(1_000, currency).unwrap()),
        methods: vec![Method::Card],
        provider_account,
        door: Door::Native,
        reference: None,
        owner: None,
        order: None,
        title: Some("Zoë's shop 🎉".into()),
        description: None,
        line_items: Vec::new(),
        customer: None,
        billing: None,
        shipping: None,
        user: None,
        device: None,
        custom_fields: Vec::new(),
        metadata: Metadata::default(),
        success_url: None,
        cancel_url: None,
        notify: Some(Notify {
            url: url.to_owned(),
            format: NotifyFormat::Event,
        }),
        notify_payload: None,
        lifetime: None,
        locale: None,
        store_payment_method: false,
    }
}
