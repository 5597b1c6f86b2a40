//! Filtered lists and their totals.
//!
//! Each list is one statement, made of what its filter asks for. It is planned for just the values it comes with: a
//! filter that shows nearly everything and one that shows nearly nothing want different plans. Which stretches of which
//! indexes hold what is shown is said in `sessions`, `transactions` and `small`.

use paydesk_core::id::ProviderAccountId;
use paydesk_core::list::{By, Walk, Within};
use paydesk_core::search::{Search, Term};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use uuid::Uuid;

use super::cell::Cell;
use super::steps::{marked, mode};

mod sessions;
mod small;
mod transactions;

pub(super) use sessions::{count_sessions, sessions};
pub(super) use small::{cards, count_cards, deliveries, events};
pub(super) use transactions::{count_transactions, transactions};

/// A limit as the database counts.
pub(super) fn limit(most: usize) -> Cell {
    Cell::Integer(i64::try_from(most).unwrap_or(i64::MAX))
}

/// A statement, and what is bound in it. The document is the first column.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) text: String,
    pub(super) cells: Vec<Cell>,
}

impl Query {
    const fn new() -> Self {
        Self {
            text: String::new(),
            cells: Vec::new(),
        }
    }

    /// Binds a value, and answers how it is called.
    fn bind(&mut self, cell: Cell) -> String {
        self.cells.push(cell);
        format!("${}", self.cells.len())
    }

    /// That a row is the tenant's.
    fn of(&mut self, tenant: Tenant) -> Conditions {
        let merchant = self.bind(Cell::Id(tenant.merchant.0));
        let mode = self.bind(mode(tenant));
        Conditions(vec![format!("merchant = {merchant} AND mode = {mode}")])
    }
}

/// What must be true of a row, all of it.
#[derive(Clone, Debug)]
struct Conditions(Vec<String>);

impl Conditions {
    fn and(&mut self, condition: String) {
        self.0.push(condition);
    }

    /// That a column has this value, if there is one.
    fn is(&mut self, query: &mut Query, column: &str, wanted: Option<Cell>) {
        if let Some(wanted) = wanted {
            let wanted = query.bind(wanted);
            self.and(format!("{column} = {wanted}"));
        }
    }

    /// That a row is of one of these accounts, if there are any.
    fn one_of(&mut self, query: &mut Query, column: &str, accounts: &[ProviderAccountId]) {
        if !accounts.is_empty() {
            let accounts = accounts.iter().map(|id| id.0).collect();
            let accounts = query.bind(Cell::Ids(accounts));
            self.and(format!("{column} = ANY({accounts})"));
        }
    }

    fn within(&mut self, query: &mut Query, column: &str, bounds: Within<i64>) {
        for (sign, bound) in [(">=", bounds.least), ("<=", bounds.most)] {
            if let Some(bound) = bound {
                let bound = query.bind(Cell::Integer(bound));
                self.and(format!("{column} {sign} {bound}"));
            }
        }
    }

    /// That a record was made within bounds, and its id drawn within others: those lie in order.
    fn created(&mut self, query: &mut Query, created: Within<Timestamp>, drawn: Within<Timestamp>) {
        self.within(query, "created_at", millis(created));
        let first_of =
            |millis: i64| Uuid::from_u128(u128::from(millis.max(0).unsigned_abs()) << 80);
        if let Some(least) = drawn.least {
            let from = query.bind(Cell::Id(first_of(least.as_millis())));
            self.and(format!("id >= {from}"));
        }
        if let Some(most) = drawn.most {
            let to = query.bind(Cell::Id(first_of(most.as_millis() + 1)));
            self.and(format!("id < {to}"));
        }
    }

    /// That a row comes after the place that the walk goes on from.
    fn passed_by(&mut self, query: &mut Query, walk: &Walk) {
        let Some(after) = walk.after else { return };
        let sign = if walk.order.descending { "<" } else { ">" };
        let id = query.bind(Cell::Id(after.id));
        if walk.order.by == By::Created {
            self.and(format!("id {sign} {id}"));
        } else {
            let key = query.bind(Cell::Integer(after.key));
            let column = key_of(walk.order.by);
            self.and(format!("({column}, id) {sign} ({key}, {id})"));
        }
    }

    fn text(&self) -> String {
        self.0.join(" AND ")
    }
}

/// The column that a list is sorted by, before the id.
const fn key_of(by: By) -> &'static str {
    match by {
        By::Created => "0::bigint",
        By::Updated => "updated_at",
        By::Amount => "amount",
    }
}

/// `ORDER BY` of a walk.
fn order(walk: &Walk) -> String {
    let down = if walk.order.descending { " DESC" } else { "" };
    match walk.order.by {
        By::Created => format!(" ORDER BY id{down}"),
        by => format!(" ORDER BY {}{down}, id{down}", key_of(by)),
    }
}

/// The end of a statement: in order, the page alone.
fn cut(query: &mut Query, walk: &Walk) -> String {
    let most = query.bind(limit(walk.limit));
    let skip = query.bind(limit(walk.skip));
    format!("{} LIMIT {most} OFFSET {skip}", order(walk))
}

/// The end of a part of a statement: all that may be on the page.
fn cut_part(query: &mut Query, walk: &Walk) -> String {
    let most = query.bind(limit(walk.skip.saturating_add(walk.limit)));
    format!("{} LIMIT {most}", order(walk))
}

/// The page of a table's rows that fulfil the conditions.
fn page_of(mut query: Query, table: &str, conditions: &mut Conditions, walk: &Walk) -> Query {
    conditions.passed_by(&mut query, walk);
    let conditions = conditions.text();
    let end = cut(&mut query, walk);
    query.text = format!("SELECT doc FROM {table} WHERE {conditions}{end}");
    query
}

/// The same of few rows that are found by an index which does not hold them in order: they are found first. A server
/// that thinks they are many would rather look through all rows in order, and it cannot know how many words are.
fn page_of_few(mut query: Query, table: &str, conditions: &mut Conditions, walk: &Walk) -> Query {
    conditions.passed_by(&mut query, walk);
    let conditions = conditions.text();
    let end = cut(&mut query, walk);
    query.text = format!(
        "SELECT doc FROM (SELECT * FROM {table} WHERE {conditions} OFFSET 0) AS found{end}"
    );
    query
}

/// How many rows of a table fulfil the conditions.
fn count_of(mut query: Query, table: &str, conditions: &Conditions) -> Query {
    query.text = format!("SELECT count(*) FROM {table} WHERE {}", conditions.text());
    query
}

/// Which classes of a table a list looks at. The index on the class and the id says what classes a tenant has (from
/// each, it is one step to the next), and holds each class in the order of ids.
struct Classes<const N: usize> {
    table: &'static str,
    columns: [&'static str; N],
}

impl<const N: usize> Classes<N> {
    /// `WITH RECURSIVE class AS (…)`: all classes of the tenant, which is `$1` and `$2`.
    fn with(&self) -> String {
        let (table, columns) = (self.table, self.columns.join(", "));
        let known = self
            .columns
            .map(|column| format!("class.{column}"))
            .join(", ");
        let next = self
            .columns
            .map(|column| format!("following.{column}"))
            .join(", ");
        format!(
            "WITH RECURSIVE class AS (
                (SELECT {columns} FROM {table} WHERE merchant = $1 AND mode = $2 ORDER BY {columns} LIMIT 1)
                UNION ALL
                SELECT {next} FROM class CROSS JOIN LATERAL (
                    SELECT {columns} FROM {table}
                    WHERE merchant = $1 AND mode = $2 AND ({columns}) > ({known})
                    ORDER BY {columns} LIMIT 1) AS following
            )"
        )
    }

    /// Of each class that fulfils the first conditions, the rows that fulfil the others and may be on the page.
    fn pages(&self, wanted: &[String], rows: &Conditions, end: &str, key: &str) -> String {
        let same = self
            .columns
            .map(|column| format!("{column} = class.{column}"));
        let wanted = if wanted.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", wanted.join(" AND "))
        };
        format!(
            "SELECT found.doc, found.id, found.key FROM class CROSS JOIN LATERAL (
                SELECT doc, id, {key} AS key FROM {} WHERE {} AND {}{end}) AS found{wanted}",
            self.table,
            same.join(" AND "),
            rows.text()
        )
    }
}

/// `ORDER BY` of a walk, where what it is sorted by is called `key`.
fn order_of_parts(walk: &Walk) -> String {
    let down = if walk.order.descending { " DESC" } else { "" };
    format!(" ORDER BY key{down}, id{down}")
}

/// What the server's search is asked for a term's words, each the beginning of one.
fn words_of_term(tenant: Tenant, term: &Term) -> Option<Cell> {
    // Words are letters and digits: nothing in them ends the quotes.
    let asked = term
        .words
        .iter()
        .map(|word| format!("'{}':*", marked(tenant, word)));
    let asked: Vec<_> = asked.collect();
    (!asked.is_empty()).then(|| Cell::Text(asked.join(" & ")))
}

/// One condition for each term of a search; a search without any finds nothing. `named` says how a row is named by one
/// of the ids that are bound as this, `worded` how it has the words.
fn search(
    query: &mut Query,
    tenant: Tenant,
    search: &Search,
    named: impl Fn(&str) -> String,
    worded: impl Fn(&str) -> String,
) -> Vec<String> {
    if search.terms.is_empty() {
        return vec!["false".to_owned()];
    }
    let mut conditions = Vec::new();
    for term in &search.terms {
        let mut either = Vec::new();
        if !term.ids.is_empty() {
            let ids = query.bind(Cell::Ids(term.ids.clone()));
            either.push(named(&ids));
        }
        if let Some(words) = words_of_term(tenant, term) {
            let words = query.bind(words);
            either.push(worded(&format!("{words}::text::tsquery")));
        }
        if either.is_empty() {
            either.push("false".to_owned());
        }
        conditions.push(format!("({})", either.join(" OR ")));
    }
    conditions
}

/// Bounds of time as they are stored.
fn millis(bounds: Within<Timestamp>) -> Within<i64> {
    Within {
        least: bounds.least.map(Timestamp::as_millis),
        most: bounds.most.map(Timestamp::as_millis),
    }
}
