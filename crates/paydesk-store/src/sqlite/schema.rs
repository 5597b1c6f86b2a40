//! Opening a database file: what it must be, how it is set up, and its numbered migrations.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

/// The oldest library that this store runs on, as SQLite counts (3.51.3): write-ahead logs of older ones can
/// be corrupted when a checkpoint and a restart of the log meet.
const OLDEST_LIBRARY: i32 = 3_051_003;
/// Marks our files: `PDSK`.
const APPLICATION_ID: i32 = 0x5044_534B;
/// How long a connection waits for another process that is writing: a command run beside the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two attempts, where SQLite does not wait by itself.
const PAUSE: Duration = Duration::from_millis(10);
/// Page cache of the writer, in KiB: the right-hand edges of all trees, and what a group changes.
const WRITER_CACHE: i32 = 12 * 1024;
/// Page caches of all lanes of readers together, in KiB; the reader for what takes long has one lane's share besides. The
/// operating system's own cache stands behind them, but a page from there costs a call and a copy.
const READER_CACHES: i32 = 20 * 1024;
/// How many statements a connection keeps prepared: more than there are.
const STATEMENTS: usize = 96;
/// Up to this size the log's file is kept for reuse; a larger one is cut back, in bytes.
const LOG_KEPT: i64 = 32 * 1024 * 1024;

/// The migrations, in order. The schema's version is how many of them have run. Never change one that was
/// released: add another.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_words_known.sql"),
    include_str!("migrations/0003_words_merged.sql"),
];

/// Why a database file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The library is too old to be trusted with a write-ahead log.
    #[error(
        "SQLite {found} is too old: its write-ahead log can be corrupted; 3.51.3 or newer is needed"
    )]
    OldLibrary {
        /// Which is there.
        found: &'static str,
    },
    /// The file is a database, but not ours.
    #[error("{} is a database of another program", path.display())]
    NotOurs {
        /// Which file.
        path: PathBuf,
    },
    /// A newer Paydesk has written it.
    #[error("{} has schema version {found}, this Paydesk knows up to {known}: use the newer one", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// The file system does not allow a write-ahead log, as network file systems do not.
    #[error("{} cannot have a write-ahead log: is it on a network file system?", path.display())]
    NoLog {
        /// Which file.
        path: PathBuf,
    },
    /// The file could not be made or protected.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite could not open or migrate it.
    #[error("{}: {source}", path.display())]
    Database {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(std::io::Error),
}

impl OpenError {
    /// Turns what SQLite says of a file into what is said of opening it.
    pub(super) fn of(path: &Path) -> impl Fn(rusqlite::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Database {
            path: path.clone(),
            source,
        }
    }
}

/// Opens the connection that writes, making the file and bringing its schema up to date first.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    if rusqlite::version_number() < OLDEST_LIBRARY {
        let found = rusqlite::version();
        return Err(OpenError::OldLibrary { found });
    }
    make_private(path)?;
    let failed = OpenError::of(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags).map_err(&failed)?;
    set_up(&db).map_err(&failed)?;
    // Looked at before anything is written, so that another program's file stays as it is.
    check(&db, path)?;
    let mode = switch_to_log(&db).map_err(&failed)?;
    if mode != "wal" {
        let path = path.to_owned();
        return Err(OpenError::NoLog { path });
    }
    set_up_writer(&db).map_err(&failed)?;
    migrate(&mut db, path)?;
    Ok(db)
}

/// Opens a connection that copies the log into the database.
pub(super) fn open_checkpointer(path: &Path) -> Result<Connection, OpenError> {
    let failed = OpenError::of(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(&failed)?;
    set_up_writer(&db).map_err(&failed)?;
    Ok(db)
}

/// Opens one of so many connections that only read. The file is there: a writer has opened it.
pub(super) fn open_reader(path: &Path, of: usize) -> Result<Connection, OpenError> {
    let failed = OpenError::of(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(&failed)?;
    let set_up_reader = || {
        set_up(&db)?;
        let share = i32::try_from(of).map_or(READER_CACHES, |of| READER_CACHES / of.max(1));
        db.pragma_update(None, "cache_size", -share)?;
        db.pragma_update(None, "query_only", true)?;
        db.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(())
    };
    set_up_reader().map_err(&failed)?;
    Ok(db)
}

/// Opens a connection that copies all of the database elsewhere. It may not be read-only, since it writes the copy; it
/// writes nothing here.
pub(super) fn open_copier(path: &Path) -> Result<Connection, OpenError> {
    let failed = OpenError::of(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(&failed)?;
    set_up(&db).map_err(&failed)?;
    check(&db, path)?;
    Ok(db)
}

/// What all connections have in common.
fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY_TIMEOUT)?;
    // A statement's plan does not depend on what is bound to it. Otherwise SQLite looks at a bound `LIMIT`, and prepares
    // the statement anew each time that it is bound: a tenth of what a list costs.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// What the connections that write have in common.
fn set_up_writer(db: &Connection) -> rusqlite::Result<()> {
    set_up(db)?;
    // Each commit is on the disk before it returns.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    db.pragma_update(None, "temp_store", "MEMORY")?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_KEPT, |_| Ok(()))?;
    db.pragma_update_and_check(
        None,
        "wal_autocheckpoint",
        super::checkpoint::AT_THE_LATEST,
        |_| Ok(()),
    )?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Makes the file if it is not there, and lets only its owner read it: it holds names, addresses and hashes
/// of secrets. The log and its index take over the file's mode.
fn make_private(path: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::File {
        path: path.to_owned(),
        source,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => tighten(path).map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

/// Takes all rights from everybody but the owner, as after a restored backup.
#[cfg(unix)]
fn tighten(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn tighten(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Has the database keep a write-ahead log, if it does not yet. Answers what it keeps.
fn switch_to_log(db: &Connection) -> rusqlite::Result<String> {
    let switch = || db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
    // While another process switches, SQLite does not wait by itself.
    for _ in 0..BUSY_TIMEOUT.as_millis() / PAUSE.as_millis() {
        match switch() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
    switch()
}

/// Refuses a database that is neither empty nor ours, and one that is newer than we are.
fn check(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let failed = OpenError::of(path);
    let look = || {
        // One transaction: another process may be making the schema at this moment.
        let look = db.unchecked_transaction()?;
        let id: i32 = look.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let any = look
            .prepare("SELECT 1 FROM sqlite_schema LIMIT 1")?
            .exists([])?;
        let version = version(&look)?;
        look.commit()?;
        Ok((id, !any, version))
    };
    let (id, is_empty, found) = look().map_err(&failed)?;
    if id != APPLICATION_ID && (id != 0 || !is_empty) {
        let path = path.to_owned();
        return Err(OpenError::NotOurs { path });
    }
    let known = newest();
    if found > known {
        let path = path.to_owned();
        return Err(OpenError::Newer { path, found, known });
    }
    Ok(())
}

/// The version of the newest schema that is known.
fn newest() -> u32 {
    (0..)
        .zip(MIGRATIONS)
        .map(|(before, _)| before + 1)
        .last()
        .unwrap_or(0)
}

/// A database's schema, as a number of migrations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SchemaVersion {
    /// That of the database.
    pub found: u32,
    /// The newest that is known.
    pub known: u32,
}

impl SchemaVersion {
    /// Whether nothing is to be migrated.
    #[must_use]
    pub const fn is_current(self) -> bool {
        self.found == self.known
    }
}

/// Looks which schema a database has.
pub(super) fn look(path: &Path) -> Result<SchemaVersion, OpenError> {
    let failed = OpenError::of(path);
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let found = db.and_then(|db| {
        db.busy_timeout(BUSY_TIMEOUT)?;
        version(&db)
    });
    let (found, known) = (found.map_err(failed)?, newest());
    Ok(SchemaVersion { found, known })
}

/// The schema's version.
fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Runs the migrations that have not run. Each is one transaction; of two processes that start at once, one
/// runs it and the other finds it done.
fn migrate(db: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let failed = OpenError::of(path);
    for (before, migration) in (0..).zip(MIGRATIONS) {
        if version(db).map_err(&failed)? > before {
            continue;
        }
        let run = |db: &mut Connection| {
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if version(&change)? == before {
                change.execute_batch(migration)?;
                change.pragma_update(None, "application_id", APPLICATION_ID)?;
                change.pragma_update(None, "user_version", before + 1)?;
            }
            change.commit()
        };
        run(db).map_err(&failed)?;
    }
    Ok(())
}
