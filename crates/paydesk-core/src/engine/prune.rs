//! Finished data is removed, page by page: what [may go](crate::retention) is decided on what was read, and the commit
//! sees to it that it still is so.
//!
//! Each thing goes in a change of its own, so that one that may not go holds up no other, and nothing is left half
//! removed wherever a run ends. The next run goes on by itself: what is gone is not there any more.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::stream::{self, StreamExt as _};
use uuid::Uuid;

use super::{Engine, EngineError};
use crate::event::{Event, Subject};
use crate::id::{EventId, PaymentMethodId, SessionId, TransactionId};
use crate::list::{
    By, Listed, Mark, Order, Page, PaymentMethodFilter, SessionFilter, TransactionFilter,
};
use crate::retention::{Horizon, Kept, Retention};
use crate::store::{Change, CommitError, Conflict, Counter, Increment, Removal, Unavailable};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use crate::transaction::Transaction;

/// How many records a step looks at. What it removes is committed as so many small changes, which a store may put
/// together; so this also bounds for how long others wait.
const PAGE: usize = 100;
/// How many of them are under way at once.
const TOGETHER: usize = 32;
/// How many events of a tenant are looked at that wait to be dispatched; more than there ever are.
const WAITING: usize = 100_000;

/// What is looked through, one after the other. Events first: a session goes only after its events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Events,
    Sessions,
    Charges,
    PaymentMethods,
    Done,
}

/// What was removed, and why the rest of what is old was not.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Pruned {
    /// So many sessions.
    pub sessions: u64,
    /// So many transactions, of sessions or without.
    pub transactions: u64,
    /// So many events.
    pub events: u64,
    /// So many deliveries.
    pub deliveries: u64,
    /// So many stored cards.
    pub payment_methods: u64,
    /// Sessions, charges, events and cards that stay, by why.
    pub kept: BTreeMap<Kept, u64>,
}

impl Pruned {
    /// How many records.
    #[must_use]
    pub const fn removed(&self) -> u64 {
        self.sessions + self.transactions + self.events + self.deliveries + self.payment_methods
    }

    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.transactions += other.transactions;
        self.events += other.events;
        self.deliveries += other.deliveries;
        self.payment_methods += other.payment_methods;
        for (why, count) in &other.kept {
            *self.kept.entry(*why).or_default() += count;
        }
    }
}

/// One run over a tenant's data.
#[derive(Debug)]
pub struct Pruning {
    tenant: Tenant,
    horizon: Horizon,
    dry: bool,
    stage: Stage,
    after: Option<Mark>,
    /// When the first record was made that it looked at; wall time.
    began: Option<Timestamp>,
    retention: Retention,
    /// Whose events are still to be told: they stay, too.
    untold_sessions: HashSet<SessionId>,
    untold_charges: HashSet<TransactionId>,
    undispatched: Option<HashSet<EventId>>,
    /// Only counting: how often each card is named by what would be gone.
    freed: HashMap<PaymentMethodId, u64>,
    done: Pruned,
}

impl Pruning {
    /// What was done so far.
    #[must_use]
    pub const fn done(&self) -> &Pruned {
        &self.done
    }

    /// How far it has come, of a thousand. `wall` is now. Records are looked at in the order in which they were made, so
    /// time tells.
    #[must_use]
    pub fn permille(&self, wall: Timestamp) -> u64 {
        let stage: u64 = match self.stage {
            Stage::Events => 0,
            Stage::Sessions => 1,
            Stage::Charges => 2,
            Stage::PaymentMethods => 3,
            Stage::Done => 4,
        };
        let within = self.began.zip(self.after).map_or(0, |(began, after)| {
            let all = wall.before(self.retention.finished).since(began);
            let all = all.as_millis().max(1).unsigned_abs();
            let passed = id_time(after.id).since(began).as_millis().unsigned_abs();
            (passed * 250 / all).min(250)
        });
        (stage * 250 + within).min(1_000)
    }

    const fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.after = None;
    }

    fn keep(&mut self, why: Kept) {
        *self.done.kept.entry(why).or_default() += 1;
    }

    /// Counts transactions that go, or would.
    fn count(&mut self, transactions: &[Transaction]) {
        self.done.transactions += transactions.len() as u64;
        if self.dry {
            for card in transactions.iter().filter_map(|it| it.payment_method) {
                *self.freed.entry(card).or_default() += 1;
            }
        }
    }

    /// Goes on after this page, or to the next stage if it was the last one or everything after it is too young.
    fn advance<T: Listed>(&mut self, page: &[T], is_old: impl Fn(&T) -> bool, next: Stage) {
        self.began = self
            .began
            .or_else(|| page.first().map(|first| made_at(first)));
        match page.last() {
            Some(last) if page.len() == PAGE && is_old(last) => {
                self.after = Some(last.mark(By::Created));
            }
            _ => self.enter(next),
        }
    }
}

/// Something that may go, and what it is made of.
struct Leaving<T> {
    removal: Removal,
    transactions: Vec<Transaction>,
    what: T,
}

impl Engine {
    /// Begins a run over a tenant's data. With `dry` nothing is removed, only counted.
    pub async fn prune(
        &self,
        tenant: Tenant,
        retention: Retention,
        dry: bool,
    ) -> Result<Pruning, Unavailable> {
        // Old is what is old in the tenant's own time.
        self.read_clocks().await?;
        Ok(Pruning {
            tenant,
            horizon: retention.horizon(self.now(tenant)),
            dry,
            stage: Stage::Events,
            after: None,
            began: None,
            retention,
            untold_sessions: HashSet::new(),
            untold_charges: HashSet::new(),
            undispatched: None,
            freed: HashMap::new(),
            done: Pruned::default(),
        })
    }

    /// One step of a run: a page is looked at, and what may go of it is removed. Answers whether there is more.
    pub async fn prune_step(&self, run: &mut Pruning) -> Result<bool, EngineError> {
        match run.stage {
            Stage::Events => self.prune_events(run).await?,
            Stage::Sessions => self.prune_sessions(run).await?,
            Stage::Charges => self.prune_charges(run).await?,
            Stage::PaymentMethods => self.prune_payment_methods(run).await?,
            Stage::Done => {}
        }
        Ok(run.stage != Stage::Done)
    }

    async fn prune_events(&self, run: &mut Pruning) -> Result<(), EngineError> {
        let store = self.store();
        let undispatched = if let Some(known) = run.undispatched.take() {
            known
        } else {
            let waiting = store.undispatched(WAITING).await?;
            waiting.iter().map(|event| event.id).collect()
        };
        let page = page(run);
        let found = store
            .event_list(run.tenant, &crate::list::EventFilter::default(), page)
            .await?;
        let old = found.iter().filter(|event| run.horizon.event(event));
        let tenant = run.tenant;
        let looked: Vec<Result<(&Event, bool, u64), Unavailable>> = stream::iter(old)
            .map(|event| async move {
                let deliveries = store.deliveries(tenant, event.id).await?;
                let waits = deliveries.iter().any(|it| it.due_at().is_some());
                Ok((event, waits, deliveries.len() as u64))
            })
            .buffered(TOGETHER)
            .collect()
            .await;
        let mut leaving = Vec::new();
        for looked in looked {
            let (event, waits, deliveries) = looked?;
            if waits || undispatched.contains(&event.id) {
                run.keep(Kept::Untold);
                stays_because_of(run, event);
            } else {
                leaving.push(Leaving {
                    removal: Removal::Event(event.id),
                    transactions: Vec::new(),
                    what: (event, deliveries),
                });
            }
        }
        for (gone, went) in self.remove(run, leaving).await? {
            let (event, deliveries) = gone.what;
            if went {
                run.done.events += 1;
                run.done.deliveries += deliveries;
            } else {
                stays_because_of(run, event);
            }
        }
        let horizon = run.horizon;
        run.advance(&found, |event| horizon.event(event), Stage::Sessions);
        run.undispatched = Some(undispatched);
        Ok(())
    }

    async fn prune_sessions(&self, run: &mut Pruning) -> Result<(), EngineError> {
        let (store, tenant, horizon) = (self.store(), run.tenant, run.horizon);
        let filter = SessionFilter::at(self.now(tenant));
        let found = store.sessions(tenant, &filter, page(run)).await?;
        let old: Vec<_> = found
            .iter()
            .filter(|session| session.created_at < horizon.finished)
            .collect();
        let ids: Vec<_> = old.iter().map(|session| session.id).collect();
        let transactions = store.transactions_of(tenant, &ids).await?;
        let stored = self.stored_by(tenant, &transactions).await?;
        let mut of: HashMap<SessionId, Vec<Transaction>> = HashMap::new();
        for transaction in transactions {
            if let Some(session) = transaction.session {
                of.entry(session).or_default().push(transaction);
            }
        }
        let mut leaving = Vec::new();
        for session in old {
            let transactions = of.remove(&session.id).unwrap_or_default();
            if let Err(why) = horizon.session(session, &transactions, &stored) {
                run.keep(why);
            } else if run.untold_sessions.contains(&session.id) {
                run.keep(Kept::Untold);
            } else {
                leaving.push(Leaving {
                    removal: Removal::Session {
                        id: session.id,
                        version: session.version,
                    },
                    transactions,
                    what: (),
                });
            }
        }
        for (gone, went) in self.remove(run, leaving).await? {
            if went {
                run.done.sessions += 1;
                run.count(&gone.transactions);
            }
        }
        run.advance(
            &found,
            |session| session.created_at < horizon.finished,
            Stage::Charges,
        );
        Ok(())
    }

    async fn prune_charges(&self, run: &mut Pruning) -> Result<(), EngineError> {
        let (store, tenant, horizon) = (self.store(), run.tenant, run.horizon);
        let any = PaymentMethodFilter::default();
        if run.after.is_none() && store.count_payment_methods(tenant, &any).await? == 0 {
            // Without stored cards, nothing was charged without a session.
            run.enter(Stage::PaymentMethods);
            return Ok(());
        }
        let filter = TransactionFilter::at(self.now(tenant));
        let found = store.transactions(tenant, &filter, page(run)).await?;
        let charges: Vec<_> = found
            .iter()
            .filter(|it| it.created_at < horizon.finished)
            .filter(|it| it.session.is_none() && it.parent.is_none())
            .collect();
        let ids: Vec<_> = charges.iter().map(|it| it.id).collect();
        let mut of: HashMap<TransactionId, Vec<Transaction>> = HashMap::new();
        for child in store.children_of(tenant, &ids).await? {
            if let Some(parent) = child.parent {
                of.entry(parent).or_default().push(child);
            }
        }
        let mut leaving = Vec::new();
        for charge in charges {
            let mut transactions = of.remove(&charge.id).unwrap_or_default();
            transactions.push(charge.clone());
            let untold = |it: &Transaction| run.untold_charges.contains(&it.id);
            if let Err(why) = horizon.transactions(&transactions, &HashSet::new()) {
                run.keep(why);
            } else if transactions.iter().any(untold) {
                run.keep(Kept::Untold);
            } else {
                leaving.push(Leaving {
                    removal: Removal::Charge {
                        id: charge.id,
                        version: charge.version,
                    },
                    transactions,
                    what: (),
                });
            }
        }
        for (gone, went) in self.remove(run, leaving).await? {
            if went {
                run.count(&gone.transactions);
            }
        }
        run.advance(
            &found,
            |it| it.created_at < horizon.finished,
            Stage::PaymentMethods,
        );
        Ok(())
    }

    async fn prune_payment_methods(&self, run: &mut Pruning) -> Result<(), EngineError> {
        let (store, tenant, horizon) = (self.store(), run.tenant, run.horizon);
        let detached = PaymentMethodFilter {
            detached: Some(true),
            ..PaymentMethodFilter::default()
        };
        let found = store.payment_methods(tenant, &detached, page(run)).await?;
        let mut leaving = Vec::new();
        for card in found.iter().filter(|card| horizon.payment_method(card)) {
            let named = TransactionFilter {
                payment_method: Some(card.id),
                ..TransactionFilter::at(self.now(tenant))
            };
            let freed = run.freed.get(&card.id).copied().unwrap_or(0);
            if store.count_transactions(tenant, &named).await? > freed {
                run.keep(Kept::Named);
                continue;
            }
            leaving.push(Leaving {
                removal: Removal::PaymentMethod {
                    id: card.id,
                    version: card.version,
                },
                transactions: Vec::new(),
                what: (),
            });
        }
        for (_, went) in self.remove(run, leaving).await? {
            run.done.payment_methods += u64::from(went);
        }
        run.advance(&found, |_| true, Stage::Done);
        Ok(())
    }

    /// Those of the transactions that stored a card which is attached.
    async fn stored_by(
        &self,
        tenant: Tenant,
        transactions: &[Transaction],
    ) -> Result<HashSet<TransactionId>, Unavailable> {
        let cards: HashSet<_> = transactions
            .iter()
            .filter_map(|it| it.payment_method)
            .collect();
        if cards.is_empty() {
            return Ok(HashSet::new());
        }
        let cards: Vec<_> = cards.into_iter().collect();
        let cards = self.store().payment_methods_by_id(tenant, &cards).await?;
        let attached = cards.iter().filter(|card| card.detached_at.is_none());
        Ok(attached.map(|card| card.stored_by).collect())
    }

    /// Removes each, unless it is only counted. Answers with all of them and whether they went; one that did not has
    /// changed, and is counted as kept.
    async fn remove<T>(
        &self,
        run: &mut Pruning,
        leaving: Vec<Leaving<T>>,
    ) -> Result<Vec<(Leaving<T>, bool)>, EngineError> {
        if run.dry {
            return Ok(leaving.into_iter().map(|it| (it, true)).collect());
        }
        let tenant = run.tenant;
        let removed: Vec<_> = stream::iter(leaving)
            .map(|it| async move {
                let change = removal(tenant, &it);
                match self.store().commit(change).await {
                    Ok(()) => Ok((it, true)),
                    Err(CommitError::Conflict(Conflict::Kept(_))) => Ok((it, false)),
                    Err(CommitError::Conflict(other)) => Err(Unavailable::because(other)),
                    Err(CommitError::Unavailable(error)) => Err(error),
                }
            })
            .buffered(TOGETHER)
            .collect()
            .await;
        let mut all = Vec::with_capacity(removed.len());
        for one in removed {
            let one = one?;
            if !one.1 {
                run.keep(Kept::Changed);
            }
            all.push(one);
        }
        Ok(all)
    }
}

/// When a record was made, by its id; wall time.
fn made_at(record: &impl Listed) -> Timestamp {
    id_time(record.mark(By::Created).id)
}

fn id_time(id: Uuid) -> Timestamp {
    let (high, _) = id.as_u64_pair();
    Timestamp::from_millis((high >> 16).cast_signed())
}

/// The next page of a run, oldest first.
fn page(run: &Pruning) -> Page {
    Page::first(PAGE).ordered(Order::OLDEST).after(run.after)
}

/// The change that takes something out, and out of the totals.
fn removal<T>(tenant: Tenant, it: &Leaving<T>) -> Change {
    let mut change = Change::new(tenant);
    change.removals.push(it.removal);
    let less = |counter, by: usize| Increment {
        counter,
        by: -i64::try_from(by).unwrap_or(i64::MAX),
    };
    if matches!(it.removal, Removal::Session { .. }) {
        change.increments.push(less(Counter::Sessions, 1));
    }
    if !it.transactions.is_empty() {
        change
            .increments
            .push(less(Counter::Transactions, it.transactions.len()));
    }
    change
}

/// What an event that stays needs: its session, or the charge that it is about.
fn stays_because_of(run: &mut Pruning, event: &Event) {
    match (&event.session, &event.subject) {
        (Some(session), _) => {
            run.untold_sessions.insert(*session);
        }
        (None, Subject::Transaction { transaction }) => {
            run.untold_charges.insert(transaction.id);
        }
        (None, _) => {}
    }
}

#[cfg(test)]
mod tests;
