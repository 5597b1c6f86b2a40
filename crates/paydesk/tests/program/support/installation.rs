//! A folder with a database, its keys and a merchant, made by the program itself.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::{Process, SOON, Server, process};

/// A merchant's credentials in test mode.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub key_id: String,
    pub secret: String,
}

impl Credentials {
    /// Nobody's.
    pub fn none() -> Self {
        Self {
            key_id: String::new(),
            secret: String::new(),
        }
    }

    /// As `merchant create --json` and `paydesk-dev.json` have them.
    pub fn read(json: &Value) -> Self {
        let text = |name: &str| json[name].as_str().expect(name).to_owned();
        Self {
            key_id: text("keyId"),
            secret: text("secret"),
        }
    }
}

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// An installation with one merchant.
pub struct Installation {
    folder: TempDir,
    /// What the environment of every command has.
    settings: Vec<(&'static str, String)>,
    pub merchant: Value,
    pub credentials: Credentials,
}

impl Installation {
    pub fn new() -> Self {
        Self::empty().with_merchant()
    }

    /// On an empty database of a PostgreSQL server, with keys that `migrate` made, and a merchant.
    pub fn on(database: &str) -> Self {
        let mut installation = Self::empty();
        installation.set("PAYDESK_DATABASE_URL", database.to_owned());
        let keys = installation.keys();
        let ran = installation.run(&["migrate", "--key-file", keys.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let keys = std::fs::read_to_string(keys).unwrap();
        installation.set("PAYDESK_KEYS", keys);
        installation.with_merchant()
    }

    /// From now on every command has this in its environment.
    pub fn set(&mut self, name: &'static str, value: String) {
        self.settings.retain(|(known, _)| *known != name);
        self.settings.push((name, value));
    }

    fn with_merchant(self) -> Self {
        let mut installation = self;
        let ran = installation.run(&["merchant", "create", "--name", "A Shop", "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        installation.merchant = serde_json::from_str(&ran.out).unwrap();
        installation.credentials = Credentials::read(&installation.merchant["test"]);
        installation
    }

    /// Nothing yet: no database, no keys, no merchant.
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: Vec::new(),
            merchant: Value::Null,
            credentials: Credentials::none(),
        }
    }

    pub fn merchant_id(&self) -> &str {
        self.merchant["merchantId"].as_str().unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file with the server's keys.
    pub fn keys(&self) -> PathBuf {
        self.path("paydesk.db.keys")
    }

    /// The program, run in the folder, where it finds its database by default.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program();
        command.current_dir(self.folder.path()).args(arguments);
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end. One that should have been refused, and goes on instead, is killed.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let id = child.id();
        let (ended, end) = mpsc::channel::<()>();
        thread::spawn(move || {
            if end.recv_timeout(SOON) == Err(RecvTimeoutError::Timeout) {
                process::signal(id, Signal::KILL);
            }
        });
        let ran = child.wait_with_output().unwrap().into();
        drop(ended);
        ran
    }

    /// Starts a server on ports of its own.
    pub async fn serve(&self, options: &[&str]) -> Server {
        Server::started(self.start_serving(options, &[]), &self.credentials)
            .await
            .expect("the server starts")
    }

    /// Begins to start a server with these settings in its environment.
    pub fn start_serving(&self, options: &[&str], settings: &[(&str, &str)]) -> Process {
        let mut command = self.command(&["serve"]);
        command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
        // All the payers of a test are at one address.
        command.args(["--page-rate", "100000"]);
        command.args(options).envs(settings.iter().copied());
        Process::start(&mut command)
    }
}

/// The program, without the settings of whoever runs the tests.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paydesk"));
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("PAYDESK_") || matches!(&*name_text, "FAILPOINTS" | "RUST_LOG") {
            command.env_remove(name);
        }
    }
    command
}
