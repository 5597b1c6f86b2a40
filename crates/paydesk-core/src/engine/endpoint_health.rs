//! What an attempt says of an endpoint: one that is gone, or has failed for too long, is told nothing more.

use crate::endpoint::{DisabledBecause, Endpoint, PATIENCE, Standing};
use crate::event::{Event, EventKind, Subject};
use crate::id::{EventId, Ids};
use crate::store::{Change, Record, Unavailable};
use crate::time::Timestamp;

/// What came of an attempt to tell an endpoint something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempted {
    /// It took it.
    Took,
    /// It did not.
    Failed,
    /// It answered 410 Gone.
    Gone,
}

/// Decides what an attempt changes; nothing, as long as it is what the one before was. Time is wall time: it is the
/// endpoint's, and not the payments', that passes.
#[must_use]
pub fn decide(attempted: Attempted, endpoint: &Endpoint, wall: Timestamp) -> Option<Endpoint> {
    if !endpoint.is_enabled() {
        return None;
    }
    let mut after = endpoint.clone();
    match (attempted, endpoint.failing_since) {
        (Attempted::Took, None) => return None,
        (Attempted::Took, Some(_)) => after.failing_since = None,
        (Attempted::Gone, _) => disable(&mut after, DisabledBecause::Gone, wall),
        (Attempted::Failed, None) => after.failing_since = Some(wall),
        (Attempted::Failed, Some(since)) if wall < since.after(PATIENCE) => return None,
        (Attempted::Failed, Some(_)) => disable(&mut after, DisabledBecause::Failing, wall),
    }
    after.version += 1;
    after.updated_at = wall;
    Some(after)
}

const fn disable(endpoint: &mut Endpoint, why: DisabledBecause, wall: Timestamp) {
    endpoint.standing = Standing::Disabled { at: wall, why };
}

/// What is to be committed of that: the endpoint, and the news if it was disabled.
pub fn change(after: &Endpoint, ids: &dyn Ids) -> Result<Change, Unavailable> {
    let mut change = Change::new(after.tenant);
    change.puts.push(Record::entry(after)?);
    if let Standing::Disabled { why, .. } = after.standing {
        change.events.push(Event {
            id: EventId::fresh(ids, after.updated_at),
            tenant: after.tenant,
            kind: EventKind::EndpointDisabled,
            sequence: u32::try_from(after.version).unwrap_or(u32::MAX),
            at: after.updated_at,
            session: None,
            subject: Subject::Endpoint {
                endpoint: after.id,
                url: after.url.clone(),
                why,
            },
            notify: false,
        });
    }
    Ok(change)
}

#[cfg(test)]
mod tests;
