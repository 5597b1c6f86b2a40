//! Lists: everything is looked at, and the page cut out. What other stores do by their indexes must come to the same.

use std::collections::BTreeMap;

use paydesk_core::id::{PaymentMethodId, SessionId, TransactionId};
use paydesk_core::list::{Page, PaymentMethodFilter, SessionFilter, TransactionFilter};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::session::Session;
use paydesk_core::store::Counter;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Transaction;
use uuid::Uuid;

use super::{FIRST, LAST, Tables};

/// All of a tenant's, oldest first.
pub(super) fn of_tenant<Id: Ord, T>(
    records: &BTreeMap<(Tenant, Id), T>,
    tenant: Tenant,
    id: impl Fn(Uuid) -> Id,
) -> impl Iterator<Item = &T> {
    let ends = (tenant, id(FIRST))..=(tenant, id(LAST));
    records.range(ends).map(|(_, record)| record)
}

/// What is handed out is a copy.
pub(super) fn copies<T: Clone>(found: Vec<&T>) -> Vec<T> {
    found.into_iter().cloned().collect()
}

impl Tables {
    fn shown_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
    ) -> impl Iterator<Item = &Session> {
        of_tenant(&self.sessions, tenant, SessionId).filter(|session| filter.shows(session))
    }

    pub(super) fn list_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
        page: Page,
    ) -> Vec<Session> {
        copies(page.cut(self.shown_sessions(tenant, filter)))
    }

    pub(super) fn count_sessions(&self, tenant: Tenant, filter: &SessionFilter) -> u64 {
        if filter.is_all() {
            return self.total(tenant, Counter::Sessions);
        }
        self.shown_sessions(tenant, filter).count() as u64
    }

    fn shown_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
    ) -> impl Iterator<Item = &Transaction> {
        of_tenant(&self.transactions, tenant, TransactionId).filter(move |transaction| {
            let session = transaction.session.map(|session| (tenant, session));
            filter.shows(transaction, session.and_then(|key| self.sessions.get(&key)))
        })
    }

    pub(super) fn list_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
        page: Page,
    ) -> Vec<Transaction> {
        copies(page.cut(self.shown_transactions(tenant, filter)))
    }

    pub(super) fn count_transactions(&self, tenant: Tenant, filter: &TransactionFilter) -> u64 {
        if filter.is_all() {
            return self.total(tenant, Counter::Transactions);
        }
        self.shown_transactions(tenant, filter).count() as u64
    }

    pub(super) fn cards(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
    ) -> impl Iterator<Item = &PaymentMethod> {
        of_tenant(&self.payment_methods, tenant, PaymentMethodId).filter(|card| filter.shows(card))
    }

    /// A kept total, as a number of records.
    fn total(&self, tenant: Tenant, counter: Counter) -> u64 {
        let total = self.counters.get(&(tenant, counter)).copied();
        total.unwrap_or(0).max(0).unsigned_abs()
    }
}
