//! One attempt at a change: all of its statements, sent at once and answered at once.
//!
//! The driver sends a request when its future is first polled, in the order of these polls, and does not wait for
//! the answers to those before. So `BEGIN`, the statements and `COMMIT` are one round trip. After a statement
//! that fails the server refuses those behind it, and makes the `COMMIT` a rollback.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use deadpool_postgres::Object;
use futures_util::future::maybe_done;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;

use super::cell::Cell;
use super::steps::{Guard, Step};

/// Why an attempt came to nothing, or may have.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was applied, because this could not be.
    Refused(Guard),
    /// Nothing was applied; trying again may well help.
    Again(String),
    /// Nothing was applied: somebody kept a lock for longer than a statement waits for one.
    Locked(String),
    /// Nothing was applied, and trying again would not help.
    Never(String),
    /// The connection, or the server, is gone. Nothing was applied: it was not asked to.
    Away(String),
    /// The connection, or the server, is gone. Whether anything was applied is not known.
    Lost(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(guard) => write!(
                f,
                "{guard:?} refused it, and was gone whenever it was looked for"
            ),
            Self::Again(told)
            | Self::Locked(told)
            | Self::Never(told)
            | Self::Away(told)
            | Self::Lost(told) => f.write_str(told),
        }
    }
}

/// What the failure of a statement means to whoever sent it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// The server is not there, or not to be used.
    Away,
    /// Somebody was in the way.
    Again,
    /// Somebody is in the way, and stays there.
    Locked,
    /// The statement broke a rule.
    Broken,
}

/// Reads an error.
pub(super) fn kind(error: &Error) -> Kind {
    let Some(code) = error.code() else {
        // The driver itself refuses what cannot be sent. All else it knows of by itself is a broken connection.
        return if error.is_closed() || std::error::Error::source(error).is_some_and(is_io) {
            Kind::Away
        } else {
            Kind::Broken
        };
    };
    let class = code.code().get(..2).unwrap_or_default();
    match code {
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => Kind::Again,
        &SqlState::LOCK_NOT_AVAILABLE => Kind::Locked,
        // Read-only is a standby, or a primary that is one now. By the second a distributed database says that it does
        // not know how a commit ended.
        &SqlState::READ_ONLY_SQL_TRANSACTION
        | &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
        | &SqlState::ADMIN_SHUTDOWN
        | &SqlState::CRASH_SHUTDOWN
        | &SqlState::CANNOT_CONNECT_NOW
        | &SqlState::TOO_MANY_CONNECTIONS
        | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Kind::Away,
        _ if class == "08" => Kind::Away,
        _ => Kind::Broken,
    }
}

fn is_io(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<std::io::Error>()
}

/// The parameters as the driver wants them.
pub(super) fn refs(cells: &[Cell]) -> Vec<&(dyn ToSql + Sync)> {
    cells.iter().map(|cell| cell as _).collect()
}

/// Applies all steps as a whole.
pub(super) async fn fly(client: &Object, steps: &[Step]) -> Result<(), Failure> {
    let mut statements = Vec::with_capacity(steps.len());
    for step in steps {
        let prepared = client.prepare_cached(step.sql).await;
        statements.push(prepared.map_err(|error| before_it_is_sent(&error))?);
    }
    let parameters: Vec<_> = steps.iter().map(|step| refs(&step.cells)).collect();
    let requests = statements
        .iter()
        .zip(&parameters)
        .map(|(statement, parameters)| client.execute(statement, parameters));
    let mut requests: Vec<_> = requests
        .map(|request| Box::pin(maybe_done(request)))
        .collect();
    // Whatever is sent outside of a transaction may only read (see `connect`): should the first request fail, those
    // behind it do not become transactions of their own.
    let mut begin = pin!(maybe_done(client.batch_execute("BEGIN READ WRITE")));
    let mut commit = pin!(maybe_done(client.batch_execute("COMMIT")));
    poll_fn(|context| {
        let mut all_done = begin.as_mut().poll(context).is_ready();
        for request in &mut requests {
            all_done &= request.as_mut().poll(context).is_ready();
        }
        all_done &= commit.as_mut().poll(context).is_ready();
        if all_done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;

    let began = begin.as_mut().take_output().unwrap_or(Ok(()));
    began.map_err(|error| failure(&error, Guard::None, false))?;
    for (request, step) in requests.iter_mut().zip(steps) {
        let outcome = request.as_mut().take_output().unwrap_or(Ok(0));
        outcome.map_err(|error| failure(&error, step.guard, false))?;
    }
    let committed = commit.as_mut().take_output().unwrap_or(Ok(()));
    committed.map_err(|error| failure(&error, Guard::None, true))
}

/// A statement that could not even be prepared.
fn before_it_is_sent(error: &Error) -> Failure {
    let told = super::connect::told(error);
    match kind(error) {
        Kind::Away => Failure::Away(told),
        Kind::Again => Failure::Again(told),
        Kind::Locked => Failure::Locked(told),
        Kind::Broken => Failure::Never(told),
    }
}

/// What the first error of a flight means. `commits` says whether the statement that failed was to commit.
fn failure(error: &Error, guard: Guard, commits: bool) -> Failure {
    let told = super::connect::told(error);
    match kind(error) {
        // What the server says of a statement before the commit is said before the commit. A connection that
        // breaks says nothing: the commit was sent with the rest.
        Kind::Away if error.code().is_some() && !commits && !is_shutdown(error) => {
            Failure::Away(told)
        }
        Kind::Away => Failure::Lost(told),
        Kind::Again => Failure::Again(told),
        Kind::Locked => Failure::Locked(told),
        Kind::Broken if is_refusal(error) && guard != Guard::None => Failure::Refused(guard),
        Kind::Broken => Failure::Never(told),
    }
}

/// A server that shuts down says so on a connection at any moment, whatever that was waiting for.
fn is_shutdown(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN)
    )
}

/// Whether this is how a guard refuses: a key that is there, or a text that is no number and no id.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::UNIQUE_VIOLATION | &SqlState::INVALID_TEXT_REPRESENTATION)
    )
}
