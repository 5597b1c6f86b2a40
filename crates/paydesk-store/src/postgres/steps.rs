//! A change as statements, in the order in which [`Conflict`](paydesk_core::store::Conflict) names what refuses it:
//! the first that fails says why.

use paydesk_core::directory::EntryKind;
use paydesk_core::endpoint::AUDIENCE;
use paydesk_core::event::Event;
use paydesk_core::id::EventId;
use paydesk_core::list::DeliveryStateName;
use paydesk_core::search::words_of;
use paydesk_core::session::Session;
use paydesk_core::store::{
    Change, Claim, ClaimKey, IdempotencyKey, IdempotencyRecord, IdempotencyWrite, Increment,
    Record, StoredAnswer, Unavailable,
};
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Transaction;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::cell::{Cell, small};
use super::removals;
use super::tables::{self, Table, exactly_one};
use crate::columns::{
    action_number, claim_name, counter_number, delivery_state_number, expires_alone_at,
    first_event, kind_number, lapses_at, method_bits, mode_number, receiver_id, state_number,
    status_number,
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
    /// This one of the change's `removals` may not go.
    Removal(usize),
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
    pub(super) const fn new(guard: Guard, sql: &'static str, cells: Vec<Cell>) -> Self {
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
        let mut cells = event_cells(event, change)?;
        let (kind, list) = AUDIENCE;
        cells.extend([small(kind.number()), name(Some(list))]);
        steps.push(Step::new(Guard::None, APPEND_EVENT, cells));
    }
    for event in &change.retold {
        let cells = key(tenant, event.0).to_vec();
        steps.push(Step::new(Guard::None, RETELL, cells));
    }
    for (n, removal) in change.removals.iter().enumerate() {
        steps.extend(removals::steps(tenant, *removal, Guard::Removal(n))?);
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
    let (table, mut cells) = row(record, None)?;
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

/// A name that somebody else chose, as a column that an index can have, whatever is in it: of a long one, the hash.
pub(super) fn name(name: Option<&str>) -> Cell {
    name.map_or(Cell::Null, |name| {
        Cell::Bytes(if name.len() > LONGEST_NAME {
            [&[1], &*Sha256::digest(name)].concat()
        } else {
            [&[0], name.as_bytes()].concat()
        })
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
    let first = match record {
        Record::Session(session) => first_event(session, events),
        _ => None,
    };
    let (table, mut cells) = row(record, first)?;
    if record.version() == 1 {
        return Ok((table.insert, cells));
    }
    // What never changes comes last.
    cells.truncate(table.updated);
    Ok((table.update, cells))
}

/// A record's table and row, in the order of the table's parameters. Of a session, the row names its first event.
pub(super) fn row(
    record: &Record,
    first_event: Option<EventId>,
) -> Result<(&'static Table, Vec<Cell>), Unavailable> {
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
        Record::PaymentMethod(it) => {
            let rest = vec![
                version,
                name(it.customer.as_deref()),
                Cell::Id(it.provider_account.0),
                Cell::Id(it.stored_by.0),
                Cell::Flag(it.detached_at.is_some()),
                Cell::Integer(it.updated_at.as_millis()),
                doc,
            ];
            (&tables::PAYMENT_METHODS, keyed(it.tenant, it.id.0, rest))
        }
        Record::Session(it) => {
            let rest = session_cells(it, version, doc, first_event);
            (&tables::SESSIONS, keyed(it.tenant, it.id.0, rest))
        }
        Record::Transaction(it) => {
            let rest = transaction_cells(it, version, doc);
            (&tables::TRANSACTIONS, keyed(it.tenant, it.id.0, rest))
        }
        Record::Delivery(it) => {
            let rest = vec![
                version,
                small(delivery_state_number(DeliveryStateName::of(&it.state))),
                it.due_at().into(),
                doc,
                bucket(it.id.0),
                Cell::Id(it.event.0),
                Cell::Id(receiver_id(&it.receiver)),
            ];
            (&tables::DELIVERIES, keyed(it.tenant, it.id.0, rest))
        }
        Record::Entry(it) => {
            let mut cells = entry_key(it.tenant, it.kind, it.id);
            cells.push(version);
            if it.doc.is_none() {
                return Ok((&tables::ENTRY_REMOVALS, cells));
            }
            cells.extend([name(it.group.as_deref()), doc]);
            (&tables::ENTRIES, cells)
        }
    })
}

fn session_cells(
    it: &Session,
    version: Cell,
    doc: Cell,
    first_event: Option<EventId>,
) -> Vec<Cell> {
    let terms = &it.terms;
    vec![
        version,
        small(state_number(it.state.name())),
        it.expires_at().into(),
        lapses_at(it).into(),
        it.due_at().into(),
        Cell::Integer(it.updated_at.as_millis()),
        it.payment_method().map(|id| id.0).into(),
        doc,
        bucket(it.id.0),
        first_event.map(|event| event.0).into(),
        Cell::Integer(it.created_at.as_millis()),
        small(kind_number(terms.kind)),
        Cell::Text(terms.amount.currency().code().to_owned()),
        Cell::Integer(it.amount_asked()),
        Cell::Integer(method_bits(&terms.methods)),
        Cell::Id(terms.provider_account.0),
        name(terms.reference.as_deref()),
        name(it.customer_code()),
        name(terms.owner.as_deref()),
        name(terms.order.as_deref()),
        words(it),
    ]
}

fn transaction_cells(it: &Transaction, version: Cell, doc: Cell) -> Vec<Cell> {
    vec![
        version,
        small(status_number(it.status.status_name())),
        it.ask_at().into(),
        expires_alone_at(&it.status).into(),
        Cell::Integer(it.updated_at.as_millis()),
        name(it.provider_reference.as_deref()),
        it.payment_method.map(|id| id.0).into(),
        Cell::Flag(it.is_reverted()),
        doc,
        bucket(it.id.0),
        small(action_number(it.action)),
        it.session.map(|id| id.0).into(),
        it.parent.map(|id| id.0).into(),
        Cell::Integer(it.created_at.as_millis()),
        Cell::Text(it.amount.currency().code().to_owned()),
        Cell::Integer(it.amount.minor()),
        Cell::Integer(method_bits(&[it.method])),
        Cell::Id(it.provider_account.0),
        name(it.reference.as_deref()),
        name(it.customer.as_deref()),
    ]
}

/// A word as it stands in the index of all tenants' words: led by its tenant's mark, so that no other tenant's are
/// looked at. Whose a row is says its key.
pub(super) fn marked(tenant: Tenant, word: &str) -> String {
    let [.., a, b, c, d] = tenant.merchant.0.into_bytes();
    let mark = u32::from_be_bytes([a, b, c, d]);
    format!("{mark:08x}{}{word}", mode_number(tenant.mode))
}

/// The words that a session is found by.
fn words(session: &Session) -> Cell {
    let words: Vec<_> = words_of(session)
        .split_whitespace()
        .map(|word| marked(session.tenant, word))
        .collect();
    if words.is_empty() {
        Cell::Null
    } else {
        Cell::Texts(words)
    }
}

fn event_cells(event: &Event, change: &Change) -> Result<Vec<Cell>, Unavailable> {
    let is_named = change.puts.iter().any(|record| match record {
        Record::Session(session) => first_event(session, &change.events) == Some(event.id),
        _ => false,
    });
    event_row(event, is_named, event.notify)
}

/// An event's row. Where its session's row names it, its own does not name the session.
pub(super) fn event_row(
    event: &Event,
    is_named: bool,
    is_undispatched: bool,
) -> Result<Vec<Cell>, Unavailable> {
    let session = if is_named { None } else { event.session };
    let mut cells = key(event.tenant, event.id.0).to_vec();
    cells.extend([
        bucket(event.id.0),
        session.map(|id| id.0).into(),
        Cell::Integer(event.sequence.into()),
        Cell::Text(event.kind.name().to_owned()),
        Cell::Flag(is_undispatched),
        Cell::Text(json(event)?),
    ]);
    Ok(cells)
}

/// A claim's kind and name, as columns.
pub(super) fn kind_and_name(key: &ClaimKey) -> (i16, Vec<u8>) {
    let (kind, name) = claim_name(key);
    indexable(kind, name)
}

/// A claim's kind and name as an index can have them: of a long name, the hash.
pub(super) fn indexable(mut kind: i64, mut name: Vec<u8>) -> (i16, Vec<u8>) {
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

pub(super) fn idempotency_cells(
    tenant: Tenant,
    record: &IdempotencyRecord,
) -> Result<Vec<Cell>, Unavailable> {
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

pub(super) const CLAIM_KEY: &str =
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
// Whether anybody hears of it is looked up by the statement that writes it: one probe of a small index.
const APPEND_EVENT: &str =
    "INSERT INTO events (merchant, mode, id, bucket, session, sequence, kind, undispatched, doc)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8 OR EXISTS (SELECT 1 FROM entries
        WHERE merchant = $1 AND mode = $2 AND kind = $10 AND list = $11), $9)";
const RETELL: &str = "UPDATE events SET undispatched = true
    WHERE merchant = $1 AND mode = $2 AND id = $3";
// A first answer stays.
const FINISH_KEY: &str = "UPDATE idempotency SET answer = $4
    WHERE merchant = $1 AND mode = $2 AND key_hash = $3 AND answer IS NULL";
const ADD_TO_TOTAL: &str =
    "INSERT INTO counters AS kept (merchant, mode, counter, slot, total) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (merchant, mode, counter, slot) DO UPDATE SET total = kept.total + excluded.total";
