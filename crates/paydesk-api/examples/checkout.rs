//! The payer's page in every state, to look at: `cargo run -p paydesk-api --example checkout [address]`.
//!
//! Everything is kept in memory and the sandbox moves the money. It prints a link for each state as JSON.
#![allow(clippy::print_stdout, reason = "that is what it is for")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "an example stops where it fails"
)]

use std::sync::Arc;

use paydesk_api::App;
use paydesk_api::http::metrics::Metrics;
use paydesk_api::http::rate_limit::RateLimits;
use paydesk_api::http::serve::{ConnectionLimits, serve};
use paydesk_api::http::{Edge, EdgeConfig, wrap};
use paydesk_core::engine::end_session::End;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::start_payment::StartPayment;
use paydesk_core::engine::{Engine, Jobs, Parts, Timing};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::outgoing::Policy;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::Rail;
use paydesk_core::rates::Rates;
use paydesk_core::session::{
    Amount, Canceller, CustomField, CustomerDetails, Door, Kind, LineItem, Phone, Session,
};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::{Span, SystemClock};
use paydesk_rails::bank::BankRail;
use paydesk_rails::sandbox::{Ledger, PushName, SandboxBank, SandboxRail};
use paydesk_store::memory::MemoryStore;

struct Shop {
    engine: Arc<Engine>,
    bank: Arc<SandboxRail>,
    tenant: Tenant,
    links: serde_json::Map<String, serde_json::Value>,
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| "127.0.0.1:8425".to_owned());
    let url = format!("http://{address}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
    let ledger = Ledger::open(
        &folder.path().join("sandbox.db"),
        clock.clone(),
        ids.clone(),
    );
    let bank = Arc::new(SandboxRail::new(ledger.expect("a ledger"), &url));
    let engine = Arc::new(Engine::new(Parts {
        store: Arc::new(MemoryStore::new()),
        sandbox: Some(bank.clone() as Arc<dyn Rail>),
        bank: Arc::new(BankRail),
        clock: clock.clone(),
        ids,
        keys: Arc::new(ServerKeys::generate(&SystemIds)),
        // An outcome that is not known stays so for a while, to be looked at.
        timing: Timing {
            first_ask: Span::minutes(10),
            ..Timing::default()
        },
        live_rates: Rates::default(),
        outgoing: Policy {
            allow_private: true,
        },
        public_url: url.clone(),
    }));
    let merchant = engine.create_merchant("Kopi & Kaya").await.unwrap();
    let app = Arc::new(App::new(
        engine.clone(),
        Some(bank.clone() as Arc<dyn SandboxBank>),
        clock,
        RateLimits::default(),
        &url.parse().expect("a URL"),
    ));
    let metrics = Arc::new(Metrics::new("example"));
    let edge = Edge::new(EdgeConfig::default(), metrics.clone(), &SystemIds);
    let services = wrap(paydesk_api::router(app, axum::Router::new()), edge);
    let listener = tokio::net::TcpListener::bind(&address)
        .await
        .expect("a free address");
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    tokio::spawn(Jobs::default().run(engine.clone(), Arc::default(), stopped));

    let mut shop = Shop {
        engine,
        bank,
        tenant: Tenant {
            merchant: merchant.merchant.id,
            mode: Mode::Test,
        },
        links: serde_json::Map::new(),
    };
    Box::pin(shop.fill()).await;
    println!("{}", serde_json::to_string_pretty(&shop.links).unwrap());
    serve(
        listener,
        move |peer| services.for_peer(peer),
        ConnectionLimits::default(),
        metrics.connections("public"),
        std::future::pending(),
    )
    .await;
}

fn money(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, Currency::from_code(code).expect("a currency")).expect("an amount")
}

fn asking(minor: i64, code: &str) -> OpenSession {
    OpenSession {
        title: Some("Order 58109".to_owned()),
        line_items: vec![
            LineItem {
                id: None,
                name: "Kaya jam, 240 g".to_owned(),
                quantity: 2,
                amount: money(minor / 2, code),
            },
            LineItem {
                id: None,
                name: "Delivery".to_owned(),
                quantity: 1,
                amount: money(minor - minor / 2 * 2, code),
            },
        ],
        success_url: Some("https://shop.example/thanks".to_owned()),
        cancel_url: Some("https://shop.example/basket".to_owned()),
        ..OpenSession::new(
            Door::Native,
            Kind::Payment,
            Amount::Fixed(money(minor, code)),
        )
    }
}

fn paying(method: Method, card: Option<&str>) -> StartPayment {
    StartPayment {
        method,
        amount: None,
        custom_field_values: Vec::new(),
        contact: None,
        card: card.map(|number| Card {
            number: number.to_owned(),
            exp_month: 12,
            exp_year: 2040,
            cvc: "123".to_owned(),
            name: None,
        }),
        saved: None,
    }
}

impl Shop {
    async fn open(&mut self, name: &str, request: OpenSession) -> Session {
        let session = self
            .engine
            .open_session(self.tenant, request, None)
            .await
            .unwrap();
        let url = self.engine.page_url(&session);
        self.links.insert(name.to_owned(), url.into());
        session
    }

    async fn pay(&self, session: &Session, method: Method, card: Option<&str>) {
        let paying = paying(method, card);
        self.engine
            .start_payment(self.tenant, session.id, paying)
            .await
            .unwrap();
    }

    async fn fill(&mut self) {
        self.open("open", asking(3500, "SGD")).await;
        let mut asked = asking(3500, "SGD");
        asked.customer = Some(CustomerDetails {
            code: None,
            name: Some("Tan Mei Ling".to_owned()),
            email: Some("meiling@example.com".to_owned()),
            phone: Some(Phone {
                code: "+65".to_owned(),
                number: "81234567".to_owned(),
            }),
        });
        asked.custom_fields = vec![
            CustomField {
                name: "size".to_owned(),
                label: "T-shirt size".to_owned(),
                required: true,
            },
            CustomField {
                name: "note".to_owned(),
                label: "Message to the shop".to_owned(),
                required: false,
            },
        ];
        self.open("asked", asked).await;
        let chosen = Amount::AtLeast(money(500, "SGD"));
        let mut chosen = OpenSession::new(Door::ModemPay, Kind::Payment, chosen);
        chosen.title = Some("Support our roof".to_owned());
        chosen.description =
            Some("Every dollar goes into the new roof of the hawker centre.".to_owned());
        self.open("chosen", chosen).await;
        let only = OpenSession::new(
            Door::XanPay,
            Kind::Payment,
            Amount::Fixed(money(45_000, "GMD")),
        );
        self.open("card-only", only).await;
        let hold = OpenSession::new(
            Door::AccruPay,
            Kind::Authorization,
            Amount::Fixed(money(3500, "USD")),
        );
        self.open("hold", hold).await;
        let store = Amount::Nothing(Currency::from_code("USD").expect("a currency"));
        self.open(
            "store",
            OpenSession::new(Door::AccruPay, Kind::AddPaymentMethod, store),
        )
        .await;

        let declined = self.open("declined", asking(3500, "SGD")).await;
        self.pay(&declined, Method::Card, Some("4000000000009995"))
            .await;
        let closed = self.open("too-many-cards", asking(3500, "SGD")).await;
        for _ in 0..10 {
            self.pay(&closed, Method::Card, Some("4000000000000002"))
                .await;
        }
        let qr = self.open("qr", asking(3500, "SGD")).await;
        self.pay(&qr, Method::PayNow, None).await;
        let part = self.open("part", asking(3500, "SGD")).await;
        self.send(&part, Method::PayNow, 1000).await;
        let bank = self.open("bank", asking(42_000, "HKD")).await;
        self.pay(&bank, Method::HkBankTransfer, None).await;
        let wallet = self.open("wallet", asking(35_000, "KRW")).await;
        self.pay(&wallet, Method::Toss, None).await;
        let checked = self.open("bank-check", asking(3500, "SGD")).await;
        self.pay(&checked, Method::Card, Some("4000000000003220"))
            .await;
        let unknown = self.open("confirming", asking(3500, "SGD")).await;
        self.pay(&unknown, Method::Card, Some("4000000000005126"))
            .await;
        let paid = self.open("paid", asking(3500, "SGD")).await;
        self.pay(&paid, Method::Card, Some("4242424242424242"))
            .await;
        let over = self.open("over", asking(3500, "SGD")).await;
        self.send(&over, Method::PayNow, 4000).await;
        let cancelled = self.open("cancelled", asking(3500, "SGD")).await;
        self.end(&cancelled, End::Cancel(Canceller::Payer)).await;
        let expired = self.open("expired", asking(3500, "SGD")).await;
        self.end(&expired, End::Expire).await;
        let late = self.open("late", asking(3500, "SGD")).await;
        self.pay(&late, Method::PayNow, None).await;
        self.end(&late, End::Expire).await;
        self.send_to(&late, 3500).await;
        let mut soon = asking(3500, "SGD");
        soon.lifetime = Some(Span::seconds(60));
        self.open("expires-soon", soon).await;
        let lost = format!("{}/pay/AQE-nothing", self.engine.public_url());
        self.links.insert("not-found".to_owned(), lost.into());
    }

    async fn end(&self, session: &Session, end: End) {
        self.engine
            .end_session(self.tenant, session.id, end, None)
            .await
            .unwrap();
    }

    async fn send(&self, session: &Session, method: Method, minor: i64) {
        self.pay(session, method, None).await;
        self.send_to(session, minor).await;
    }

    async fn send_to(&self, session: &Session, minor: i64) {
        let (_, transactions) = self.engine.session(self.tenant, session.id).await.unwrap();
        let pushed = transactions.last().expect("a payment");
        let nonce = pushed.destination.clone().expect("a destination").nonce;
        let amount = Some(money(minor, pushed.amount.currency().code()));
        self.bank
            .bank_transfer(PushName::Reference(nonce), amount)
            .await
            .unwrap();
        self.engine.collect_transfers().await.unwrap();
    }
}
