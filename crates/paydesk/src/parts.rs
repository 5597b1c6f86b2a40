//! Puts the parts together that more than one command needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use paydesk_core::engine::{Engine, Parts, Timing};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::rail::Rail;
use paydesk_core::rates::Rates;
use paydesk_core::store::Store;
use paydesk_core::time::SystemClock;
use paydesk_store::SqliteStore;
use paydesk_store::sqlite::{OpenError, ServerLock};

use crate::cli::StoreOptions;
use crate::key_file::{self, KeySource};

/// Where everything is kept.
pub struct Database {
    path: PathBuf,
}

impl Database {
    /// Reads `sqlite:FILE`.
    pub fn parse(url: &str) -> anyhow::Result<Self> {
        let Some(path) = url.strip_prefix("sqlite:") else {
            bail!("--database {url} is not known: it is sqlite:FILE, such as sqlite:paydesk.db");
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        ensure!(
            !path.is_empty(),
            "--database sqlite: names no file, such as sqlite:paydesk.db"
        );
        Ok(Self {
            path: PathBuf::from(path),
        })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file beside it with this ending.
    pub fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".");
        name.push(ending);
        PathBuf::from(name)
    }
}

/// Opens the store for a command, and brings it to this version's schema.
pub fn open_store(database: &Database) -> anyhow::Result<Arc<SqliteStore>> {
    opened(SqliteStore::open(database.path()), database)
}

fn opened(
    store: Result<SqliteStore, OpenError>,
    database: &Database,
) -> anyhow::Result<Arc<SqliteStore>> {
    let path = database.path().display();
    let store = store.with_context(|| format!("the database {path} cannot be opened"))?;
    Ok(Arc::new(store))
}

/// Takes the database for one server, until the store opened with it is dropped. To be taken before anything is opened: a second
/// server must not so much as bring the schema to its own version.
pub fn lock_to_serve(options: &StoreOptions) -> anyhow::Result<ServerLock> {
    let database = Database::parse(&options.database)?;
    ServerLock::take(database.path())
        .with_context(|| format!("cannot serve {}", database.path().display()))
}

/// What most commands need.
pub type Opened = (Database, Arc<SqliteStore>, Arc<ServerKeys>);

/// Opens the store and its keys, for a command.
pub async fn open(options: &StoreOptions) -> anyhow::Result<Opened> {
    let database = Database::parse(&options.database)?;
    let store = open_store(&database)?;
    with_keys(options, database, store).await
}

/// Opens the store and its keys, for the server that has the lock.
pub async fn open_to_serve(options: &StoreOptions, lock: ServerLock) -> anyhow::Result<Opened> {
    let database = Database::parse(&options.database)?;
    let store = opened(SqliteStore::open_to_serve(lock), &database)?;
    with_keys(options, database, store).await
}

async fn with_keys(
    options: &StoreOptions,
    database: Database,
    store: Arc<SqliteStore>,
) -> anyhow::Result<Opened> {
    let keys = key_file::open(&KeySource::of(options, &database), store.as_ref()).await?;
    Ok((database, store, Arc::new(keys)))
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
    public_url: &str,
) -> Arc<Engine> {
    Arc::new(Engine::new(Parts {
        store,
        sandbox,
        clock: Arc::new(SystemClock),
        ids: Arc::new(SystemIds),
        keys,
        timing: Timing::default(),
        live_rates,
        public_url: public_url.trim_end_matches('/').to_owned(),
    }))
}

/// `paydesk migrate`.
pub async fn migrate(options: StoreOptions) -> anyhow::Result<()> {
    let (database, _store, keys) = open(&options).await?;
    println!(
        "{} is at this version's schema; key version {} signs.",
        database.path().display(),
        keys.current()
    );
    Ok(())
}
