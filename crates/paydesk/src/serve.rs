//! `paydesk serve`: wires the parts together, runs them, and ends them in order.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper_util::service::TowerToHyperService;
use paydesk_api::http::client_address::TrustedProxies;
use paydesk_api::http::metrics::Metrics;
use paydesk_api::http::rate_limit::{Limit, RateLimits, Seldom};
use paydesk_api::http::serve::{ConnectionLimits, asked_to_end, serve};
use paydesk_api::http::{Edge, EdgeConfig, admin, wrap};
use paydesk_api::{App, checkout};
use paydesk_core::engine::{Engine, Jobs};
use paydesk_core::id::SystemIds;
use paydesk_core::time::SystemClock;
use paydesk_rails::sandbox::SandboxBank;
use paydesk_webhooks::{Guard, Policy, Sender, Settings, Timeouts, Vocabulary, Worker};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::cli::{ListenOptions, ServeOptions};
use crate::parts::Backend;
use crate::{logs, parts, sandbox};

/// Runs the server until it is asked to end.
pub async fn run(options: ServeOptions) -> anyhow::Result<()> {
    logs::start(options.plain_log, "info");
    // Before anything is opened: a server never runs on rates that are not what the operator meant.
    let live_rates = parts::live_rates(options.rates.as_deref())?;
    let lock = parts::lock_to_serve(&options.store)?;
    let listeners = Listeners::bind(&options.listen).await?;
    let public_url = listeners.public_url(&options.listen)?;
    let (database, backend, keys) = parts::open_to_serve(&options.store, lock).await?;
    let sandbox = match &options.sandbox_url {
        _ if options.no_sandbox => None,
        Some(url) => Some(sandbox::shared(
            url,
            options.sandbox_token.clone(),
            &public_url,
        )?),
        None => Some(sandbox::in_process(&database, &public_url)?),
    };
    let engine = parts::engine(
        backend.store(),
        keys,
        sandbox.clone().map(|bank| bank as _),
        live_rates,
        &public_url,
    );
    let server = Server::new(
        &options.listen,
        rates(&options),
        options.allow_private_webhooks,
        backend,
        engine,
        sandbox,
    )?
    .with_graphql(paydesk_accrupay::Settings {
        introspection: !options.no_graphql_introspection,
    });
    tracing::info!(
        listen = %listeners.public.local_addr()?,
        admin = %listeners.admin.local_addr()?,
        %public_url,
        "serving"
    );
    server.run(listeners).await
}

/// Open listeners. They are opened first: port 0 means any, and links begin with the one that it became. Whoever
/// connects before the server runs waits.
pub struct Listeners {
    /// Where merchants and payers reach the server.
    pub public: TcpListener,
    /// Where the operator reaches it.
    pub admin: TcpListener,
    /// Resolves once the process is asked to end. Listened for before anybody can connect: whoever saw the server
    /// ready may ask it to end.
    pub end: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Listeners {
    /// Opens both.
    pub async fn bind(options: &ListenOptions) -> anyhow::Result<Self> {
        let bind = |address: SocketAddr| async move {
            TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address}"))
        };
        let end = Box::pin(asked_to_end().context("signals cannot be received")?);
        Ok(Self {
            public: bind(options.listen).await?,
            admin: bind(options.admin_listen).await?,
            end,
        })
    }

    /// How the server is reached from outside, without a slash at its end.
    pub fn public_url(&self, options: &ListenOptions) -> io::Result<String> {
        Ok(match &options.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.public.local_addr()?),
        })
    }
}

fn rates(options: &ServeOptions) -> RateLimits {
    let mut limits = RateLimits::default();
    let times =
        |rate: NonZeroU32, by: u32| rate.saturating_mul(NonZeroU32::MIN.saturating_add(by - 1));
    if let Some(rate) = options.key_rate {
        limits.per_key = Some(Limit {
            per_second: rate,
            burst: times(rate, 2),
        });
    }
    if let Some(rate) = options.page_rate {
        limits.pages = Some(Limit {
            per_second: rate,
            burst: times(rate, 6),
        });
    }
    if let Some(rate) = options.sign_in_rate {
        limits.sign_ins = Some(Seldom {
            every: Duration::from_mins(1) / rate.get(),
            burst: times(rate, 2),
        });
    }
    limits
}

/// A server, put together.
pub struct Server {
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    backend: Backend,
    engine: Arc<Engine>,
    sandbox: Option<Arc<dyn SandboxBank>>,
    app: Arc<App>,
    worker: Worker,
    graphql: paydesk_accrupay::Settings,
}

impl Server {
    /// Puts everything together; nothing runs yet.
    pub fn new(
        listen: &ListenOptions,
        rates: RateLimits,
        allow_private_webhooks: bool,
        backend: Backend,
        engine: Arc<Engine>,
        sandbox: Option<Arc<dyn SandboxBank>>,
    ) -> anyhow::Result<Self> {
        let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
        let config = EdgeConfig {
            trusted_proxies: TrustedProxies::new(listen.trusted_proxies.clone()),
            ..EdgeConfig::default()
        };
        let edge = Edge::new(config, metrics.clone(), &SystemIds);
        let url = engine
            .public_url()
            .parse()
            .context("the public URL is not one")?;
        let clock = Arc::new(SystemClock);
        let app = Arc::new(App::new(
            engine.clone(),
            sandbox.clone(),
            clock.clone(),
            rates,
            &url,
        ));
        let words = Vocabulary {
            xanpay_charge: Box::new(paydesk_api::xanpay::ChargeNotification(
                engine.keys().clone(),
            )),
            event: Box::new(paydesk_api::native::EventWords(engine.clone())),
            modempay: Box::new(paydesk_modempay::ModemPayWords(engine.clone())),
        };
        let guard = Guard::new(Policy {
            allow_private: allow_private_webhooks,
        });
        let worker = Worker::new(paydesk_webhooks::Parts {
            store: backend.store(),
            clock,
            ids: Arc::new(SystemIds),
            keys: engine.keys().clone(),
            node: engine.node(),
            words: Arc::new(words),
            hearing: engine.hearing().clone(),
            sender: Sender::new(guard, Timeouts::default())?,
            settings: Settings::default(),
        });
        Ok(Self {
            edge,
            metrics,
            backend,
            engine,
            sandbox,
            app,
            worker,
            graphql: paydesk_accrupay::Settings::default(),
        })
    }

    /// The same with other settings for GraphQL.
    #[must_use]
    pub fn with_graphql(self, graphql: paydesk_accrupay::Settings) -> Self {
        Self { graphql, ..self }
    }

    /// Runs until the process is asked to end; then lets requests finish, then jobs and deliveries, then closes
    /// the store.
    pub async fn run(self, listeners: Listeners) -> anyhow::Result<()> {
        // Where no other process serves the store, what one had in flight when it died is asked about at once. Where
        // others do, it may be theirs: it is found when its lease has run out.
        if self.backend.is_ours_alone() {
            match self.engine.take_over().await {
                Ok(0) => {}
                Ok(taken) => tracing::warn!(
                    taken,
                    "outcomes were unknown when the server last stopped; asking for them"
                ),
                Err(error) => {
                    tracing::error!(%error, "what was in flight could not be taken over; it is found by time");
                }
            }
        }
        let (stop_background, background_stopped) = watch::channel(false);
        let background = tokio::spawn(background(
            self.engine.clone(),
            self.sandbox,
            self.worker,
            background_stopped,
        ));

        let (stop, stopped) = watch::channel(false);
        let until = |mut stopped: watch::Receiver<bool>| async move {
            // An error means that the sender is gone, which ends it too.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        let store = self.backend.store();
        let checked = admin::router(self.edge.clone(), move || {
            let store = store.clone();
            async move { store.ping().await }
        });
        let dialects = Router::new()
            .merge(paydesk_modempay::routes())
            .merge(paydesk_accrupay::routes_with(self.graphql))
            .merge(paydesk_oneentry::routes());
        let services = wrap(
            paydesk_api::router(self.app.clone(), dialects),
            self.edge.clone(),
        )
        .with_apology(checkout::apology(self.app));
        let limits = ConnectionLimits::default();
        let public = serve(
            listeners.public,
            move |peer| services.for_peer(peer),
            limits,
            self.metrics.connections("public"),
            until(stopped.clone()),
        );
        let operator = tokio::spawn(serve(
            listeners.admin,
            move |_| TowerToHyperService::new(checked.clone()),
            limits,
            self.metrics.connections("admin"),
            until(stopped),
        ));
        let edge = self.edge.clone();
        let asked = async {
            listeners.end.await;
            tracing::info!("asked to end: finishing what is under way");
            edge.start_draining();
            stop.send_replace(true);
        };
        let (drained, ()) = tokio::join!(public, asked);
        if drained.cut > 0 {
            tracing::warn!(cut = drained.cut, "connections did not finish in time");
        }
        stop_background.send_replace(true);
        background.await.context("a background job failed")?;
        operator.await.context("the admin listener failed")?;
        self.backend.close().await;
        Ok(())
    }
}

/// What runs beside the requests, until it is told to stop.
async fn background(
    engine: Arc<Engine>,
    sandbox: Option<Arc<dyn SandboxBank>>,
    worker: Worker,
    stopped: watch::Receiver<bool>,
) {
    let news = Arc::new(Notify::new());
    let stop = |mut stopped: watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let wake = worker.wake();
    let forward = async {
        let mut wakeups = sandbox.as_ref().map(|bank| bank.wakeups());
        loop {
            let sandbox_woke = async {
                match &mut wakeups {
                    Some(wakeups) => wakeups.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sandbox_woke => news.notify_one(),
                () = engine.outbox().notified() => wake.wake(),
            }
        }
    };
    tokio::join!(
        Jobs::default().run(engine.clone(), news.clone(), stopped.clone()),
        worker.run(stop(stopped.clone())),
        async {
            tokio::select! {
                () = forward => {}
                () = stop(stopped.clone()) => {}
            }
        }
    );
}

/// Serves a router on a listener of its own, with the same timeouts and nothing else around it.
pub async fn serve_plainly(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
    let service = move |_| TowerToHyperService::new(router.clone());
    serve(
        listener,
        service,
        ConnectionLimits::default(),
        metrics.connections("sandbox"),
        stop,
    )
    .await;
    Ok(())
}
