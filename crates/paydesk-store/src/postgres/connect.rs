//! Reaching the server: the URL, TLS, the pool of connections and what is set on each.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime,
    TimeoutType, Timeouts,
};
use tokio_postgres::Config;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::flight::Failure;
use super::hosts::{Hosts, head_starts};

/// How long one statement may take at the server. None of ours comes near: more means that the server is in trouble.
const STATEMENT: Duration = Duration::from_secs(10);
/// How long a statement may wait for a row that another changes. Less than a statement, so that it is told apart.
const LOCK: Duration = Duration::from_secs(5);
/// How long a transaction may lie open with nothing said in it. All of ours are sent in one piece.
const IDLE_IN_TRANSACTION: Duration = Duration::from_secs(15);
/// How long a server may take to accept a connection, and how long then to let us in.
const CONNECT: Duration = Duration::from_secs(3);
/// After how long a connection counts as broken on which nothing that was sent is confirmed.
const UNCONFIRMED: Duration = Duration::from_secs(8);
/// After how long without a word a connection is tested, and how long until the next test.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// How many tests may go unanswered.
const KEEPALIVES: u32 = 2;

/// What each connection begins with.
///
/// Whatever is sent outside of a transaction may only read, so that the statements of a change are applied together or
/// not at all (see `flight`). And however the server is set up, what it says is committed must be on the disk: only
/// the URL may say otherwise.
const SET_UP: &str = "SET default_transaction_read_only = on;
    SELECT set_config('synchronous_commit', 'on', false) FROM pg_settings
    WHERE name = 'synchronous_commit' AND setting = 'off' AND source <> 'client'";

/// How a store uses its server.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The most connections that are open at a time.
    pub connections: usize,
    /// How long what is asked of the store waits for a server that is away, counted from when it went.
    pub patience: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connections: 20,
            patience: Duration::from_secs(10),
        }
    }
}

/// Where the server is, how to log in, and whether TLS is used. Shows everything but the password.
#[derive(Clone)]
pub struct Address(Config);

/// Why a URL does not lead to a server.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error("the database's URL cannot be read: {}", told(.0))]
    Unreadable(tokio_postgres::Error),
    /// It names no server.
    #[error("the database's URL names no server, as postgres://user@host:5432/paydesk does")]
    NoHost,
    /// It names no database.
    #[error("the database's URL names no database, as postgres://user@host:5432/paydesk does")]
    NoDatabase,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?options`, where several hosts may stand with commas
    /// between them: the one that can be written to is used.
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let mut config = Config::from_str(url).map_err(AddressError::Unreadable)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError::NoHost);
        }
        if config.get_dbname().is_none() {
            return Err(AddressError::NoDatabase);
        }
        if config.get_application_name().is_none() {
            config.application_name("paydesk");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNCONFIRMED);
        }
        config
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(KEEPALIVE)
            .keepalives_retries(KEEPALIVES)
            // A standby, or a former primary that is one now, is as good as no server.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        let own = config.get_options().unwrap_or_default();
        let bounds = [
            ("statement_timeout", STATEMENT),
            ("lock_timeout", LOCK),
            ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
        ];
        // What the URL says comes last, and counts.
        let ours = bounds.map(|(name, bound)| format!("-c {name}={} ", bound.as_millis()));
        let mut options = ours.concat();
        options.push_str(own);
        config.options(options.trim_end());
        Ok(Self(config))
    }

    /// The same server and login, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut config = self.0.clone();
        config.dbname(name);
        Self(config)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use tokio_postgres::config::Host;
        f.write_str("postgres://")?;
        if let Some(user) = self.0.get_user() {
            write!(f, "{user}@")?;
        }
        let ports = self.0.get_ports();
        for (n, host) in self.0.get_hosts().iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            match host {
                Host::Tcp(name) => f.write_str(name)?,
                #[cfg(unix)]
                Host::Unix(path) => write!(f, "{}", path.display())?,
            }
            // One port stands for all.
            if let Some(port) = ports.get(n).or_else(|| ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", self.0.get_dbname().unwrap_or_default())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// TLS could not be set up.
    #[error("TLS cannot be used: {0}")]
    Tls(String),
    /// The server cannot be reached, or does not let us in.
    #[error("{0}")]
    Unreachable(String),
    /// The schema is not there.
    #[error("it has no schema yet: `paydesk migrate` makes it")]
    NoSchema,
    /// The schema is older than this Paydesk.
    #[error("its schema has version {found}, this Paydesk needs {known}: run `paydesk migrate`")]
    Older {
        /// Its version.
        found: u32,
        /// The one that is needed.
        known: u32,
    },
    /// The schema is too new for this Paydesk.
    #[error("its schema has version {found}, this Paydesk knows up to {known}: use the newer one")]
    Newer {
        /// Its version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// Into it a move has begun that is not complete.
    #[error(
        "not everything is moved into it yet: `paydesk migrate-store` goes on where it was interrupted"
    )]
    HalfMoved,
    /// The server failed.
    #[error("{}", told(.0))]
    Database(#[from] tokio_postgres::Error),
}

/// Opens the pool. No connection is made yet.
pub(super) fn pool(address: &Address, settings: &Settings) -> Result<Pool, OpenError> {
    let manager = ManagerConfig {
        // A connection that broke is noticed by its own task; asking each time would be another round trip.
        recycling_method: RecyclingMethod::Fast,
    };
    let manager = match address.0.get_ssl_mode() {
        SslMode::Disable => {
            let tls = tokio_postgres::NoTls;
            Manager::from_connect(address.0.clone(), Hosts { tls }, manager)
        }
        _ => Manager::from_connect(address.0.clone(), Hosts { tls: tls()? }, manager),
    };
    let pool = Pool::builder(manager)
        .max_size(settings.connections)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(settings.patience),
            // The login, too, must come to an end: a server that hangs accepts connections.
            create: Some(CONNECT * 2 + head_starts(&address.0)),
            recycle: None,
        })
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move {
                // The pool bounds the login, and not this.
                let set_up = tokio::time::timeout(CONNECT, client.batch_execute(SET_UP)).await;
                let set_up = set_up.map_err(|_| HookError::message("the server hangs"))?;
                set_up.map_err(HookError::Backend)
            })
        }))
        .build();
    pool.map_err(|error| OpenError::Unreachable(error.to_string()))
}

/// TLS as rustls does it: the certificate is checked against the system's roots (or those in the file that
/// `SSL_CERT_FILE` names), and against the host's name.
fn tls() -> Result<MakeRustlsConnect, OpenError> {
    let mut roots = rustls::RootCertStore::empty();
    // A root that cannot be read is one that nobody's certificate is judged by: no less safe.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// What a server or a connection says of an error, in one line.
pub(super) fn told(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    match (error.as_db_error(), error.source()) {
        (Some(said), _) => format!("{} ({})", said.message(), said.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

/// What the pool says of an error, in one line.
pub(super) fn pool_told(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => told(error),
        other => other.to_string(),
    }
}

/// What it means that there is no connection.
pub(super) fn without_connection(error: &PoolError) -> Failure {
    let told = pool_told(error);
    match error {
        // All are in use, or the store is closed: the server is not to blame.
        PoolError::Timeout(TimeoutType::Wait)
        | PoolError::Closed
        | PoolError::NoRuntimeSpecified => Failure::Never(told),
        PoolError::Timeout(_) | PoolError::Backend(_) | PoolError::PostCreateHook(_) => {
            Failure::Away(told)
        }
    }
}
