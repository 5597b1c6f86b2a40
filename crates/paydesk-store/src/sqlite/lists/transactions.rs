//! Lists of transactions, where time counts: a push that ran out has expired, whether or not a sweeper came by.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use paydesk_core::id::SessionId;
use paydesk_core::list::{By, Page, TransactionFilter};
use paydesk_core::session::Session;
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::{StatusName, Transaction};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::readers::Readers;
use super::super::rows::{Cell, action_number, method_bits, mode_number, status_number};
use super::super::{decode, queries};
use super::{Class, Classes, Source, Where, ids_within, millis};

const TABLE: &str = "transactions";
/// Skipping more than so many is left to another thread.
const FAR: usize = 1_000;

pub(in super::super) const CLASSES: Classes = Classes {
    table: TABLE,
    index: "transactions_by_class",
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
        if let Some(some) = self.some(db)? {
            return Ok(page.cut(some));
        }
        super::page(db, TABLE, &self.sources(db)?, self.ids(), &page.walk())
    }

    fn total(&self, db: &Connection) -> rusqlite::Result<u64> {
        if let Some(some) = self.some(db)? {
            return Ok(some.len() as u64);
        }
        super::count(db, TABLE, &self.sources(db)?, &self.ids())
    }

    fn ids(&self) -> RangeInclusive<u128> {
        ids_within(self.filter.created, self.filter.ahead)
    }

    /// What is looked at one by one.
    fn some(&self, db: &Connection) -> rusqlite::Result<Option<Vec<Transaction>>> {
        if self.filter.search.is_none() {
            return Ok(None);
        }
        let merchant = self.tenant.merchant.0;
        let (merchant, mode) = (merchant.as_bytes(), mode_number(self.tenant.mode));
        let mut sessions: BTreeMap<SessionId, Option<Session>> = BTreeMap::new();
        let mut read_session = db.prepare_cached(queries::SESSION)?;
        let mut read = db.prepare_cached(queries::TRANSACTIONS)?;
        let all = params![merchant, mode, [0xff_u8; 16], i64::MAX];
        let mut found = Vec::new();
        for transaction in read.query_map(all, |row| decode::doc::<Transaction>(row, 0))? {
            let transaction = transaction?;
            let session = match transaction.session {
                None => None,
                Some(id) => {
                    if let std::collections::btree_map::Entry::Vacant(entry) = sessions.entry(id) {
                        let key = params![merchant, mode, id.0.as_bytes()];
                        let session = read_session.query_row(key, |row| decode::doc(row, 0));
                        entry.insert(session.optional()?);
                    }
                    sessions.get(&id).and_then(Option::as_ref)
                }
            };
            if self.filter.shows(&transaction, session) {
                found.push(transaction);
            }
        }
        Ok(Some(found))
    }

    /// Where the transactions that are shown are found.
    fn sources(&self, db: &Connection) -> rusqlite::Result<Vec<Source>> {
        let filter = &self.filter;
        if filter.is_all() {
            let filter = Where::of(self.tenant);
            let index = "transactions_by_id";
            return Ok(vec![Source { index, filter }]);
        }
        let id = |id| Some(Cell::Id(id));
        let text = |text: &String| Some(Cell::Text(text.clone()));
        for (index, condition, cell) in [
            (
                "transactions_by_parent",
                "parent = ?",
                filter.parent.and_then(|parent| id(parent.0)),
            ),
            (
                "transactions_by_session",
                "session = ?",
                filter.session.and_then(|session| id(session.0)),
            ),
            (
                "transactions_by_reference",
                "reference = ?",
                filter.reference.as_ref().and_then(text),
            ),
            (
                "transactions_by_provider_reference",
                "provider_reference = ?",
                filter.provider_reference.as_ref().and_then(text),
            ),
            (
                "transactions_by_card",
                "payment_method = ?",
                filter.payment_method.and_then(|card| id(card.0)),
            ),
            (
                "transactions_by_customer",
                "customer = ?",
                filter.customer.as_ref().and_then(text),
            ),
        ] {
            if let Some(cell) = cell {
                let mut filter = Where::of(self.tenant);
                filter.and(condition, [cell]);
                self.add_rest(&mut filter);
                return Ok(vec![Source { index, filter }]);
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
