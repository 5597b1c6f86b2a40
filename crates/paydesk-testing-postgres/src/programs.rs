//! Where the server's programs are, and who runs them.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where distributions put them, one folder for each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder with `postgres`, `initdb` and the others: what `PAYDESK_TEST_POSTGRES` names, or the newest that is
/// installed.
#[must_use]
pub fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("PAYDESK_TEST_POSTGRES") {
        return folder.into();
    }
    let installed = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let version = |path: &PathBuf| -> u32 {
        let name = path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.parse().ok()).unwrap_or(0)
    };
    installed
        .map(|entry| entry.path())
        .filter(|path| path.join("bin/initdb").exists())
        .max_by_key(version)
        .map(|path| path.join("bin"))
        .expect("PostgreSQL is not installed: apt-get install postgresql, or name its programs' folder in PAYDESK_TEST_POSTGRES")
}

/// Who runs a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum User {
    /// Whoever runs the test.
    Same,
    /// The test is run by root, whom the server refuses: somebody without rights.
    Other { user: u32, group: u32 },
}

impl User {
    pub(crate) fn find() -> Self {
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = |wanted: &str| {
            let line = passwd
                .lines()
                .find(|line| line.split(':').next() == Some(wanted))?;
            let mut fields = line.split(':').skip(2);
            Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
        };
        // A folder that we make is ours: it tells who we are without asking the system.
        let probe = tempfile::tempdir().expect("a temporary folder");
        let owner = std::os::unix::fs::MetadataExt::uid(&probe.path().metadata().unwrap());
        if owner != 0 {
            return Self::Same;
        }
        let (user, group) = ids("postgres")
            .or_else(|| ids("nobody"))
            .expect("a user who is not root");
        Self::Other { user, group }
    }

    /// Gives a folder to this user.
    pub(crate) fn own(self, folder: &Path) {
        if let Self::Other { user, group } = self {
            chown(folder, Some(user), Some(group)).expect("root may give folders away");
        }
    }

    /// A command that this user runs.
    pub(crate) fn command(self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
        // Not in a folder that this user may not enter, and not ended with the test by a signal to its group.
        command.current_dir("/").process_group(0);
        command
    }
}
