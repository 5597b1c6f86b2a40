//! Moving all that a SQLite database holds into a new PostgreSQL one.
//!
//! Rows are moved in pieces. Each piece and how far the move has come are one commit, so that a move that was
//! interrupted goes on where it was. Then both sides are read again and compared, by number and by checksum. The
//! fingerprints of the server's keys come last of all, once all else is the same. Until then nothing opens the new
//! database but another move, not even to give it keys ([`check`]); from then on nothing more is moved into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use deadpool_postgres::Object;
use futures_util::TryStreamExt as _;
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_postgres::types::Type;
use tokio_postgres::{GenericClient, Row};

use super::cell::{Cell, small};
use super::connect::OpenError;
use super::steps::{self, Guard, Step};
use super::{PostgresStore, connect, decode, queries};
use crate::sqlite;
use crate::sqlite::export::{Export, Exported, Item, TABLES};

/// How many rows are moved in one commit.
const PIECE: usize = 400;
/// The table that is moved last: with it, a move is complete.
const LAST: &str = "key_fingerprints";
/// How many pieces are read ahead.
const AHEAD: usize = 4;

/// Why a move did not come to its end. It can be begun again, and goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The old database cannot be opened.
    #[error(transparent)]
    Open(#[from] sqlite::OpenError),
    /// The old database cannot be read.
    #[error("the old database cannot be read: {0}")]
    Source(String),
    /// The new database cannot be written.
    #[error("the new database cannot be written: {0}")]
    Target(#[from] Unavailable),
    /// There is something in the new database that no move put there.
    #[error("the new database is in use: its table {0} is not empty")]
    InUse(&'static str),
    /// Everything was moved before, and one of the two was written to since.
    #[error("everything was moved before, and {table} differs since")]
    DiffersSince {
        /// The table.
        table: &'static str,
    },
    /// The new database holds what was moved from another one.
    #[error("another installation was moved to the new database")]
    Another,
    /// The two are not the same.
    #[error(
        "{table} differs: the old database has {old} rows, the new one {new}, and what is in them is not the same"
    )]
    Differs {
        /// The table.
        table: &'static str,
        /// How many rows the old one has.
        old: u64,
        /// How many rows the new one has.
        new: u64,
    },
}

/// How far a move has come.
#[derive(Clone, Copy, Debug)]
pub enum Moving {
    /// So many rows of this table are moved.
    Rows {
        /// The table.
        table: &'static str,
        /// How many are moved.
        moved: u64,
        /// How many there are.
        of: u64,
    },
    /// This table is compared.
    Comparing {
        /// The table.
        table: &'static str,
        /// How many rows it has.
        rows: u64,
    },
}

/// A table that was moved, and is the same on both sides.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The table.
    pub table: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// The sum of all its rows' hashes.
    pub checksum: u128,
}

impl PostgresStore {
    /// Moves everything from a SQLite database that nobody writes to, or goes on with a move that was interrupted; one
    /// that is complete is only compared. Calls `told` as it goes on.
    pub async fn move_from(
        &self,
        database: &Path,
        mut told: impl FnMut(Moving) + Send,
    ) -> Result<Vec<Moved>, ImportError> {
        let path: Arc<Path> = database.into();
        let source = blocking(&path, |export| {
            let prints = export.fingerprints().map_err(unreadable)?;
            let mut hash = Sha256::new();
            for (version, fingerprint) in prints {
                hash.update([version]);
                hash.update(fingerprint);
            }
            Ok(hash.finalize().to_vec())
        })
        .await?;
        // Before anything is moved: a table that turns out to be in use at the end would make all of it vain.
        for table in &TABLES {
            self.moved_so_far(table.name, &source).await?;
        }
        let is_complete = self.moved_so_far(LAST, &source).await?.is_some();
        let mut all = Vec::new();
        // The last are the fingerprints.
        let (rest, last) = TABLES.split_at(TABLES.len() - 1);
        for tables in [rest, last] {
            for table in tables.iter().filter(|_| !is_complete) {
                self.move_table(&path, table, &source, &mut told).await?;
            }
            for table in tables {
                let compared = self.compare(&path, table, &mut told).await;
                all.push(compared.map_err(|error| match error {
                    ImportError::Differs { table, .. } if is_complete => {
                        ImportError::DiffersSince { table }
                    }
                    error => error,
                })?);
            }
        }
        Ok(all)
    }

    /// How many rows of a table a move from this source has moved; none if it has not come to it yet, and nothing else
    /// is there.
    async fn moved_so_far(
        &self,
        table: &'static str,
        source: &[u8],
    ) -> Result<Option<u64>, ImportError> {
        let cell = Cell::Text(table.to_owned());
        match self.opt(queries::MOVED, &[cell]).await? {
            Some(row) if decode::get::<&[u8]>(&row, 0)? == source => {
                Ok(Some(decode::version(&row, 1)?))
            }
            Some(_) => Err(ImportError::Another),
            None if self.is_empty(table).await? => Ok(None),
            None => Err(ImportError::InUse(table)),
        }
    }

    async fn move_table(
        &self,
        path: &Arc<Path>,
        table: &'static Exported,
        source: &[u8],
        told: &mut impl FnMut(Moving),
    ) -> Result<(), ImportError> {
        let name = table.name;
        let of = blocking(path, move |export| export.count(table).map_err(unreadable)).await?;
        let before = self.moved_so_far(name, source).await?;
        let mut moved = before.unwrap_or(0);
        told(Moving::Rows {
            table: name,
            moved,
            of,
        });
        let mut pieces = pieces(path, table, moved);
        while let Some(piece) = pieces.recv().await {
            let piece = piece?;
            moved += piece.len() as u64;
            let steps = piece.iter().map(|item| {
                let (sql, cells) = row(item)?;
                Ok(Step {
                    sql,
                    cells,
                    guard: Guard::None,
                })
            });
            let mut steps = steps.collect::<Result<Vec<_>, Unavailable>>()?;
            steps.push(so_far(name, source, moved));
            self.write(steps).await?;
            told(Moving::Rows {
                table: name,
                moved,
                of,
            });
        }
        if before.is_none() && moved == 0 {
            // Nothing was there to move, and that is done.
            self.write(vec![so_far(name, source, 0)]).await?;
        }
        Ok(())
    }

    async fn is_empty(&self, table: &'static str) -> Result<bool, Unavailable> {
        let client = self.connection().await?;
        let sql = format!("SELECT 1 FROM {table} LIMIT 1");
        let found = client.query_opt(&sql, &[]).await;
        Ok(found.map_err(Unavailable::because)?.is_none())
    }

    async fn connection(&self) -> Result<Object, Unavailable> {
        let client = self.pool.get().await;
        client.map_err(|error| Unavailable::because(connect::pool_told(&error)))
    }

    async fn compare(
        &self,
        path: &Arc<Path>,
        table: &'static Exported,
        told: &mut impl FnMut(Moving),
    ) -> Result<Moved, ImportError> {
        let mut old = Sum::default();
        let mut sql = None;
        let mut pieces = pieces(path, table, 0);
        while let Some(piece) = pieces.recv().await {
            for item in piece? {
                let (insert, mut cells) = row(&item)?;
                cells.truncate(columns(insert).split(',').count());
                old.add(&cells);
                sql = Some(insert);
            }
        }
        told(Moving::Comparing {
            table: table.name,
            rows: old.rows,
        });
        // What has no rows has no statement either: any column tells that the new one has none.
        let new = self
            .sum(table.name, sql.map_or("1::bigint", columns))
            .await?;
        if old == new {
            return Ok(Moved {
                table: table.name,
                rows: old.rows,
                checksum: old.hash,
            });
        }
        Err(ImportError::Differs {
            table: table.name,
            old: old.rows,
            new: new.rows,
        })
    }

    /// The sum over all rows of a table, however long it takes.
    async fn sum(&self, table: &str, columns: &str) -> Result<Sum, Unavailable> {
        let mut client = self.connection().await?;
        let read = client.build_transaction().read_only(true).start().await;
        let read = read.map_err(Unavailable::because)?;
        let patient = read.batch_execute("SET LOCAL statement_timeout = 0").await;
        patient.map_err(Unavailable::because)?;
        let sql = format!("SELECT {columns} FROM {table}");
        let rows = read.query_raw(&sql, std::iter::empty::<&Cell>()).await;
        let mut rows = Box::pin(rows.map_err(Unavailable::because)?);
        let mut sum = Sum::default();
        while let Some(row) = rows.try_next().await.map_err(Unavailable::because)? {
            sum.add(&cells(&row)?);
        }
        Ok(sum)
    }
}

/// Refuses a database into which a move has begun that is not complete.
pub(super) async fn check(client: &impl GenericClient) -> Result<(), OpenError> {
    match client.query_opt(HALF_MOVED, &[&LAST]).await? {
        Some(_) => Err(OpenError::HalfMoved),
        None => Ok(()),
    }
}

/// That so many rows of a table are moved.
fn so_far(table: &str, source: &[u8], moved: u64) -> Step {
    Step {
        sql: MOVED_SO_FAR,
        cells: vec![
            Cell::Text(table.to_owned()),
            Cell::Bytes(source.to_vec()),
            Cell::Integer(i64::try_from(moved).unwrap_or(i64::MAX)),
        ],
        guard: Guard::None,
    }
}

/// How many rows there are, and the sum of their hashes: in whatever order they are read, it is the same.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Sum {
    rows: u64,
    hash: u128,
}

impl Sum {
    fn add(&mut self, row: &[Cell]) {
        let mut hash = Sha256::new();
        for cell in row {
            let mut part = |kind: u8, bytes: &[u8]| {
                hash.update([kind]);
                hash.update((bytes.len() as u64).to_be_bytes());
                hash.update(bytes);
            };
            match cell {
                // No column is a list.
                Cell::Texts(_) | Cell::Ids(_) | Cell::Smalls(_) => {}
                Cell::Null => part(0, &[]),
                Cell::Small(n) => part(1, &i64::from(*n).to_be_bytes()),
                Cell::Integer(n) => part(1, &n.to_be_bytes()),
                Cell::Flag(flag) => part(2, &[u8::from(*flag)]),
                Cell::Id(id) => part(3, id.as_bytes()),
                Cell::Bytes(bytes) => part(4, bytes),
                Cell::Text(text) => part(5, text.as_bytes()),
            }
        }
        let digest: [u8; 32] = hash.finalize().into();
        let (first, _) = digest.split_at(16);
        let number = first
            .iter()
            .fold(0, |n: u128, byte| n << 8 | u128::from(*byte));
        self.hash = self.hash.wrapping_add(number);
        self.rows += 1;
    }
}

/// The columns that a statement inserts, but for the last of sessions: the words are made of the record.
fn columns(insert: &'static str) -> &'static str {
    let columns = insert
        .split_once('(')
        .and_then(|(_, rest)| rest.split_once(')'));
    let columns = columns.map_or("*", |(columns, _)| columns);
    columns.strip_suffix(", words").unwrap_or(columns)
}

/// A row of the new database.
fn cells(row: &Row) -> Result<Vec<Cell>, Unavailable> {
    fn or_null<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Cell {
        value.map_or(Cell::Null, cell)
    }
    let columns = row.columns().iter().enumerate();
    columns
        .map(|(n, column)| {
            Ok(match *column.type_() {
                Type::INT2 => or_null(decode::get(row, n)?, Cell::Small),
                Type::INT8 => or_null(decode::get(row, n)?, Cell::Integer),
                Type::BOOL => or_null(decode::get(row, n)?, Cell::Flag),
                Type::UUID => or_null(decode::get(row, n)?, Cell::Id),
                Type::BYTEA => or_null(decode::get(row, n)?, Cell::Bytes),
                _ => or_null(decode::get(row, n)?, Cell::Text),
            })
        })
        .collect()
}

/// The statement that writes a row, and its values.
fn row(item: &Item) -> Result<(&'static str, Vec<Cell>), Unavailable> {
    let of = |tenant: &Tenant| vec![Cell::Id(tenant.merchant.0), steps::mode(*tenant)];
    Ok(match item {
        Item::Record(record, first_event) => {
            let (table, cells) = steps::row(record, *first_event)?;
            (table.insert, cells)
        }
        Item::Event {
            event,
            is_named,
            is_undispatched,
        } => (
            ADD_EVENT,
            steps::event_row(event, *is_named, *is_undispatched)?,
        ),
        Item::Claim {
            tenant,
            kind,
            name,
            owner,
        } => {
            let (kind, name) = steps::indexable(*kind, name.clone());
            let mut cells = of(tenant);
            cells.extend([Cell::Small(kind), Cell::Bytes(name), Cell::Id(*owner)]);
            (ADD_CLAIM, cells)
        }
        Item::Idempotency(tenant, record) => {
            (steps::CLAIM_KEY, steps::idempotency_cells(*tenant, record)?)
        }
        Item::Counter {
            tenant,
            counter,
            total,
        } => {
            let mut cells = of(tenant);
            cells.extend([small(*counter), Cell::Small(0), Cell::Integer(*total)]);
            (ADD_COUNTER, cells)
        }
        Item::Fingerprint(version, fingerprint) => {
            let version = Cell::Small(i16::from(*version));
            let cells = vec![version, Cell::Bytes(fingerprint.to_vec())];
            (queries::ADD_FINGERPRINT, cells)
        }
    })
}

/// The rows of a table without the first ones, read on a thread of its own.
fn pieces(
    path: &Arc<Path>,
    table: &'static Exported,
    skip: u64,
) -> mpsc::Receiver<Result<Vec<Item>, ImportError>> {
    let (send, pieces) = mpsc::channel(AHEAD);
    let path = path.clone();
    tokio::task::spawn_blocking(move || {
        let read = Export::open(&path)
            .map_err(ImportError::from)
            .and_then(|export| {
                let take = |piece| send.blocking_send(Ok(piece)).is_ok();
                export.read(table, skip, PIECE, take).map_err(unreadable)
            });
        if let Err(error) = read {
            // Whoever no longer listens does not want to know.
            let _ = send.blocking_send(Err(error));
        }
    });
    pieces
}

/// Reads from the old database on a thread of its own.
async fn blocking<T: Send + 'static>(
    path: &Arc<Path>,
    read: impl FnOnce(&Export) -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    let path: PathBuf = path.to_path_buf();
    let read = tokio::task::spawn_blocking(move || read(&Export::open(&path)?)).await;
    read.map_err(|error| ImportError::Source(error.to_string()))?
}

#[allow(clippy::needless_pass_by_value, reason = "it is mapped over")]
fn unreadable(error: rusqlite::Error) -> ImportError {
    ImportError::Source(error.to_string())
}

const HALF_MOVED: &str = "SELECT 1 FROM moved
    WHERE NOT EXISTS (SELECT 1 FROM moved WHERE what = $1) LIMIT 1";
const MOVED_SO_FAR: &str = "INSERT INTO moved (what, source, rows_moved) VALUES ($1, $2, $3)
    ON CONFLICT (what) DO UPDATE SET rows_moved = excluded.rows_moved";
const ADD_EVENT: &str =
    "INSERT INTO events (merchant, mode, id, bucket, session, sequence, kind, undispatched, doc)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const ADD_CLAIM: &str =
    "INSERT INTO claims (merchant, mode, kind, name, owner) VALUES ($1, $2, $3, $4, $5)";
const ADD_COUNTER: &str =
    "INSERT INTO counters (merchant, mode, counter, slot, total) VALUES ($1, $2, $3, $4, $5)";
