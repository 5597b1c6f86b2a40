//! The server's keys at rest: in a file (beside the database, if that is a file), or in the environment.
//!
//! The database holds their fingerprints. A process whose keys are not those refuses to start, and never makes
//! others: links and secrets made with the right ones would be lost without a word.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use paydesk_core::id::{Ids, SystemIds};
use paydesk_core::keys::ServerKeys;
use paydesk_core::store::Store;

use crate::cli::{RotateOptions, StoreOptions};
use crate::parts::{Backend, Database};

/// Where the keys are.
pub enum KeySource {
    /// In the environment.
    Text(String),
    /// In this file.
    File(PathBuf),
}

impl KeySource {
    /// As the options say; beside the database if they say nothing.
    pub fn of(options: &StoreOptions, database: &Database) -> anyhow::Result<Self> {
        Ok(match (&options.keys, &options.key_file) {
            (_, Some(file)) => Self::File(file.clone()),
            (Some(text), None) => Self::Text(text.clone()),
            (None, None) => Self::File(database.beside("keys").context(
                "the server's keys cannot lie beside a database on a server: name their file with --key-file, or \
                 give the keys themselves in PAYDESK_KEYS",
            )?),
        })
    }
}

/// What is done where there are no keys yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The first one is made.
    IsMade,
    /// That is a mistake.
    IsMissing,
}

/// The keys that this database was made with; makes the first ones for a new database, if that is asked for.
pub async fn open(
    source: &KeySource,
    store: &dyn Store,
    on_first: First,
) -> anyhow::Result<ServerKeys> {
    let known = store.key_fingerprints().await?;
    ensure!(
        on_first == First::IsMade || !known.is_empty(),
        "this database was made without the server's keys: `paydesk migrate` makes them, or adds those it is given"
    );
    let keys = match source {
        KeySource::Text(text) => {
            ServerKeys::from_text(text).context("PAYDESK_KEYS cannot be read")?
        }
        KeySource::File(path) => match read(path)? {
            Some(keys) => keys,
            None if known.is_empty() => first(path)?,
            None => bail!(
                "the file {} with the server's keys is missing, and this database was made with keys: put the file \
                 back (a backup of it will do), or name it with --key-file",
                path.display()
            ),
        },
    };
    if let Err(version) = keys.are_those_of(&known) {
        bail!(
            "the server's keys are not those of this database: version {version} is missing or another. Links and \
             secrets made with it would be lost; put the right keys back"
        );
    }
    store.add_key_fingerprints(&keys.fingerprints()).await?;
    Ok(keys)
}

fn read(path: &Path) -> anyhow::Result<Option<ServerKeys>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let keys = ServerKeys::from_text(&text);
            Ok(Some(keys.with_context(|| {
                format!("the key file {} cannot be read", path.display())
            })?))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("the key file {} cannot be read", path.display()))
        }
    }
}

/// Makes the first key. Of two processes that do so at once, one makes it and the other reads it.
fn first(path: &Path) -> anyhow::Result<ServerKeys> {
    let keys = ServerKeys::generate(&SystemIds);
    let draft = write_draft(path, &keys)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => sync_folder(path)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return read(path)?
                .with_context(|| format!("the key file {} vanished", path.display()));
        }
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot make the key file {}", path.display()));
        }
    }
    Ok(keys)
}

/// Writes the keys to a file of another name, for its owner only, all the way to the disk.
fn write_draft(path: &Path, keys: &ServerKeys) -> anyhow::Result<PathBuf> {
    let mut salt = [0; 8];
    SystemIds.fill(&mut salt);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}", u64::from_be_bytes(salt)));
    let draft = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(&draft)
        .with_context(|| format!("cannot write beside the key file {}", path.display()))?;
    file.write_all(keys.to_text().as_bytes())?;
    file.sync_all()?;
    Ok(draft)
}

fn sync_folder(path: &Path) -> anyhow::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// `paydesk key rotate`.
pub async fn rotate(options: RotateOptions) -> anyhow::Result<()> {
    let database = Database::of(&options.store)?;
    let source = KeySource::of(&options.store, &database)?;
    let backend = database.open().await?;
    let store = backend.store();
    let keys = open(&source, store.as_ref(), First::IsMade).await?;
    let KeySource::File(path) = source else {
        bail!("the keys are in PAYDESK_KEYS: only keys in a file can be rotated by this command")
    };
    let was_prepared = keys.next().is_some();
    let keys = if options.prepare {
        keys.prepared(&SystemIds)?
    } else {
        keys.rotated(&SystemIds)?
    };
    let draft = write_draft(&path, &keys)?;
    fs::rename(&draft, &path)?;
    sync_folder(&path)?;
    store.add_key_fingerprints(&keys.fingerprints()).await?;
    let file = path.display();
    if let Some(version) = keys.next() {
        println!(
            "Version {version} is in {file}, and signs nothing yet. Give the file to every node and restart them, one \
             by one; then `paydesk key rotate` makes it sign."
        );
        return Ok(());
    }
    let version = keys.current();
    println!("Version {version} is in {file}. Restart every server, then it signs.");
    if matches!(backend, Backend::Postgres(_)) && !was_prepared {
        println!(
            "It was not prepared: stop all nodes before you start the first with it, or those that do not know it yet \
             answer 404 to its links."
        );
    }
    Ok(())
}
