//! The schema: its numbered migrations, and which version a database has.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, GenericClient, Transaction};

use super::connect::OpenError;

/// The migrations, in order. The schema's version is how many of them have run. Never change one that was
/// released: add another, and one that the version before can still work on, since nodes of both run side by
/// side while an installation is brought up to date.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_first.sql")];

/// How often the making of the table of versions is tried: two processes that make it at once are told so.
const TRIES: u32 = 5;

/// What the database says of itself. One row.
const MAKE_VERSION: &str = "CREATE TABLE IF NOT EXISTS paydesk_schema (
        one smallint NOT NULL PRIMARY KEY CHECK (one = 1),
        version integer NOT NULL
    );
    INSERT INTO paydesk_schema (one, version) VALUES (1, 0) ON CONFLICT DO NOTHING";
const HAS_VERSION: &str = "SELECT 1 FROM information_schema.tables
    WHERE table_schema = current_schema() AND table_name = 'paydesk_schema'";
const VERSION: &str = "SELECT version FROM paydesk_schema WHERE one = 1";
/// Of two processes that migrate at once, one waits here for the other.
const LOCK_VERSION: &str = "SELECT version FROM paydesk_schema WHERE one = 1 FOR UPDATE";
const SET_VERSION: &str = "UPDATE paydesk_schema SET version = $1 WHERE one = 1";

/// The version of the newest schema that is known.
fn newest() -> u32 {
    (0..)
        .zip(MIGRATIONS)
        .map(|(before, _)| before + 1)
        .last()
        .unwrap_or(0)
}

async fn version(client: &impl GenericClient, how: &str) -> Result<u32, Error> {
    let row = client.query_opt(how, &[]).await?;
    let version: i32 = row.map_or(Ok(0), |row| row.try_get(0))?;
    Ok(version.unsigned_abs())
}

/// Refuses a database whose schema is not this version's.
pub(super) async fn check(client: &impl GenericClient) -> Result<(), OpenError> {
    let known = newest();
    let is_there = client.query_opt(HAS_VERSION, &[]).await?.is_some();
    let found = if is_there {
        version(client, VERSION).await?
    } else {
        0
    };
    match found {
        0 => Err(OpenError::NoSchema),
        found if found < known => Err(OpenError::Older { found, known }),
        found if found > known => Err(OpenError::Newer { found, known }),
        _ => Ok(()),
    }
}

/// Runs the migrations that have not run, each in a transaction.
pub(super) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    make_version(client).await?;
    for (before, migration) in (0..).zip(MIGRATIONS) {
        let change = begin(client).await?;
        // Indexes on large tables take longer than anything else is allowed to.
        change
            .batch_execute("SET LOCAL statement_timeout = 0")
            .await?;
        let found = version(&change, LOCK_VERSION).await?;
        if found == before {
            change.batch_execute(migration).await?;
            let after = i32::try_from(before + 1).unwrap_or(i32::MAX);
            change.execute(SET_VERSION, &[&after]).await?;
        }
        change.commit().await?;
    }
    check(&*client).await
}

async fn make_version(client: &mut Client) -> Result<(), Error> {
    for _ in 1..TRIES {
        match try_make_version(client).await {
            Err(error)
                if matches!(
                    error.code(),
                    Some(&SqlState::UNIQUE_VIOLATION | &SqlState::DUPLICATE_TABLE)
                ) => {}
            outcome => return outcome,
        }
    }
    try_make_version(client).await
}

async fn try_make_version(client: &mut Client) -> Result<(), Error> {
    let change = begin(client).await?;
    change.batch_execute(MAKE_VERSION).await?;
    change.commit().await
}

/// Outside of transactions that say otherwise, our connections only read.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, Error> {
    client.build_transaction().read_only(false).start().await
}
