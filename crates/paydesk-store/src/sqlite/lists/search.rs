//! Searching: the index of words, and beside it what is not in the index yet and what is named by its id.
//!
//! The index knows places, and places are in the order of ids. That is the order in which a search comes by creation: so
//! a page is found without looking at all that matches.

use std::collections::{BTreeMap, HashSet};

use paydesk_core::id::{SessionId, TransactionId};
use paydesk_core::list::{By, Listed as _, Mark, Walk};
use paydesk_core::search::Search;
use paydesk_core::session::Session;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Transaction;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::super::rows::Cell;
use super::super::{decode, queries, words};
use super::question::question;
use super::{Source, Where, count, docs, first_of, merged, steps};
use crate::columns::mode_number;

/// So many of the latest sessions are looked through one by one at most: many times what is ever behind the index, but
/// for a database whose index is being made anew.
const BEHIND: usize = 4_096;
const ALL: std::ops::RangeInclusive<u128> = 0..=u128::MAX;

/// A search of one tenant.
pub(super) struct Sought<'s> {
    pub(super) tenant: Tenant,
    pub(super) search: &'s Search,
}

/// Records that the index does not find, and in which rows they are.
type Others<T> = Vec<(i64, T)>;

impl Sought<'_> {
    /// What the index is asked. Nothing if it need not be: it has nothing that is looked for.
    fn question(&self, db: &Connection) -> rusqlite::Result<Option<Cell>> {
        if !self.search.has_words() {
            return Ok(None);
        }
        let Some(tag) = words::tag(db, self.tenant)? else {
            return Ok(None);
        };
        Ok(question(db, &tag, self.search)?.map(Cell::Text))
    }

    /// The sessions that the index finds, and that fulfil the rest of a filter.
    fn by_words(question: Cell, rest: &Where) -> Where {
        let mut filter = Where {
            text: "words MATCH ?".to_owned(),
            cells: vec![question],
        };
        filter.and(&rest.text, rest.cells.iter().cloned());
        filter
    }

    /// A page of the sessions that are found. `rest` is all else that a filter asks for.
    pub(super) fn sessions(
        &self,
        db: &Connection,
        rest: &Where,
        shows: impl Fn(&Session) -> bool,
        walk: &Walk,
    ) -> rusqlite::Result<Vec<Session>> {
        let others = self.other_sessions(db, shows)?;
        let most = walk.skip.saturating_add(walk.limit);
        let mut found = Vec::new();
        if walk.order.by == By::Created {
            let end = self.end(db, walk)?;
            let follows = |row: i64| match end {
                None => true,
                Some(end) if walk.order.descending => row < end,
                Some(end) => row > end,
            };
            found.extend(
                others
                    .iter()
                    .filter(|(row, _)| follows(*row))
                    .map(|(row, it)| {
                        let mark = Mark {
                            key: *row,
                            id: it.id.0,
                        };
                        (mark, *row)
                    }),
            );
            if let Some(question) = self.question(db)? {
                let filter = Self::by_words(question, rest);
                found.extend(first_of(db, by_row(filter, end, walk), 0, most)?);
            }
        } else {
            let marks = others
                .iter()
                .map(|(row, it)| (it.mark(walk.order.by), *row));
            found.extend(marks.filter(|(mark, _)| walk.passes(*mark)));
            if let Some(question) = self.question(db)? {
                let source = Self::session_source(question, rest);
                found.extend(first_of(
                    db,
                    steps("sessions", &source, &ALL, walk),
                    0,
                    most,
                )?);
            }
        }
        let rows = merged(found, walk);
        Ok(walk.in_order(docs(db, "sessions", &rows)?))
    }

    /// How many sessions are found.
    pub(super) fn count_sessions(
        &self,
        db: &Connection,
        rest: Option<&Where>,
        shows: impl Fn(&Session) -> bool,
    ) -> rusqlite::Result<u64> {
        let others = self.other_sessions(db, shows)?.len() as u64;
        let Some(question) = self.question(db)? else {
            return Ok(others);
        };
        let (sql, cells) = match rest {
            None => (queries::COUNT_BY_WORDS.to_owned(), vec![question]),
            Some(rest) => {
                let filter = Self::by_words(question, rest);
                let sql = format!("SELECT count(*) FROM {BY_WORDS} WHERE {}", filter.text);
                (sql, filter.cells)
            }
        };
        let mut query = db.prepare_cached(&sql)?;
        let found: i64 = query.query_row(params_from_iter(&cells), |row| row.get(0))?;
        Ok(others + found.unsigned_abs())
    }

    /// The sessions that the index finds, to be sorted.
    fn session_source(question: Cell, rest: &Where) -> Source {
        let mut filter = rest.clone();
        filter.and(
            "rowid IN (SELECT rowid FROM words WHERE words MATCH ?)",
            [question],
        );
        let by = "NOT INDEXED";
        Source { by, filter }
    }

    /// The transactions of sessions that the index finds.
    fn transaction_source(question: Cell, rest: &Where) -> Source {
        let mut filter = rest.clone();
        filter.and(OF_SESSIONS_BY_WORDS, [question]);
        let by = "INDEXED BY transactions_by_session";
        Source { by, filter }
    }

    /// A page of the transactions that are found.
    pub(super) fn transactions(
        &self,
        db: &Connection,
        rest: &Where,
        shows: impl Fn(&Transaction, Option<&Session>) -> bool,
        walk: &Walk,
    ) -> rusqlite::Result<Vec<Transaction>> {
        let others = self.other_transactions(db, shows)?;
        let marks = others
            .iter()
            .map(|(row, it)| (it.mark(walk.order.by), *row));
        let mut found: Vec<_> = marks.filter(|(mark, _)| walk.passes(*mark)).collect();
        if let Some(question) = self.question(db)? {
            let source = Self::transaction_source(question, rest);
            let most = walk.skip.saturating_add(walk.limit);
            let ids = super::narrowed(ALL, walk);
            found.extend(first_of(
                db,
                steps("transactions", &source, &ids, walk),
                0,
                most,
            )?);
        }
        let rows = merged(found, walk);
        Ok(walk.in_order(docs(db, "transactions", &rows)?))
    }

    /// How many transactions are found.
    pub(super) fn count_transactions(
        &self,
        db: &Connection,
        rest: &Where,
        shows: impl Fn(&Transaction, Option<&Session>) -> bool,
    ) -> rusqlite::Result<u64> {
        let others = self.other_transactions(db, shows)?.len() as u64;
        let Some(question) = self.question(db)? else {
            return Ok(others);
        };
        let sources = [Self::transaction_source(question, rest)];
        Ok(others + count(db, "transactions", &sources, &ALL)?)
    }

    /// The statements that go through the index, for a look at their plans.
    #[cfg(test)]
    #[allow(clippy::unused_self, reason = "any search's are the same")]
    pub(super) fn statements(&self, rest: &Where, walk: &Walk) -> [String; 3] {
        let question = Cell::Text("\"1·x\" *".to_owned());
        let by_words = Self::by_words(question.clone(), rest);
        let counted = format!("SELECT count(*) FROM {BY_WORDS} WHERE {}", by_words.text);
        let transactions = Self::transaction_source(question, rest);
        [
            by_row(by_words, Some(9), walk).0,
            counted,
            super::sum("transactions", &transactions, &ALL).0,
        ]
    }

    /// The row at which a page of sessions begins: it is of those before or behind it.
    fn end(&self, db: &Connection, walk: &Walk) -> rusqlite::Result<Option<i64>> {
        let Some(after) = walk.after else {
            return Ok(None);
        };
        let (merchant, mode) = self.tenant();
        let key = params![merchant, mode, after.id.as_bytes()];
        let mut nearest = db.prepare_cached(queries::ROW_UP_TO)?;
        let found = nearest.query_row(key, |row| Ok((row.get::<_, i64>(0)?, decode::id(row, 1)?)));
        Ok(Some(match found.optional()? {
            Some((row, id)) if id != after.id && walk.order.descending => row + 1,
            Some((row, _)) => row,
            None => 0,
        }))
    }

    fn tenant(&self) -> ([u8; 16], i64) {
        let merchant = *self.tenant.merchant.0.as_bytes();
        (merchant, mode_number(self.tenant.mode))
    }

    /// The places of sessions that are not in the index yet; the latest ones, if they are very many.
    fn waiting(db: &Connection) -> rusqlite::Result<HashSet<i64>> {
        let mut waiting = HashSet::new();
        let mut query = db.prepare_cached(queries::WORDS_WAITING)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()?
            && waiting.len() < BEHIND
        {
            waiting.extend(words::places(row.get_ref(0)?.as_blob()?));
        }
        Ok(waiting)
    }

    /// The tenant's sessions in these places.
    fn at(&self, db: &Connection, places: &HashSet<i64>) -> rusqlite::Result<Others<Session>> {
        let (merchant, mode) = self.tenant();
        let mut read = db.prepare_cached(queries::SESSION_AT)?;
        let mut found = Vec::new();
        for place in places {
            let session = read.query_row(params![merchant, mode, place], |row| decode::doc(row, 0));
            found.extend(session.optional()?.map(|session| (*place, session)));
        }
        Ok(found)
    }

    /// A session and its row.
    fn session(&self, db: &Connection, id: SessionId) -> rusqlite::Result<Option<(i64, Session)>> {
        let (merchant, mode) = self.tenant();
        let mut query = db.prepare_cached(queries::SESSION_AND_ROW)?;
        let key = params![merchant, mode, id.0.as_bytes()];
        let found = query.query_row(key, |row| Ok((row.get(0)?, decode::doc(row, 1)?)));
        found.optional()
    }

    /// Sessions that are found, but not by the index.
    fn other_sessions(
        &self,
        db: &Connection,
        shows: impl Fn(&Session) -> bool,
    ) -> rusqlite::Result<Others<Session>> {
        let waiting = Self::waiting(db)?;
        let mut others = self.at(db, &waiting)?;
        others.retain(|(_, session)| shows(session));
        for id in self.search.ids() {
            if let Some((row, session)) = self.session(db, SessionId(id))?
                && !waiting.contains(&row)
                && shows(&session)
                && !self.search.finds_by_words(&session)
                && others.iter().all(|(_, other)| other.id != session.id)
            {
                others.push((row, session));
            }
        }
        Ok(others)
    }

    /// Transactions that are found, but not by their session in the index.
    fn other_transactions(
        &self,
        db: &Connection,
        shows: impl Fn(&Transaction, Option<&Session>) -> bool,
    ) -> rusqlite::Result<Others<Transaction>> {
        let (merchant, mode) = self.tenant();
        let waiting = Self::waiting(db)?;
        let mut sessions = self.at(db, &waiting)?;
        let mut others: BTreeMap<TransactionId, (i64, Transaction)> = BTreeMap::new();
        let mut one = db.prepare_cached(queries::TRANSACTION_AND_ROW)?;
        for id in self.search.ids() {
            sessions.extend(self.session(db, SessionId(id))?);
            let key = params![merchant, mode, id.as_bytes()];
            let found = one.query_row(key, |row| Ok((row.get(0)?, decode::doc(row, 1)?)));
            let Some((row, transaction)): Option<(i64, Transaction)> = found.optional()? else {
                continue;
            };
            match transaction.session {
                Some(session) => sessions.extend(self.session(db, session)?),
                None if shows(&transaction, None) => {
                    others.insert(transaction.id, (row, transaction));
                }
                None => {}
            }
        }
        let mut of_session = db.prepare_cached(queries::TRANSACTIONS_AND_ROWS_OF_SESSION)?;
        for (row, session) in sessions {
            if !waiting.contains(&row) && self.search.finds_by_words(&session) {
                continue;
            }
            let key = params![merchant, mode, session.id.0.as_bytes()];
            let rows = of_session.query_map(key, |row| Ok((row.get(0)?, decode::doc(row, 1)?)))?;
            for found in rows {
                let (row, transaction): (i64, Transaction) = found?;
                if shows(&transaction, Some(&session)) {
                    others.insert(transaction.id, (row, transaction));
                }
            }
        }
        Ok(others.into_values().collect())
    }
}

/// The index of words leads, sessions follow.
const BY_WORDS: &str = "words CROSS JOIN sessions ON sessions.rowid = words.rowid";
const OF_SESSIONS_BY_WORDS: &str = "session IN (SELECT sessions.id FROM words \
    CROSS JOIN sessions ON sessions.rowid = words.rowid WHERE words MATCH ?)";

/// The statement that walks through what the index finds in the order of rows, but for its last two parameters.
fn by_row(mut filter: Where, end: Option<i64>, walk: &Walk) -> (String, Vec<Cell>) {
    let (down, sign) = if walk.order.descending {
        (" DESC", "<")
    } else {
        ("", ">")
    };
    if let Some(end) = end {
        filter.and(&format!("words.rowid {sign} ?"), [Cell::Integer(end)]);
    }
    let sql = format!(
        "SELECT sessions.rowid, id, sessions.rowid FROM {BY_WORDS} WHERE {} \
         ORDER BY words.rowid{down} LIMIT ? OFFSET ?",
        filter.text
    );
    (sql, filter.cells)
}
