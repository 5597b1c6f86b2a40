//! `paydesk migrate-store`.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use paydesk_store::postgres::{ImportError, Moving};
use paydesk_store::sqlite::ServerLock;
use paydesk_store::{PostgresStore, SqliteStore};

use crate::cli::MigrateStoreOptions;
use crate::parts::Database;

/// How many connections a move needs.
const CONNECTIONS: usize = 2;

/// Moves an installation from SQLite to PostgreSQL.
pub async fn run(options: MigrateStoreOptions) -> anyhow::Result<()> {
    let from = Database::parse(&options.from, CONNECTIONS).context("--from")?;
    let to = Database::parse(&options.to, CONNECTIONS).context("--to")?;
    let (Database::Sqlite(path), Database::Postgres(address, settings)) = (&from, &to) else {
        bail!(
            "a store is moved --from sqlite:FILE --to postgres://USER@HOST/DATABASE, and no other way"
        );
    };
    if !path.exists() {
        bail!("there is no database at {}", path.display());
    }
    // For as long as the move takes: what a server wrote meanwhile would be left behind.
    let lock = ServerLock::take(path);
    let _lock = lock.with_context(|| format!("stop the server of {from} first"))?;
    // The old database is brought to this version's schema, and its log is copied into it.
    let old = SqliteStore::open(path).with_context(|| format!("{from} cannot be opened"))?;
    old.close().await;
    let new = PostgresStore::open_to_move_into(address, *settings).await;
    let new = Arc::new(new.with_context(|| format!("{to} cannot be opened"))?);

    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(
        "{prefix:>18} {bar:30} {human_pos} of {human_len}, {eta} left {msg}",
    )?);
    let moved = new
        .move_from(path, |step| match step {
            Moving::Rows { table, moved, of } => {
                bar.set_prefix(table);
                bar.set_length(of);
                bar.set_position(moved);
            }
            Moving::Comparing { table, rows } => {
                bar.set_prefix(table);
                bar.set_length(rows);
                bar.set_position(rows);
                bar.set_message("comparing");
            }
        })
        .await;
    bar.finish_and_clear();
    let moved = moved.map_err(|error| {
        let next = match error {
            // What was moved before has changed since, on one of the two sides: the rest would be moved to no end.
            ImportError::Differs { .. } => {
                "the move is not complete, and nothing serves the new database yet: did a server \
                 write to the old one meanwhile? Drop the new database, make it anew, and move again with that server stopped"
            }
            ImportError::InUse(_) | ImportError::Another => {
                "nothing is moved into this database: make a new one, which nothing but this command has touched"
            }
            ImportError::DiffersSince { .. } => {
                "nothing was moved: that was complete before, and the new database may be in use"
            }
            _ => "the move is not complete; the same command goes on with it",
        };
        anyhow::Error::new(error).context(next)
    })?;
    println!("{:>18} {:>12}  checksum, of both", "table", "rows");
    for table in moved {
        println!(
            "{:>18} {:>12}  {:032x}",
            table.table, table.rows, table.checksum
        );
    }
    println!(
        "{to} holds what {from} held. Give the same keys to every server (--key-file or PAYDESK_KEYS), and keep {} \
         until you are sure.",
        path.display()
    );
    new.close();
    Ok(())
}
