//! Books kept beside the store: what everything was before, so that each change can be judged by itself.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt as _;
use paydesk_core::bank_transfer::BankTransfer;
use paydesk_core::directory::EntryKind;
use paydesk_core::id::{BankTransferId, PaymentMethodId, SessionId, TransactionId};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::rail::RailAnswer;
use paydesk_core::session::Session;
use paydesk_core::store::{Change, Counter, Record, Store, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Status, Transaction};
use paydesk_store::memory::MemoryStore;

use super::commands::Command;

/// A rule that does not hold any more.
#[derive(Clone, PartialEq, Debug)]
pub struct Broken {
    pub rule: String,
    pub session: Option<SessionId>,
    pub transaction: Option<TransactionId>,
}

/// Answers [`Broken`] unless the rule holds.
macro_rules! rule {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}
pub(crate) use rule;

/// What a store answers is there at once: nothing in it waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    future
        .now_or_never()
        .expect("the store in memory never waits")
}

/// What a store answers to a question.
pub fn read<T>(answer: impl Future<Output = Result<T, Unavailable>>) -> T {
    now(answer).expect("the store in memory is always there")
}

#[derive(Default)]
pub struct Books {
    pub sessions: HashMap<SessionId, Session>,
    pub transactions: HashMap<TransactionId, Transaction>,
    pub payment_methods: HashMap<PaymentMethodId, PaymentMethod>,
    pub of_session: HashMap<SessionId, Vec<TransactionId>>,
    pub children: HashMap<TransactionId, Vec<TransactionId>>,
    /// How much came in for each session, and was counted.
    pub came_in: HashMap<SessionId, i64>,
    /// Which transfers were told of: the account and the bank's id of each.
    pub transfers: HashSet<(Tenant, String, String)>,
    /// Each as it is kept.
    pub bank_transfers: HashMap<BankTransferId, BankTransfer>,
    /// What counts as received before money came for a payment that was settled otherwise.
    pub counts_as_received: HashMap<TransactionId, i64>,
    pub notifications: usize,
    totals: HashMap<(Tenant, Counter), i64>,
}

/// What one change touched, as it is now.
pub struct Touched<'c> {
    pub tenant: Tenant,
    pub sessions: Vec<Session>,
    pub transactions: Vec<Transaction>,
    pub change: &'c Change,
    pub at: Timestamp,
}

impl Books {
    pub fn transactions_of(&self, session: SessionId) -> impl Iterator<Item = &Transaction> {
        let ids = self.of_session.get(&session).map_or(&[][..], Vec::as_slice);
        ids.iter().map(|id| &self.transactions[id])
    }

    pub fn children_of(&self, parent: TransactionId) -> impl Iterator<Item = &Transaction> {
        let ids = self.children.get(&parent).map_or(&[][..], Vec::as_slice);
        ids.iter().map(|id| &self.transactions[id])
    }

    /// Judges a change that was just committed, and enters it. `money` is what a transfer brought.
    pub fn enter(
        &mut self,
        store: &MemoryStore,
        command: &Command,
        change: &Change,
        at: Timestamp,
    ) -> Result<(), Broken> {
        let touched = read_back(store, change, at).map_err(|rule| Broken {
            rule,
            session: None,
            transaction: None,
        })?;
        let broken = |rule| Broken {
            rule,
            session: touched.sessions.first().map(|session| session.id),
            transaction: touched.transactions.first().map(|one| one.id),
        };
        self.answered(&touched, command).map_err(broken)?;
        self.versions(&touched).map_err(broken)?;
        self.told(&touched).map_err(broken)?;
        self.history(&touched).map_err(broken)?;
        self.counted(&touched).map_err(broken)?;
        self.write(&touched);
        self.claimed(store, &touched).map_err(broken)?;
        self.states(&touched).map_err(broken)?;
        self.reservations(&touched).map_err(broken)?;
        self.totals(store, &touched).map_err(broken)
    }

    /// What a rail answers of what is under way is what comes of it. A change changes something.
    fn answered(&self, touched: &Touched<'_>, command: &Command) -> Result<(), String> {
        rule!(!touched.change.puts.is_empty(), "a change changes nothing");
        let Command::Answer {
            transaction,
            answer,
        } = command
        else {
            return Ok(());
        };
        let before = self
            .transactions
            .get(transaction)
            .map(|one| one.status_at(touched.at));
        let after = touched
            .transactions
            .iter()
            .find(|one| one.id == *transaction);
        let after = after.map(|one| &one.status);
        let right = match **answer {
            _ if before.is_some_and(|before| before.is_terminal()) => true,
            RailAnswer::Succeeded(_) => matches!(after, Some(Status::Succeeded { .. })),
            RailAnswer::Declined(_) => matches!(after, Some(Status::Declined { .. })),
            RailAnswer::Failed(_) => matches!(after, Some(Status::Failed { .. })),
            RailAnswer::Unknown | RailAnswer::AwaitingPayer(_) => {
                after.is_some_and(|after| !after.is_terminal())
            }
        };
        rule!(right, "the rail answers {answer:?}, and it is {after:?}");
        Ok(())
    }

    /// Versions grow by one, and whoever changes a transaction changes its session too.
    fn versions(&self, touched: &Touched<'_>) -> Result<(), String> {
        let sessions: HashSet<SessionId> = touched.sessions.iter().map(|one| one.id).collect();
        for session in &touched.sessions {
            let before = self.sessions.get(&session.id).map_or(0, |one| one.version);
            rule!(
                session.version == before + 1,
                "session {} went from version {before} to {}",
                session.id,
                session.version
            );
        }
        for transaction in &touched.transactions {
            let before = self.transactions.get(&transaction.id);
            let before = before.map_or(0, |one| one.version);
            rule!(
                transaction.version == before + 1,
                "transaction {} went from version {before} to {}",
                transaction.id,
                transaction.version
            );
            rule!(
                transaction.session.is_none_or(|id| sessions.contains(&id)),
                "transaction {} changed behind its session's back",
                transaction.id
            );
        }
        for record in &touched.change.puts {
            if let Record::PaymentMethod(stored) = record {
                let before = self.payment_methods.get(&stored.id);
                let version = before.map_or(0, |one| one.version) + 1;
                rule!(
                    stored.version == version && before.is_none_or(|one| one.card == stored.card),
                    "card {} went to version {}",
                    stored.id,
                    stored.version
                );
            }
        }
        Ok(())
    }

    fn write(&mut self, touched: &Touched<'_>) {
        for session in &touched.sessions {
            if self.sessions.insert(session.id, session.clone()).is_none() {
                self.total(touched.tenant, Counter::Sessions);
            }
        }
        for transaction in &touched.transactions {
            let id = transaction.id;
            if self.transactions.insert(id, transaction.clone()).is_none() {
                self.total(touched.tenant, Counter::Transactions);
                if let Some(session) = transaction.session {
                    self.of_session.entry(session).or_default().push(id);
                }
                if let Some(parent) = transaction.parent {
                    self.children.entry(parent).or_default().push(id);
                }
            }
        }
        for record in &touched.change.puts {
            if let Record::PaymentMethod(stored) = record {
                self.payment_methods.insert(stored.id, stored.clone());
            }
        }
        let notified = touched.change.events.iter().filter(|event| event.notify);
        self.notifications += notified.count();
    }

    fn total(&mut self, tenant: Tenant, counter: Counter) {
        *self.totals.entry((tenant, counter)).or_default() += 1;
    }

    /// Totals are what counting gives.
    fn totals(&self, store: &MemoryStore, touched: &Touched<'_>) -> Result<(), String> {
        for counter in [Counter::Sessions, Counter::Transactions] {
            let kept = read(store.count(touched.tenant, counter));
            let counted = self.totals.get(&(touched.tenant, counter)).copied();
            rule!(
                kept == counted.unwrap_or(0),
                "the total {counter:?} is {kept}, counted are {counted:?}"
            );
        }
        Ok(())
    }

    /// Everything that is stored is what the books say; nothing changed that no change wrote.
    pub fn audit(&self, store: &MemoryStore) -> Result<(), Broken> {
        let mut notifications = 0;
        for session in self.sessions.values() {
            let broken = |rule| Broken {
                rule,
                session: Some(session.id),
                transaction: None,
            };
            let (tenant, id) = (session.tenant, session.id);
            let found = read(store.session_with_transactions(tenant, id));
            let mut own: Vec<Transaction> = self.transactions_of(id).cloned().collect();
            own.sort_by_key(|one| one.id);
            if found != Some((session.clone(), own)) {
                return Err(broken("the session is not as it was left".into()));
            }
            let events = read(store.events(tenant, id));
            let numbers: Vec<u32> = events.iter().map(|event| event.sequence).collect();
            if numbers != (1..=session.events).collect::<Vec<u32>>() {
                return Err(broken(format!("events are numbered {numbers:?}")));
            }
            notifications += events.iter().filter(|event| event.notify).count();
        }
        self.audit_transfers(store)?;
        let waiting = read(store.undispatched(usize::MAX));
        if waiting.len() != notifications || notifications != self.notifications {
            return Err(Broken {
                rule: format!(
                    "{} events wait to be told, {notifications} are stored, {} were made",
                    waiting.len(),
                    self.notifications
                ),
                session: None,
                transaction: None,
            });
        }
        Ok(())
    }
}

impl Books {
    /// Whatever came is kept, and what waits for money can be found by it.
    fn audit_transfers(&self, store: &MemoryStore) -> Result<(), Broken> {
        let broken = |rule| Broken {
            rule,
            session: None,
            transaction: None,
        };
        if self.transfers.len() != self.bank_transfers.len() {
            return Err(broken("a transfer was told of and is not kept".into()));
        }
        let store: &dyn Store = store;
        for kept in self.bank_transfers.values() {
            let found = read(store.find::<BankTransfer>(kept.tenant, kept.id.0));
            if found.as_ref() != Some(kept) {
                return Err(broken(format!("{kept:?} is kept as {found:?}")));
            }
        }
        let mut awaited: HashMap<Tenant, HashSet<uuid::Uuid>> = HashMap::new();
        for one in self.transactions.values() {
            let waiting = awaited.entry(one.tenant).or_default();
            if one.is_awaited() {
                waiting.insert(one.id.0);
            }
        }
        for (tenant, waiting) in awaited {
            let kind = EntryKind::AwaitedPayment;
            let listed = read(store.count_entries(tenant, kind, None));
            let all = waiting
                .iter()
                .all(|id| read(store.entry(tenant, kind, *id)).is_some());
            if listed != waiting.len() as u64 || !all {
                return Err(broken(format!(
                    "{} payments wait for money, and {listed} are listed",
                    waiting.len()
                )));
            }
        }
        Ok(())
    }
}

/// What the store has of the records that a change wrote: exactly those.
fn read_back<'c>(
    store: &MemoryStore,
    change: &'c Change,
    at: Timestamp,
) -> Result<Touched<'c>, String> {
    let tenant = change.tenant;
    let mut touched = Touched {
        tenant,
        sessions: Vec::new(),
        transactions: Vec::new(),
        change,
        at,
    };
    for record in &change.puts {
        let same = match record {
            Record::Session(put) => {
                let stored = read(store.session(tenant, put.id));
                let same = stored.as_ref() == Some(put);
                touched.sessions.extend(stored);
                same
            }
            Record::Transaction(put) => {
                let stored = read(store.transaction(tenant, put.id));
                let same = stored.as_ref() == Some(put);
                touched.transactions.extend(stored);
                same
            }
            Record::PaymentMethod(put) => {
                let stored = read(store.payment_method(tenant, put.id));
                stored.as_ref() == Some(put)
            }
            Record::Entry(put) => read(store.entry(tenant, put.kind, put.id)) == put.doc,
            _ => false,
        };
        rule!(same, "{:?} is not stored as it was written", record.key());
    }
    Ok(touched)
}
