//! `paydesk doctor`: what is right and what is wrong with an installation, and what to do about it.

use std::fmt::Display;
use std::path::Path;

use anyhow::{bail, ensure};
use paydesk_core::store::Store;
use paydesk_store::{PostgresStore, SqliteStore};

use crate::cli::StoreOptions;
use crate::key_file::{self, First, KeySource};
use crate::parts::{Backend, Database};

/// Checks everything and says what it found; fails if anything is wrong.
pub async fn run(options: StoreOptions) -> anyhow::Result<()> {
    let database = Database::of(&options)?;
    let mut report = Report::default();
    if let Database::Sqlite(path) = &database {
        if !path.exists() {
            bail!(
                "there is no database at {}: `paydesk migrate` makes one",
                path.display()
            );
        }
        report.add("database", owner_only(path));
        if let Some(ledger) = database.beside("sandbox").filter(|ledger| ledger.exists()) {
            report.add(
                "sandbox",
                owner_only(&ledger).and_then(|good| sound(&ledger, good)),
            );
        }
    }
    match open(&database).await {
        Err(error) => report.add("schema", Err(format!("{error:#}"))),
        Ok(backend) => {
            let store = backend.store();
            let answers = store.ping().await.map(|()| "current".to_owned());
            report.add("schema", answers);
            if let Backend::Postgres(store) = &backend {
                report.add("durability", durable(store).await);
            }
            check_keys(&options, &database, store.as_ref(), &mut report).await;
            let merchants = store.merchants().await;
            report.add("merchants", merchants.map(|all| all.len().to_string()));
        }
    }
    if report.wrong > 0 {
        bail!("{} of the checks failed", report.wrong);
    }
    println!("All is well.");
    Ok(())
}

/// Opens a database that has this version's schema.
async fn open(database: &Database) -> anyhow::Result<Backend> {
    if let Database::Sqlite(path) = database {
        let schema = SqliteStore::schema(path)?;
        ensure!(
            schema.is_current(),
            "version {} of {}: `paydesk migrate` brings it there",
            schema.found,
            schema.known
        );
    }
    database.open().await
}

/// What was found, printed line by line.
#[derive(Default)]
struct Report {
    wrong: usize,
}

impl Report {
    fn add(&mut self, what: &str, found: Result<String, impl Display>) {
        match found {
            Ok(good) => println!("ok     {what}: {good}"),
            Err(bad) => {
                self.wrong += 1;
                println!("WRONG  {what}: {bad}");
            }
        }
    }
}

async fn check_keys(
    options: &StoreOptions,
    database: &Database,
    store: &dyn Store,
    report: &mut Report,
) {
    let source = match KeySource::of(options, database) {
        Ok(source) => source,
        Err(error) => return report.add("server keys", Err(format!("{error:#}"))),
    };
    if let KeySource::File(path) = &source
        && path.exists()
    {
        report.add("key file", owner_only(path));
    }
    let keys = key_file::open(&source, store, First::IsMissing).await;
    let keys = keys.map(|keys| {
        let next = keys.next();
        let next = next.map_or_else(String::new, |next| format!(", version {next} is prepared"));
        let signs = keys.current();
        format!("version {signs} signs{next}, all are this database's")
    });
    report.add("server keys", keys.map_err(|error| format!("{error:#}")));
}

/// Whether what the server says is committed survives its fall.
async fn durable(store: &PostgresStore) -> Result<String, String> {
    let settings = store.durability().await;
    let settings = settings.map_err(|error| error.to_string())?;
    let off: Vec<&str> = settings
        .iter()
        .filter(|(_, value)| value == "off")
        .map(|(name, _)| name.as_str())
        .collect();
    if off.is_empty() {
        let all = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        Ok(all.collect::<Vec<_>>().join(", "))
    } else {
        Err(format!(
            "{} is off: payments that were acknowledged can be lost; turn it on in postgresql.conf",
            off.join(", ")
        ))
    }
}

/// Whether a ledger is whole.
fn sound(ledger: &Path, good: String) -> Result<String, String> {
    let checked = paydesk_rails::sandbox::Ledger::check(ledger);
    let cannot = |error| format!("{}: {error}", ledger.display());
    checked.map(|()| good).map_err(cannot)
}

/// Whether only its owner may read a file.
fn owner_only(path: &Path) -> Result<String, String> {
    let metadata = path
        .metadata()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if mode & 0o077 != 0 {
            return Err(format!(
                "{} may be read by others: chmod 600 it",
                path.display()
            ));
        }
    }
    Ok(format!(
        "{} ({} bytes), its owner's only",
        path.display(),
        metadata.len()
    ))
}
