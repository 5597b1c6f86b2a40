//! `paydesk doctor`: what is right and what is wrong with an installation, and what to do about it.

use std::path::Path;

use anyhow::bail;
use paydesk_core::store::Store as _;

use crate::cli::StoreOptions;
use crate::key_file::{self, KeySource};
use crate::parts::{self, Database};

/// Checks everything and says what it found; fails if anything is wrong.
pub async fn run(options: StoreOptions) -> anyhow::Result<()> {
    let database = Database::parse(&options.database)?;
    let mut wrong = 0;
    let mut report = |what: &str, found: Result<String, String>| match found {
        Ok(good) => println!("ok     {what}: {good}"),
        Err(bad) => {
            wrong += 1;
            println!("WRONG  {what}: {bad}");
        }
    };
    if !database.path().exists() {
        bail!(
            "there is no database at {}: `paydesk migrate` makes one",
            database.path().display()
        );
    }
    report("database", owner_only(database.path()));
    match parts::open_store(&database) {
        Err(error) => report("schema", Err(format!("{error:#}"))),
        Ok(store) => {
            report(
                "schema",
                store
                    .ping()
                    .await
                    .map(|()| "current".to_owned())
                    .map_err(|error| error.to_string()),
            );
            let source = KeySource::of(&options, &database);
            if let KeySource::File(path) = &source
                && path.exists()
            {
                report("key file", owner_only(path));
            }
            let keys = key_file::open(&source, store.as_ref()).await;
            let keys = keys
                .map(|keys| format!("version {} signs, all are this database's", keys.current()));
            report("server keys", keys.map_err(|error| format!("{error:#}")));
            let merchants = store.merchants().await;
            report(
                "merchants",
                merchants
                    .map(|all| all.len().to_string())
                    .map_err(|error| error.to_string()),
            );
        }
    }
    if wrong > 0 {
        bail!("{wrong} of the checks failed");
    }
    println!("All is well.");
    Ok(())
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
