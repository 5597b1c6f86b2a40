//! The commands: how each is thought of, and how it is loaded and decided as the engine does.

use paydesk_core::bank_transfer::{BankTransfer, MatchedBy, Origin, TransferState};
use paydesk_core::directory::EntryKind;
use paydesk_core::engine::open_session::{OpenSession, ReferenceHolder};
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::start_payment::{Intent, StartPayment};
use paydesk_core::engine::{
    accept_exception, assign_transfer, charge_payment_method, detach_payment_method, end_session,
    initiate_session, lapse_session, open_session, operate, reconcile, record_outcome,
    record_transfer, start_payment,
};
use paydesk_core::id::{BankTransferId, PaymentMethodId, SessionId, TransactionId};
use paydesk_core::method::Method;
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::rail::{RailAnswer, Source, Transfer};
use paydesk_core::refusal::Refusal;
use paydesk_core::store::{
    Change, ClaimKey, Conflict, IdempotencyKey, IdempotencyRecord, IdempotencyWrite, Record, Store,
    StoredAnswer,
};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Span;

use super::books::read;
use super::states::is_live;
use super::world::{Decided, World};

#[derive(Clone, Debug)]
pub enum Command {
    Open {
        tenant: Tenant,
        request: Box<OpenSession>,
    },
    Initiate {
        session: SessionId,
        method: Option<Method>,
    },
    Start {
        session: SessionId,
        request: Box<StartPayment>,
    },
    /// A rail answers: in time, late, again, or otherwise than before.
    Answer {
        transaction: TransactionId,
        answer: Box<RailAnswer>,
    },
    /// Somebody takes the right to ask.
    Reconcile {
        transaction: TransactionId,
    },
    End {
        session: SessionId,
        end: end_session::End,
    },
    /// A sweeper comes by, who will write what every reader sees.
    Lapse {
        session: SessionId,
    },
    Operate {
        parent: TransactionId,
        operate: Operate,
        key: Option<IdempotencyKey>,
    },
    Transfer {
        transfer: Box<Transfer>,
    },
    /// The merchant says what money is for that nobody knew what it was for.
    Assign {
        transfer: Box<BankTransfer>,
        target: TransactionId,
    },
    Accept {
        transaction: TransactionId,
    },
    Charge {
        tenant: Tenant,
        request: charge_payment_method::ChargePaymentMethod,
        key: Option<IdempotencyKey>,
    },
    Detach {
        tenant: Tenant,
        card: PaymentMethodId,
    },
    Pass {
        span: Span,
    },
}

impl Command {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Initiate { .. } => "initiate",
            Self::Start { .. } => "start",
            Self::Answer { .. } => "answer",
            Self::Reconcile { .. } => "reconcile",
            Self::End {
                end: end_session::End::Cancel(_),
                ..
            } => "cancel",
            Self::End { .. } => "expire",
            Self::Lapse { .. } => "lapse",
            Self::Operate { operate, .. } => match operate {
                Operate::Settle(_) => "settle",
                Operate::Void => "void",
                Operate::Refund(_) => "refund",
            },
            Self::Transfer { .. } => "transfer",
            Self::Assign { .. } => "assign",
            Self::Accept { .. } => "accept",
            Self::Charge { .. } => "charge",
            Self::Detach { .. } => "detach",
            Self::Pass { .. } => "pass",
        }
    }

    pub const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Initiate { session, .. }
            | Self::Start { session, .. }
            | Self::End { session, .. }
            | Self::Lapse { session, .. } => Some(*session),
            _ => None,
        }
    }

    pub const fn transaction(&self) -> Option<TransactionId> {
        match self {
            Self::Answer { transaction, .. }
            | Self::Reconcile { transaction }
            | Self::Accept { transaction } => Some(*transaction),
            Self::Operate { parent, .. } => Some(*parent),
            Self::Assign { target, .. } => Some(*target),
            _ => None,
        }
    }
}

/// A decision that may find nothing to change.
fn maybe(decided: Result<Option<Change>, Refusal>) -> Decided {
    match decided {
        Ok(Some(change)) => Decided::Change(Box::new(change)),
        Ok(None) => Decided::Nothing,
        Err(refusal) => refusal.into(),
    }
}

impl World {
    /// Loads and decides as the engine does, after the conflict that the last attempt ended in.
    pub fn decide(&mut self, command: &Command, conflict: Option<&Conflict>) -> Decided {
        if let Some(Conflict::Idempotency(known)) = conflict {
            let same = matches!(known.answer, StoredAnswer::Running);
            return Decided::Refused(if same {
                "idempotency_key_in_use"
            } else {
                "answered before"
            });
        }
        match command {
            Command::Open { tenant, request } => self.open(*tenant, request, conflict),
            Command::Initiate { session, method } => {
                let snapshot = self.snapshot(*session);
                let decided = initiate_session::decide(*method, snapshot, self.env());
                maybe(decided.map(|(change, _)| change))
            }
            Command::Start { session, request } => self.start(*session, request),
            Command::Answer {
                transaction,
                answer,
            } => self.answered(*transaction, answer),
            Command::Reconcile { transaction } => {
                let record_outcome::Snapshot {
                    transaction,
                    session,
                    ..
                } = self.outcome_snapshot(*transaction);
                maybe(Ok(reconcile::decide(transaction, session, self.env()).0))
            }
            Command::End { session, end } => {
                let decided = end_session::decide(*end, self.snapshot(*session), self.env());
                maybe(decided.map(|(change, _)| change))
            }
            Command::Lapse { session } => self.lapse(*session),
            Command::Operate {
                parent,
                operate,
                key,
            } => self.operate(*parent, *operate, key.as_ref()),
            Command::Transfer { transfer } => self.transfer(transfer, conflict),
            Command::Assign { transfer, target } => self.assign(transfer, *target),
            Command::Accept { transaction } => self.accept(*transaction, conflict),
            Command::Charge {
                tenant,
                request,
                key,
            } => self.charge(*tenant, request, key.as_ref(), conflict),
            Command::Detach { tenant, card } => {
                let stored = self.card(*tenant, *card).expect("a card that was stored");
                maybe(Ok(detach_payment_method::decide(stored, self.env()).0))
            }
            // Nothing is written when time passes: that is the point.
            Command::Pass { .. } => Decided::Nothing,
        }
    }

    fn open(&self, tenant: Tenant, request: &OpenSession, conflict: Option<&Conflict>) -> Decided {
        let snapshot = open_session::Snapshot {
            tenant,
            accounts: std::sync::Arc::clone(&self.shop(tenant).accounts),
            holder: self.holder(conflict),
        };
        let decided = open_session::decide(request.clone(), snapshot, self.env());
        maybe(decided.map(|(change, _)| Some(change)))
    }

    fn holder(&self, conflict: Option<&Conflict>) -> Option<ReferenceHolder> {
        let Some(Conflict::Claimed {
            key: ClaimKey::Reference(_),
            owner,
        }) = conflict
        else {
            return None;
        };
        Some(if self.books.sessions.contains_key(&SessionId(*owner)) {
            ReferenceHolder::Session(Box::new(self.snapshot(SessionId(*owner))))
        } else {
            ReferenceHolder::Charge(TransactionId(*owner))
        })
    }

    fn start(&mut self, session: SessionId, request: &StartPayment) -> Decided {
        let snapshot = self.snapshot(session);
        let (tenant, terms) = (snapshot.session.tenant, snapshot.session.terms.clone());
        let mut request = request.clone();
        if let Some(saved) = &mut request.saved {
            *saved = self
                .card(saved.tenant, saved.id)
                .expect("a card that was stored");
        }
        let account = &self.shop(tenant).accounts[0];
        let decided = start_payment::decide(request.clone(), snapshot, account, self.env());
        let (change, intent) = match decided {
            Ok(decided) => decided,
            Err(refusal) => return refusal.into(),
        };
        if let (Some(saved), Intent::Call { .. }) = (&request.saved, &intent) {
            let customer = terms.customer.as_ref().and_then(|one| one.code.clone());
            let theirs = saved.tenant == tenant && customer.is_some() && saved.customer == customer;
            if saved.detached_at.is_some() || !theirs {
                return Decided::Broken(format!("a card pays that may not: {saved:?}"));
            }
        }
        if let Intent::Call {
            transaction,
            source: Source::Push { nonce, .. },
            ..
        } = intent
        {
            self.nonces.insert(transaction.id, nonce);
        }
        maybe(Ok(change))
    }

    /// A definite answer about what is under way is never ignored.
    fn answered(&self, transaction: TransactionId, answer: &RailAnswer) -> Decided {
        let snapshot = self.outcome_snapshot(transaction);
        let definite = !matches!(answer, RailAnswer::Unknown | RailAnswer::AwaitingPayer(_));
        let needed = definite && is_live(&snapshot.transaction);
        let (change, after, _) = record_outcome::decide(answer.clone(), snapshot, self.env());
        if needed && change.is_none() {
            return Decided::Broken(format!("{answer:?} changes nothing about {after:?}"));
        }
        maybe(Ok(change))
    }

    /// What a sweeper writes is what every reader saw before.
    fn lapse(&self, session: SessionId) -> Decided {
        let snapshot = self.snapshot(session);
        let seen = snapshot.session.state_at(self.now);
        let (change, lapsed) = lapse_session::decide(snapshot, self.env());
        if lapsed.state != seen {
            let state = lapsed.state;
            return Decided::Broken(format!(
                "every reader saw {seen:?}, and the sweeper writes {state:?}"
            ));
        }
        maybe(Ok(change))
    }

    fn outcome_snapshot(&self, id: TransactionId) -> record_outcome::Snapshot {
        let transaction = self.transaction(id);
        record_outcome::Snapshot {
            session: transaction.session.map(|session| self.session(session)),
            parent: transaction.parent.map(|parent| self.transaction(parent)),
            transaction,
        }
    }

    fn operate(
        &self,
        parent: TransactionId,
        operate: Operate,
        key: Option<&IdempotencyKey>,
    ) -> Decided {
        let parent = self.transaction(parent);
        let session = parent.session.map(|session| self.session(session));
        match operate::decide(operate, parent, session, key.cloned(), self.env()) {
            Ok((mut change, _, _)) => {
                change.idempotency = key.map(|key| self.running(key));
                Decided::Change(Box::new(change))
            }
            Err(refusal) => refusal.into(),
        }
    }

    fn running(&self, key: &IdempotencyKey) -> IdempotencyWrite {
        IdempotencyWrite::Claim(IdempotencyRecord {
            key: key.clone(),
            body_hash: [0; 32],
            answer: StoredAnswer::Running,
            created_at: self.now,
        })
    }

    fn transfer(&self, transfer: &Transfer, conflict: Option<&Conflict>) -> Decided {
        const KNOWN: Decided = Decided::Refused("known_transfer");
        if let Some(Conflict::Claimed {
            key: ClaimKey::BankTransfer { .. },
            ..
        }) = conflict
        {
            return KNOWN;
        }
        let id = BankTransferId::fresh(&self.ids, self.now);
        let told = BankTransfer::told(id, transfer, Origin::Rail, self.now);
        let claim = |key: &ClaimKey| read(self.store.claim(transfer.tenant, key));
        if claim(&told.claim_key()).is_some() {
            return KNOWN;
        }
        let reference = transfer
            .nonce
            .as_ref()
            .map(|nonce| ClaimKey::PushReference {
                account: transfer.account.clone(),
                nonce: nonce.clone(),
            });
        let Some(owner) = reference.and_then(|reference| claim(&reference)) else {
            let change = record_transfer::decide_unmatched(&told, self.env());
            return Self::kept(change, &told);
        };
        self.count(&told, MatchedBy::Reference, TransactionId(owner))
    }

    fn count(&self, told: &BankTransfer, by: MatchedBy, target: TransactionId) -> Decided {
        let session = self
            .transaction(target)
            .session
            .expect("a push has a session");
        let snapshot = self.snapshot(session);
        let target = self.transaction(target);
        match record_transfer::decide(told, by, target, snapshot, self.env()) {
            Ok((change, _, kept)) => Self::kept(change, &kept),
            Err(refusal) => refusal.into(),
        }
    }

    fn kept(mut change: Change, kept: &BankTransfer) -> Decided {
        change
            .puts
            .push(Record::entry(kept).expect("it is written"));
        Decided::Change(Box::new(change))
    }

    fn assign(&self, transfer: &BankTransfer, target: TransactionId) -> Decided {
        let store: &dyn Store = &self.store;
        let found = read(store.find::<BankTransfer>(transfer.tenant, transfer.id.0));
        let mut found = found.expect("what came is kept");
        match assign_transfer::check(&found, &self.transaction(target)) {
            Ok(true) => {
                found.version += 1;
                self.count(&found, MatchedBy::Assignment, target)
            }
            Ok(false) => Decided::Nothing,
            Err(refusal) => refusal.into(),
        }
    }

    fn accept(&self, transaction: TransactionId, conflict: Option<&Conflict>) -> Decided {
        if let Some(Conflict::Claimed {
            key: ClaimKey::LivePayment(_),
            ..
        }) = conflict
        {
            return Refusal::AlreadyPaid.into();
        }
        let transaction = self.transaction(transaction);
        let Some(session) = transaction.session else {
            return Refusal::NoException.into();
        };
        let decided = accept_exception::decide(transaction, self.snapshot(session), self.env());
        maybe(decided.map(|(change, _)| change))
    }

    fn charge(
        &self,
        tenant: Tenant,
        request: &charge_payment_method::ChargePaymentMethod,
        key: Option<&IdempotencyKey>,
        conflict: Option<&Conflict>,
    ) -> Decided {
        let card = self.card(tenant, request.payment_method);
        let account = &self.shop(tenant).accounts[0];
        let decided = charge_payment_method::decide(
            request,
            card.as_ref(),
            Some(account),
            self.holder(conflict),
            key.cloned(),
            self.env(),
        );
        match decided {
            Ok((mut change, _)) => {
                change.idempotency = key.map(|key| self.running(key));
                Decided::Change(Box::new(change))
            }
            Err(refusal) => refusal.into(),
        }
    }

    fn card(&self, tenant: Tenant, id: PaymentMethodId) -> Option<PaymentMethod> {
        read(self.store.payment_method(tenant, id))
    }

    /// What later commands may be about.
    pub fn note(&mut self, command: &Command, change: &Change) {
        for record in &change.puts {
            match record {
                Record::Session(session) if session.version == 1 => {
                    self.shop_mut(session.tenant).sessions.push(session.id);
                }
                Record::Transaction(one) if one.version == 1 && one.session.is_none() => {
                    self.shop_mut(one.tenant).charges.push(one.id);
                }
                Record::PaymentMethod(stored) if stored.version == 1 => {
                    self.shop_mut(stored.tenant).cards.push(stored.id);
                }
                Record::Entry(entry) if entry.kind == EntryKind::BankTransfer => {
                    let kept = bank_transfer(record).expect("it is one");
                    if kept.state == TransferState::Unmatched {
                        self.unmatched.push(kept);
                    }
                }
                _ => {}
            }
        }
        if let Command::Transfer { transfer } = command {
            self.transfers.push((**transfer).clone());
        }
    }
}

/// The transfer that a record is.
pub fn bank_transfer(record: &Record) -> Option<BankTransfer> {
    match record {
        Record::Entry(entry) if entry.kind == EntryKind::BankTransfer => {
            let doc = entry.doc.as_deref()?;
            Some(serde_json::from_str(doc).expect("a transfer is kept as it is"))
        }
        _ => None,
    }
}
