//! The ledger's own file.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::LedgerError;

/// What this program writes. A file of a later one is refused.
const VERSION: i64 = 2;

/// Money is only in `movements`, which is only ever added to; a balance is a sum over its pool. No column holds a
/// card number or a CVC.
const TABLES: &str = "
-- One row per reference that was ever acted on; its outcome is decided once.
CREATE TABLE operations (
    reference TEXT PRIMARY KEY,
    merchant TEXT NOT NULL,
    provider_account TEXT NOT NULL,
    kind TEXT NOT NULL,
    method TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount >= 0),
    currency TEXT NOT NULL,
    original TEXT,
    provider_reference TEXT NOT NULL,
    outcome TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- References that are refused from now on, whether or not they ever came.
CREATE TABLE refused (
    reference TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Money that moved: on the payment or hold that it belongs to (pool), by an operation or a transfer (cause).
CREATE TABLE movements (
    pool TEXT NOT NULL,
    cause TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('held', 'settled', 'released', 'captured', 'refunded')),
    amount INTEGER NOT NULL CHECK (amount > 0),
    at INTEGER NOT NULL,
    PRIMARY KEY (pool, cause, kind)
) STRICT, WITHOUT ROWID;

-- Stored cards: what is recognised of them and how they behave.
CREATE TABLE cards (
    token TEXT PRIMARY KEY,
    stored_by TEXT NOT NULL UNIQUE,
    brand TEXT NOT NULL,
    last_four TEXT NOT NULL CHECK (length(last_four) = 4),
    exp_month INTEGER NOT NULL,
    exp_year INTEGER NOT NULL,
    behaviour TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where payers push money to.
CREATE TABLE pushes (
    reference TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    nonce TEXT NOT NULL COLLATE NOCASE,
    qr_code TEXT,
    account_name TEXT NOT NULL,
    bank TEXT NOT NULL,
    UNIQUE (nonce, account)
) STRICT, WITHOUT ROWID;

-- Money that payers pushed.
CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    received_at INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    written TEXT               -- instead of the payment's reference; empty where there was none
) STRICT, WITHOUT ROWID;
CREATE INDEX transfers_to_tell ON transfers (id) WHERE acknowledged = 0;

-- Pages on which a payer decides.
CREATE TABLE challenges (
    token TEXT PRIMARY KEY,
    reference TEXT NOT NULL UNIQUE,
    merchant_name TEXT NOT NULL,
    return_url TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

pub(super) fn open(path: &Path) -> Result<Connection, LedgerError> {
    make_private(path).map_err(LedgerError::because)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    // What was answered stays true after a power cut.
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "synchronous", "full")?;
    db.set_prepared_statement_cache_capacity(64);
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    match change.pragma_query_value(None, "user_version", |row| row.get(0))? {
        0 => {
            change.execute_batch(TABLES)?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        1 => {
            change.execute_batch("ALTER TABLE transfers ADD COLUMN written TEXT")?;
            change.pragma_update(None, "user_version", VERSION)?;
        }
        VERSION => {}
        other => return Err(unknown(other)),
    }
    change.commit()?;
    Ok(db)
}

fn unknown(version: i64) -> LedgerError {
    LedgerError::because(format!(
        "its file has version {version}; this program knows {VERSION}"
    ))
}

/// Looks whether a file is a whole ledger of a version that [`open`] takes.
pub(super) fn check(path: &Path) -> Result<(), LedgerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    let version = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Err(unknown(version));
    }
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(LedgerError::because(found))
    }
}

/// Makes a new file its owner's only; SQLite makes the log beside it the same.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
