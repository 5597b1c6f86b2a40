//! Filtered lists and their totals.
//!
//! What a filter shows is found in a few [`Source`]s: stretches of an index that do not overlap, each of which lies in
//! the order of ids. A page is what comes first of all of them together, a total is their sum. Which sources a filter
//! has is said in `sessions`, `transactions` and `small`.

use std::ops::RangeInclusive;

use paydesk_core::list::{By, Mark, Walk, Within};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use rusqlite::{Connection, params_from_iter};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::decode;
use super::rows::Cell;
use crate::columns::mode_number;

mod question;
mod search;
mod sessions;
mod small;
#[cfg(test)]
mod tests;
mod transactions;

pub(super) use sessions::SessionList;
pub(super) use small::{cards, cards_are_short, count_cards, deliveries, events};
pub(super) use transactions::TransactionList;

/// Skipping more than so many is left to another thread.
const FAR: usize = 1_000;

/// A limit as SQLite counts.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Conditions, and what is bound in them.
#[derive(Clone, Debug)]
struct Where {
    text: String,
    cells: Vec<Cell>,
}

impl Where {
    fn of(tenant: Tenant) -> Self {
        Self {
            text: "merchant = ? AND mode = ?".to_owned(),
            cells: vec![
                Cell::Id(tenant.merchant.0),
                Cell::Integer(mode_number(tenant.mode)),
            ],
        }
    }

    fn and(&mut self, condition: &str, cells: impl IntoIterator<Item = Cell>) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.cells.extend(cells);
    }

    fn within(&mut self, column: &str, bounds: Within<i64>) {
        for (sign, bound) in [(">=", bounds.least), ("<=", bounds.most)] {
            if let Some(bound) = bound {
                self.and(&format!("{column} {sign} ?"), [Cell::Integer(bound)]);
            }
        }
    }

    fn one_of(&mut self, column: &str, values: impl IntoIterator<Item = Cell>) {
        let values: Vec<_> = values.into_iter().collect();
        let marks = vec!["?"; values.len()].join(", ");
        self.and(&format!("{column} IN ({marks})"), values);
    }
}

/// A stretch of an index: the rows that fulfil the conditions.
#[derive(Clone, Debug)]
struct Source {
    /// Which index, as SQLite is told.
    by: &'static str,
    filter: Where,
}

/// The ids that were drawn within these bounds.
fn ids_within(drawn: Within<Timestamp>) -> RangeInclusive<u128> {
    let first_of = |millis: i64| u128::from(millis.max(0).unsigned_abs()) << 80;
    let least = drawn.least.map_or(0, |at| first_of(at.as_millis()));
    let most = drawn.most.map(|at| first_of(at.as_millis() + 1));
    least..=most.map_or(u128::MAX, |end| end.saturating_sub(1))
}

/// A page of a table's documents.
fn page<T: DeserializeOwned>(
    db: &Connection,
    table: &str,
    sources: &[Source],
    ids: RangeInclusive<u128>,
    walk: &Walk,
) -> rusqlite::Result<Vec<T>> {
    let rows = places(db, table, sources, ids, walk)?;
    Ok(walk.in_order(docs(db, table, &rows)?))
}

/// In which rows the documents of a page are.
fn places(
    db: &Connection,
    table: &str,
    sources: &[Source],
    ids: RangeInclusive<u128>,
    walk: &Walk,
) -> rusqlite::Result<Vec<i64>> {
    let ids = narrowed(ids, walk);
    if let [source] = sources {
        let found = first_of(db, steps(table, source, &ids, walk), walk.skip, walk.limit)?;
        return Ok(found.into_iter().map(|(_, row)| row).collect());
    }
    // The first ones of each are looked at, for they may all come from one.
    let most = walk.skip.saturating_add(walk.limit);
    let mut found = Vec::new();
    for source in sources {
        found.extend(first_of(db, steps(table, source, &ids, walk), 0, most)?);
    }
    Ok(merged(found, walk))
}

/// The marks and rows that a statement finds, without the first few.
fn first_of(
    db: &Connection,
    (sql, mut cells): (String, Vec<Cell>),
    skip: usize,
    most: usize,
) -> rusqlite::Result<Vec<(Mark, i64)>> {
    cells.extend([Cell::Integer(limit(most)), Cell::Integer(limit(skip))]);
    let mut query = db.prepare_cached(&sql)?;
    let rows = query.query_map(params_from_iter(&cells), |row| {
        let (key, id) = (row.get(0)?, decode::id(row, 1)?);
        Ok((Mark { key, id }, row.get(2)?))
    })?;
    rows.collect()
}

/// Of what was found in several places, the page.
fn merged(mut found: Vec<(Mark, i64)>, walk: &Walk) -> Vec<i64> {
    found.sort_unstable_by(|(one, _), (other, _)| walk.order.compare(*one, *other));
    let page = found.into_iter().skip(walk.skip).take(walk.limit);
    page.map(|(_, row)| row).collect()
}

/// The documents in these rows.
fn docs<T: DeserializeOwned>(
    db: &Connection,
    table: &str,
    rows: &[i64],
) -> rusqlite::Result<Vec<T>> {
    let mut read = db.prepare_cached(&format!("SELECT doc FROM {table} WHERE rowid = ?"))?;
    let docs = rows
        .iter()
        .map(|row| read.query_row([row], |row| decode::doc(row, 0)));
    docs.collect()
}

/// The statement that walks through a source, but for its last two parameters: limit and offset.
fn steps(
    table: &str,
    source: &Source,
    ids: &RangeInclusive<u128>,
    walk: &Walk,
) -> (String, Vec<Cell>) {
    let mut filter = source.filter.clone();
    filter.and("id BETWEEN ? AND ?", ends(ids));
    let (down, sign) = if walk.order.descending {
        (" DESC", "<")
    } else {
        ("", ">")
    };
    let key = match walk.order.by {
        By::Created => "0",
        By::Updated => "updated_at",
        By::Amount => "amount",
    };
    let order = if walk.order.by == By::Created {
        format!("id{down}")
    } else {
        if let Some(after) = walk.after {
            let cells = [Cell::Integer(after.key), Cell::Id(after.id)];
            filter.and(&format!("({key}, id) {sign} (?, ?)"), cells);
        }
        format!("{key}{down}, id{down}")
    };
    let sql = format!(
        "SELECT {key}, id, rowid FROM {table} {} WHERE {} ORDER BY {order} LIMIT ? OFFSET ?",
        source.by, filter.text
    );
    (sql, filter.cells)
}

/// How many rows the sources have.
fn count(
    db: &Connection,
    table: &str,
    sources: &[Source],
    ids: &RangeInclusive<u128>,
) -> rusqlite::Result<u64> {
    let mut total: i64 = 0;
    for source in sources {
        let (sql, cells) = sum(table, source, ids);
        let mut query = db.prepare_cached(&sql)?;
        total += query.query_row(params_from_iter(&cells), |row| row.get::<_, i64>(0))?;
    }
    Ok(total.unsigned_abs())
}

/// The statement that counts a source.
fn sum(table: &str, source: &Source, ids: &RangeInclusive<u128>) -> (String, Vec<Cell>) {
    let mut filter = source.filter.clone();
    filter.and("id BETWEEN ? AND ?", ends(ids));
    let sql = format!(
        "SELECT count(*) FROM {table} {} WHERE {}",
        source.by, filter.text
    );
    (sql, filter.cells)
}

fn ends(ids: &RangeInclusive<u128>) -> [Cell; 2] {
    [*ids.start(), *ids.end()].map(|end| Cell::Id(Uuid::from_u128(end)))
}

/// No id: before the first one and after the last one there is none.
#[allow(clippy::reversed_empty_ranges, reason = "it is to be empty")]
const NONE: RangeInclusive<u128> = 1..=0;

/// The ids that are still to come on a walk by ids.
fn narrowed(ids: RangeInclusive<u128>, walk: &Walk) -> RangeInclusive<u128> {
    let (Some(after), By::Created) = (walk.after, walk.order.by) else {
        return ids;
    };
    let after = after.id.as_u128();
    let (least, most) = ids.into_inner();
    if walk.order.descending {
        after
            .checked_sub(1)
            .map_or(NONE, |end| least..=end.min(most))
    } else {
        after
            .checked_add(1)
            .map_or(NONE, |start| start.max(least)..=most)
    }
}

/// Goes through the classes of a tenant, in their order, and says which are wanted. `columns` are the index's, after
/// the tenant; the first of them is a number, and not below 0.
struct Classes<const N: usize> {
    table: &'static str,
    by: &'static str,
    columns: [&'static str; N],
}

/// What the records of a class have in common, column by column.
type Class<const N: usize> = [Cell; N];

impl<const N: usize> Classes<N> {
    /// The statement that finds the class after one.
    ///
    /// To find what is beyond a row of values, SQLite begins at those equal to it and looks at one after the other: a whole
    /// class. So it begins at the last id that there can be in it.
    fn next(&self) -> String {
        let (columns, marks) = (self.columns.join(", "), ["?"; N].join(", "));
        format!(
            "SELECT {columns} FROM {} {} WHERE merchant = ? AND mode = ? \
             AND ({columns}, id) > ({marks}, x'{:032x}') ORDER BY {columns} LIMIT 1",
            self.table,
            self.by,
            u128::MAX
        )
    }

    /// All classes that the tenant has records in, in order.
    fn of(&self, db: &Connection, tenant: Tenant) -> rusqlite::Result<Vec<Class<N>>> {
        let mut next = db.prepare_cached(&self.next())?;
        let tenant = Where::of(tenant).cells;
        let mut last = [const { Cell::Integer(-1) }; N];
        let mut classes = Vec::new();
        loop {
            let mut rows = next.query(params_from_iter(tenant.iter().chain(&last)))?;
            let Some(row) = rows.next()? else {
                return Ok(classes);
            };
            for (column, cell) in last.iter_mut().enumerate() {
                *cell = decode::cell(row, column)?;
            }
            classes.push(last.clone());
        }
    }

    /// The stretch of the index that a class is.
    fn source(&self, tenant: Tenant, class: Class<N>) -> Source {
        let mut filter = Where::of(tenant);
        for (column, cell) in self.columns.into_iter().zip(class) {
            filter.and(&format!("{column} = ?"), [cell]);
        }
        Source {
            by: self.by,
            filter,
        }
    }
}

/// Bounds of time as they are stored.
fn millis(bounds: Within<Timestamp>) -> Within<i64> {
    Within {
        least: bounds.least.map(Timestamp::as_millis),
        most: bounds.most.map(Timestamp::as_millis),
    }
}
