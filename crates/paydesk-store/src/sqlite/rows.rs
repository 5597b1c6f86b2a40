//! Records as rows. This runs on the thread that commits, so that the writer has only to bind and step.

use paydesk_core::directory::StoredEntry;
use paydesk_core::event::Event;
use paydesk_core::id::{EventId, MerchantId, SessionId};
use paydesk_core::keys::KeyVersion;
use paydesk_core::list::DeliveryStateName;
use paydesk_core::session::Session;
use paydesk_core::store::{
    Change, Claim, IdempotencyKey, IdempotencyWrite, Record, RecordKey, Removal, StoredAnswer,
    Unavailable,
};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde::Serialize;
use uuid::Uuid;

use super::tables::{self, Table};
use super::words::Words;
use crate::columns::{
    action_number, claim_name, counter_number, delivery_state_number, expires_alone_at,
    first_event, kind_number, lapses_at, method_bits, mode_number, receiver_id, state_number,
    status_number,
};

/// One value of a row.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    Id(Uuid),
    Hash([u8; 32]),
    /// A name that is known beforehand.
    Name(&'static str),
    Text(String),
}

impl Cell {
    /// Whether it is this text.
    pub(super) fn is_text(&self, text: &str) -> bool {
        match self {
            Self::Name(name) => *name == text,
            Self::Text(own) => own == text,
            Self::Null | Self::Integer(_) | Self::Id(_) | Self::Hash(_) => false,
        }
    }

    /// Whether it is a set of bits that has one of these.
    pub(super) const fn has_bit_of(&self, bits: i64) -> bool {
        matches!(self, Self::Integer(own) if *own & bits != 0)
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Integer(n) => ToSqlOutput::Owned(Value::Integer(*n)),
            Self::Id(id) => ToSqlOutput::Borrowed(ValueRef::Blob(id.as_bytes())),
            Self::Hash(hash) => ToSqlOutput::Borrowed(ValueRef::Blob(hash)),
            Self::Name(name) => ToSqlOutput::Borrowed(ValueRef::Text(name.as_bytes())),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

impl From<Option<Timestamp>> for Cell {
    fn from(at: Option<Timestamp>) -> Self {
        at.map_or(Self::Null, |at| Self::Integer(at.as_millis()))
    }
}

impl From<Option<Uuid>> for Cell {
    fn from(id: Option<Uuid>) -> Self {
        id.map_or(Self::Null, Self::Id)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.to_owned()))
    }
}

/// A record to be put.
pub(super) struct Row {
    pub(super) table: &'static Table,
    pub(super) key: RecordKey,
    /// In the order of the table's parameters: the key first, then the version.
    pub(super) cells: Vec<Cell>,
    pub(super) version: u64,
    /// Of a new session: the words that it is found by.
    pub(super) words: Option<Words>,
}

/// A claim, and its name in the table.
pub(super) struct ClaimRow {
    pub(super) claim: Claim,
    pub(super) kind: i64,
    pub(super) name: Vec<u8>,
}

/// What is written about idempotency.
pub(super) enum IdempotencyRow {
    Claim {
        key: IdempotencyKey,
        body_hash: [u8; 32],
        created_at: i64,
        /// As JSON; nothing while it is running.
        answer: Option<String>,
    },
    Finish {
        key: IdempotencyKey,
        answer: Option<String>,
    },
}

/// A change, ready to be bound.
pub(super) struct Prepared {
    pub(super) tenant: Tenant,
    pub(super) puts: Vec<Row>,
    pub(super) releases: Vec<ClaimRow>,
    pub(super) claims: Vec<ClaimRow>,
    pub(super) events: Vec<[Cell; 8]>,
    pub(super) dispatched: Vec<EventId>,
    pub(super) retold: Vec<EventId>,
    pub(super) removals: Vec<Removal>,
    pub(super) increments: Vec<(i64, i64)>,
    pub(super) idempotency: Option<IdempotencyRow>,
    pub(super) fingerprints: Vec<(KeyVersion, [u8; 32])>,
    /// Answered requests that are forgotten: those from before, and how many at most.
    pub(super) forgotten: Option<(Timestamp, usize)>,
}

impl Prepared {
    /// Turns a change into rows.
    pub(super) fn new(change: Change) -> Result<Self, Unavailable> {
        let rows = change.puts.iter().map(|record| row(record, &change.events));
        let puts = rows.collect::<Result<_, _>>()?;
        let events = change.events.iter().map(|event| event_row(event, &change));
        let events = events.collect::<Result<_, _>>()?;
        let idempotency = change.idempotency.map(idempotency_row).transpose()?;
        let claim_rows = |claims: Vec<Claim>| claims.into_iter().map(claim_row).collect();
        let increments = change.increments.into_iter();
        Ok(Self {
            tenant: change.tenant,
            puts,
            releases: claim_rows(change.releases),
            claims: claim_rows(change.claims),
            events,
            dispatched: change.dispatched,
            retold: change.retold,
            removals: change.removals,
            increments: increments
                .map(|one| (counter_number(one.counter), one.by))
                .collect(),
            idempotency,
            fingerprints: Vec::new(),
            forgotten: None,
        })
    }

    /// A change that only adds fingerprints of keys.
    pub(super) fn fingerprints(fingerprints: &[(KeyVersion, [u8; 32])]) -> Self {
        Self {
            fingerprints: fingerprints.to_vec(),
            ..Self::nothing()
        }
    }

    /// A change that only forgets answered requests from before, so many at most.
    pub(super) fn forgetting(before: Timestamp, limit: usize) -> Self {
        Self {
            forgotten: Some((before, limit)),
            ..Self::nothing()
        }
    }

    /// A change of nobody's and of nothing.
    fn nothing() -> Self {
        let nobody = Tenant {
            merchant: MerchantId(Uuid::nil()),
            mode: Mode::Test,
        };
        Self {
            tenant: nobody,
            puts: Vec::new(),
            releases: Vec::new(),
            claims: Vec::new(),
            events: Vec::new(),
            dispatched: Vec::new(),
            retold: Vec::new(),
            removals: Vec::new(),
            increments: Vec::new(),
            idempotency: None,
            fingerprints: Vec::new(),
            forgotten: None,
        }
    }
}

/// A record's JSON document.
fn doc(record: &impl Serialize) -> Result<Cell, Unavailable> {
    let text = serde_json::to_string(record).map_err(Unavailable::because)?;
    Ok(Cell::Text(text))
}

fn version(version: u64) -> Result<Cell, Unavailable> {
    let version = i64::try_from(version).map_err(Unavailable::because)?;
    Ok(Cell::Integer(version))
}

fn merchant(tenant: Tenant) -> Cell {
    Cell::Id(tenant.merchant.0)
}

fn mode(tenant: Tenant) -> Cell {
    Cell::Integer(mode_number(tenant.mode))
}

fn row(record: &Record, events: &[Event]) -> Result<Row, Unavailable> {
    let version = version(record.version())?;
    let (table, cells) = match record {
        Record::Merchant(it) => (
            &tables::MERCHANTS,
            vec![Cell::Id(it.id.0), version, doc(it)?],
        ),
        Record::ApiKey(it) => (
            &tables::API_KEYS,
            vec![Cell::Hash(it.secret_hash), version, doc(it)?],
        ),
        Record::ProviderAccount(it) => (
            &tables::PROVIDER_ACCOUNTS,
            vec![
                merchant(it.tenant),
                mode(it.tenant),
                Cell::Id(it.id.0),
                version,
                doc(it)?,
            ],
        ),
        Record::Session(it) => (&tables::SESSIONS, session_cells(it, version, events)?),
        Record::Transaction(it) => (&tables::TRANSACTIONS, transaction_cells(it, version)?),
        Record::PaymentMethod(it) => (
            &tables::PAYMENT_METHODS,
            vec![
                merchant(it.tenant),
                mode(it.tenant),
                Cell::Id(it.id.0),
                version,
                it.customer.as_deref().into(),
                Cell::Id(it.provider_account.0),
                Cell::Id(it.stored_by.0),
                Cell::Integer(it.detached_at.is_some().into()),
                Cell::Integer(it.updated_at.as_millis()),
                doc(it)?,
            ],
        ),
        Record::Delivery(it) => (
            &tables::DELIVERIES,
            vec![
                merchant(it.tenant),
                mode(it.tenant),
                Cell::Id(it.id.0),
                version,
                Cell::Id(it.event.0),
                Cell::Id(receiver_id(&it.receiver)),
                Cell::Integer(delivery_state_number(DeliveryStateName::of(&it.state))),
                it.due_at().into(),
                doc(it)?,
            ],
        ),
        Record::Entry(it) => entry_row(it, version),
    };
    let words = match record {
        Record::Session(it) if it.version == 1 => Words::of(it),
        _ => None,
    };
    Ok(Row {
        table,
        key: record.key(),
        cells,
        version: record.version(),
        words,
    })
}

/// Where the row of the session with this id lies, unless another is there already: 42 bits of milliseconds, which
/// last beyond the year 2100, and 21 random bits. In one millisecond fifty sessions are opened at most, so that
/// every hundred thousandth or so finds its place taken.
pub(super) const fn place(id: SessionId) -> i64 {
    let (high, low) = id.0.as_u64_pair();
    let (time, version_and_random) = (high >> 16, high & 0xFFFF);
    let random = (version_and_random & 0xFFF) << 9 | low << 2 >> 55;
    ((time << 21 | random) & i64::MAX.unsigned_abs()).cast_signed()
}

/// An entry, written or removed.
fn entry_row(entry: &StoredEntry, version: Cell) -> (&'static Table, Vec<Cell>) {
    let mut cells = vec![
        merchant(entry.tenant),
        mode(entry.tenant),
        Cell::Integer(entry.kind.number()),
        Cell::Id(entry.id),
        version,
    ];
    let Some(doc) = &entry.doc else {
        return (&tables::ENTRY_REMOVALS, cells);
    };
    cells.push(entry.group.clone().map_or(Cell::Null, Cell::Text));
    cells.push(Cell::Text(String::from(&**doc)));
    (&tables::ENTRIES, cells)
}

fn session_cells(it: &Session, version: Cell, events: &[Event]) -> Result<Vec<Cell>, Unavailable> {
    let terms = &it.terms;
    Ok(vec![
        merchant(it.tenant),
        mode(it.tenant),
        Cell::Id(it.id.0),
        version,
        Cell::Integer(state_number(it.state.name())),
        it.expires_at().into(),
        lapses_at(it).into(),
        it.due_at().into(),
        Cell::Integer(it.updated_at.as_millis()),
        it.payment_method().map(|id| id.0).into(),
        doc(it)?,
        first_event(it, events).map(|event| event.0).into(),
        Cell::Integer(it.created_at.as_millis()),
        Cell::Integer(kind_number(terms.kind)),
        Cell::Name(terms.amount.currency().code()),
        Cell::Integer(it.amount_asked()),
        Cell::Integer(method_bits(&terms.methods)),
        Cell::Id(terms.provider_account.0),
        terms.reference.as_deref().into(),
        it.customer_code().into(),
        terms.owner.as_deref().into(),
        terms.order.as_deref().into(),
        Cell::Integer(place(it.id)),
    ])
}

fn transaction_cells(it: &Transaction, version: Cell) -> Result<Vec<Cell>, Unavailable> {
    Ok(vec![
        merchant(it.tenant),
        mode(it.tenant),
        Cell::Id(it.id.0),
        version,
        Cell::Integer(status_number(it.status.status_name())),
        it.ask_at().into(),
        expires_alone_at(&it.status).into(),
        Cell::Integer(it.updated_at.as_millis()),
        it.provider_reference.as_deref().into(),
        it.payment_method.map(|id| id.0).into(),
        Cell::Integer(it.is_reverted().into()),
        doc(it)?,
        Cell::Integer(action_number(it.action)),
        it.session.map(|id| id.0).into(),
        it.parent.map(|id| id.0).into(),
        Cell::Integer(it.created_at.as_millis()),
        Cell::Name(it.amount.currency().code()),
        Cell::Integer(it.amount.minor()),
        Cell::Integer(method_bits(&[it.method])),
        Cell::Id(it.provider_account.0),
        it.reference.as_deref().into(),
        it.customer.as_deref().into(),
    ])
}

fn event_row(event: &Event, change: &Change) -> Result<[Cell; 8], Unavailable> {
    let is_named = change.puts.iter().any(|record| match record {
        Record::Session(session) => first_event(session, &change.events) == Some(event.id),
        _ => false,
    });
    let session = if is_named { None } else { event.session };
    Ok([
        merchant(event.tenant),
        mode(event.tenant),
        Cell::Id(event.id.0),
        session.map(|id| id.0).into(),
        Cell::Integer(event.sequence.into()),
        Cell::Name(event.kind.name()),
        if event.notify {
            Cell::Integer(1)
        } else {
            Cell::Null
        },
        doc(event)?,
    ])
}

fn claim_row(claim: Claim) -> ClaimRow {
    let (kind, name) = claim_name(&claim.key);
    ClaimRow { claim, kind, name }
}

fn idempotency_row(write: IdempotencyWrite) -> Result<IdempotencyRow, Unavailable> {
    let text = |answer: StoredAnswer| match answer {
        StoredAnswer::Running => Ok(None),
        answer => serde_json::to_string(&answer)
            .map(Some)
            .map_err(Unavailable::because),
    };
    Ok(match write {
        IdempotencyWrite::Claim(record) => IdempotencyRow::Claim {
            key: record.key,
            body_hash: record.body_hash,
            created_at: record.created_at.as_millis(),
            answer: text(record.answer)?,
        },
        IdempotencyWrite::Finish { key, answer } => IdempotencyRow::Finish {
            key,
            answer: text(answer)?,
        },
    })
}
