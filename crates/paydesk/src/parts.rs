//! Puts the parts together that more than one command needs.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use paydesk_core::engine::{Engine, Parts, Timing};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::outgoing::Policy;
use paydesk_core::rail::Rail;
use paydesk_core::rates::Rates;
use paydesk_core::store::Store;
use paydesk_core::time::SystemClock;
use paydesk_rails::bank::BankRail;
use paydesk_store::postgres::{Address, Settings};
use paydesk_store::sqlite::ServerLock;
use paydesk_store::{PostgresStore, SqliteStore};

use crate::cli::StoreOptions;
use crate::key_file::{self, First, KeySource};

/// Where everything is kept.
#[allow(clippy::large_enum_variant, reason = "a process has one")]
pub enum Database {
    /// In this file.
    Sqlite(PathBuf),
    /// On this server.
    Postgres(Address, Settings),
}

impl Database {
    /// Reads `sqlite:FILE` or `postgres://…`.
    pub fn of(options: &StoreOptions) -> anyhow::Result<Self> {
        Self::parse(&options.database, options.connections.get()).context("--database")
    }

    /// The same of a text, with at most so many connections to a server.
    pub fn parse(url: &str, connections: usize) -> anyhow::Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let settings = Settings {
                connections,
                ..Settings::default()
            };
            // What cannot be read is not repeated: it may hold a password.
            return Ok(Self::Postgres(Address::parse(url)?, settings));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            // A misspelt address of a server may hold a password.
            let scheme = url.split_once(':').map_or(url, |(scheme, _)| scheme);
            bail!(
                "{scheme}… is not known: it is sqlite:FILE, such as sqlite:paydesk.db, or \
                 postgres://USER@HOST/DATABASE"
            );
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        ensure!(
            !path.is_empty(),
            "sqlite: names no file, such as sqlite:paydesk.db"
        );
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// The file beside it with this ending; none if it is on a server.
    pub fn beside(&self, ending: &str) -> Option<PathBuf> {
        let Self::Sqlite(path) = self else {
            return None;
        };
        let mut name = path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        Some(PathBuf::from(name))
    }

    /// Opens the store. A file is made if it is not there, and brought to this version's schema; a server's database,
    /// which others may be using at this moment, must have it.
    pub async fn open(&self) -> anyhow::Result<Backend> {
        let backend = match self {
            Self::Sqlite(_) => return self.migrate().await,
            Self::Postgres(address, settings) => PostgresStore::open(address, *settings).await,
        };
        let store = backend.with_context(|| format!("the database {self} cannot be used"))?;
        Ok(Backend::Postgres(Arc::new(store)))
    }

    /// Opens the store, and brings it to this version's schema.
    pub async fn migrate(&self) -> anyhow::Result<Backend> {
        let cannot = || format!("the database {self} cannot be opened");
        Ok(match self {
            Self::Sqlite(path) => {
                Backend::Sqlite(Arc::new(SqliteStore::open(path).with_context(cannot)?))
            }
            Self::Postgres(address, settings) => {
                let store = PostgresStore::migrate(address, *settings).await;
                Backend::Postgres(Arc::new(store.with_context(cannot)?))
            }
        })
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(address, _) => address.fmt(f),
        }
    }
}

/// An open store.
#[derive(Clone)]
pub enum Backend {
    /// In a file.
    Sqlite(Arc<SqliteStore>),
    /// On a server.
    Postgres(Arc<PostgresStore>),
}

impl Backend {
    /// As the engine sees it.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    /// Whether this process alone serves it, as [`lock_to_serve`] sees to.
    pub const fn is_ours_alone(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Finishes what was handed over, and ends.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close(),
        }
    }
}

/// Takes the database for one server, until the store opened with it is dropped. To be taken before anything is opened: a second
/// server must not so much as bring the schema to its own version. What is on a server is for many.
pub fn lock_to_serve(options: &StoreOptions) -> anyhow::Result<Option<ServerLock>> {
    let Database::Sqlite(path) = Database::of(options)? else {
        return Ok(None);
    };
    let lock = ServerLock::take(&path);
    Ok(Some(lock.with_context(|| {
        format!("cannot serve {}", path.display())
    })?))
}

/// What most commands need.
pub type Opened = (Database, Backend, Arc<ServerKeys>);

/// Opens the store and its keys, for a command.
pub async fn open(options: &StoreOptions) -> anyhow::Result<Opened> {
    let database = Database::of(options)?;
    let source = KeySource::of(options, &database)?;
    let backend = database.open().await?;
    with_keys(source, database, backend).await
}

/// Opens the store and its keys, for a server; of a file, for the one that has the lock.
pub async fn open_to_serve(
    options: &StoreOptions,
    lock: Option<ServerLock>,
) -> anyhow::Result<Opened> {
    let Some(lock) = lock else {
        return open(options).await;
    };
    let database = Database::of(options)?;
    let source = KeySource::of(options, &database)?;
    let store = SqliteStore::open_to_serve(lock);
    let store = store.with_context(|| format!("the database {database} cannot be opened"))?;
    with_keys(source, database, Backend::Sqlite(Arc::new(store))).await
}

async fn with_keys(
    source: KeySource,
    database: Database,
    backend: Backend,
) -> anyhow::Result<Opened> {
    // Beside a file anything may make the first key: only this machine has it. Many nodes must all be given the same.
    let first = match backend {
        Backend::Sqlite(_) => First::IsMade,
        Backend::Postgres(_) => First::IsMissing,
    };
    let keys = key_file::open(&source, backend.store().as_ref(), first).await?;
    Ok((database, backend, Arc::new(keys)))
}

/// The exchange rates of live mode: those of the file, or none.
pub fn live_rates(file: Option<&Path>) -> anyhow::Result<Rates> {
    let Some(file) = file else {
        return Ok(Rates::default());
    };
    let json = std::fs::read_to_string(file)
        .with_context(|| format!("the rates {} cannot be read", file.display()))?;
    Rates::from_json(&json).with_context(|| format!("the rates {} cannot be used", file.display()))
}

/// The engine over a store.
pub fn engine(
    store: Arc<dyn Store>,
    keys: Arc<ServerKeys>,
    sandbox: Option<Arc<dyn Rail>>,
    live_rates: Rates,
    outgoing: Policy,
    public_url: &str,
) -> Arc<Engine> {
    Arc::new(Engine::new(Parts {
        store,
        sandbox,
        bank: Arc::new(BankRail),
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        keys,
        timing: Timing::default(),
        live_rates,
        outgoing,
        public_url: public_url.trim_end_matches('/').to_owned(),
    }))
}

/// The engine of a command that works beside the servers: it takes no payments and tells nobody.
pub fn engine_of_command(
    backend: &Backend,
    keys: Arc<ServerKeys>,
    public_url: &str,
) -> Arc<Engine> {
    let (rates, policy) = (Rates::default(), Policy::default());
    engine(backend.store(), keys, None, rates, policy, public_url)
}

/// `paydesk migrate`.
pub async fn migrate(options: StoreOptions) -> anyhow::Result<()> {
    let database = Database::of(&options)?;
    let source = KeySource::of(&options, &database)?;
    let backend = database.migrate().await?;
    let keys = key_file::open(&source, backend.store().as_ref(), First::IsMade).await?;
    println!(
        "{database} is at this version's schema; key version {} signs.",
        keys.current()
    );
    backend.close().await;
    Ok(())
}
