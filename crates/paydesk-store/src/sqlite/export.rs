//! Everything in a database, row by row, for a move to another store.

use std::path::Path;

use paydesk_core::directory::{EntryKind, StoredEntry};
use paydesk_core::event::Event;
use paydesk_core::id::EventId;
use paydesk_core::keys::KeyVersion;
use paydesk_core::store::{IdempotencyKey, IdempotencyRecord, Record};
use paydesk_core::tenant::Tenant;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{OpenError, decode, schema};

/// One row, as far as it cannot be made of the others.
#[allow(
    clippy::large_enum_variant,
    reason = "records are the common ones, and one is held at a time"
)]
pub(crate) enum Item {
    /// A record; of a session, with the event that its row names.
    Record(Record, Option<EventId>),
    /// An event.
    Event {
        event: Event,
        /// Whether its session's row names it.
        is_named: bool,
        is_undispatched: bool,
    },
    /// A claim.
    Claim {
        tenant: Tenant,
        kind: i64,
        name: Vec<u8>,
        owner: Uuid,
    },
    /// What is known of an idempotent request.
    Idempotency(Tenant, IdempotencyRecord),
    /// A total.
    Counter {
        tenant: Tenant,
        counter: i64,
        total: i64,
    },
    /// The fingerprint of a server's key.
    Fingerprint(KeyVersion, [u8; 32]),
}

/// A table: what it is called here and there, and how its rows are read, in an order that never changes.
pub(crate) struct Exported {
    pub(crate) name: &'static str,
    rows: &'static str,
    read: fn(&Row<'_>) -> rusqlite::Result<Item>,
}

/// All tables. The fingerprints come last: a store without them serves nobody, so that what is half there, or differs, does not.
pub(crate) const TABLES: [Exported; 13] = [
    Exported {
        name: "merchants",
        rows: "SELECT doc FROM merchants ORDER BY id",
        read: |row| Ok(Item::Record(Record::Merchant(decode::doc(row, 0)?), None)),
    },
    Exported {
        name: "api_keys",
        rows: "SELECT doc FROM api_keys ORDER BY secret_hash",
        read: |row| Ok(Item::Record(Record::ApiKey(decode::doc(row, 0)?), None)),
    },
    Exported {
        name: "provider_accounts",
        rows: "SELECT doc FROM provider_accounts ORDER BY merchant, mode, id",
        read: |row| {
            Ok(Item::Record(
                Record::ProviderAccount(decode::doc(row, 0)?),
                None,
            ))
        },
    },
    Exported {
        name: "sessions",
        rows: "SELECT doc, first_event FROM sessions ORDER BY rowid",
        read: |row| {
            let named = match row.get_ref(1)?.as_blob_or_null()? {
                Some(_) => Some(EventId(decode::id(row, 1)?)),
                None => None,
            };
            Ok(Item::Record(Record::Session(decode::doc(row, 0)?), named))
        },
    },
    Exported {
        name: "transactions",
        rows: "SELECT doc FROM transactions ORDER BY rowid",
        read: |row| {
            Ok(Item::Record(
                Record::Transaction(decode::doc(row, 0)?),
                None,
            ))
        },
    },
    Exported {
        name: "payment_methods",
        rows: "SELECT doc FROM payment_methods ORDER BY rowid",
        read: |row| {
            Ok(Item::Record(
                Record::PaymentMethod(decode::doc(row, 0)?),
                None,
            ))
        },
    },
    Exported {
        name: "events",
        rows: "SELECT doc, session IS NULL, undispatched IS NOT NULL FROM events ORDER BY rowid",
        read: |row| {
            let event: Event = decode::doc(row, 0)?;
            let is_without: bool = row.get(1)?;
            Ok(Item::Event {
                is_named: is_without && event.session.is_some(),
                is_undispatched: row.get(2)?,
                event,
            })
        },
    },
    Exported {
        name: "deliveries",
        rows: "SELECT doc FROM deliveries ORDER BY rowid",
        read: |row| Ok(Item::Record(Record::Delivery(decode::doc(row, 0)?), None)),
    },
    Exported {
        name: "entries",
        rows: "SELECT merchant, mode, kind, id, version, list, doc FROM entries ORDER BY rowid",
        read: |row| {
            let number: i64 = row.get(2)?;
            let mut kinds = EntryKind::ALL.iter();
            let kind = kinds.find(|kind| kind.number() == number);
            let entry = StoredEntry {
                tenant: decode::tenant(row, 0)?,
                kind: *kind.ok_or(rusqlite::Error::IntegralValueOutOfRange(2, number))?,
                id: decode::id(row, 3)?,
                version: row.get::<_, i64>(4)?.unsigned_abs(),
                group: row.get(5)?,
                doc: Some(row.get(6)?),
            };
            Ok(Item::Record(Record::Entry(entry), None))
        },
    },
    Exported {
        name: "claims",
        rows: "SELECT merchant, mode, kind, name, owner FROM claims ORDER BY merchant, mode, kind, name",
        read: |row| {
            Ok(Item::Claim {
                tenant: decode::tenant(row, 0)?,
                kind: row.get(2)?,
                name: row.get(3)?,
                owner: decode::id(row, 4)?,
            })
        },
    },
    Exported {
        name: "idempotency",
        rows: "SELECT body_hash, created_at, answer, scope, key, merchant, mode FROM idempotency ORDER BY rowid",
        read: |row| {
            let key = IdempotencyKey {
                scope: row.get(3)?,
                key: row.get(4)?,
            };
            let record = decode::idempotency(row, &key)?;
            Ok(Item::Idempotency(decode::tenant(row, 5)?, record))
        },
    },
    Exported {
        name: "counters",
        rows: "SELECT merchant, mode, counter, total FROM counters ORDER BY merchant, mode, counter",
        read: |row| {
            Ok(Item::Counter {
                tenant: decode::tenant(row, 0)?,
                counter: row.get(2)?,
                total: row.get(3)?,
            })
        },
    },
    Exported {
        name: "key_fingerprints",
        rows: "SELECT version, fingerprint FROM key_fingerprints ORDER BY version",
        read: |row| Ok(Item::Fingerprint(row.get(0)?, row.get(1)?)),
    },
];

/// A database that is read from beginning to end. Nobody may write to it meanwhile.
pub(crate) struct Export(Connection);

impl Export {
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self(schema::open_reader(path, 1)?))
    }

    /// How many rows a table has.
    pub(crate) fn count(&self, table: &Exported) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count: i64 = self.0.query_row(&sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// What tells this installation from every other: the fingerprints of its keys.
    pub(crate) fn fingerprints(&self) -> rusqlite::Result<Vec<(KeyVersion, [u8; 32])>> {
        let mut query = self
            .0
            .prepare("SELECT version, fingerprint FROM key_fingerprints ORDER BY version")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// Hands over the rows of a table, without the first ones, in pieces, for as long as they are taken.
    pub(crate) fn read(
        &self,
        table: &Exported,
        skip: u64,
        piece: usize,
        mut take: impl FnMut(Vec<Item>) -> bool,
    ) -> rusqlite::Result<()> {
        let sql = format!("{} LIMIT -1 OFFSET {skip}", table.rows);
        let mut query = self.0.prepare(&sql)?;
        let mut rows = query.query([])?;
        let mut items = Vec::with_capacity(piece);
        while let Some(row) = rows.next()? {
            items.push((table.read)(row)?);
            if items.len() == piece && !take(std::mem::take(&mut items)) {
                return Ok(());
            }
        }
        if !items.is_empty() {
            take(items);
        }
        Ok(())
    }
}
