//! Two merchants and their payers on one store, and the commands that they give.

use std::collections::HashMap;
use std::sync::Arc;

use paydesk_core::bank_transfer::BankTransfer;
use paydesk_core::engine::{Env, SessionSnapshot, Timing};
use paydesk_core::id::{
    MerchantId, NodeId, PaymentMethodId, ProviderAccountId, SeededIds, SessionId, TransactionId,
};
use paydesk_core::merchant::{Provider, ProviderAccount};
use paydesk_core::method::Method;
use paydesk_core::outgoing::Policy;
use paydesk_core::rail::Transfer;
use paydesk_core::rates::Rates;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::Session;
use paydesk_core::store::{Change, CommitError, Conflict, Record, RecordKey, Store as _};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use paydesk_store::memory::MemoryStore;

use super::books::{Books, Broken, now, read};
use super::chance::Chance;
use super::commands::Command;
use super::coverage::Coverage;

/// What a world is mostly about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    Everything,
    Pushes,
    Operations,
    Time,
}

/// A step after which a rule did not hold any more.
pub struct Failure {
    pub step: u32,
    pub broken: Broken,
}

/// What became of an attempt at a command.
pub enum Decided {
    /// This is to be committed.
    Change(Box<Change>),
    /// Nothing is to be changed.
    Nothing,
    /// The rules say no, under this name.
    Refused(&'static str),
    /// The decision itself breaks a rule.
    Broken(String),
}

impl From<Refusal> for Decided {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.code())
    }
}

pub struct Shop {
    pub tenant: Tenant,
    pub accounts: Arc<[ProviderAccount]>,
    pub sessions: Vec<SessionId>,
    /// Charges of stored cards and what was done to them: transactions without a session.
    pub charges: Vec<TransactionId>,
    pub cards: Vec<PaymentMethodId>,
}

pub struct World {
    pub store: MemoryStore,
    pub ids: SeededIds,
    pub chance: Chance,
    pub mix: Mix,
    pub now: Timestamp,
    pub shops: [Shop; 2],
    pub books: Books,
    pub coverage: Coverage,
    /// What the bank told of, to be told again.
    pub transfers: Vec<Transfer>,
    /// Money that came for nobody knew what, at first.
    pub unmatched: Vec<BankTransfer>,
    /// The references that payers' banks pass on.
    pub nonces: HashMap<TransactionId, String>,
    rates: Rates,
    node: NodeId,
    step: u32,
    /// What was done, if that is remembered.
    log: Option<Vec<Line>>,
}

/// A step, what it was about, and what was done.
type Line = (u32, Vec<RecordKey>, String);

const START: Timestamp = Timestamp::from_millis(1_750_000_000_000);
/// As the engine has it.
const MAX_TRIES: u32 = 40;

impl World {
    pub fn new(seed: u64, mix: Mix, remember: bool) -> Self {
        let ids = SeededIds::new(seed);
        let shop = || {
            let tenant = Tenant {
                merchant: MerchantId::fresh(&ids, START),
                mode: Mode::Test,
            };
            let account = |enabled| ProviderAccount {
                id: ProviderAccountId::fresh(&ids, START),
                tenant,
                version: 1,
                provider: Provider::Sandbox,
                name: "Sandbox".into(),
                enabled,
                is_default: false,
                methods: Method::ALL.to_vec(),
                receives: Vec::new(),
                created_at: START,
                updated_at: START,
            };
            Shop {
                tenant,
                accounts: [account(true), account(false)].into(),
                sessions: Vec::new(),
                charges: Vec::new(),
                cards: Vec::new(),
            }
        };
        Self {
            shops: [shop(), shop()],
            node: NodeId::fresh(&ids, START),
            ids,
            // Ids and choices do not share their randomness: a change of one leaves the other alone.
            chance: Chance::new(!seed),
            mix,
            now: START,
            store: MemoryStore::new(),
            books: Books::default(),
            coverage: Coverage::default(),
            transfers: Vec::new(),
            unmatched: Vec::new(),
            nonces: HashMap::new(),
            rates: Rates::test(),
            step: 0,
            log: remember.then(Vec::new),
        }
    }

    pub fn env(&self) -> Env<'_> {
        Env {
            now: self.now,
            wall: self.now,
            key: 1,
            ids: &self.ids,
            node: self.node,
            timing: Timing::default(),
            rates: &self.rates,
            outgoing: Policy::default(),
        }
    }

    /// Tries so many commands, and audits everything now and then.
    pub fn run(&mut self, steps: u32) -> Result<(), Failure> {
        for step in 0..steps {
            self.step = step;
            let command = self.think(None, true);
            let audit = step % 1_000 == 999;
            self.execute(&command, true)
                .and_then(|()| if audit { self.audit() } else { Ok(()) })
                .map_err(|broken| Failure { step, broken })?;
        }
        Ok(())
    }

    fn audit(&self) -> Result<(), Broken> {
        self.books.audit(&self.store)
    }

    /// Decides and commits, again while others are faster; as the engine does.
    pub fn execute(&mut self, command: &Command, alone: bool) -> Result<(), Broken> {
        let name = command.name();
        if let Command::Pass { span } = command {
            self.coverage.accepted(name);
            return self.pass(self.now.after(*span));
        }
        let mut conflict = None;
        for attempt in 0..MAX_TRIES {
            let change = match self.decide(command, conflict.as_ref()) {
                Decided::Change(change) => change,
                Decided::Nothing => {
                    self.coverage.idle(name);
                    return Ok(());
                }
                Decided::Broken(rule) => {
                    return Err(Broken {
                        rule,
                        session: command.session(),
                        transaction: command.transaction(),
                    });
                }
                Decided::Refused(refusal) => {
                    self.remember(command, refusal, None);
                    self.coverage.refused(name, refusal);
                    return Ok(());
                }
            };
            // Somebody else is at the same session between this decision and its commit.
            if alone && attempt == 0 && self.chance.percent(8) {
                let other = self.think(command.session(), false);
                self.execute(&other, false)?;
            }
            match now(self.store.commit((*change).clone())) {
                Ok(()) => {
                    self.remember(command, "done", Some(&change));
                    self.coverage.accepted(name);
                    return self.committed(command, &change);
                }
                Err(CommitError::Conflict(lost)) => {
                    if let Conflict::Stale(_) = lost {
                        self.coverage.conflicts += 1;
                    }
                    conflict = Some(lost);
                }
                Err(CommitError::Unavailable(error)) => panic!("{error}"),
            }
        }
        Err(Broken {
            rule: format!("{command:?} ends in {conflict:?} for ever"),
            session: command.session(),
            transaction: command.transaction(),
        })
    }

    fn committed(&mut self, command: &Command, change: &Change) -> Result<(), Broken> {
        self.books.enter(&self.store, command, change, self.now)?;
        for event in &change.events {
            self.coverage.told(event.kind.name());
        }
        self.note(command, change);
        Ok(())
    }

    pub fn shop(&self, tenant: Tenant) -> &Shop {
        let own = self.shops.iter().find(|shop| shop.tenant == tenant);
        own.expect("a tenant has a shop")
    }

    pub fn shop_mut(&mut self, tenant: Tenant) -> &mut Shop {
        let own = self.shops.iter_mut().find(|shop| shop.tenant == tenant);
        own.expect("a tenant has a shop")
    }

    /// Lets time pass; whatever anybody saw as over must still be over.
    pub fn pass(&mut self, until: Timestamp) -> Result<(), Broken> {
        for session in self.books.sessions.values() {
            let (before, after) = (session.state_at(self.now), session.state_at(until));
            if before.is_terminal() && before != after {
                return Err(Broken {
                    rule: format!("time alone made {after:?} of {before:?}"),
                    session: Some(session.id),
                    transaction: None,
                });
            }
        }
        self.now = until;
        Ok(())
    }

    pub fn session(&self, id: SessionId) -> Session {
        let tenant = self.books.sessions[&id].tenant;
        read(self.store.session(tenant, id)).expect("it is stored")
    }

    pub fn transaction(&self, id: TransactionId) -> Transaction {
        let tenant = self.books.transactions[&id].tenant;
        read(self.store.transaction(tenant, id)).expect("it is stored")
    }

    /// As the engine loads it: the session first.
    pub fn snapshot(&self, id: SessionId) -> SessionSnapshot {
        let session = self.session(id);
        let live = SessionSnapshot::watched(&session).map(|live| self.transaction(live));
        SessionSnapshot { session, live }
    }

    fn remember(&mut self, command: &Command, came_to: &str, change: Option<&Change>) {
        let Some(log) = &mut self.log else { return };
        let mut about: Vec<RecordKey> = command
            .transaction()
            .map(RecordKey::Transaction)
            .into_iter()
            .collect();
        about.extend(command.session().map(RecordKey::Session));
        about.extend(
            change
                .iter()
                .flat_map(|change| &change.puts)
                .map(Record::key),
        );
        log.push((self.step, about, format!("{command:?}: {came_to}")));
    }

    /// What was done to the session that broke a rule, or to the transaction if it has none.
    pub fn story(&self, broken: &Broken) -> String {
        let session = broken.session.map(RecordKey::Session);
        let transaction = broken.transaction.map(RecordKey::Transaction);
        let log = self.log.iter().flatten();
        let lines: Vec<String> = log
            .filter(|(step, about, _)| {
                let told = |key: &Option<RecordKey>| key.is_some_and(|key| about.contains(&key));
                *step == self.step || told(&session) || told(&transaction)
            })
            .map(|(step, _, line)| format!("{step:>6} {line}"))
            .collect();
        lines.join("\n")
    }
}
