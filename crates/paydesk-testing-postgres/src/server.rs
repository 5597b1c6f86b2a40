//! One server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::programs::{self, User};

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_mins(1);
const SUPERVISE: &str = include_str!("supervise.sh");
/// What tests need: many connections, little memory. Nothing here survives the machine, so nothing need be synced.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "'127.0.0.1'"),
    ("max_connections", "1000"),
    ("shared_buffers", "'64MB'"),
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("autovacuum_naptime", "'5s'"),
];

/// A running server with an empty cluster. Ends when it is dropped, or when this process ends.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    user: User,
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

#[derive(Debug)]
struct Supervisor {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    /// Starts one, with these settings besides (as `postgresql.conf` has them: text in quotes).
    #[must_use]
    pub fn start(settings: &[(&str, &str)]) -> Self {
        let server = Self::prepare();
        let mut initdb = server.run("initdb");
        initdb.args([
            "-N",
            "--auth=trust",
            "--username=paydesk",
            "--encoding=UTF8",
        ]);
        initdb
            .args(["--locale=C.UTF-8", "--pgdata"])
            .arg(server.data());
        succeed(&mut initdb);
        server.configure(SETTINGS);
        server.configure(settings);
        server.go();
        server
    }

    /// A standby of this server that follows it by streaming, under this name. It is another cluster, on another port.
    #[must_use]
    pub fn standby(&self, name: &str) -> Self {
        let server = Self::prepare();
        let primary = format!(
            "host=127.0.0.1 port={} user=paydesk application_name={name}",
            self.port
        );
        let mut copy = server.run("pg_basebackup");
        copy.args([
            "--wal-method=stream",
            "--checkpoint=fast",
            "--write-recovery-conf",
        ]);
        copy.args(["--no-sync", "--dbname", &primary, "--pgdata"])
            .arg(server.data());
        succeed(&mut copy);
        server.go();
        server
    }

    fn prepare() -> Self {
        let (programs, user) = (programs::folder(), User::find());
        let folder = tempfile::Builder::new().prefix("paydesk-pg-").tempdir();
        // The supervisor removes it.
        let folder = folder.expect("a temporary folder").keep();
        user.own(&folder);
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a free port").port();
        let mut supervise = user.command("sh");
        supervise
            .args(["-c", SUPERVISE, "supervise"])
            .arg(&programs)
            .arg(&folder);
        supervise.arg(port.to_string());
        let mut process = supervise
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let orders = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Self {
            programs,
            user,
            folder,
            port,
            supervisor: Mutex::new(Supervisor {
                process,
                orders,
                answers,
            }),
        }
    }

    /// The port it listens on, on the loopback address.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it is, as the start of the URL of any of its databases.
    #[must_use]
    pub fn address(&self) -> String {
        format!("postgres://paydesk@127.0.0.1:{}", self.port)
    }

    /// The URL of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}?sslmode=disable", self.address())
    }

    /// The URL of a database that is on this server or on the other one: whichever can be written to.
    #[must_use]
    pub fn url_of_pair(&self, other: &Self, database: &str) -> String {
        let (one, two) = (self.port, other.port);
        format!("postgres://paydesk@127.0.0.1:{one},127.0.0.1:{two}/{database}?sslmode=disable")
    }

    /// The same, with commits that are answered before they are in the log: what a careless operator sets up, and
    /// what shows that a test notices when something is lost.
    #[must_use]
    pub fn careless_url(&self, database: &str) -> String {
        format!(
            "{}&options=-c%20synchronous_commit%3Doff",
            self.url(database)
        )
    }

    /// Makes an empty database.
    pub fn create_database(&self, name: &str) {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
    }

    /// Runs statements in a database, and answers what they answer: rows as lines, columns with `|` between them.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).expect("the statement works")
    }

    /// The same, or what the server said.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = self.run("psql");
        psql.args([
            "-X",
            "-q",
            "-t",
            "-A",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
        ]);
        psql.args([
            "paydesk",
            "-p",
            &self.port.to_string(),
            "-d",
            database,
            "-c",
            sql,
        ]);
        let output = psql.output().expect("psql runs");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn run(&self, program: &str) -> Command {
        self.user.command(self.programs.join(program))
    }

    /// Adds settings, which count from the next start or [`Self::reload`].
    pub fn configure(&self, settings: &[(&str, &str)]) {
        let path = self.data().join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        for (name, value) in settings {
            writeln!(file, "{name} = {value}").unwrap();
        }
    }

    /// Has it read its settings again.
    pub fn reload(&self) {
        self.sql("postgres", "SELECT pg_reload_conf()");
    }

    /// Kills the postmaster with SIGKILL, as the system does when memory runs out.
    pub fn kill(&self) {
        self.order("kill");
    }

    /// Kills all of its processes at the same moment, as a machine that fails does: what none of them had written to
    /// a file is gone.
    pub fn fall(&self) {
        self.order("fall");
    }

    /// Stops the process that writes the log for whoever does not wait for it, until the server falls. A commit that
    /// waits writes its log itself, and is none the worse; one that does not is only in memory from now on. All that was
    /// committed before is written.
    pub fn hold_log_writer(&self) {
        self.sql("postgres", "CHECKPOINT");
        let writer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'";
        let writer = self.sql("postgres", writer);
        assert!(!writer.is_empty(), "it has a writer");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            self.order(&format!("hold {writer}"));
            // Held in the middle of its work it would keep its locks, and all others from their commits.
            let rests = "SELECT wait_event = 'WalWriterMain' FROM pg_stat_activity WHERE backend_type = 'walwriter'";
            if self.sql("postgres", rests) == "t" {
                return;
            }
            self.order(&format!("release {writer}"));
        }
        panic!("the log's writer does not rest");
    }

    /// Ends it at once, without writing anything down first.
    pub fn stop_immediately(&self) {
        self.order("immediate");
    }

    /// Ends it in order, cutting connections.
    pub fn stop(&self) {
        self.order("stop");
    }

    /// Starts it again, and waits until it answers.
    pub fn go(&self) {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            self.order("start");
            // It ends at once while processes of a killed one are still there, or if somebody took the port.
            while self.order("look") == "look" {
                if self.answers() {
                    return;
                }
                assert!(
                    began.elapsed() < PATIENCE,
                    "it does not answer:\n{}",
                    self.log()
                );
            }
        }
        panic!("it does not start:\n{}", self.log());
    }

    /// Makes a standby a primary.
    pub fn promote(&self) {
        self.sql("postgres", "SELECT pg_promote()");
    }

    /// The end of what it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(40).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn answers(&self) -> bool {
        let mut ask = self.run("pg_isready");
        ask.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        ask.status().is_ok_and(|status| status.success())
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn order(&self, order: &str) -> String {
        let mut supervisor = self.supervisor.lock().unwrap();
        let orders = supervisor.orders.as_mut().expect("it is not dropped");
        writeln!(orders, "{order}").expect("the supervisor listens");
        let mut done = String::new();
        let read = supervisor.answers.read_line(&mut done);
        read.expect("the supervisor answers");
        done.trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(supervisor) = self.supervisor.get_mut() {
            // Without orders it ends. That it was waited for matters to nobody who is dropped in a panic.
            supervisor.orders = None;
            let _ = supervisor.process.wait();
        }
    }
}

/// One of the server's programs, run by a user that the server accepts: `pg_dump`, `pg_restore`.
#[must_use]
pub fn program(name: &str) -> Command {
    User::find().command(programs::folder().join(name))
}

/// Runs a command that must succeed.
fn succeed(command: &mut Command) {
    let output = command.output().expect("the program runs");
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
