//! Lists of sessions, where time counts.
//!
//! A session's state at a moment is what is stored and what time has made of it since, so that a late sweeper
//! changes nothing. Those that time has changed are few as long as a sweeper comes by: they are found by when they fell
//! due. If they are many, the classes that they are stored in are walked through.

use std::ops::RangeInclusive;

use paydesk_core::list::{By, Page, SessionFilter};
use paydesk_core::session::{Session, StateName};
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use rusqlite::{Connection, params};

use super::super::readers::Readers;
use super::super::rows::Cell;
use super::super::{decode, queries};
use super::search::Sought;
use super::{Class, Classes, FAR, Source, Where, ids_within, limit, millis};
use crate::columns::{kind_number, method_bits, mode_number, state_number};

const TABLE: &str = "sessions";
/// How many overdue sessions are few.
const FEW: usize = 500;

pub(in super::super) const CLASSES: Classes<5> = Classes {
    table: TABLE,
    by: "INDEXED BY sessions_by_class",
    columns: ["state", "kind", "currency", "methods", "account"],
};

/// The sessions that a filter shows.
#[derive(Clone)]
pub(in super::super) struct SessionList {
    pub(in super::super) tenant: Tenant,
    pub(in super::super) filter: SessionFilter,
}

impl SessionList {
    pub(in super::super) async fn page(
        self,
        readers: &Readers,
        page: Page,
    ) -> Result<Vec<Session>, Unavailable> {
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

    fn read(&self, db: &Connection, page: Page) -> rusqlite::Result<Vec<Session>> {
        if let Some(some) = self.some(db)? {
            return Ok(page.cut(some));
        }
        if let Some(sought) = self.sought() {
            let shows = |session: &Session| self.filter.shows(session);
            return sought.sessions(db, &self.rest(), shows, &page.walk());
        }
        super::page(db, TABLE, &self.sources(db)?, self.ids(), &page.walk())
    }

    fn total(&self, db: &Connection) -> rusqlite::Result<u64> {
        if let Some(some) = self.some(db)? {
            return Ok(some.len() as u64);
        }
        if let Some(sought) = self.sought() {
            let shows = |session: &Session| self.filter.shows(session);
            let rest = (!self.is_only_sought()).then(|| self.rest());
            return sought.count_sessions(db, rest.as_ref(), shows);
        }
        super::count(db, TABLE, &self.sources(db)?, &self.ids())
    }

    fn ids(&self) -> RangeInclusive<u128> {
        ids_within(self.filter.drawn())
    }

    fn tenant(&self) -> (&[u8; 16], i64) {
        (
            self.tenant.merchant.0.as_bytes(),
            mode_number(self.tenant.mode),
        )
    }

    fn sought(&self) -> Option<Sought<'_>> {
        let search = self.filter.search.as_ref()?;
        let tenant = self.tenant;
        Some(Sought { tenant, search })
    }

    /// Whether it asks for nothing but words.
    fn is_only_sought(&self) -> bool {
        let rest = SessionFilter {
            search: None,
            ..self.filter.clone()
        };
        rest.is_all()
    }

    /// All that it asks for but words.
    fn rest(&self) -> Where {
        let mut rest = Where::of(self.tenant);
        self.add_rest(&mut rest);
        rest
    }

    /// What is looked at one by one: those that the filter names.
    fn some(&self, db: &Connection) -> rusqlite::Result<Option<Vec<Session>>> {
        let (merchant, mode) = self.tenant();
        let mut found: Vec<Session> = Vec::new();
        if let Some(ids) = &self.filter.ids {
            let mut read = db.prepare_cached(queries::SESSION)?;
            for id in ids {
                let rows = read.query_map(params![merchant, mode, id.0.as_bytes()], |row| {
                    decode::doc(row, 0)
                })?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
        } else {
            return Ok(None);
        }
        found.retain(|session| self.filter.shows(session));
        found.sort_unstable_by_key(|session| session.id);
        found.dedup_by_key(|session| session.id);
        Ok(Some(found))
    }

    /// Where the sessions that are shown are found.
    pub(super) fn sources(&self, db: &Connection) -> rusqlite::Result<Vec<Source>> {
        let filter = &self.filter;
        if filter.is_all() {
            let filter = Where::of(self.tenant);
            let by = "INDEXED BY sessions_by_id";
            return Ok(vec![Source { by, filter }]);
        }
        let text = |text: &String| Cell::Text(text.clone());
        for (by, condition, cell) in [
            (
                "INDEXED BY sessions_by_reference",
                "reference = ?",
                filter.reference.as_ref().map(text),
            ),
            (
                "INDEXED BY sessions_by_order",
                "for_order = ?",
                filter.order.as_ref().map(text),
            ),
            (
                "INDEXED BY sessions_by_card",
                "payment_method = ?",
                filter.payment_method.map(|card| Cell::Id(card.0)),
            ),
            (
                "INDEXED BY sessions_by_owner",
                "owner = ?",
                filter.owner.as_ref().map(text),
            ),
            (
                "INDEXED BY sessions_by_customer",
                "customer = ?",
                filter.customer.as_ref().map(text),
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
        let wanted = &self.filter.states;
        let stored_as = self.stored_as();
        let is_late = stored_as.iter().any(|state| !wanted.contains(state));
        let by_due = is_late && !self.are_many_overdue(db)?;
        let classes = CLASSES.of(db, self.tenant)?.into_iter();
        let classes = classes.filter(|class| self.shows_class(class));
        let mut sources = Vec::new();
        for class in classes {
            let [stored, ..] = &class;
            let of_state = |state: &StateName| *stored == Cell::Integer(state_number(*state));
            let is_wanted = wanted.is_empty() || wanted.iter().any(of_state);
            if is_wanted || (!by_due && stored_as.iter().any(of_state)) {
                let mut source = CLASSES.source(self.tenant, class);
                self.add_state(&mut source.filter);
                self.add_bounds(&mut source.filter);
                sources.push(source);
            }
        }
        if by_due {
            let others = stored_as.iter().filter(|state| !wanted.contains(state));
            let others = others.map(|state| Cell::Integer(state_number(*state)));
            let mut filter = Where::of(self.tenant);
            filter.and("due_at <= ?", [Cell::Integer(self.filter.now.as_millis())]);
            filter.one_of("state", others);
            self.add_rest(&mut filter);
            let by = "INDEXED BY sessions_due";
            sources.push(Source { by, filter });
        }
        Ok(sources)
    }

    /// As which states the sessions that are shown may be stored.
    fn stored_as(&self) -> Vec<StateName> {
        use StateName::{Created, Expired, Initiated, Processing};
        let wanted = self.filter.states.iter();
        let mut stored_as: Vec<_> = wanted
            .flat_map(|state| match state {
                // Time alone leads from a pushed payment under way back to here, and from all of these to the end.
                Initiated => vec![Initiated, Processing],
                Expired => vec![Created, Initiated, Processing, Expired],
                other => vec![*other],
            })
            .collect();
        stored_as.sort_unstable();
        stored_as.dedup();
        stored_as
    }

    /// Whether more than a few sessions, over all tenants, are overdue.
    fn are_many_overdue(&self, db: &Connection) -> rusqlite::Result<bool> {
        let mut due = db.prepare_cached(queries::SESSIONS_DUE_UNTIL)?;
        let mut rows = due.query(params![self.filter.now.as_millis(), limit(FEW + 1)])?;
        let mut count = 0;
        while rows.next()?.is_some() {
            count += 1;
        }
        Ok(count > FEW)
    }

    /// Whether the filter shows sessions of this class, as far as the class tells.
    fn shows_class(&self, class: &Class<5>) -> bool {
        let filter = &self.filter;
        let [_state, kind, currency, methods, account] = class;
        filter
            .kind
            .is_none_or(|wanted| *kind == Cell::Integer(kind_number(wanted)))
            && filter.currency.is_none_or(|it| currency.is_text(it.code()))
            && filter
                .method
                .is_none_or(|method| methods.has_bit_of(method_bits(&[method])))
            && filter
                .provider_account
                .is_none_or(|wanted| *account == Cell::Id(wanted.0))
    }

    /// What a class does not tell of the state.
    fn add_state(&self, to: &mut Where) {
        if self.filter.states.is_empty() {
            return;
        }
        let states = self
            .filter
            .states
            .iter()
            .map(|&state| 1 << state_number(state));
        let states: i64 = states.fold(0, |set, bit| set | bit);
        let now = Cell::Integer(self.filter.now.as_millis());
        let cells = [
            now.clone(),
            now.clone(),
            now.clone(),
            now,
            Cell::Integer(states),
        ];
        to.and(queries::IS_IN_STATE, cells);
    }

    fn add_bounds(&self, to: &mut Where) {
        to.within("amount", self.filter.amount);
        to.within("created_at", millis(self.filter.created));
    }

    /// Everything that a filter can ask for.
    fn add_rest(&self, to: &mut Where) {
        let filter = &self.filter;
        if let Some(kind) = filter.kind {
            to.and("kind = ?", [Cell::Integer(kind_number(kind))]);
        }
        if let Some(currency) = filter.currency {
            to.and("currency = ?", [Cell::Name(currency.code())]);
        }
        if let Some(method) = filter.method {
            let bit = method_bits(&[method]);
            to.and("methods & ? <> 0", [Cell::Integer(bit)]);
        }
        if let Some(account) = filter.provider_account {
            to.and("account = ?", [Cell::Id(account.0)]);
        }
        if let Some(card) = filter.payment_method {
            to.and("payment_method = ?", [Cell::Id(card.0)]);
        }
        for (condition, name) in [
            ("reference = ?", &filter.reference),
            ("for_order = ?", &filter.order),
            ("owner = ?", &filter.owner),
            ("customer = ?", &filter.customer),
        ] {
            if let Some(name) = name {
                to.and(condition, [Cell::Text(name.clone())]);
            }
        }
        self.add_state(to);
        self.add_bounds(to);
    }
}
