//! The server itself, in this process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method};
use paydesk_api::http::metrics::Metrics;
use paydesk_api::http::rate_limit::RateLimits;
use paydesk_api::http::serve::{ConnectionLimits, serve};
use paydesk_api::http::{Edge, EdgeConfig, wrap};
use paydesk_api::{App, checkout};
use paydesk_core::engine::create_merchant::NewMerchant;
use paydesk_core::engine::{Engine, Parts, Timing};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::merchant::Credentials;
use paydesk_core::outgoing::Policy;
use paydesk_core::rail::Rail;
use paydesk_core::rates::Rates;
use paydesk_core::store::Store;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::{Clock, ManualClock, Span, SystemClock};
use paydesk_rails::bank::BankRail;
use paydesk_rails::sandbox::{Ledger, SandboxBank, SandboxRail};
use paydesk_store::postgres::{Address, Settings as Connections};
use paydesk_store::sqlite::ServerLock;
use paydesk_store::{PostgresStore, SqliteStore};
use paydesk_webhooks::{Guard, Sender, Settings, Timeouts, Vocabulary, Worker};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Answer;

/// A server with one merchant.
pub struct TestServer {
    /// Where it listens.
    pub url: String,
    /// All rules.
    pub engine: Arc<Engine>,
    /// What its handlers are given.
    pub app: Arc<App>,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// Its merchant.
    pub merchant: NewMerchant,
    /// What was really charged.
    pub ledger: Ledger,
    client: reqwest::Client,
    worker: Worker,
    store: Backing,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    folder: TempDir,
}

/// Where a server keeps its data.
enum Backing {
    /// In its folder.
    Sqlite(Arc<SqliteStore>),
    /// In a database of its own on a server.
    Postgres(Arc<PostgresStore>),
}

/// Receivers are on this machine.
const OUTGOING: Policy = Policy {
    allow_private: true,
};

impl Backing {
    fn in_folder(folder: &Path) -> Self {
        let lock = ServerLock::take(&folder.join("paydesk.db")).expect("no other server");
        Self::Sqlite(Arc::new(SqliteStore::open_to_serve(lock).expect("a store")))
    }

    fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// The same data, opened anew; on a server there is nothing to open.
    async fn reopened(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(store) => {
                store.close().await;
                drop(store);
                Self::in_folder(folder)
            }
            server @ Self::Postgres(_) => server,
        }
    }
}

impl TestServer {
    /// Starts one, at the present time: on the embedded store, or, if the environment says
    /// `PAYDESK_TEST_DATABASE=postgres`, on a real PostgreSQL server that the tests of this process share.
    pub async fn start() -> Self {
        Self::start_over(|store| store).await
    }

    /// Starts one whose engine sees its store through something that counts, delays or refuses.
    pub async fn start_over(through: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = match std::env::var("PAYDESK_TEST_DATABASE") {
            Err(_) => Backing::in_folder(folder.path()),
            Ok(wanted) if wanted == "postgres" => Backing::Postgres(Arc::new(postgres().await)),
            Ok(other) => panic!("PAYDESK_TEST_DATABASE may be postgres, and is {other}"),
        };
        let clock = Arc::new(ManualClock::starting_at(SystemClock.now()));
        let keys = Arc::new(ServerKeys::generate(&SystemIds));
        Self::run(folder, store, clock, keys, None, through).await
    }

    /// Ends it, and starts another over the same data, merchant and time that knows only what was stored.
    pub async fn restarted(self) -> Self {
        let keys = Arc::clone(self.engine.keys());
        self.restarted_with(keys).await
    }

    /// The same with other keys: rotated ones, say.
    pub async fn restarted_with(self, keys: Arc<ServerKeys>) -> Self {
        let Self {
            engine,
            app,
            clock,
            merchant,
            ledger,
            client,
            worker,
            store,
            stop,
            serving,
            folder,
            ..
        } = self;
        drop(client);
        // It ends with its sender too.
        let _ = stop.send(());
        serving.await.expect("it served to its end");
        drop((engine, app, worker, ledger));
        let store = store.reopened(folder.path()).await;
        Self::run(folder, store, clock, keys, Some(merchant), |store| store).await
    }

    async fn run(
        folder: TempDir,
        backing: Backing,
        clock: Arc<ManualClock>,
        keys: Arc<ServerKeys>,
        merchant: Option<NewMerchant>,
        through: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let store = backing.store();
        let ledger = Ledger::open(
            &folder.path().join("sandbox.db"),
            clock.clone(),
            Arc::new(SystemIds),
        );
        let ledger = ledger.expect("a ledger");
        let bank = Arc::new(SandboxRail::new(ledger.clone(), &url));
        let engine = Arc::new(Engine::new(Parts {
            store: through(store.clone()),
            sandbox: Some(bank.clone() as Arc<dyn Rail>),
            bank: Arc::new(BankRail),
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            keys,
            timing: Timing::default(),
            live_rates: Rates::default(),
            outgoing: OUTGOING,
            public_url: url.clone(),
        }));
        let merchant = if let Some(merchant) = merchant {
            merchant
        } else {
            let made = engine.create_merchant("Test Shop").await;
            made.expect("a merchant")
        };
        let app = Arc::new(App::new(
            engine.clone(),
            Some(bank as Arc<dyn SandboxBank>),
            clock.clone(),
            RateLimits::default(),
            &url.parse().expect("a URL"),
        ));
        let metrics = Arc::new(Metrics::new("test"));
        let dialects = axum::Router::new()
            .merge(paydesk_modempay::routes())
            .merge(paydesk_accrupay::routes())
            .merge(paydesk_oneentry::routes());
        let services = wrap(
            paydesk_api::router(app.clone(), dialects),
            Edge::new(EdgeConfig::default(), metrics.clone(), &SystemIds),
        )
        .with_apology(checkout::apology(app.clone()));
        let connections = metrics.connections("public");
        let (stop, stopped) = oneshot::channel();
        let serving = serve(
            listener,
            move |peer| services.for_peer(peer),
            ConnectionLimits::default(),
            connections,
            async { drop(stopped.await) },
        );
        let serving = tokio::spawn(async {
            let _ = serving.await;
        });
        let words = Vocabulary {
            xanpay_charge: Box::new(paydesk_api::xanpay::ChargeNotification(
                engine.keys().clone(),
            )),
            event: Box::new(paydesk_api::native::EventWords(engine.clone())),
            modempay: Box::new(paydesk_modempay::ModemPayWords(engine.clone())),
        };
        let guard = Guard::new(OUTGOING);
        let worker = Worker::new(paydesk_webhooks::Parts {
            store,
            clock: clock.clone(),
            ids: Arc::new(SystemIds),
            keys: engine.keys().clone(),
            node: engine.node(),
            words: Arc::new(words),
            hearing: engine.hearing().clone(),
            sender: Sender::new(guard, Timeouts::default()).expect("a sender"),
            settings: Settings::default(),
        });
        // The client wants a provider of cryptography even where it only speaks plain HTTP; there may be one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        Self {
            url,
            engine,
            app,
            clock,
            merchant,
            ledger,
            client: client.expect("a client"),
            worker,
            store: backing,
            stop,
            serving,
            folder,
        }
    }

    /// The merchant's data in a mode.
    #[must_use]
    pub fn tenant(&self, mode: Mode) -> Tenant {
        Tenant {
            merchant: self.merchant.merchant.id,
            mode,
        }
    }

    /// The merchant's credentials in a mode.
    #[must_use]
    pub const fn credentials(&self, mode: Mode) -> &Credentials {
        match mode {
            Mode::Test => &self.merchant.test,
            Mode::Live => &self.merchant.live,
        }
    }

    /// Where its data is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `Authorization: Basic` of these credentials.
    #[must_use]
    pub fn basic(credentials: &Credentials) -> HeaderValue {
        let text = format!("{}:{}", credentials.key_id, credentials.secret.reveal());
        format!("Basic {}", STANDARD.encode(text))
            .parse()
            .expect("a header")
    }

    /// `Authorization: Bearer` of these credentials.
    #[must_use]
    pub fn bearer(credentials: &Credentials) -> HeaderValue {
        format!("Bearer {}", credentials.secret.reveal())
            .parse()
            .expect("a header")
    }

    /// Any request.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        // The clock stands still, and what is made in one millisecond comes in any order: no two requests share one.
        self.clock.advance(Span::millis(1));
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.url))
            .body(body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Answer::read(request.send().await.expect("the server answers")).await
    }

    /// A XanPay request of the merchant's, in test mode.
    pub async fn xanpay(
        &self,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let authorization = (
            http::header::AUTHORIZATION,
            Self::basic(&self.merchant.test),
        );
        self.request(method, path, &[authorization], body).await
    }

    /// A native request of the merchant's, in test mode.
    pub async fn native(
        &self,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let authorization = (
            http::header::AUTHORIZATION,
            Self::bearer(&self.merchant.test),
        );
        self.request(method, path, &[authorization], body).await
    }

    /// A payer's request, as a browser sends it from the page itself.
    pub async fn payer(
        &self,
        method: Method,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let same_origin = (
            HeaderName::from_static("sec-fetch-site"),
            HeaderValue::from_static("same-origin"),
        );
        let json = (
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        self.request(method, path, &[same_origin, json], body).await
    }

    /// Moves time on, and does what the background jobs would.
    pub async fn advance(&self, span: Span) {
        self.clock.advance(span);
        self.run_jobs().await;
    }

    /// Does what the background jobs would, until there is nothing left to do now.
    pub async fn run_jobs(&self) {
        for _ in 0..100 {
            let engine = &self.engine;
            let steps = engine.finish_clock_steps().await;
            let mut done = steps.expect("the store answers");
            done += engine.sweep().await.expect("the store answers");
            done += engine.reconcile_due().await.expect("the store answers");
            done += engine.collect_transfers().await.expect("the store answers");
            let ran = self.worker.run_due_once().await.expect("the store answers");
            if done + ran.dispatched + ran.attempted == 0 {
                return;
            }
        }
        panic!("the jobs never come to an end");
    }
}

/// A store in a database of its own. Tests are many and each uses it little: few connections, and patience with those
/// who ask for many things at once and get them one after the other.
async fn postgres() -> PostgresStore {
    let url = tokio::task::spawn_blocking(paydesk_testing_postgres::fresh_database).await;
    let address = Address::parse(&url.expect("a database")).expect("its URL");
    let few = Connections {
        connections: 4,
        patience: Duration::from_mins(2),
    };
    let store = PostgresStore::migrate(&address, few).await;
    store.expect("a store")
}
