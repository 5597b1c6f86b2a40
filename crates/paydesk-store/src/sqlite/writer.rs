//! The one thread that writes, and group commit.
//!
//! A commit costs one wait for the disk, however much is in it. So the writer takes all changes that are waiting,
//! applies one after the other inside one transaction, commits once, and only then answers each. While it waits
//! for the disk the next group gathers by itself: the busier the store, the larger the groups.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use paydesk_core::store::{CommitError, Conflict, Unavailable};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::apply::Group;
use super::checkpoint::Checkpointer;
use super::readers::Commits;
use super::rows::Prepared;
use super::words::Indexer;

/// The most changes of a group: beyond this, a group gains little and its first waits long.
const GROUP: usize = 256;
/// How many changes may wait before those who commit wait to hand theirs over.
const QUEUE: usize = 1_024;

type Answer = Result<(), CommitError>;

/// A change and who waits for its answer.
pub(super) struct Waiting {
    change: Prepared,
    answer: oneshot::Sender<Answer>,
}

#[allow(
    clippy::large_enum_variant,
    reason = "the large one is the common one; a box would be one more allocation for each change"
)]
pub(super) enum Job {
    Commit(Waiting),
    /// Words have waited long enough to be indexed.
    Index,
    /// Finish what is waiting, then end; answered at the end.
    Close(oneshot::Sender<()>),
}

/// What the writer has done since it started.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Groups committed: waits for the disk.
    pub groups: u64,
    /// Changes committed in them.
    pub changes: u64,
    /// Changes refused for a conflict.
    pub refused: u64,
    /// Changes that the database failed.
    pub failed: u64,
    /// Changes waiting for the writer now.
    pub waiting: usize,
}

#[derive(Default)]
struct Counts {
    groups: AtomicU64,
    changes: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

/// Hands changes to the thread. When it is dropped, the thread finishes what is waiting and ends.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    counts: Arc<Counts>,
}

/// What a test does there.
#[cfg(test)]
pub(super) type Hook = Option<Box<dyn FnMut(&Connection) + Send>>;

/// Where a test looks at the writer, or makes it fail.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Hooks {
    /// After all changes of a group are applied, before they are committed.
    pub(super) before_commit: Hook,
    /// After they are committed, before anybody is answered.
    pub(super) after_commit: Hook,
}

impl Writer {
    /// Starts the thread, which has this connection to itself.
    pub(super) fn start(
        db: Connection,
        checkpointer: Checkpointer,
        commits: Arc<Commits>,
        #[cfg(test)] hooks: Hooks,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let indexer = Indexer::start(&db, jobs.downgrade())?;
        let thread = Thread {
            db,
            jobs: waiting,
            indexer,
            counts: Arc::clone(&counts),
            commits,
            #[cfg(test)]
            hooks,
        };
        std::thread::Builder::new()
            .name("paydesk-write".to_owned())
            .spawn(move || thread.run(checkpointer))?;
        Ok(Self { jobs, counts })
    }

    /// Has a change committed. Returns when it is on the disk, or refused.
    pub(super) async fn commit(&self, change: Prepared) -> Answer {
        let (answer, answered) = oneshot::channel();
        let job = Job::Commit(Waiting { change, answer });
        let gone = |()| Unavailable::because("the writer has stopped");
        self.jobs.send(job).await.map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?
    }

    /// Has the thread finish what is waiting, and end.
    pub(super) async fn close(&self) {
        let (ended, end) = oneshot::channel();
        if self.jobs.send(Job::Close(ended)).await.is_ok() {
            // An error means that the thread has ended otherwise: no less closed.
            let _ = end.await;
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.jobs.is_closed()
    }

    pub(super) fn stats(&self) -> Stats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Stats {
            groups: read(&self.counts.groups),
            changes: read(&self.counts.changes),
            refused: read(&self.counts.refused),
            failed: read(&self.counts.failed),
            waiting: self.jobs.max_capacity() - self.jobs.capacity(),
        }
    }
}

/// Why a group was not committed.
enum Failure {
    /// Applying one of its changes failed.
    Applying(rusqlite::Error),
    /// The commit failed.
    Committing(rusqlite::Error),
}

struct Thread {
    db: Connection,
    jobs: mpsc::Receiver<Job>,
    indexer: Indexer,
    counts: Arc<Counts>,
    commits: Arc<Commits>,
    #[cfg(test)]
    hooks: Hooks,
}

impl Thread {
    fn run(mut self, checkpointer: Checkpointer) {
        let mut ended = None;
        let mut group = Vec::with_capacity(GROUP);
        while let Some(first) = self.jobs.blocking_recv() {
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Commit(waiting) => group.push(waiting),
                    Job::Index => self.indexer.wake(),
                    Job::Close(answer) => {
                        ended = Some(answer);
                        // What was handed over before is still received, and then nothing more.
                        self.jobs.close();
                    }
                }
                next = if group.len() < GROUP {
                    self.jobs.try_recv().ok()
                } else {
                    None
                };
            }
            if group.is_empty() {
                self.index();
            } else {
                self.serve(&mut group);
            }
            if !self.db.is_autocommit() {
                // Going on would put the next group on top of half of this one.
                tracing::error!("the store accepts no more changes");
                break;
            }
            if let Err(error) = checkpointer.tend(&self.db) {
                tracing::warn!(%error, "the log could not be copied; it is tried again");
            }
        }
        self.end(checkpointer);
        if let Some(ended) = ended {
            // Whoever closed the store need not have waited.
            let _ = ended.send(());
        }
    }

    /// Leaves a database without a log behind, if no other process uses it.
    fn end(self, checkpointer: Checkpointer) {
        // Whoever hands something over from here on is told at once.
        drop(self.jobs);
        self.indexer.stop();
        checkpointer.stop();
        // Without waiting for those who read: a server beside this command may keep a view, and could commit nothing
        // while this waits for its end.
        let truncate = || {
            self.db.busy_timeout(Duration::ZERO)?;
            let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
            self.db.query_row(truncate, [], |_| Ok(()))
        };
        let truncated = match truncate() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(()),
            truncated => truncated,
        };
        if let Err(error) = truncated {
            tracing::warn!(%error, "the log could not be copied at the end; the next start does it");
        }
        if let Err((_, error)) = self.db.close() {
            tracing::warn!(%error, "the database could not be closed");
        }
    }

    /// Indexes words without a group to go with.
    fn index(&mut self) {
        if !self.indexer.is_due() {
            return;
        }
        let mut indexed = || -> rusqlite::Result<()> {
            self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            let written = self.indexer.write(&self.db);
            self.commits.begin();
            let committed = self.db.prepare_cached("COMMIT")?.execute([]);
            self.commits.end();
            committed?;
            self.indexer.committed(written, None);
            Ok(())
        };
        if let Err(error) = indexed() {
            tracing::error!(%error, "words could not be indexed; it is tried with the next change");
            self.roll_back();
        }
    }

    /// After some errors SQLite has rolled back by itself.
    fn roll_back(&self) {
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a group could not be rolled back");
        }
    }

    /// Commits all changes of a group, and answers each. Leaves the group empty.
    fn serve(&mut self, group: &mut Vec<Waiting>) {
        match self.attempt(group) {
            Ok(outcomes) => Self::answer(group.drain(..).zip(outcomes)),
            Err(Failure::Applying(error)) if group.len() > 1 && is_of_one_change(&error) => {
                // One change is bad in itself. The others need not fail with it.
                for waiting in group.drain(..) {
                    let alone = std::slice::from_ref(&waiting);
                    let outcome = match self.attempt(alone) {
                        Ok(mut outcomes) => outcomes.pop().unwrap_or(Ok(())),
                        Err(failure) => Err(self.fail(failure, 1)),
                    };
                    Self::answer([(waiting, outcome)]);
                }
            }
            Err(failure) => {
                let unavailable = self.fail(failure, group.len());
                let failed = group
                    .drain(..)
                    .map(|waiting| (waiting, Err(unavailable.clone())));
                Self::answer(failed);
            }
        }
    }

    /// Applies and commits a group as one transaction. After an error nothing of it is applied.
    fn attempt(&mut self, group: &[Waiting]) -> Result<Vec<Answer>, Failure> {
        let outcomes = self.transact(group);
        if outcomes.is_err() {
            self.roll_back();
        }
        outcomes
    }

    fn transact(&mut self, group: &[Waiting]) -> Result<Vec<Answer>, Failure> {
        let applying = || -> rusqlite::Result<_> {
            self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            let mut changes = Group::new(&self.db);
            let outcomes = group.iter().map(|waiting| changes.take(&waiting.change));
            let outcomes = outcomes.collect::<Result<Vec<Result<(), Conflict>>, _>>()?;
            let has_removed = changes.has_removed;
            let noted = Indexer::note(&self.db, changes.finish()?)?;
            Ok((outcomes, noted, has_removed))
        };
        let (outcomes, noted, has_removed) = applying().map_err(Failure::Applying)?;
        if has_removed {
            self.indexer.forget();
        }
        let written = if self.indexer.is_due() {
            self.indexer.write(&self.db)
        } else {
            None
        };
        #[cfg(test)]
        if let Some(hook) = &mut self.hooks.before_commit {
            hook(&self.db);
        }
        crate::failpoint!("before-commit");
        let commit = || self.db.prepare_cached("COMMIT")?.execute([]);
        self.commits.begin();
        // The wait for the disk. Until it has returned, nobody is told anything.
        let committed = commit();
        #[cfg(test)]
        if let (Some(hook), Ok(_)) = (&mut self.hooks.after_commit, &committed) {
            hook(&self.db);
        }
        self.commits.end();
        committed.map_err(Failure::Committing)?;
        self.indexer.committed(written, noted);
        crate::failpoint!("after-commit");
        let applied = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        if applied > 0 {
            self.counts.groups.fetch_add(1, Ordering::Relaxed);
        }
        count(&self.counts.changes, applied);
        count(&self.counts.refused, outcomes.len() - applied);
        Ok(outcomes
            .into_iter()
            .map(|outcome| outcome.map_err(CommitError::from))
            .collect())
    }

    fn answer(answers: impl IntoIterator<Item = (Waiting, Answer)>) {
        for (waiting, answer) in answers {
            // Whoever asked may have gone. The change is made all the same.
            let _ = waiting.answer.send(answer);
        }
    }

    fn fail(&self, failure: Failure, changes: usize) -> CommitError {
        count(&self.counts.failed, changes);
        let (Failure::Applying(error) | Failure::Committing(error)) = failure;
        tracing::error!(%error, changes, "changes could not be committed");
        CommitError::Unavailable(Unavailable::because(error))
    }
}

fn count(count: &AtomicU64, by: usize) {
    count.fetch_add(by as u64, Ordering::Relaxed);
}

/// Whether an error comes from the change that was applied, so that others would not meet it: everything
/// but trouble with the file, the disk, memory or another process.
fn is_of_one_change(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => matches!(
            failure.code,
            ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch
        ),
        _ => true,
    }
}
