//! `paydesk backup`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use paydesk_store::sqlite::back_up;

use crate::cli::BackupOptions;
use crate::key_file::KeySource;
use crate::parts::Database;

/// Copies the database, and the server's keys if that is asked for.
pub async fn run(options: BackupOptions) -> anyhow::Result<()> {
    let database = Database::of(&options.store)?;
    let Database::Sqlite(path) = &database else {
        bail!(
            "{database} is backed up with PostgreSQL's own tools: pg_dump for a copy, pg_basebackup and an archive of \
             the log for any moment; and copy the server's keys"
        );
    };
    let keys = KeySource::of(&options.store, &database)?;
    let copy_of_keys = with_ending(&options.to, "keys");
    let known = match &keys {
        KeySource::File(file) if options.with_keys => Some(
            fs::read(file)
                .with_context(|| format!("the server's keys {} cannot be read", file.display()))?,
        ),
        KeySource::Text(text) if options.with_keys => Some(text.clone().into_bytes()),
        _ => None,
    };
    let (from, to) = (path.clone(), options.to.clone());
    let copied = tokio::task::spawn_blocking(move || back_up(&from, &to)).await?;
    copied.context("there is no backup")?;
    println!("{database} is copied to {}.", options.to.display());
    match known {
        Some(keys) => {
            write_privately(&copy_of_keys, &keys).with_context(|| {
                format!("the keys' copy {} is not made", copy_of_keys.display())
            })?;
            println!(
                "The server's keys are copied to {}: whoever has both can sign in the server's name.",
                copy_of_keys.display()
            );
        }
        None => eprintln!(
            "THE SERVER'S KEYS ARE NOT IN THIS BACKUP. Without them it cannot be served: every link and every sealed \
             secret would be lost. Keep a copy of {}, apart from this one.",
            match &keys {
                KeySource::File(file) => file.display().to_string(),
                KeySource::Text(_) => "PAYDESK_KEYS".to_owned(),
            }
        ),
    }
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Writes a new file for its owner only, all the way to the disk.
fn write_privately(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
