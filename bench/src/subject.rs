//! Paydesk as the benchmark sees it: how it is built, started and spoken to.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::connection::Connection;
use crate::load::{Expect, Requests, Work};
use crate::measure::Contender;
use crate::process::{Process, free_address, without_settings};

/// The body that opens a session, as its vendor's documentation shows it.
pub const SESSION: &[u8] = include_bytes!("../../conformance/xanpay/session.request.json");
/// What the payer's page sends for a card that is charged.
const PAYMENT: &str = r#"{"method":"card","card":{"number":"4242 4242 4242 4242","expMonth":8,"expYear":2040,"cvc":"737","name":"A Payer"}}"#;
/// How many sessions a page of the measured list has.
pub const PAGE: usize = 30;

/// An installation: the program, its data and its merchant's test key.
pub struct Subject {
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    /// What every command is told of the database.
    store: Vec<String>,
    key: Key,
}

/// A running server of this installation.
pub struct Running {
    /// The process.
    pub process: Process,
    /// Where it serves the API.
    pub address: SocketAddr,
    /// From the start of the process to the first 200 of `/readyz`.
    pub started_in: Duration,
}

/// What an export wrote.
pub struct Export {
    /// Sessions in the file.
    pub rows: u64,
    /// From the start of the program to its end.
    pub took: Duration,
    /// The largest resident memory that was seen, in bytes.
    pub peak_memory: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key_id: String,
    secret: String,
}

#[derive(Deserialize)]
struct Merchant {
    test: Key,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    data: Vec<Entry>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    public_id: String,
}

impl Running {
    /// This server as a contender that is asked to do `work`.
    pub fn asked(&self, work: Work) -> Contender<'_> {
        Contender {
            process: &self.process,
            address: self.address,
            work,
        }
    }
}

impl Subject {
    /// Makes a database in `directory` with one merchant; `arguments` are given to every `serve`.
    pub fn create(
        program: PathBuf,
        arguments: Vec<String>,
        directory: &Path,
    ) -> anyhow::Result<Self> {
        let store = vec!["--database".to_owned(), database(directory)];
        Self::with_merchant(program, arguments, directory, store)
    }

    /// The same in an empty database of a PostgreSQL server; only the keys are in `directory`.
    pub fn create_on(
        program: PathBuf,
        arguments: Vec<String>,
        directory: &Path,
        url: String,
    ) -> anyhow::Result<Self> {
        let keys = directory.join("keys").display().to_string();
        let store = vec!["--database".to_owned(), url, "--key-file".to_owned(), keys];
        let mut command = Command::new(&program);
        without_settings(&mut command).arg("migrate").args(&store);
        let status = command.status()?;
        ensure!(status.success(), "`migrate` ended with {status}");
        Self::with_merchant(program, arguments, directory, store)
    }

    fn with_merchant(
        program: PathBuf,
        arguments: Vec<String>,
        directory: &Path,
        store: Vec<String>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(&program);
        without_settings(&mut command)
            .args(["merchant", "create", "--name", "bench", "--json"])
            .args(&store);
        let output = command
            .output()
            .with_context(|| format!("run {}", program.display()))?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "`merchant create` ended with {}:\n{errors}",
            output.status
        );
        let merchant: Merchant =
            serde_json::from_slice(&output.stdout).context("read `merchant create --json`")?;
        Ok(Self {
            program,
            arguments,
            directory: directory.to_owned(),
            store,
            key: merchant.test,
        })
    }

    /// Starts the server on free ports and waits until it is ready.
    pub fn start(&self) -> anyhow::Result<Running> {
        let (address, admin) = (free_address()?, free_address()?);
        let mut command = Command::new(&self.program);
        command
            .args([
                "serve",
                "--listen",
                &address.to_string(),
                "--admin-listen",
                &admin.to_string(),
            ])
            .args(&self.store)
            .args(&self.arguments);
        let mut process = Process::spawn(&mut command, self.directory.join("paydesk.log"))?;
        let started_in = process.wait_until_ready(admin, "/readyz")?;
        Ok(Running {
            process,
            address,
            started_in,
        })
    }

    /// Exports all sessions, as an operator does beside the running server.
    pub fn export(&self) -> anyhow::Result<Export> {
        let file = self.directory.join("sessions.csv");
        let mut command = Command::new(&self.program);
        command
            .args(["export", "sessions", "--test", "--output"])
            .arg(&file)
            .args(&self.store);
        let started = Instant::now();
        let mut process = Process::spawn(&mut command, self.directory.join("export.log"))?;
        let peak_memory = process.peak_memory_until_end()?;
        let took = started.elapsed();
        let lines = BufReader::new(File::open(&file)?).split(b'\n').count();
        std::fs::remove_file(&file)?;
        Ok(Export {
            // The first line names the columns.
            rows: lines.saturating_sub(1) as u64,
            took,
            peak_memory,
        })
    }

    /// Bytes on disk, the write-ahead log included.
    pub fn stored_bytes(&self) -> anyhow::Result<u64> {
        let mut sum = 0;
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with("paydesk.db")
            {
                sum += entry.metadata()?.len();
            }
        }
        Ok(sum)
    }

    /// Opening sessions, each kept by its id.
    pub fn create_work(&self) -> Work {
        self.create_work_of(SESSION)
    }

    /// The same, as this body asks for them.
    pub fn create_work_of(&self, body: &[u8]) -> Work {
        // curl sends the documented example as a form; so does this.
        let mut request = format!(
            "POST /sessions HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            self.basic(),
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        Work {
            requests: Requests::Same(request.into()),
            expect: Expect::NewSession,
        }
    }

    /// Reading one session of `ids`, evenly drawn.
    pub fn read_work(&self, ids: Arc<Vec<Box<str>>>) -> Work {
        let tail = format!(
            " HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\n\r\n",
            self.basic()
        );
        let requests = Requests::ById {
            head: Bytes::from_static(b"GET /sessions/"),
            ids,
            tail: tail.into(),
        };
        Work {
            requests,
            expect: Expect::SameSession,
        }
    }

    /// Paying each of these sessions by card, as a payer at its page does.
    pub fn pay_work(ids: Arc<Vec<Box<str>>>) -> Work {
        let tail = format!(
            "/payments HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{PAYMENT}",
            PAYMENT.len()
        );
        Work {
            requests: Requests::EachOnce {
                head: Bytes::from_static(b"POST /pay/"),
                ids,
                tail: tail.into(),
            },
            expect: Expect::Paid,
        }
    }

    /// Reading the newest thirty sessions.
    pub fn list_work(&self) -> Work {
        Work {
            requests: Requests::Same(self.list_request(PAGE, "", None).into()),
            expect: Expect::Page(PAGE),
        }
    }

    /// The body of one answer to `work`.
    pub async fn sample(&self, address: SocketAddr, work: &Work) -> anyhow::Result<Bytes> {
        let request = match &work.requests {
            Requests::Same(bytes) => bytes.clone(),
            Requests::ById { head, ids, tail } | Requests::EachOnce { head, ids, tail } => {
                let id = ids.first().context("no session to read")?;
                Bytes::from([head, id.as_bytes(), tail].concat())
            }
        };
        let mut connection = Connection::open(address).await?;
        let answer = connection.exchange(&request).await?;
        ensure!(
            answer.status == 200,
            "status {}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        Ok(Bytes::copy_from_slice(answer.body))
    }

    /// Walks the whole list and checks that it holds every acknowledged session once, and nothing else.
    pub async fn verify_stored(
        &self,
        address: SocketAddr,
        acknowledged: &[Box<str>],
    ) -> anyhow::Result<()> {
        let mut missing: HashSet<&str> = acknowledged.iter().map(AsRef::as_ref).collect();
        ensure!(
            missing.len() == acknowledged.len(),
            "the same id was given to two sessions"
        );
        let mut connection = Connection::open(address).await?;
        let mut cursor = None;
        loop {
            let answer = connection
                .exchange(self.list_request(100, "", cursor.as_deref()).as_bytes())
                .await?;
            ensure!(
                answer.status == 200,
                "status {}: {}",
                answer.status,
                String::from_utf8_lossy(answer.body)
            );
            let page: Page =
                serde_json::from_slice(answer.body).context("read a page of sessions")?;
            for Entry { public_id } in page.data {
                ensure!(
                    missing.remove(public_id.as_str()),
                    "the list has {public_id} twice, or it was never acknowledged"
                );
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        ensure!(
            missing.is_empty(),
            "{} acknowledged sessions are not in the list",
            missing.len()
        );
        Ok(())
    }

    /// The request for the page that comes after so many sessions of the list that `filter` asks for.
    pub async fn deep_request(
        &self,
        address: SocketAddr,
        filter: &str,
        depth: u64,
    ) -> anyhow::Result<String> {
        const STEP: usize = 100;
        let mut connection = Connection::open(address).await?;
        let mut cursor: Option<String> = None;
        for _ in 0..depth / STEP as u64 {
            let request = self.list_request(STEP, filter, cursor.as_deref());
            let answer = connection.exchange(request.as_bytes()).await?;
            let page: Page =
                serde_json::from_slice(answer.body).context("read a page of sessions")?;
            cursor = Some(page.next_cursor.context("the list is not so long")?);
        }
        Ok(self.list_request(PAGE, filter, cursor.as_deref()))
    }

    fn list_request(&self, limit: usize, filter: &str, after: Option<&str>) -> String {
        let after = after
            .map(|cursor| format!("&after={cursor}"))
            .unwrap_or_default();
        format!(
            "GET /api/v1/sessions?limit={limit}{filter}{after} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
            self.key.secret
        )
    }

    /// A whole request with the merchant's secret key.
    pub fn bearer_request(&self, method: &str, path: &str, body: &str) -> String {
        format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.key.secret,
            body.len()
        )
    }

    fn basic(&self) -> String {
        format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", self.key.key_id, self.key.secret))
        )
    }
}

/// The release build of the server beside this program.
///
/// Under `cargo run` it is built first, so that what is measured is the code at hand and not an older build.
pub fn locate() -> anyhow::Result<PathBuf> {
    if let Some(cargo) = std::env::var_os("CARGO") {
        ensure!(
            !cfg!(debug_assertions),
            "measure a release build: cargo run --release -p paydesk-bench"
        );
        let status = Command::new(cargo)
            .args(["build", "--release", "--package", "paydesk"])
            .status()?;
        ensure!(status.success(), "the server could not be built");
    }
    let program = std::env::current_exe()?.with_file_name("paydesk");
    ensure!(
        program.exists(),
        "there is no {}: build it with `cargo build --release`",
        program.display()
    );
    Ok(program)
}

fn database(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("paydesk.db").display())
}
