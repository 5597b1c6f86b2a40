//! Lists of sessions by state, where time counts.
//!
//! A session's state at a moment is what is stored and what time has made of it since, so that a late
//! sweeper changes nothing. Opened sessions are in no index of states (see the schema): a list that may show
//! them, or what has become of them, is found by walking all sessions, newest first.

use paydesk_core::session::{Session, StateName};
use paydesk_core::store::{SessionFilter, Unavailable};
use paydesk_core::tenant::Tenant;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::readers::Readers;
use super::rows::{mode_number, state_number};
use super::{decode, queries};

/// How many sessions one step of a walk passes. After each the thread is given to others: a rare state among a
/// million sessions must not hold up everybody who shares it.
const STRIDE: usize = 256;

/// Which page of which list.
pub(super) struct Page {
    pub(super) tenant: Tenant,
    pub(super) filter: SessionFilter,
    /// Ids before this one.
    pub(super) before: Uuid,
    pub(super) limit: usize,
}

impl Page {
    /// The states as a set of bits.
    fn states(&self) -> i64 {
        let bits = self
            .filter
            .states
            .iter()
            .map(|&state| 1 << state_number(state));
        bits.fold(0, |set, bit| set | bit)
    }

    fn shows(&self, state: StateName) -> bool {
        self.filter.states.contains(&state)
    }

    pub(super) async fn read(mut self, readers: &Readers) -> Result<Vec<Session>, Unavailable> {
        if self.filter.states.is_empty() {
            return readers.read(|db| self.all(db));
        }
        if !self.shows(StateName::Created) && !self.shows(StateName::Expired) {
            return readers.read(|db| self.by_stored_state(db));
        }
        let mut found = Vec::new();
        while found.len() < self.limit {
            match readers.read(|db| self.step(db, &mut found))? {
                Some(last) => self.before = last,
                None => break,
            }
            tokio::task::yield_now().await;
        }
        Ok(found)
    }

    /// Sessions in any state.
    fn all(&self, db: &Connection) -> rusqlite::Result<Vec<Session>> {
        let (merchant, mode) = self.tenant();
        let mut list = db.prepare_cached(queries::SESSIONS)?;
        let rows = list.query_map(
            params![merchant, mode, self.before.as_bytes(), limit(self.limit)],
            |row| decode::doc(row, 0),
        )?;
        rows.collect()
    }

    /// Sessions in states that no newly opened session is in or comes into by time alone: each is stored as
    /// itself, but an initiated one may be stored as processing.
    fn by_stored_state(&self, db: &Connection) -> rusqlite::Result<Vec<Session>> {
        let (merchant, mode) = self.tenant();
        let mut stored_as = self.filter.states.clone();
        if self.shows(StateName::Initiated) {
            stored_as.push(StateName::Processing);
        }
        stored_as.sort_unstable();
        stored_as.dedup();
        let mut list = db.prepare_cached(queries::SESSIONS_STORED_AS)?;
        let mut found: Vec<(Uuid, Session)> = Vec::new();
        for state in stored_as {
            let rows = list.query_map(
                params![
                    merchant,
                    mode,
                    self.before.as_bytes(),
                    limit(self.limit),
                    self.filter.now.as_millis(),
                    self.states(),
                    state_number(state)
                ],
                |row| Ok((decode::id(row, 0)?, decode::doc(row, 1)?)),
            )?;
            for row in rows {
                found.push(row?);
            }
        }
        found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        found.truncate(self.limit);
        Ok(found.into_iter().map(|(_, session)| session).collect())
    }

    /// Looks at the next few sessions. Answers where to go on, if there is more.
    fn step(&self, db: &Connection, found: &mut Vec<Session>) -> rusqlite::Result<Option<Uuid>> {
        let (merchant, mode) = self.tenant();
        let mut walk = db.prepare_cached(queries::SESSIONS_WALK)?;
        let mut rows = walk.query(params![
            merchant,
            mode,
            self.before.as_bytes(),
            limit(STRIDE),
            self.filter.now.as_millis(),
            self.states()
        ])?;
        let mut passed = 0;
        let mut last = None;
        while let Some(row) = rows.next()? {
            passed += 1;
            last = Some(decode::id(row, 0)?);
            if let Some(session) = decode::optional_doc(row, 1)? {
                found.push(session);
                if found.len() == self.limit {
                    return Ok(None);
                }
            }
        }
        Ok(last.filter(|_| passed == STRIDE))
    }

    fn tenant(&self) -> (&[u8; 16], i64) {
        (
            self.tenant.merchant.0.as_bytes(),
            mode_number(self.tenant.mode),
        )
    }
}

/// A limit as SQLite counts.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
