//! `paydesk serve`: wires the parts together, runs them, and ends them in order.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use hyper_util::service::TowerToHyperService;
use paydesk_api::http::client_address::TrustedProxies;
use paydesk_api::http::metrics::Metrics;
use paydesk_api::http::rate_limit::{Limit, RateLimits, Seldom};
use paydesk_api::http::serve::{ConnectionLimits, EndRequests, serve};
use paydesk_api::http::{Edge, EdgeConfig, admin, wrap};
use paydesk_api::{App, checkout};
use paydesk_core::engine::{Engine, Jobs};
use paydesk_core::id::SystemIds;
use paydesk_core::outgoing::Policy;
use paydesk_core::time::SystemClock;
use paydesk_rails::sandbox::SandboxBank;
use paydesk_webhooks::{Guard, Sender, Settings, Timeouts, Vocabulary, Worker};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

use crate::cli::{ListenOptions, RateOptions, ServeOptions};
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
    let outgoing = Policy {
        allow_private: options.allow_private_webhooks,
    };
    let engine = parts::engine(
        backend.store(),
        keys,
        sandbox.clone().map(|bank| bank as _),
        live_rates,
        outgoing,
        &public_url,
    );
    let server = Server::new(
        &options.listen,
        rates(&options.rates_of_requests),
        outgoing,
        backend,
        engine,
        sandbox,
    )?
    .with_graphql(paydesk_accrupay::Settings {
        introspection: !options.no_graphql_introspection,
        public_rate: options.rates_of_requests.public_query_rate,
    })
    .with_drain_delay(Duration::from_secs(options.drain_delay));
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
    /// Requests to end. Listened for before anybody can connect: whoever saw the server ready may ask it to end.
    pub end: EndRequests,
}

impl Listeners {
    /// Opens both.
    pub async fn bind(options: &ListenOptions) -> anyhow::Result<Self> {
        let bind = |address: SocketAddr| async move {
            TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen on {address}"))
        };
        let end = EndRequests::listen().context("signals cannot be received")?;
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

fn rates(options: &RateOptions) -> RateLimits {
    let times =
        |rate: NonZeroU32, by: u32| rate.saturating_mul(NonZeroU32::MIN.saturating_add(by - 1));
    let limit = |per_second, by| Limit {
        per_second,
        burst: times(per_second, by),
    };
    RateLimits {
        per_key: options.key_rate.map(|rate| limit(rate, 2)),
        pages: Some(limit(options.page_rate, 6)),
        sign_ins: Some(Seldom {
            every: Duration::from_mins(1) / options.sign_in_rate.get(),
            burst: times(options.sign_in_rate, 2),
        }),
        sign_in_addresses: Some(limit(options.sign_in_address_rate, 10)),
    }
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
    drain_delay: Duration,
}

impl Server {
    /// Puts everything together; nothing runs yet.
    pub fn new(
        listen: &ListenOptions,
        rates: RateLimits,
        outgoing: Policy,
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
        let guard = Guard::new(outgoing);
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
            drain_delay: Duration::ZERO,
        })
    }

    /// The same with other settings for GraphQL.
    #[must_use]
    pub fn with_graphql(self, graphql: paydesk_accrupay::Settings) -> Self {
        Self { graphql, ..self }
    }

    /// The same, but asked to end it goes on for so long while `/readyz` says that it ends: until a load balancer has
    /// noticed.
    #[must_use]
    pub fn with_drain_delay(self, drain_delay: Duration) -> Self {
        Self {
            drain_delay,
            ..self
        }
    }

    /// Runs until the process is asked to end; then lets requests finish, then jobs and deliveries, then closes
    /// the operator's listener and the store. Asked a second time, it waits for no load balancer.
    pub async fn run(self, mut listeners: Listeners) -> anyhow::Result<()> {
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
        // Before anybody is answered: a session that is opened has its merchant's own time from the start.
        if let Err(error) = self.engine.read_clocks().await {
            tracing::error!(%error, "the test clocks could not be read; the next sweep tries again");
        }
        let (stop_background, background_stopped) = watch::channel(false);
        let background = tokio::spawn(background(
            self.engine.clone(),
            self.sandbox,
            self.worker,
            background_stopped,
        ));

        let (stop, stopped) = watch::channel(false);
        let (stop_operator, operator_stopped) = watch::channel(false);
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
            told_to_stop(stopped),
        );
        let operator = tokio::spawn(serve(
            listeners.admin,
            move |_| TowerToHyperService::new(checked.clone()),
            limits,
            self.metrics.connections("admin"),
            told_to_stop(operator_stopped),
        ));
        let edge = self.edge.clone();
        let asked = async {
            listeners.end.next().await;
            edge.start_draining();
            if !self.drain_delay.is_zero() {
                tracing::info!(delay = ?self.drain_delay, "asked to end: unready, and serving on for the delay");
                tokio::select! {
                    () = tokio::time::sleep(self.drain_delay) => {}
                    () = listeners.end.next() => {}
                }
            }
            tracing::info!("asked to end: finishing what is under way");
            stop.send_replace(true);
        };
        let (drained, ()) = tokio::join!(public, asked);
        if drained.cut > 0 {
            tracing::warn!(cut = drained.cut, "connections did not finish in time");
        }
        stop_background.send_replace(true);
        background.await.context("a background job failed")?;
        stop_operator.send_replace(true);
        operator.await.context("the admin listener failed")?;
        self.backend.close().await;
        Ok(())
    }
}

/// Ends when the server is told to stop.
async fn told_to_stop(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone, which ends it too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// What runs beside the requests, until it is told to stop.
async fn background(
    engine: Arc<Engine>,
    sandbox: Option<Arc<dyn SandboxBank>>,
    worker: Worker,
    stopped: watch::Receiver<bool>,
) {
    let news = Arc::new(Notify::new());
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
        worker.run(told_to_stop(stopped.clone())),
        async {
            tokio::select! {
                () = forward => {}
                () = told_to_stop(stopped.clone()) => {}
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        rates: RateOptions,
    }

    #[test]
    fn the_limits_that_the_help_tells_are_the_usual_ones() {
        let line = Line::parse_from(["paydesk"]);
        assert_eq!(rates(&line.rates), RateLimits::default());
        let usual = paydesk_accrupay::Settings::default();
        assert_eq!(line.rates.public_query_rate, usual.public_rate);
    }
}
