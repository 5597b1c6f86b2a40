//! The order of a run: fill, crash, start, read, list, create, verify.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use tempfile::TempDir;

use crate::load::{Expect, Requests, Until, Work};
use crate::measure::{self, Contender, Pair, Plan, float};
use crate::process::{Process, free_address};
use crate::report::{Fill, Report, Starts, machine};
use crate::subject::{self, PAGE, Running, SESSION, Subject};
use crate::{Kind, Options};

/// Clean starts whose median is reported.
const STARTS: usize = 5;
/// Connections that fill the store.
const FILLERS: u32 = 64;

/// Runs everything that `options` asks for. All processes and files it made are gone afterwards.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    let program = options.paydesk.clone().map_or_else(subject::locate, Ok)?;
    let directory = scratch(options.directory.as_deref())?;
    let subject = Subject::create(program, options.serve.clone(), directory.path())?;
    let mut bench = Bench {
        subject,
        plan: plan(options),
        acknowledged: Arc::default(),
        peak_memory: 0,
    };

    let running = bench.subject.start()?;
    let bare = bench.start_bare(&running, directory.path())?;
    let per_second = bench.fill(options.sessions, &running)?;
    let sessions = u64::try_from(bench.acknowledged.len())?;
    bench.note_memory(&running)?;
    running.process.kill()?;
    let stored_bytes = bench.subject.stored_bytes()?;
    let fill = Fill {
        sessions,
        per_second,
        stored_bytes,
    };

    let (running, start) = bench.restart()?;
    let mut measure = |kind| {
        if options.only.contains(&kind) {
            bench.compare(kind, &options.connections, &running, &bare)
        } else {
            Ok(Vec::new())
        }
    };
    let read = measure(Kind::Read)?;
    let list = measure(Kind::List)?;
    let create = measure(Kind::Create)?;

    progress("verifying that every acknowledged session is stored once");
    bench.note_memory(&running)?;
    block_on(
        bench
            .subject
            .verify_stored(running.address, &bench.acknowledged),
    )?;
    running.process.stop()?;
    let verified = u64::try_from(bench.acknowledged.len())?;
    let machine = machine(directory.path());
    Ok(Report {
        machine,
        create,
        read,
        list,
        fill,
        start,
        peak_memory: bench.peak_memory,
        verified,
    })
}

struct Bench {
    subject: Subject,
    plan: Plan,
    /// The ids of all sessions that the server said it had stored.
    acknowledged: Arc<Vec<Box<str>>>,
    peak_memory: u64,
}

struct Bare {
    process: Process,
    address: SocketAddr,
    echo: Work,
    session: Work,
    page: Work,
}

impl Bench {
    /// Starts the bare server with the bytes that the server itself answers.
    fn start_bare(&mut self, running: &Running, directory: &Path) -> anyhow::Result<Bare> {
        let create = running.asked(self.subject.create_work());
        self.acknowledge(
            measure::run(&create, 1, 1, Until::Answers(u64::try_from(PAGE)?))?.created,
        );
        let read = self.subject.read_work(Arc::clone(&self.acknowledged));
        let session = block_on(self.subject.sample(running.address, &read))?;
        let page = block_on(
            self.subject
                .sample(running.address, &self.subject.list_work()),
        )?;
        let (session_file, page_file) =
            (directory.join("session.json"), directory.join("page.json"));
        std::fs::write(&session_file, &session)?;
        std::fs::write(&page_file, &page)?;

        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", "--listen", &address.to_string()]);
        command
            .arg("--session")
            .arg(session_file)
            .arg("--page")
            .arg(page_file);
        let mut process = Process::spawn(&mut command, directory.join("bare.log"))?;
        process.wait_until_ready(address, "/session")?;

        let post = format!(
            "POST /echo HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            SESSION.len()
        );
        let post = Requests::Same([post.as_bytes(), SESSION].concat().into());
        let any = Work {
            requests: post.clone(),
            expect: Expect::Bytes(Bytes::new()),
        };
        let echoed = block_on(self.subject.sample(address, &any))?;
        let constant = |path: &str, body: Bytes| Work {
            requests: Requests::Same(
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into(),
            ),
            expect: Expect::Bytes(body),
        };
        Ok(Bare {
            process,
            address,
            echo: Work {
                requests: post,
                expect: Expect::Bytes(echoed),
            },
            session: constant("/session", session),
            page: constant("/page", page),
        })
    }

    /// Measures Paydesk beside the bare server at each number of connections.
    fn compare(
        &mut self,
        kind: Kind,
        connections: &[u32],
        running: &Running,
        bare: &Bare,
    ) -> anyhow::Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        for &connections in connections {
            progress(&format!("{}, {connections} connections", kind.name()));
            let (work, bare_work) = match kind {
                Kind::Create => (self.subject.create_work(), &bare.echo),
                Kind::Read => (
                    self.subject.read_work(Arc::clone(&self.acknowledged)),
                    &bare.session,
                ),
                Kind::List => (self.subject.list_work(), &bare.page),
            };
            let subject = running.asked(work);
            let bare = Contender {
                process: &bare.process,
                address: bare.address,
                work: bare_work.clone(),
            };
            let mut created = Vec::new();
            let mut keep = |mut ids| created.append(&mut ids);
            for contender in [&subject, &bare] {
                measure::warm_up(contender, self.plan, &mut keep)?;
            }
            pairs.push(measure::pair(
                &subject,
                &bare,
                connections,
                self.plan,
                &mut keep,
            )?);
            drop(subject);
            self.acknowledge(created);
        }
        Ok(pairs)
    }

    /// Opens sessions until `sessions` are stored; returns how many per second.
    fn fill(&mut self, sessions: u64, running: &Running) -> anyhow::Result<f64> {
        let missing = sessions.saturating_sub(u64::try_from(self.acknowledged.len())?);
        progress(&format!("filling the store with {missing} more sessions"));
        let create = running.asked(self.subject.create_work());
        let outcome = measure::run(&create, FILLERS, self.plan.threads, Until::Answers(missing))?;
        self.acknowledge(outcome.created);
        Ok(float(outcome.answers) / outcome.elapsed.as_secs_f64())
    }

    /// Starts the server that was killed, then stops and starts it cleanly; returns it running.
    fn restart(&mut self) -> anyhow::Result<(Running, Starts)> {
        progress("starting with the full store");
        let mut running = self.subject.start()?;
        let killed = running.started_in;
        let mut clean = Vec::new();
        for _ in 0..STARTS {
            self.note_memory(&running)?;
            running.process.stop()?;
            running = self.subject.start()?;
            clean.push(running.started_in);
        }
        Ok((running, Starts::new(&clean, killed)))
    }

    fn acknowledge(&mut self, mut ids: Vec<Box<str>>) {
        Arc::make_mut(&mut self.acknowledged).append(&mut ids);
    }

    fn note_memory(&mut self, running: &Running) -> anyhow::Result<()> {
        self.peak_memory = self.peak_memory.max(running.process.peak_memory()?);
        Ok(())
    }
}

fn plan(options: &Options) -> Plan {
    Plan {
        rounds: options.rounds,
        duration: Duration::from_secs_f64(options.seconds),
        threads: options.threads,
    }
}

/// A directory that is removed at the end. Beside the build and not in `/tmp`, which is often kept in memory,
/// where an fsync costs nothing and the figures would be of no disk at all.
pub fn scratch(parent: Option<&Path>) -> anyhow::Result<TempDir> {
    let program = std::env::current_exe()?;
    let parent = parent
        .or(program.parent())
        .context("the program is in no directory")?;
    tempfile::Builder::new()
        .prefix("paydesk-bench-")
        .tempdir_in(parent)
        .context("make a scratch directory")
}

pub fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

/// Says what is being done.
pub fn progress(what: &str) {
    eprintln!("paydesk-bench: {what}");
}
