//! Lists of transactions, where time counts: a push that ran out has expired, whether or not a sweeper came by.

use std::ops::RangeInclusive;

use paydesk_core::list::{By, Page, TransactionFilter};
use paydesk_core::session::Session;
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::{StatusName, Transaction};
use rusqlite::Connection;

use super::super::queries;
use super::super::readers::Readers;
use super::super::rows::{Cell, action_number, method_bits, status_number};
use super::search::Sought;
use super::{Class, Classes, Source, Where, ids_within, millis};

const TABLE: &str = "transactions";
/// Skipping more than so many is left to another thread.
const FAR: usize = 1_000;

pub(in super::super) const CLASSES: Classes = Classes {
    table: TABLE,
    by: "INDEXED BY transactions_by_class",
    columns: ["action", "status", "currency", "method", "account"],
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
        ids_within(self.filter.created, self.filter.ahead)
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
        let id = |id| Some(Cell::Id(id));
        let text = |text: &String| Some(Cell::Text(text.clone()));
        for (by, condition, cell) in [
            (
                "INDEXED BY transactions_by_parent",
                "parent = ?",
                filter.parent.and_then(|parent| id(parent.0)),
            ),
            (
                "INDEXED BY transactions_by_session",
                "session = ?",
                filter.session.and_then(|session| id(session.0)),
            ),
            (
                "INDEXED BY transactions_by_reference",
                "reference = ?",
                filter.reference.as_ref().and_then(text),
            ),
            (
                "INDEXED BY transactions_by_provider_reference",
                "provider_reference = ?",
                filter.provider_reference.as_ref().and_then(text),
            ),
            (
                "INDEXED BY transactions_by_card",
                "payment_method = ?",
                filter.payment_method.and_then(|card| id(card.0)),
            ),
            (
                "INDEXED BY transactions_by_customer",
                "customer = ?",
                filter.customer.as_ref().and_then(text),
            ),
        ] {
            if let Some(cell) = cell {
                let mut filter = Where::of(self.tenant);
                filter.and(condition, [cell]);
                self.add_rest(&mut filter);
                return Ok(vec![Source { by, filter }]);
            }
        }
        self.by_class(db)
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
    fn shows_class(&self, class: &Class) -> bool {
        let filter = &self.filter;
        let mut actions = filter.actions.iter();
        let mut statuses = filter.statuses.iter();
        let may_be = |status: &StatusName| match status {
            // What still waits as far as is stored may have run out.
            StatusName::Expired => {
                let waiting = status_number(StatusName::AwaitingPayer);
                [status_number(*status), waiting].contains(&class.second)
            }
            other => status_number(*other) == class.second,
        };
        (filter.actions.is_empty() || actions.any(|one| action_number(*one) == class.first))
            && (filter.statuses.is_empty() || statuses.any(may_be))
            && filter
                .currency
                .is_none_or(|currency| class.currency == currency.code())
            && filter
                .method
                .is_none_or(|method| class.methods == method_bits(&[method]))
            && filter
                .provider_account
                .is_none_or(|account| class.account == account.0)
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
            ("account = ?", filter.provider_account.map(|id| id.0)),
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
        if !filter.actions.is_empty() {
            let actions: Vec<_> = filter
                .actions
                .iter()
                .map(|one| action_number(*one))
                .collect();
            to.one_of("action", &actions);
        }
        if let Some(currency) = filter.currency {
            to.and("currency = ?", [Cell::Name(currency.code())]);
        }
        if let Some(method) = filter.method {
            to.and("method = ?", [Cell::Integer(method_bits(&[method]))]);
        }
        self.add_status(to);
        self.add_bounds(to);
    }
}
