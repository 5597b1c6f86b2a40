//! A copy of a database that is in use.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::{OpenError, schema};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy's file is there, or cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite could not copy, or the copy is not sound.
    #[error("{}: {source}", path.display())]
    Database {
        /// The copy.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// What was copied is damaged.
    #[error("the copy {} is not sound: {found}", path.display())]
    Unsound {
        /// The copy.
        path: PathBuf,
        /// What SQLite found.
        found: String,
    },
}

/// Copies a database to a new file, readable for its owner only, as it is at one moment: all that was committed before
/// is in it. Servers go on meanwhile. The copy is on the disk, and was checked, when this returns.
///
/// It blocks until then; each gigabyte takes some seconds.
pub fn back_up(database: &Path, copy: &Path) -> Result<(), BackupError> {
    let file = |source| BackupError::File {
        path: copy.to_owned(),
        source,
    };
    if !database.exists() {
        let source = std::io::Error::from(ErrorKind::NotFound);
        let path = database.to_owned();
        return Err(BackupError::File { path, source });
    }
    // Made first, so that nobody else can read it at any moment.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let target = options.open(copy).map_err(file)?;
    let done = copied(database, copy).and_then(|()| target.sync_all().map_err(file));
    if done.is_err() {
        // A copy that is not one must not be taken for one. What went wrong first is what is told.
        let _ = fs::remove_file(copy);
    }
    done
}

fn copied(database: &Path, copy: &Path) -> Result<(), BackupError> {
    let failed = |source| BackupError::Database {
        path: copy.to_owned(),
        source,
    };
    let db = schema::open_copier(database)?;
    let name = copy.to_str().ok_or_else(|| {
        let source = std::io::Error::new(ErrorKind::InvalidInput, "its name is not text");
        let path = copy.to_owned();
        BackupError::File { path, source }
    })?;
    // One read transaction, however long it takes.
    db.execute("VACUUM INTO ?1", [name]).map_err(failed)?;
    let found: String = Connection::open(copy)
        .and_then(|copy| copy.query_row("PRAGMA quick_check", [], |row| row.get(0)))
        .map_err(failed)?;
    if found == "ok" {
        return Ok(());
    }
    let path = copy.to_owned();
    Err(BackupError::Unsound { path, found })
}
