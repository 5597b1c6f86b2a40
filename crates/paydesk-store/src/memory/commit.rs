//! Applying a change: first everything that may refuse it, then everything that it does.

use std::collections::BTreeSet;

use paydesk_core::directory::StoredEntry;
use paydesk_core::endpoint::AUDIENCE;
use paydesk_core::id::TransactionId;
use paydesk_core::store::{
    Change, ClaimKey, Conflict, IdempotencyWrite, Record, Removal, StoredAnswer,
};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use uuid::Uuid;

use super::Tables;
use super::lists::of_tenant;

impl Tables {
    /// Why the change may not be applied, if it may not; in the order that [`Conflict`] documents.
    pub(super) fn check(&self, change: &Change) -> Result<(), Conflict> {
        let tenant = change.tenant;
        if let Some(IdempotencyWrite::Claim(record)) = &change.idempotency
            && let Some(known) = self.idempotency.get(&(tenant, record.key.clone()))
        {
            return Err(Conflict::Idempotency(Box::new(known.clone())));
        }
        for &event in &change.dispatched {
            if !self.undispatched.contains(&(tenant, event)) {
                return Err(Conflict::Dispatched(event));
            }
        }
        for record in &change.puts {
            if self.version(record).checked_add(1) != Some(record.version()) {
                return Err(Conflict::Stale(record.key()));
            }
        }
        for (n, claim) in change.claims.iter().enumerate() {
            let held = self.claims.get(&(tenant, claim.key.clone())).copied();
            let released = |owner| {
                let mut releases = change.releases.iter();
                releases.any(|release| release.key == claim.key && release.owner == owner)
            };
            let earlier = change
                .claims
                .iter()
                .take(n)
                .find(|earlier| earlier.key == claim.key);
            let holder = held
                .filter(|&owner| !released(owner))
                .or_else(|| earlier.map(|earlier| earlier.owner));
            if let Some(owner) = holder
                && owner != claim.owner
            {
                let key = claim.key.clone();
                return Err(Conflict::Claimed { key, owner });
            }
        }
        match change
            .removals
            .iter()
            .find(|removal| !self.may_go(tenant, **removal))
        {
            Some(kept) => Err(Conflict::Kept(*kept)),
            None => Ok(()),
        }
    }

    /// Whether something is as it was read, and nothing needs it.
    fn may_go(&self, tenant: Tenant, removal: Removal) -> bool {
        match removal {
            Removal::Session { id, version } => {
                let is_as_read = self.sessions.get(&(tenant, id));
                is_as_read.is_some_and(|session| session.version == version)
                    && self.event_keys_of(tenant, id).next().is_none()
            }
            Removal::Charge { id, version } => {
                let charge = self.transactions.get(&(tenant, id));
                charge.is_some_and(|it| it.version == version && it.session.is_none())
            }
            Removal::PaymentMethod { id, version } => {
                let card = self.payment_methods.get(&(tenant, id));
                card.is_some_and(|card| card.version == version)
                    && !of_tenant(&self.transactions, tenant, TransactionId)
                        .any(|transaction| transaction.payment_method == Some(id))
            }
            Removal::Event(id) => {
                let mut deliveries = self.delivery_keys_of(tenant, id);
                self.events.contains_key(&(tenant, id))
                    && !self.undispatched.contains(&(tenant, id))
                    && deliveries.all(|key| {
                        let delivery = self.deliveries.get(&key);
                        delivery.is_none_or(|delivery| delivery.due_at().is_none())
                    })
            }
        }
    }

    /// The version of the stored record: 0 if there is none.
    fn version(&self, record: &Record) -> u64 {
        let version = match record {
            Record::Merchant(it) => self.merchants.get(&it.id).map(|there| there.version),
            Record::ApiKey(it) => self
                .api_keys
                .get(&it.secret_hash)
                .map(|there| there.version),
            Record::ProviderAccount(it) => self
                .provider_accounts
                .get(&(it.tenant, it.id))
                .map(|there| there.version),
            Record::Session(it) => self
                .sessions
                .get(&(it.tenant, it.id))
                .map(|there| there.version),
            Record::Transaction(it) => self
                .transactions
                .get(&(it.tenant, it.id))
                .map(|there| there.version),
            Record::PaymentMethod(it) => self
                .payment_methods
                .get(&(it.tenant, it.id))
                .map(|there| there.version),
            Record::Delivery(it) => self
                .deliveries
                .get(&(it.tenant, it.id))
                .map(|there| there.version),
            Record::Entry(it) => self
                .entries
                .get(&(it.tenant, it.kind, it.id))
                .map(|there| there.version),
        };
        version.unwrap_or(0)
    }

    /// Does all that the change says; [`Tables::check`] has found nothing against it.
    pub(super) fn apply(&mut self, change: Change) {
        let tenant = change.tenant;
        for record in change.puts {
            self.put(record);
        }
        for release in change.releases {
            let key = (tenant, release.key);
            if self.claims.get(&key) == Some(&release.owner) {
                self.claims.remove(&key);
            }
        }
        for claim in change.claims {
            self.claims.insert((tenant, claim.key), claim.owner);
        }
        for event in change.events {
            let key = (event.tenant, event.id);
            if let Some(session) = event.session {
                self.events_of_session
                    .insert((event.tenant, session, event.sequence, event.id));
            }
            if event.notify || self.has_audience(event.tenant) {
                self.undispatched.insert(key);
            }
            self.events.insert(key, event);
        }
        for event in change.dispatched {
            self.undispatched.remove(&(tenant, event));
        }
        for event in change.retold {
            if self.events.contains_key(&(tenant, event)) {
                self.undispatched.insert((tenant, event));
            }
        }
        for removal in change.removals {
            self.remove(tenant, removal);
        }
        for increment in change.increments {
            let total = self
                .counters
                .entry((tenant, increment.counter))
                .or_default();
            // As large a total cannot be counted up to; it must not wrap all the same.
            *total = total.saturating_add(increment.by);
        }
        match change.idempotency {
            None => {}
            Some(IdempotencyWrite::Claim(record)) => {
                self.idempotency
                    .insert((tenant, record.key.clone()), record);
            }
            Some(IdempotencyWrite::Finish { key, answer }) => {
                if let Some(known) = self.idempotency.get_mut(&(tenant, key))
                    && known.answer == StoredAnswer::Running
                {
                    known.answer = answer;
                }
            }
        }
    }

    /// Whether somebody hears of everything that happens to the tenant.
    fn has_audience(&self, tenant: Tenant) -> bool {
        let (kind, list) = AUDIENCE;
        let first = (tenant, kind, list.to_owned(), Uuid::nil());
        let mut entries = self.entries_of_group.range(first..);
        entries.next().is_some_and(|(of, of_kind, of_list, _)| {
            (*of, *of_kind, of_list.as_str()) == (tenant, kind, list)
        })
    }

    /// Takes something out; [`Tables::may_go`] said that it may.
    fn remove(&mut self, tenant: Tenant, removal: Removal) {
        match removal {
            Removal::Session { id, .. } => {
                if let Some(due_at) = self
                    .sessions
                    .remove(&(tenant, id))
                    .and_then(|it| it.due_at())
                {
                    self.due_sessions.remove(&(due_at, tenant, id));
                }
                let transactions = self.transactions_of_session(tenant, id);
                self.remove_transactions(&transactions);
                self.claims.remove(&(tenant, ClaimKey::LivePayment(id)));
            }
            Removal::Charge { id, .. } => {
                let mut transactions: Vec<_> = self.children(tenant, id);
                transactions.extend(self.transactions.get(&(tenant, id)).cloned());
                self.remove_transactions(&transactions);
            }
            Removal::PaymentMethod { id, .. } => {
                self.payment_methods.remove(&(tenant, id));
            }
            Removal::Event(id) => {
                let deliveries: Vec<_> = self.delivery_keys_of(tenant, id).collect();
                for key in deliveries {
                    self.deliveries.remove(&key);
                    self.deliveries_of_event.remove(&(tenant, id, key.1));
                }
                if let Some(event) = self.events.remove(&(tenant, id))
                    && let Some(session) = event.session
                {
                    self.events_of_session
                        .remove(&(tenant, session, event.sequence, id));
                }
            }
        }
    }

    fn remove_transactions(&mut self, transactions: &[Transaction]) {
        for it in transactions {
            let (tenant, id) = (it.tenant, it.id);
            self.transactions.remove(&(tenant, id));
            if let Some(session) = it.session {
                self.transactions_of_session.remove(&(tenant, session, id));
            }
            if let Some(parent) = it.parent {
                self.transactions_of_parent.remove(&(tenant, parent, id));
            }
            if let Some(ask_at) = it.ask_at() {
                self.due_transactions.remove(&(ask_at, tenant, id));
            }
        }
    }

    fn put(&mut self, record: Record) {
        match record {
            Record::Merchant(it) => drop(self.merchants.insert(it.id, it)),
            Record::ApiKey(it) => drop(self.api_keys.insert(it.secret_hash, it)),
            Record::ProviderAccount(it) => {
                self.provider_accounts.insert((it.tenant, it.id), it);
            }
            Record::PaymentMethod(it) => {
                self.payment_methods.insert((it.tenant, it.id), it);
            }
            Record::Session(it) => {
                let (tenant, id, now_due) = (it.tenant, it.id, it.due_at());
                let before = self.sessions.insert((tenant, id), it);
                let was_due = before.and_then(|before| before.due_at());
                reindex(&mut self.due_sessions, was_due, now_due, (tenant, id));
            }
            Record::Transaction(it) => {
                let (tenant, id, now_due) = (it.tenant, it.id, it.ask_at());
                if let Some(session) = it.session {
                    self.transactions_of_session.insert((tenant, session, id));
                }
                if let Some(parent) = it.parent {
                    self.transactions_of_parent.insert((tenant, parent, id));
                }
                let before = self.transactions.insert((tenant, id), it);
                let was_due = before.and_then(|before| before.ask_at());
                reindex(&mut self.due_transactions, was_due, now_due, (tenant, id));
            }
            Record::Delivery(it) => {
                let (tenant, id, now_due) = (it.tenant, it.id, it.due_at());
                self.deliveries_of_event.insert((tenant, it.event, id));
                let before = self.deliveries.insert((tenant, id), it);
                let was_due = before.and_then(|before| before.due_at());
                reindex(&mut self.due_deliveries, was_due, now_due, (tenant, id));
            }
            Record::Entry(it) => self.put_entry(it),
        }
    }

    fn put_entry(&mut self, entry: StoredEntry) {
        let StoredEntry {
            tenant, kind, id, ..
        } = entry;
        let listed = |group: &String| (tenant, kind, group.clone(), id);
        let group = entry.group.clone();
        let before = if entry.doc.is_some() {
            self.entries.insert((tenant, kind, id), entry)
        } else {
            self.entries.remove(&(tenant, kind, id))
        };
        if let Some(was) = before.and_then(|before| before.group) {
            self.entries_of_group.remove(&listed(&was));
        }
        if let Some(group) = group {
            self.entries_of_group.insert(listed(&group));
        }
    }
}

/// Moves a record in the index of what is due.
fn reindex<Id: Copy + Ord>(
    index: &mut BTreeSet<(Timestamp, Tenant, Id)>,
    was: Option<Timestamp>,
    is: Option<Timestamp>,
    (tenant, id): (Tenant, Id),
) {
    if was == is {
        return;
    }
    if let Some(was) = was {
        index.remove(&(was, tenant, id));
    }
    if let Some(is) = is {
        index.insert((is, tenant, id));
    }
}
