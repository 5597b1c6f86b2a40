//! Some nodes on one database, behind a client that goes to another when one does not answer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::RequestBuilder;
use tokio::time::Instant;

use crate::support::{Answer, Caller, Installation, Sandbox, Server, send};

/// Nobody waits longer for an answer, whatever fell.
const PATIENCE: Duration = Duration::from_mins(3);
/// Service is back within this.
const RECOVERY: Duration = Duration::from_secs(10);
/// A database that is away for less is bridged: nodes wait for ten seconds, of which some go into what they are asked.
const BRIDGED: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(20);

pub struct Fleet {
    pub installation: Installation,
    pub sandbox: Sandbox,
    options: Vec<String>,
    /// The nodes; none where one is being started.
    nodes: Mutex<Vec<Option<Server>>>,
    next: AtomicUsize,
    /// Answers of the 5xx kind that a client saw.
    surfaced: AtomicUsize,
    /// The longest that a client had to try until it was answered.
    slowest: Mutex<Duration>,
}

impl Fleet {
    /// So many nodes on this database.
    pub async fn start(database: &str, size: usize, more: &[&str]) -> Self {
        let url = database.to_owned();
        let installation = tokio::task::spawn_blocking(move || Installation::on(&url)).await;
        let (installation, sandbox) = (installation.unwrap(), Sandbox::start().await);
        let mut options = vec!["--sandbox-url".to_owned(), sandbox.url.clone()];
        options.extend(["--database-connections", "10"].map(str::to_owned));
        options.extend(more.iter().map(|option| (*option).to_owned()));
        let fleet = Self {
            installation,
            sandbox,
            options,
            nodes: Mutex::new((0..size).map(|_| None).collect()),
            next: AtomicUsize::new(0),
            surfaced: AtomicUsize::new(0),
            slowest: Mutex::new(Duration::ZERO),
        };
        for place in 0..size {
            fleet.start_node(place).await;
        }
        fleet
    }

    pub async fn start_node(&self, place: usize) {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        let node = self.installation.serve(&options).await;
        self.nodes.lock().unwrap()[place] = Some(node);
    }

    /// Kills a node, and starts another in its place.
    pub async fn kill_node(&self, place: usize) {
        let node = self.nodes.lock().unwrap()[place].take();
        node.unwrap().process.kill();
        self.start_node(place).await;
    }

    /// Each node's client.
    pub fn callers(&self) -> Vec<Caller> {
        let nodes = self.nodes.lock().unwrap();
        nodes
            .iter()
            .flatten()
            .map(|node| node.caller.clone())
            .collect()
    }

    /// Each node's operator.
    pub fn operators(&self) -> Vec<Caller> {
        let nodes = self.nodes.lock().unwrap();
        nodes
            .iter()
            .flatten()
            .map(|node| node.admin.clone())
            .collect()
    }

    /// The next node's client.
    pub fn caller(&self) -> Caller {
        let callers = self.callers();
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        callers[turn % callers.len()].clone()
    }

    /// Sends a request to one node after the other, until one answers. That it failed within is seen, and counted.
    pub async fn call(&self, request: impl Fn(&Caller) -> RequestBuilder) -> Answer {
        let began = Instant::now();
        loop {
            let answered = send(request(&self.caller())).await;
            let took = began.elapsed();
            match answered {
                Ok(answer) if answer.status < 500 => {
                    let mut slowest = self.slowest.lock().unwrap();
                    *slowest = took.max(*slowest);
                    return answer;
                }
                Ok(answer) => {
                    self.surfaced.fetch_add(1, Ordering::Relaxed);
                    assert!(took < PATIENCE, "{} {}", answer.status, answer.body);
                }
                Err(error) => assert!(took < PATIENCE, "{error}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// How many answers of the 5xx kind there were.
    pub fn surfaced(&self) -> usize {
        self.surfaced.load(Ordering::Relaxed)
    }

    /// Checks that nobody noticed more than that it took longer while the database was away, at the longest for this
    /// long; says how it was. That a server takes too long to be back is not the nodes' fault.
    pub fn bridged(&self, away: Duration) -> String {
        let (surfaced, slowest) = (self.surfaced(), *self.slowest.lock().unwrap());
        let seen = format!(
            "the database was away for {away:.1?}, slowest answer {slowest:.1?}, {surfaced} of the 5xx kind"
        );
        if away >= BRIDGED {
            return format!(
                "{seen}, which shows nothing: only less than {BRIDGED:?} is waited for"
            );
        }
        assert_eq!(surfaced, 0, "{seen}\n{}", self.logs());
        assert!(slowest < RECOVERY, "{seen}");
        seen
    }

    /// Stops all nodes as an operator does.
    pub async fn stop(self) {
        let nodes = std::mem::take(&mut *self.nodes.lock().unwrap());
        for node in nodes.into_iter().flatten() {
            node.stop().await;
        }
    }

    /// Ends all nodes, however they are: the database may be gone.
    pub fn abandon(self) {
        for mut node in self.nodes.into_inner().unwrap().into_iter().flatten() {
            node.process.kill();
        }
    }

    /// All that the nodes have written.
    pub fn logs(&self) -> String {
        let nodes = self.nodes.lock().unwrap();
        let logs: Vec<String> = nodes.iter().flatten().map(Server::log).collect();
        logs.join("\n")
    }
}
