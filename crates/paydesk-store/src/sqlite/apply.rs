//! Applying changes inside the transaction of a group.

use std::collections::BTreeMap;

use paydesk_core::store::{Conflict, IdempotencyRecord};
use paydesk_core::tenant::Tenant;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params, params_from_iter};
use uuid::Uuid;

use super::rows::{Cell, ClaimRow, IdempotencyRow, Prepared, Row};
use super::words::Words;
use super::{decode, lists, queries, removals};
use crate::columns::mode_number;

/// The changes of one group, applied one after the other. Each sees what those before it did.
pub(super) struct Group<'db> {
    db: &'db Connection,
    /// Added up over the group, so that a total is written once however many changes add to it.
    totals: BTreeMap<(Tenant, i64), i64>,
    /// New sessions: their rows, and the words that they are found by.
    found_by: Vec<(i64, Words)>,
    /// Whether anything was taken out: words that wait to be indexed may be of what is gone.
    pub(super) has_removed: bool,
}

impl<'db> Group<'db> {
    pub(super) const fn new(db: &'db Connection) -> Self {
        Self {
            db,
            totals: BTreeMap::new(),
            found_by: Vec::new(),
            has_removed: false,
        }
    }

    /// Applies a change, or refuses it. Nothing of a refused one is written: all that may refuse it is read
    /// first, and where that is the first write itself, the write changes nothing. So a refusal needs no
    /// rollback, and the rest of the group goes on.
    ///
    /// An error leaves the change half applied: the whole group must then be rolled back.
    pub(super) fn take(&mut self, change: &Prepared) -> rusqlite::Result<Result<(), Conflict>> {
        // The statement that writes a lone record also finds out whether it may. Most changes are such.
        let is_lone =
            change.puts.len() == 1 && change.claims.is_empty() && change.removals.is_empty();
        if let Err(conflict) = self.check(change, is_lone)? {
            return Ok(Err(conflict));
        }
        for row in &change.puts {
            if !self.put(row)? {
                if is_lone {
                    return Ok(Err(Conflict::Stale(row.key)));
                }
                // Its version was checked: the change puts one record twice.
                return Err(rusqlite::Error::StatementChangedRows(0));
            }
        }
        self.write_rest(change)?;
        Ok(Ok(()))
    }

    /// Writes the totals. After this the group is complete. Answers which sessions are new, and their words.
    pub(super) fn finish(self) -> rusqlite::Result<Vec<(i64, Words)>> {
        if self.totals.is_empty() {
            return Ok(self.found_by);
        }
        let mut add = self.db.prepare_cached(ADD_TO_TOTAL)?;
        for ((tenant, counter), by) in &self.totals {
            add.execute(params![
                tenant.merchant.0.as_bytes(),
                mode_number(tenant.mode),
                counter,
                by
            ])?;
        }
        Ok(self.found_by)
    }

    fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'db>> {
        self.db.prepare_cached(sql)
    }

    /// Reads all that may refuse the change, in the order that [`Conflict`] documents; the records only if
    /// they are not found out about by being written.
    fn check(&self, change: &Prepared, is_lone: bool) -> rusqlite::Result<Result<(), Conflict>> {
        let merchant = change.tenant.merchant.0;
        let mode = mode_number(change.tenant.mode);
        if let Some(IdempotencyRow::Claim { key, .. }) = &change.idempotency {
            let known: Option<IdempotencyRecord> = self
                .prepare(queries::IDEMPOTENCY)?
                .query_row(
                    params![merchant.as_bytes(), mode, key.scope, key.key],
                    |row| decode::idempotency(row, key),
                )
                .optional()?;
            if let Some(known) = known {
                return Ok(Err(Conflict::Idempotency(Box::new(known))));
            }
        }
        for &event in &change.dispatched {
            let key = params![merchant.as_bytes(), mode, event.0.as_bytes()];
            if !self.prepare(IS_UNDISPATCHED)?.exists(key)? {
                return Ok(Err(Conflict::Dispatched(event)));
            }
        }
        if !is_lone {
            for row in &change.puts {
                if self.version(row)?.checked_add(1) != Some(row.version) {
                    return Ok(Err(Conflict::Stale(row.key)));
                }
            }
        }
        for (n, wanted) in change.claims.iter().enumerate() {
            if let Some(owner) = self.holder(change, n, wanted)?
                && owner != wanted.claim.owner
            {
                let key = wanted.claim.key.clone();
                return Ok(Err(Conflict::Claimed { key, owner }));
            }
        }
        for &removal in &change.removals {
            if !removals::may_go(self.db, change.tenant, removal)? {
                return Ok(Err(Conflict::Kept(removal)));
            }
        }
        Ok(Ok(()))
    }

    /// The version of the stored record: 0 if there is none.
    fn version(&self, row: &Row) -> rusqlite::Result<u64> {
        let key = row.cells.iter().take(row.table.key);
        let version: Option<i64> = self
            .prepare(row.table.version)?
            .query_row(params_from_iter(key), |row| row.get(0))
            .optional()?;
        Ok(version.unwrap_or(0).unsigned_abs())
    }

    /// Who has the `n`th of the change's claims once the change has released and taken all that comes before.
    fn holder(
        &self,
        change: &Prepared,
        n: usize,
        wanted: &ClaimRow,
    ) -> rusqlite::Result<Option<Uuid>> {
        let key = &wanted.claim.key;
        let earlier = change
            .claims
            .iter()
            .take(n)
            .find(|earlier| &earlier.claim.key == key);
        let tenant = change.tenant;
        let held = self
            .prepare(queries::CLAIM)?
            .query_row(
                params![
                    tenant.merchant.0.as_bytes(),
                    mode_number(tenant.mode),
                    wanted.kind,
                    wanted.name
                ],
                |row| decode::id(row, 0),
            )
            .optional()?;
        let is_released = |&owner: &Uuid| {
            let mut releases = change.releases.iter();
            releases.any(|release| &release.claim.key == key && release.claim.owner == owner)
        };
        Ok(held
            .filter(|owner| !is_released(owner))
            .or_else(|| earlier.map(|earlier| earlier.claim.owner)))
    }

    /// Writes a record over the version before it. Answers whether that was there.
    fn put(&mut self, row: &Row) -> rusqlite::Result<bool> {
        let write = if row.version == 1 {
            row.table.insert
        } else {
            row.table.update
        };
        let mut write = self.prepare(write)?;
        let cells = row.cells.iter().take(write.parameter_count());
        let mut is_put = write.execute(params_from_iter(cells.clone()))? == 1;
        if !is_put
            && row.version == 1
            && let Some(place) = row.table.place
        {
            // It may be only the place that is taken. Then any other will do.
            let elsewhere = cells.enumerate().map(|(n, cell)| match n {
                _ if n == place => &Cell::Null,
                _ => cell,
            });
            is_put = write.execute(params_from_iter(elsewhere))? == 1;
        }
        if is_put && let Some(words) = &row.words {
            let place = self.db.last_insert_rowid();
            self.found_by.push((place, words.clone()));
        }
        Ok(is_put)
    }

    /// Writes all of a change but its records.
    fn write_rest(&mut self, change: &Prepared) -> rusqlite::Result<()> {
        let merchant = change.tenant.merchant.0;
        let merchant = merchant.as_bytes();
        let mode = mode_number(change.tenant.mode);
        for (sql, claims) in [(RELEASE, &change.releases), (TAKE, &change.claims)] {
            for row in claims {
                let owner = row.claim.owner.as_bytes();
                self.prepare(sql)?
                    .execute(params![merchant, mode, row.kind, row.name, owner])?;
            }
        }
        for cells in &change.events {
            self.prepare(APPEND_EVENT)?
                .execute(params_from_iter(cells))?;
        }
        for event in &change.dispatched {
            self.prepare(DISPATCH)?
                .execute(params![merchant, mode, event.0.as_bytes()])?;
        }
        for event in &change.retold {
            self.prepare(RETELL)?
                .execute(params![merchant, mode, event.0.as_bytes()])?;
        }
        for &removal in &change.removals {
            removals::remove(self.db, change.tenant, removal)?;
            self.has_removed = true;
        }
        match &change.idempotency {
            None => {}
            Some(IdempotencyRow::Claim {
                key,
                body_hash,
                created_at,
                answer,
            }) => {
                let cells = params![
                    merchant, mode, key.scope, key.key, body_hash, created_at, answer
                ];
                self.prepare(CLAIM_KEY)?.execute(cells)?;
            }
            Some(IdempotencyRow::Finish { key, answer }) => {
                self.prepare(FINISH_KEY)?
                    .execute(params![merchant, mode, key.scope, key.key, answer])?;
            }
        }
        for (version, fingerprint) in &change.fingerprints {
            self.prepare(ADD_FINGERPRINT)?
                .execute(params![version, fingerprint])?;
        }
        if let Some((before, limit)) = change.forgotten {
            self.prepare(FORGET)?
                .execute(params![before.as_millis(), lists::limit(limit)])?;
        }
        for &(counter, by) in &change.increments {
            let total = self.totals.entry((change.tenant, counter)).or_default();
            *total = total.saturating_add(by);
        }
        Ok(())
    }
}

const ADD_TO_TOTAL: &str =
    "INSERT INTO counters (merchant, mode, counter, total) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (merchant, mode, counter) DO UPDATE SET total = total + excluded.total";
const IS_UNDISPATCHED: &str = "SELECT 1 FROM events
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND undispatched = 1";
const RELEASE: &str = "DELETE FROM claims
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND name = ?4 AND owner = ?5";
// Whoever has it already is its owner: nobody else's was left by the check.
const TAKE: &str =
    "INSERT INTO claims (merchant, mode, kind, name, owner) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO NOTHING";
// Looked up for each event, in the transaction that writes it: one probe of a small index. 6 is the kind and `enabled`
// the list of `endpoint::AUDIENCE`.
pub(super) const APPEND_EVENT: &str =
    "INSERT INTO events (merchant, mode, id, session, sequence, kind, undispatched, doc)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, CASE WHEN ?7 = 1 OR EXISTS
        (SELECT 1 FROM entries WHERE merchant = ?1 AND mode = ?2 AND kind = 6 AND list = 'enabled')
        THEN 1 END, ?8)";
const RETELL: &str =
    "UPDATE events SET undispatched = 1 WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
const DISPATCH: &str =
    "UPDATE events SET undispatched = NULL WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
const CLAIM_KEY: &str =
    "INSERT INTO idempotency (merchant, mode, scope, key, body_hash, created_at, answer)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
// A first answer stays.
const FINISH_KEY: &str = "UPDATE idempotency SET answer = ?5
    WHERE merchant = ?1 AND mode = ?2 AND scope = ?3 AND key = ?4 AND answer IS NULL";
const FORGET: &str = "DELETE FROM idempotency WHERE rowid IN (SELECT rowid FROM idempotency
    WHERE created_at < ?1 AND answer IS NOT NULL ORDER BY created_at LIMIT ?2)";
const ADD_FINGERPRINT: &str = "INSERT INTO key_fingerprints (version, fingerprint) VALUES (?1, ?2)
    ON CONFLICT DO NOTHING";
