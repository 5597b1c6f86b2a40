//! One server for one file.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

/// Held while a server runs: a lock of the operating system on a file beside the database, which it takes
/// away when the process ends, however it ends. It does not keep commands from opening the same database; SQLite
/// takes care of those.
#[derive(Debug)]
pub struct ServerLock {
    database: PathBuf,
    /// The lock lives as long as the open file.
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another server is running on this database: it holds {}", path.display())]
    Held {
        /// The lock's file.
        path: PathBuf,
    },
    /// The file could not be made or locked.
    #[error("{}: {source}", path.display())]
    File {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl ServerLock {
    /// Takes the lock of this database, or says who stands in the way. Does not wait.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(source) => return Err(LockError::File { path, source }),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self {
                database: database.to_owned(),
                _file: file,
            }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path }),
            Err(TryLockError::Error(source)) => Err(LockError::File { path, source }),
        }
    }

    /// The database that it is for.
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.database
    }
}
