//! A closed-loop load: each connection sends its next request when the last one is answered.
//!
//! In a closed loop a slow server is asked less, so latencies are those of a fixed number of requests in
//! flight, not of a fixed arrival rate. Every answer is checked; the first wrong one ends the run, because a
//! server that refuses is not comparable with one that answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use hdrhistogram::Histogram;
use memchr::memmem;
use tokio::task::JoinSet;

use crate::connection::{Answer, Connection};

/// A load that has not ended this long after it should have is stuck.
const GRACE: Duration = Duration::from_secs(30);
/// The longest a load bounded by a count may take.
const LONGEST: Duration = Duration::from_mins(10);

/// What to send, and what must come back.
#[derive(Clone)]
pub struct Work {
    /// The requests.
    pub requests: Requests,
    /// What every answer must be.
    pub expect: Expect,
}

/// The bytes to send.
#[derive(Clone)]
pub enum Requests {
    /// The same whole request each time.
    Same(Bytes),
    /// `head`, one of the ids, `tail`; ids are drawn evenly.
    ById {
        /// Everything before the id.
        head: Bytes,
        /// The ids to draw from; never empty.
        ids: Arc<Vec<Box<str>>>,
        /// Everything after the id.
        tail: Bytes,
    },
    /// The same, with each of the ids once: for a load of as many answers.
    EachOnce {
        /// Everything before the id.
        head: Bytes,
        /// The ids.
        ids: Arc<Vec<Box<str>>>,
        /// Everything after the id.
        tail: Bytes,
    },
}

/// What an answer must be, beside being a 200, or a 201 to what makes something.
#[derive(Clone)]
pub enum Expect {
    /// Exactly these bytes.
    Bytes(Bytes),
    /// Whatever ends with these bytes.
    EndingWith(Bytes),
    /// A session whose id is kept as acknowledged.
    NewSession,
    /// The session that was asked for.
    SameSession,
    /// A payment that went well.
    Paid,
    /// A page of this many sessions.
    Page(usize),
}

/// When a load ends.
#[derive(Clone, Copy)]
pub enum Until {
    /// After this time; requests in flight are still answered.
    Elapsed(Duration),
    /// After this many answers.
    Answers(u64),
}

/// What a load did.
pub struct Outcome {
    /// Answers, all of them checked.
    pub answers: u64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Nanoseconds from sending a request to having its whole answer.
    pub latencies: Histogram<u64>,
    /// The ids of sessions acknowledged by [`Expect::NewSession`].
    pub created: Vec<Box<str>>,
}

/// Runs `work` against `address` over `connections` connections, spread over `threads` threads.
pub fn run(
    address: SocketAddr,
    work: &Work,
    connections: u32,
    threads: u32,
    until: Until,
) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let end = match until {
        Until::Elapsed(duration) => End {
            at: started + duration,
            tickets: AtomicU64::new(u64::MAX),
        },
        Until::Answers(count) => End {
            at: started + LONGEST,
            tickets: AtomicU64::new(count),
        },
    };
    let end = Arc::new(end);
    let parts: Vec<anyhow::Result<Part>> = std::thread::scope(|scope| {
        let threads = threads.min(connections);
        let handles: Vec<_> = (0..threads)
            .map(|thread| {
                let end = Arc::clone(&end);
                scope.spawn(move || {
                    let own = (thread..connections).step_by(usize::try_from(threads)?);
                    run_thread(address, work, own, &end)
                })
            })
            .collect();
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|_| bail!("a load thread panicked"))
            })
            .collect()
    });
    let elapsed = started.elapsed();
    let mut whole = Part::new()?;
    for part in parts {
        whole.add(part?)?;
    }
    if let Until::Answers(count) = until {
        ensure!(
            whole.latencies.len() == count,
            "{count} answers did not come within {LONGEST:?}"
        );
    }
    Ok(Outcome {
        answers: whole.latencies.len(),
        elapsed,
        latencies: whole.latencies,
        created: whole.created,
    })
}

struct End {
    at: Instant,
    tickets: AtomicU64,
}

impl End {
    /// Takes the right to send one more request, unless the load is over. Answers how many are left to others.
    fn ticket(&self, now: Instant) -> Option<u64> {
        if now >= self.at {
            return None;
        }
        let taken = self
            .tickets
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        taken.ok()?.checked_sub(1)
    }
}

struct Part {
    latencies: Histogram<u64>,
    created: Vec<Box<str>>,
}

impl Part {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            latencies: Histogram::new(3)?,
            created: Vec::new(),
        })
    }

    fn add(&mut self, mut other: Self) -> anyhow::Result<()> {
        self.latencies.add(other.latencies)?;
        self.created.append(&mut other.created);
        Ok(())
    }
}

fn run_thread(
    address: SocketAddr,
    work: &Work,
    connections: impl Iterator<Item = u32>,
    end: &Arc<End>,
) -> anyhow::Result<Part> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let limit = end.at.saturating_duration_since(Instant::now()) + GRACE;
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for number in connections {
            tasks.spawn(run_connection(
                address,
                work.clone(),
                number,
                Arc::clone(end),
            ));
        }
        let all = async {
            let mut whole = Part::new()?;
            while let Some(part) = tasks.join_next().await {
                whole.add(part??)?;
            }
            Ok(whole)
        };
        tokio::time::timeout(limit, all)
            .await
            .context("the server stopped answering")?
    })
}

async fn run_connection(
    address: SocketAddr,
    work: Work,
    number: u32,
    end: Arc<End>,
) -> anyhow::Result<Part> {
    let mut connection = Connection::open(address).await?;
    let mut part = Part::new()?;
    let (mut request, nothing) = (Vec::new(), Bytes::new());
    let mut draw = Draw::new(number);
    let mut now = Instant::now();
    while let Some(left) = end.ticket(now) {
        let (head, id, tail) = match &work.requests {
            Requests::Same(bytes) => (bytes, "", &nothing),
            Requests::ById { head, ids, tail } => {
                (head, draw.one_of(ids).context("no ids to ask for")?, tail)
            }
            Requests::EachOnce { head, ids, tail } => {
                let id = ids.get(usize::try_from(left)?);
                (head, id.context("more answers than ids")?.as_ref(), tail)
            }
        };
        let bytes = if id.is_empty() {
            head.as_ref()
        } else {
            request.clear();
            request.extend_from_slice(head);
            request.extend_from_slice(id.as_bytes());
            request.extend_from_slice(tail);
            request.as_slice()
        };
        let answer = connection.exchange(bytes).await?;
        let answered = Instant::now();
        part.latencies
            .record(u64::try_from((answered - now).as_nanos())?)?;
        now = answered;
        if let Some(created) = check(&answer, &work.expect, id)? {
            part.created.push(created.into());
        }
    }
    Ok(part)
}

/// Refuses a wrong answer; returns the id of a session that was created.
fn check<'a>(answer: &Answer<'a>, expect: &Expect, id: &str) -> anyhow::Result<Option<&'a str>> {
    let made = matches!(expect, Expect::NewSession) && answer.status == 201;
    let right = (answer.status == 200 || made)
        && match expect {
            Expect::Bytes(bytes) => answer.body == bytes.as_ref(),
            Expect::EndingWith(bytes) => answer.body.ends_with(bytes),
            Expect::SameSession => memmem::find(answer.body, id.as_bytes()).is_some(),
            Expect::Paid => memmem::find(answer.body, br#""status":"succeeded""#).is_some(),
            Expect::Page(length) => {
                memmem::find_iter(answer.body, br#""publicId""#).count() == *length
            }
            Expect::NewSession => {
                if let Some(id) = session_id(answer.body) {
                    return Ok(Some(id));
                }
                false
            }
        };
    if right {
        return Ok(None);
    }
    let body = String::from_utf8_lossy(
        answer
            .body
            .get(..answer.body.len().min(400))
            .unwrap_or_default(),
    );
    bail!("a wrong answer, status {}: {body}", answer.status)
}

/// The first `id` member of a JSON object that is written without spaces; it is the session's own.
fn session_id(body: &[u8]) -> Option<&str> {
    const MEMBER: &[u8] = br#""id":""#;
    let rest = body.get(memmem::find(body, MEMBER)? + MEMBER.len()..)?;
    str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()
}

/// A linear congruential generator: each connection reads its own, repeatable sequence.
struct Draw(u64);

impl Draw {
    fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn one_of<'a>(&mut self, ids: &'a [Box<str>]) -> Option<&'a str> {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from(self.0 >> 33).ok()?.checked_rem(ids.len())?;
        ids.get(index).map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer<'_> {
        Answer {
            status,
            body: body.as_bytes(),
        }
    }

    #[test]
    fn a_created_session_is_known_by_its_own_id() {
        let body = r#"{"id":"s1","orders":[{"id":"58109ds9a01"}]}"#;
        assert_eq!(
            check(&answer(200, body), &Expect::NewSession, "").unwrap(),
            Some("s1")
        );
    }

    #[test]
    fn any_wrong_answer_is_an_error() {
        let wrong = [
            (answer(503, r#"{"id":"s1"}"#), Expect::NewSession),
            (answer(200, r#"{"error":"no"}"#), Expect::NewSession),
            (answer(200, r#"{"id":"s2"}"#), Expect::SameSession),
            (
                answer(200, r#"{"data":[{"publicId":"s1"}]}"#),
                Expect::Page(30),
            ),
            (
                answer(200, "abd"),
                Expect::Bytes(Bytes::from_static(b"abc")),
            ),
        ];
        for (answer, expect) in &wrong {
            assert!(check(answer, expect, "s1").is_err(), "{answer:?}");
        }
        assert!(check(&answer(200, r#"{"id":"s1"}"#), &Expect::SameSession, "s1").is_ok());
    }

    #[test]
    fn a_counted_load_hands_out_exactly_its_tickets() {
        let now = Instant::now();
        let end = End {
            at: now + LONGEST,
            tickets: AtomicU64::new(3),
        };
        let tickets: Vec<_> = (0..10).filter_map(|_| end.ticket(now)).collect();
        assert_eq!(tickets, [2, 1, 0]);
        let over = End {
            at: now,
            tickets: AtomicU64::new(3),
        };
        assert_eq!(over.ticket(now), None);
    }
}
