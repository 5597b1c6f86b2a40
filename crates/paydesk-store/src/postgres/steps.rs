//! A change as statements, in the order in which [`Conflict`](paydesk_core::store::Conflict) names what refuses it:
//! the first that fails says why.

use paydesk_core::directory::EntryKind;
use paydesk_core::event::Event;
use paydesk_core::store::{
    Change, Claim, ClaimKey, IdempotencyKey, IdempotencyRecord, IdempotencyWrite, Increment,
    Record, StoredAnswer, Unavailable,
};
use paydesk_core::tenant::Tenant;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::cell::{Cell, small};
use super::tables::{self, Table, exactly_one};
use crate::sqlite::rows::{
    action_number, claim_name, counter_number, first_event, lapses_at, mode_number, state_number,
};

/// Over how many rows each total is spread.
const SLOTS: u16 = 32;
/// A claim's name up to this length, in bytes, is a key as it is; of a longer one its hash is.
const LONGEST_NAME: usize = 512;
/// Marks the kind of a claim whose name is hashed, so that no name is the hash of another.
const HASHED: i64 = 0x80;

/// What a statement that fails means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Guard {
    /// The idempotency key is known.
    Idempotency,
    /// This one of the change's `dispatched` is.
    Dispatched(usize),
    /// This one of the change's `puts` is stale.
    Put(usize),
    /// This one of the change's `claims` is held.
    Claim(usize),
    /// It must not fail.
    None,
}

/// One statement.
pub(super) struct Step {
    pub(super) sql: &'static str,
    pub(super) cells: Vec<Cell>,
    pub(super) guard: Guard,
}

impl Step {
    const fn new(guard: Guard, sql: &'static str, cells: Vec<Cell>) -> Self {
        Self { sql, cells, guard }
    }
}

/// All statements of a change. `turn` spreads those who add to totals over the slots.
pub(super) fn steps(change: &Change, turn: u16) -> Result<Vec<Step>, Unavailable> {
    let tenant = change.tenant;
    let mut steps = Vec::with_capacity(change.puts.len() + change.events.len() + 4);
    if let Some(IdempotencyWrite::Claim(record)) = &change.idempotency {
        let cells = idempotency_cells(tenant, record)?;
        steps.push(Step::new(Guard::Idempotency, CLAIM_KEY, cells));
    }
    for (n, event) in change.dispatched.iter().enumerate() {
        // Naming one twice is no mistake.
        if !change.dispatched.iter().take(n).any(|other| other == event) {
            let cells = key(tenant, event.0).to_vec();
            steps.push(Step::new(Guard::Dispatched(n), DISPATCH, cells));
        }
    }
    for (n, record) in change.puts.iter().enumerate() {
        let (sql, cells) = put(record, &change.events)?;
        steps.push(Step::new(Guard::Put(n), sql, cells));
    }
    for claim in &change.releases {
        let cells = claim_cells(tenant, claim);
        steps.push(Step::new(Guard::None, RELEASE, cells));
    }
    for (n, claim) in change.claims.iter().enumerate() {
        let cells = claim_cells(tenant, claim);
        steps.push(Step::new(Guard::Claim(n), TAKE, cells));
    }
    for event in &change.events {
        let cells = event_cells(event, change)?;
        steps.push(Step::new(Guard::None, APPEND_EVENT, cells));
    }
    if let Some(IdempotencyWrite::Finish { key, answer }) = &change.idempotency {
        let cells = vec![
            Cell::Id(tenant.merchant.0),
            mode(tenant),
            key_hash(key),
            answer_cell(answer)?,
        ];
        steps.push(Step::new(Guard::None, FINISH_KEY, cells));
    }
    // Last: until the commit, nobody else adds to the same slot.
    steps.extend(change.increments.iter().map(|increment| {
        let cells = increment_cells(tenant, *increment, turn % SLOTS);
        Step::new(Guard::None, ADD_TO_TOTAL, cells)
    }));
    Ok(steps)
}

/// The statement that reads a record's document, and its key.
pub(super) fn stored_doc(record: &Record) -> Result<(&'static str, Vec<Cell>), Unavailable> {
    let (table, mut cells) = row(record, &[])?;
    cells.truncate(table.key);
    Ok((table.doc, cells))
}

/// A record's document as it would be written.
/// Nothing if the record is to be removed.
pub(super) fn written_doc(record: &Record) -> Result<Option<String>, Unavailable> {
    let doc = match record {
        Record::Entry(it) => return Ok(it.doc.as_deref().map(str::to_owned)),
        Record::Merchant(it) => json(it),
        Record::ApiKey(it) => json(it),
        Record::ProviderAccount(it) => json(it),
        Record::Session(it) => json(it),
        Record::Transaction(it) => json(it),
        Record::PaymentMethod(it) => json(it),
        Record::Delivery(it) => json(it),
    };
    doc.map(Some)
}

fn json(value: &impl Serialize) -> Result<String, Unavailable> {
    serde_json::to_string(value).map_err(Unavailable::because)
}

/// A tenant's column for its mode.
pub(super) fn mode(tenant: Tenant) -> Cell {
    small(mode_number(tenant.mode))
}

/// The key of what belongs to a tenant.
pub(super) fn key(tenant: Tenant, id: Uuid) -> [Cell; 3] {
    [Cell::Id(tenant.merchant.0), mode(tenant), Cell::Id(id)]
}

/// A kind of entries of a tenant.
pub(super) fn kind_of(tenant: Tenant, kind: EntryKind) -> Vec<Cell> {
    vec![
        Cell::Id(tenant.merchant.0),
        mode(tenant),
        small(kind.number()),
    ]
}

/// The key of an entry.
pub(super) fn entry_key(tenant: Tenant, kind: EntryKind, id: Uuid) -> Vec<Cell> {
    let mut cells = kind_of(tenant, kind);
    cells.push(Cell::Id(id));
    cells
}

/// The name of a list of entries, as a column that an index can have: of a long one, the hash.
pub(super) fn list(name: &str) -> Cell {
    Cell::Bytes(if name.len() > LONGEST_NAME {
        [&[1], &*Sha256::digest(name)].concat()
    } else {
        [&[0], name.as_bytes()].concat()
    })
}

/// The last bits of an id: random, and so the same number of rows in each.
fn bucket(id: Uuid) -> Cell {
    let [.., last] = id.into_bytes();
    Cell::Small(i16::from(last & 0xf))
}

fn version(record: &Record) -> Result<Cell, Unavailable> {
    let version = i64::try_from(record.version()).map_err(Unavailable::because)?;
    Ok(Cell::Integer(version))
}

/// The statement that puts a record.
fn put(record: &Record, events: &[Event]) -> Result<(&'static str, Vec<Cell>), Unavailable> {
    let (table, mut cells) = row(record, events)?;
    if record.version() == 1 {
        return Ok((table.insert, cells));
    }
    // What never changes comes last.
    cells.truncate(table.updated);
    Ok((table.update, cells))
}

/// A record's table and row, in the order of the table's parameters.
fn row(record: &Record, events: &[Event]) -> Result<(&'static Table, Vec<Cell>), Unavailable> {
    let version = version(record)?;
    let doc = written_doc(record)?.map_or(Cell::Null, Cell::Text);
    let keyed = |tenant, id, rest: Vec<Cell>| {
        let mut cells = key(tenant, id).to_vec();
        cells.extend(rest);
        cells
    };
    Ok(match record {
        Record::Merchant(it) => (&tables::MERCHANTS, vec![Cell::Id(it.id.0), version, doc]),
        Record::ApiKey(it) => {
            let hash = Cell::Bytes(it.secret_hash.to_vec());
            (&tables::API_KEYS, vec![hash, version, doc])
        }
        Record::ProviderAccount(it) => (
            &tables::PROVIDER_ACCOUNTS,
            keyed(it.tenant, it.id.0, vec![version, doc]),
        ),
        Record::PaymentMethod(it) => (
            &tables::PAYMENT_METHODS,
            keyed(it.tenant, it.id.0, vec![version, doc]),
        ),
        Record::Session(it) => {
            let rest = vec![
                version,
                small(state_number(it.state.name())),
                it.expires_at().into(),
                lapses_at(it).into(),
                it.due_at().into(),
                doc,
                bucket(it.id.0),
                first_event(it, events).map(|event| event.0).into(),
            ];
            (&tables::SESSIONS, keyed(it.tenant, it.id.0, rest))
        }
        Record::Transaction(it) => {
            let rest = vec![
                version,
                it.ask_at().into(),
                doc,
                bucket(it.id.0),
                small(action_number(it.action)),
                it.session.map(|id| id.0).into(),
                it.parent.map(|id| id.0).into(),
            ];
            (&tables::TRANSACTIONS, keyed(it.tenant, it.id.0, rest))
        }
        Record::Delivery(it) => {
            let rest = vec![
                version,
                it.due_at().into(),
                doc,
                bucket(it.id.0),
                Cell::Id(it.event.0),
            ];
            (&tables::DELIVERIES, keyed(it.tenant, it.id.0, rest))
        }
        Record::Entry(it) => {
            let mut cells = entry_key(it.tenant, it.kind, it.id);
            cells.push(version);
            if it.doc.is_none() {
                return Ok((&tables::ENTRY_REMOVALS, cells));
            }
            cells.extend([it.group.as_deref().map_or(Cell::Null, list), doc]);
            (&tables::ENTRIES, cells)
        }
    })
}

fn event_cells(event: &Event, change: &Change) -> Result<Vec<Cell>, Unavailable> {
    let is_named = change.puts.iter().any(|record| match record {
        Record::Session(session) => first_event(session, &change.events) == Some(event.id),
        _ => false,
    });
    let session = if is_named { None } else { event.session };
    let mut cells = key(event.tenant, event.id.0).to_vec();
    cells.extend([
        bucket(event.id.0),
        session.map(|id| id.0).into(),
        Cell::Integer(event.sequence.into()),
        Cell::Flag(event.notify),
        Cell::Text(json(event)?),
    ]);
    Ok(cells)
}

/// A claim's kind and name, as columns.
pub(super) fn kind_and_name(key: &ClaimKey) -> (i16, Vec<u8>) {
    let (mut kind, mut name) = claim_name(key);
    if name.len() > LONGEST_NAME {
        kind |= HASHED;
        name = Sha256::digest(&name).to_vec();
    }
    (i16::try_from(kind).unwrap_or(i16::MAX), name)
}

/// The key of a claim.
pub(super) fn claim_key(tenant: Tenant, key: &ClaimKey) -> [Cell; 4] {
    let (kind, name) = kind_and_name(key);
    [
        Cell::Id(tenant.merchant.0),
        mode(tenant),
        Cell::Small(kind),
        Cell::Bytes(name),
    ]
}

fn claim_cells(tenant: Tenant, claim: &Claim) -> Vec<Cell> {
    let mut cells = claim_key(tenant, &claim.key).to_vec();
    cells.push(Cell::Id(claim.owner));
    cells
}

/// What an idempotent request is found by.
pub(super) fn key_hash(key: &IdempotencyKey) -> Cell {
    let mut hash = Sha256::new();
    hash.update((key.scope.len() as u64).to_be_bytes());
    hash.update(&key.scope);
    hash.update(&key.key);
    Cell::Bytes(hash.finalize().to_vec())
}

fn idempotency_cells(tenant: Tenant, record: &IdempotencyRecord) -> Result<Vec<Cell>, Unavailable> {
    Ok(vec![
        Cell::Id(tenant.merchant.0),
        mode(tenant),
        key_hash(&record.key),
        Cell::Bytes(record.body_hash.to_vec()),
        Cell::Integer(record.created_at.as_millis()),
        answer_cell(&record.answer)?,
    ])
}

/// As JSON; nothing while it is running.
fn answer_cell(answer: &StoredAnswer) -> Result<Cell, Unavailable> {
    match answer {
        StoredAnswer::Running => Ok(Cell::Null),
        answer => json(answer).map(Cell::Text),
    }
}

fn increment_cells(tenant: Tenant, increment: Increment, slot: u16) -> Vec<Cell> {
    vec![
        Cell::Id(tenant.merchant.0),
        mode(tenant),
        small(counter_number(increment.counter)),
        small(slot.into()),
        Cell::Integer(increment.by),
    ]
}

const CLAIM_KEY: &str =
    "INSERT INTO idempotency (merchant, mode, key_hash, body_hash, created_at, answer)
    VALUES ($1, $2, $3, $4, $5, $6)";
const DISPATCH: &str = exactly_one!(
    "UPDATE events SET undispatched = false
     WHERE merchant = $1 AND mode = $2 AND id = $3 AND undispatched"
);
const RELEASE: &str = "DELETE FROM claims
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND name = $4 AND owner = $5";
// Whoever has it already keeps it. Anybody else's id is made to fail: with a word before it, it is none.
const TAKE: &str =
    "INSERT INTO claims AS held (merchant, mode, kind, name, owner) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (merchant, mode, kind, name) DO UPDATE SET owner = CASE
        WHEN held.owner = excluded.owner THEN held.owner
        ELSE ('paydesk: held by ' || held.owner::text)::uuid END";
const APPEND_EVENT: &str =
    "INSERT INTO events (merchant, mode, id, bucket, session, sequence, undispatched, doc)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
// A first answer stays.
const FINISH_KEY: &str = "UPDATE idempotency SET answer = $4
    WHERE merchant = $1 AND mode = $2 AND key_hash = $3 AND answer IS NULL";
const ADD_TO_TOTAL: &str =
    "INSERT INTO counters AS kept (merchant, mode, counter, slot, total) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (merchant, mode, counter, slot) DO UPDATE SET total = kept.total + excluded.total";
