//! Paydesk on PostgreSQL: one node, the sandbox's ledger and the database on this machine, with full durability.

pub mod sizes;
pub mod speed;

use std::process::Command;

use paydesk_testing_postgres::Server;
use tempfile::TempDir;

use crate::process::{Process, free_address};
use crate::subject::{self, Running, Subject};

/// Whatever the test servers leave out for speed is put back.
const DURABLE: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "'512MB'"),
    ("max_wal_size", "'4GB'"),
    ("autovacuum_naptime", "'1min'"),
];
const DATABASE: &str = "paydesk";
/// Connections that fill the store.
const FILLERS: u32 = 64;

/// Everything that is needed, running; all of it is gone with this value.
struct Ground {
    running: Running,
    subject: Subject,
    server: Server,
    _ledger: Process,
    directory: TempDir,
}

impl Ground {
    /// Starts all of it; the node has so many connections to the database, and is told this besides.
    fn prepare(connections: u32, more: &[&str]) -> anyhow::Result<Self> {
        let program = subject::locate()?;
        let directory = tempfile::tempdir()?;
        let server = Server::start(DURABLE);
        server.create_database(DATABASE);
        let sandbox = free_address()?;
        let mut ledger = Command::new(&program);
        ledger.args(["sandbox", "--listen", &sandbox.to_string(), "--data"]);
        ledger.arg(directory.path().join("sandbox.db"));
        let ledger = Process::spawn(&mut ledger, directory.path().join("sandbox.log"))?;

        let (sandbox, connections) = (format!("http://{sandbox}"), connections.to_string());
        let mut serve = vec!["--sandbox-url", &sandbox];
        serve.extend(["--database-connections", &connections]);
        serve.extend(more);
        let serve = serve.into_iter().map(str::to_owned).collect();
        let url = server.url(DATABASE);
        let subject = Subject::create_on(program, serve, directory.path(), url)?;
        let running = subject.start()?;
        Ok(Self {
            running,
            subject,
            server,
            _ledger: ledger,
            directory,
        })
    }
}
