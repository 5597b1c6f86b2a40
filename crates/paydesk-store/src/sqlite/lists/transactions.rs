//! Lists of transactions, where time counts: a push that ran out has expired, whether or not a sweeper came by.

use std::ops::RangeInclusive;

use paydesk_core::list::{By, Page, TransactionFilter};
use paydesk_core::session::Session;
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::{StatusName, Transaction};
use rusqlite::{Connection, params_from_iter};

use super::super::readers::Readers;
use super::super::rows::Cell;
use super::super::{decode, queries};
use super::search::Sought;
use super::{Class, Classes, FAR, Source, Where, ids_within, millis};
use crate::columns::{action_number, method_bits, status_number};

const TABLE: &str = "transactions";

pub(in super::super) const CLASSES: Classes<6> = Classes {
    table: TABLE,
    by: "INDEXED BY transactions_by_class",
    columns: [
        "action", "status", "currency", "method", "account", "reverted",
    ],
};

/// The transactions that a filter shows.
#[derive(Clone)]
pub(in super::super) struct TransactionList {
    pub(in super::super) tenant: Tenant,
    pub(in super::super) filter: TransactionFilter,
}

impl TransactionList {
    pub(in super::super) async fn page(
        self,
        readers: &Readers,
        page: Page,
    ) -> Result<Vec<Transaction>, Unavailable> {
        let is_short = page.order.by == By::Created
            && page.skip <= FAR
            && self.filter.amount.is_any()
            && self.filter.search.is_none();
        if is_short {
            readers.at_once(|db| self.read(db, page))
        } else {
            readers.long(move |db| self.read(db, page)).await
        }
    }

    pub(in super::super) async fn count(self, readers: &Readers) -> Result<u64, Unavailable> {
        readers.long(move |db| self.total(db)).await
    }

    fn read(&self, db: &Connection, page: Page) -> rusqlite::Result<Vec<Transaction>> {
        if let Some(sought) = self.sought() {
            let shows =
                |one: &Transaction, session: Option<&Session>| self.filter.shows(one, session);
            return sought.transactions(db, &self.rest(), shows, &page.walk());
        }
        super::page(db, TABLE, &self.sources(db)?, self.ids(), &page.walk())
    }

    fn total(&self, db: &Connection) -> rusqlite::Result<u64> {
        if let Some(sought) = self.sought() {
            let shows =
                |one: &Transaction, session: Option<&Session>| self.filter.shows(one, session);
            return sought.count_transactions(db, &self.rest(), shows);
        }
        super::count(db, TABLE, &self.sources(db)?, &self.ids())
    }

    fn ids(&self) -> RangeInclusive<u128> {
        ids_within(self.filter.drawn())
    }

    fn sought(&self) -> Option<Sought<'_>> {
        let search = self.filter.search.as_ref()?;
        let tenant = self.tenant;
        Some(Sought { tenant, search })
    }

    /// All that it asks for but words.
    fn rest(&self) -> Where {
        let mut rest = Where::of(self.tenant);
        self.add_rest(&mut rest);
        rest
    }

    /// Where the transactions that are shown are found.
    pub(super) fn sources(&self, db: &Connection) -> rusqlite::Result<Vec<Source>> {
        let filter = &self.filter;
        if filter.is_all() {
            let filter = Where::of(self.tenant);
            let by = "INDEXED BY transactions_by_id";
            return Ok(vec![Source { by, filter }]);
        }
        let text = |text: &String| Cell::Text(text.clone());
        for (by, condition, cell) in [
            (
                "INDEXED BY transactions_by_parent",
                "parent = ?",
                filter.parent.map(|parent| Cell::Id(parent.0)),
            ),
            (
                "INDEXED BY transactions_by_session",
                "session = ?",
                filter.session.map(|session| Cell::Id(session.0)),
            ),
            (
                "INDEXED BY transactions_by_reference",
                "reference = ?",
                filter.reference.as_ref().map(text),
            ),
            (
                "INDEXED BY transactions_by_provider_reference",
                "provider_reference = ?",
                filter.provider_reference.as_ref().map(text),
            ),
        ] {
            if let Some(cell) = cell {
                return Ok(vec![self.named(by, condition, cell)]);
            }
        }
        if let Some(code) = &filter.code {
            return self.of_code(db, code);
        }
        if let Some(card) = filter.payment_method {
            let by = "INDEXED BY transactions_by_card";
            return Ok(vec![self.named(by, "payment_method = ?", Cell::Id(card.0))]);
        }
        if let Some(customer) = &filter.customer {
            let by = "INDEXED BY transactions_by_customer";
            return Ok(vec![self.named(by, "customer = ?", text(customer))]);
        }
        self.by_class(db)
    }

    /// The stretch of an index that one thing names, and all else that the filter asks for.
    fn named(&self, by: &'static str, condition: &str, cell: Cell) -> Source {
        let mut filter = Where::of(self.tenant);
        filter.and(condition, [cell]);
        self.add_rest(&mut filter);
        Source { by, filter }
    }

    /// Those with this code of their own, and those of each session that has had it.
    fn of_code(&self, db: &Connection, code: &str) -> rusqlite::Result<Vec<Source>> {
        let code = Cell::Text(code.to_owned());
        let mut sessions = db.prepare_cached(queries::SESSIONS_OF_REFERENCE)?;
        let mut asked = Where::of(self.tenant).cells;
        asked.push(code.clone());
        let sessions = sessions.query_map(params_from_iter(&asked), |row| decode::id(row, 0))?;
        let by = "INDEXED BY transactions_by_reference";
        let mut sources = vec![self.named(by, "reference = ?", code)];
        for session in sessions {
            let by = "INDEXED BY transactions_by_session";
            let mut source = self.named(by, "session = ?", Cell::Id(session?));
            source.filter.and("reference IS NULL", []);
            sources.push(source);
        }
        Ok(sources)
    }

    fn by_class(&self, db: &Connection) -> rusqlite::Result<Vec<Source>> {
        let classes = CLASSES.of(db, self.tenant)?.into_iter();
        let classes = classes.filter(|class| self.shows_class(class));
        let sources = classes.map(|class| {
            let mut source = CLASSES.source(self.tenant, class);
            self.add_status(&mut source.filter);
            self.add_bounds(&mut source.filter);
            source
        });
        Ok(sources.collect())
    }

    /// Whether the filter shows transactions of this class, as far as the class tells.
    fn shows_class(&self, class: &Class<6>) -> bool {
        let filter = &self.filter;
        let [action, stored, currency, method, account, reverted] = class;
        let integer = |cell: &Cell, wanted: i64| *cell == Cell::Integer(wanted);
        let mut actions = filter.actions.iter();
        let mut statuses = filter.statuses.iter();
        let may_be = |status: &StatusName| match status {
            // What still waits as far as is stored may have run out.
            StatusName::Expired => {
                let waiting = status_number(StatusName::AwaitingPayer);
                integer(stored, status_number(*status)) || integer(stored, waiting)
            }
            other => integer(stored, status_number(*other)),
        };
        let mut accounts = filter.provider_accounts.iter();
        (filter.actions.is_empty() || actions.any(|it| integer(action, action_number(*it))))
            && (filter.statuses.is_empty() || statuses.any(may_be))
            && filter.currency.is_none_or(|it| currency.is_text(it.code()))
            && (filter.methods.is_empty() || method.has_bit_of(method_bits(&filter.methods)))
            && (filter.provider_accounts.is_empty()
                || accounts.any(|it| *account == Cell::Id(it.0)))
            && filter
                .reverted
                .is_none_or(|wanted| integer(reverted, wanted.into()))
    }

    /// What a class does not tell of the status.
    fn add_status(&self, to: &mut Where) {
        if self.filter.statuses.is_empty() {
            return;
        }
        let statuses = self
            .filter
            .statuses
            .iter()
            .map(|&one| 1 << status_number(one));
        let statuses: i64 = statuses.fold(0, |set, bit| set | bit);
        let now = Cell::Integer(self.filter.now.as_millis());
        to.and(queries::IS_IN_STATUS, [now, Cell::Integer(statuses)]);
    }

    fn add_bounds(&self, to: &mut Where) {
        to.within("amount", self.filter.amount);
        to.within("created_at", millis(self.filter.created));
    }

    /// Everything that a filter can ask for.
    fn add_rest(&self, to: &mut Where) {
        let filter = &self.filter;
        for (condition, id) in [
            ("parent = ?", filter.parent.map(|id| id.0)),
            ("session = ?", filter.session.map(|id| id.0)),
            ("payment_method = ?", filter.payment_method.map(|id| id.0)),
        ] {
            if let Some(id) = id {
                to.and(condition, [Cell::Id(id)]);
            }
        }
        for (condition, name) in [
            ("reference = ?", &filter.reference),
            ("provider_reference = ?", &filter.provider_reference),
            ("customer = ?", &filter.customer),
        ] {
            if let Some(name) = name {
                to.and(condition, [Cell::Text(name.clone())]);
            }
        }
        if let Some(code) = &filter.code {
            let code = Cell::Text(code.clone());
            let mut cells = vec![code.clone()];
            cells.extend(Where::of(self.tenant).cells);
            cells.push(code);
            to.and(queries::HAS_CODE, cells);
        }
        if !filter.actions.is_empty() {
            let actions = filter.actions.iter();
            to.one_of(
                "action",
                actions.map(|it| Cell::Integer(action_number(*it))),
            );
        }
        if !filter.provider_accounts.is_empty() {
            let accounts = filter.provider_accounts.iter();
            to.one_of("account", accounts.map(|id| Cell::Id(id.0)));
        }
        if let Some(reverted) = filter.reverted {
            to.and("reverted = ?", [Cell::Integer(reverted.into())]);
        }
        if let Some(currency) = filter.currency {
            to.and("currency = ?", [Cell::Name(currency.code())]);
        }
        if !filter.methods.is_empty() {
            let methods = Cell::Integer(method_bits(&filter.methods));
            to.and("method & ? <> 0", [methods]);
        }
        self.add_status(to);
        self.add_bounds(to);
    }
}
