//! Lists of sessions by state, where time counts.
//!
//! A session's state at a moment is what is stored and what time has made of it since, so that a late
//! sweeper changes nothing. Each stored state has its index, but for newly opened sessions, which are in none
//! (see the schema). Those are found by when they fall due, if few are: then the store is quiet, or only what a
//! sweeper is late with is looked for. Otherwise all sessions are walked through, newest first, until the page
//! is full.

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
/// How many sessions are few: sorting them costs about as much as a page's documents.
const FEW: usize = 500;

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
            return readers.read_own(|db| self.all(db));
        }
        if let Some(found) = readers.read_own(|db| self.by_stored_state(db))? {
            return Ok(found);
        }
        let mut found = Vec::new();
        while found.len() < self.limit {
            match readers.read_own(|db| self.step(db, &mut found))? {
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

    /// As which states the sessions that are shown may be stored.
    fn stored_as(&self) -> Vec<StateName> {
        use StateName::{Created, Expired, Initiated, Processing};
        let mut stored_as: Vec<_> = self
            .filter
            .states
            .iter()
            .flat_map(|state| match state {
                // Time alone leads from a pushed payment under way back to here, and from all of these to the end.
                Initiated => vec![Initiated, Processing],
                Expired => vec![Created, Initiated, Processing, Expired],
                other => vec![*other],
            })
            .collect();
        stored_as.sort_unstable();
        stored_as.dedup();
        stored_as
    }

    /// Until when newly opened sessions that are shown fall due.
    fn horizon(&self) -> i64 {
        if self.shows(StateName::Created) {
            i64::MAX
        } else {
            self.filter.now.as_millis()
        }
    }

    /// Sessions by the index of each state that they may be stored as; nothing if that would mean to look
    /// through many newly opened ones.
    fn by_stored_state(&self, db: &Connection) -> rusqlite::Result<Option<Vec<Session>>> {
        let (merchant, mode) = self.tenant();
        let mut found: Vec<(Uuid, Session)> = Vec::new();
        for state in self.stored_as() {
            let (query, last) = if state == StateName::Created {
                if self.are_many_due(db)? {
                    return Ok(None);
                }
                (queries::SESSIONS_STORED_AS_CREATED, self.horizon())
            } else {
                (queries::SESSIONS_STORED_AS, state_number(state))
            };
            let mut statement = db.prepare_cached(query)?;
            let cells = params![
                merchant,
                mode,
                self.before.as_bytes(),
                limit(self.limit),
                self.filter.now.as_millis(),
                self.states(),
                last
            ];
            let rows = statement
                .query_map(cells, |row| Ok((decode::id(row, 0)?, decode::doc(row, 1)?)))?;
            for row in rows {
                found.push(row?);
            }
        }
        found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        found.truncate(self.limit);
        Ok(Some(
            found.into_iter().map(|(_, session)| session).collect(),
        ))
    }

    /// Whether more than a few sessions, over all tenants, fall due up to the horizon.
    fn are_many_due(&self, db: &Connection) -> rusqlite::Result<bool> {
        let mut due = db.prepare_cached(queries::SESSIONS_DUE_UNTIL)?;
        let mut rows = due.query(params![self.horizon(), limit(FEW + 1)])?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok(count > FEW)
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
