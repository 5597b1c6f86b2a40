//! A change to one session in the making. All transitions go through here, so that each has exactly its
//! events, raises the version once, and lets time act before the command does.

use super::{Env, SessionSnapshot};
use crate::event::{Event, EventKind, Subject};
use crate::id::{EventId, PaymentMethodId};
use crate::payment_method::{PaymentMethod, StoredCard};
use crate::refusal::Refusal;
use crate::session::{Flow, NotifyFormat, Session, State};
use crate::shop::Order;
use crate::store::{Change, Claim, ClaimKey, Counter, Increment, Record};
use crate::transaction::{Action, Hold, Status, Transaction};

/// A session, its live transaction, and what is to be committed about them.
pub struct Draft<'e> {
    env: Env<'e>,
    /// The session as it will be.
    pub session: Session,
    /// The transaction that it is processing, or whose hold is open, as it will be.
    pub live: Option<Transaction>,
    change: Change,
    opening: bool,
    live_changed: bool,
    session_changed: bool,
}

impl<'e> Draft<'e> {
    /// Starts from what is stored, and lets time act on it first: a push that ran out, a lifetime that is
    /// over, a hold that has lapsed.
    #[must_use]
    pub fn new(snapshot: SessionSnapshot, env: Env<'e>) -> Self {
        let tenant = snapshot.session.tenant;
        let mut draft = Self {
            env,
            session: snapshot.session,
            live: snapshot.live,
            change: Change::new(tenant),
            opening: false,
            live_changed: false,
            session_changed: false,
        };
        draft.let_time_act();
        draft
    }

    /// A session that does not exist yet.
    #[must_use]
    pub fn opening(session: Session, env: Env<'e>) -> Self {
        let mut change = Change::new(session.tenant);
        change.increments.push(Increment {
            counter: Counter::Sessions,
            by: 1,
        });
        let mut draft = Self {
            env,
            session,
            live: None,
            change,
            opening: true,
            live_changed: false,
            session_changed: true,
        };
        draft.session_event(EventKind::SessionCreated);
        draft
    }

    /// What the draft is decided with.
    #[must_use]
    pub const fn env(&self) -> Env<'e> {
        self.env
    }

    fn let_time_act(&mut self) {
        let now = self.env.now;
        if let State::Processing { lapses_at: Some(lapses_at), .. } = self.session.state
            && lapses_at <= now
            // Without the transaction in hand its end cannot be written: whoever changes it will.
            && self.live.is_some()
        {
            self.leave_live(
                Status::Expired { at: lapses_at },
                EventKind::TransactionExpired,
            );
            self.session.state = self.session.initiated_at(lapses_at);
        }
        // A payment that still waits ends before its session does, never after.
        if matches!(
            self.session.state,
            State::Created { .. } | State::Initiated { .. }
        ) && let State::Expired { at } = self.session.state_at(now)
        {
            self.enter(State::Expired { at });
        }
        if let Some(hold_expires_at) = self.session.hold_expires_at
            && hold_expires_at <= now
            && self.live.is_some()
        {
            self.lapse_hold();
        }
    }

    fn lapse_hold(&mut self) {
        if self.live.as_ref().is_some_and(|live| live.reserved > 0) {
            // A settle or void is in flight: its outcome decides. Look again when it must be known.
            let again = self.env.now.after(self.env.timing.lease);
            if self.session.hold_expires_at != Some(again) {
                self.session.hold_expires_at = Some(again);
                self.session_changed = true;
            }
            return;
        }
        let Some(live) = self.change_live() else {
            return;
        };
        live.hold = Some(Hold::Lapsed);
        self.session.hold_expires_at = None;
        self.transaction_event_of_live(EventKind::TransactionExpired);
    }

    /// Ends the live transaction without an outcome from the rail, and gives up its claim.
    pub fn leave_live(&mut self, status: Status, kind: EventKind) {
        let Some(live) = self.change_live() else {
            return;
        };
        let awaited = super::awaited::struck_off(live);
        live.status = status;
        let owner = live.id.0;
        self.change.releases.push(Claim {
            key: ClaimKey::LivePayment(self.session.id),
            owner,
        });
        self.change.puts.extend(awaited);
        self.transaction_event_of_live(kind);
    }

    /// A payment begins to wait for pushed money.
    pub fn awaited(&mut self, transaction: &Transaction) {
        self.change
            .puts
            .extend(super::awaited::entered(transaction));
    }

    /// A payment is about to stop waiting for pushed money, if that is what it does.
    pub fn no_longer_awaited(&mut self, transaction: &Transaction) {
        self.change
            .puts
            .extend(super::awaited::struck_off(transaction));
    }

    /// Moves the session into a state and tells it, if that is news.
    pub fn enter(&mut self, state: State) {
        let news = match (&self.session.state, &state) {
            (State::Created { .. }, State::Initiated { .. }) => Some(EventKind::SessionInitiated),
            // Coming back from an attempt is told by the attempt's own event.
            (_, State::Created { .. } | State::Initiated { .. } | State::Processing { .. }) => None,
            (_, State::Completed { .. }) => Some(EventKind::SessionCompleted),
            (_, State::Cancelled { .. }) => Some(EventKind::SessionCancelled),
            (_, State::Expired { .. }) => Some(EventKind::SessionExpired),
        };
        self.session.state = state;
        self.session_changed = true;
        if let Some(kind) = news {
            self.session_event(kind);
        }
        if matches!(state, State::Cancelled { .. } | State::Expired { .. }) {
            let reference = self.session.terms.reference.clone();
            let order = self.session.ordered.as_ref();
            let held = [
                reference.map(ClaimKey::Reference),
                order.map(|ordered| Order::live_session(ordered.order)),
            ];
            let owner = self.session.id.0;
            let released = held.into_iter().flatten().map(|key| Claim { key, owner });
            self.change.releases.extend(released);
        }
    }

    /// Changes how a shop goes about its order's session. Nobody is told: nothing happened to the payment.
    pub fn go_about(&mut self, flow: Flow) {
        if let Some(ordered) = &mut self.session.ordered
            && ordered.flow != flow
        {
            ordered.flow = flow;
            self.session_changed = true;
        }
    }

    /// Refuses what an ended session cannot do.
    pub fn must_be_open(&self) -> Result<(), Refusal> {
        match self.session.state {
            State::Expired { .. } => Err(Refusal::SessionExpired),
            State::Cancelled { .. } => Err(Refusal::SessionCancelled),
            State::Completed { .. } => Err(Refusal::SessionCompleted),
            State::Created { .. } | State::Initiated { .. } | State::Processing { .. } => Ok(()),
        }
    }

    /// Whether a payment is under way whose outcome only the rail knows.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        matches!(
            self.session.state,
            State::Processing {
                lapses_at: None,
                ..
            }
        )
    }

    /// Takes a claim.
    pub fn claim(&mut self, key: ClaimKey, owner: uuid::Uuid) {
        self.change.claims.push(Claim { key, owner });
    }

    /// Gives a claim up.
    pub fn release(&mut self, key: ClaimKey, owner: uuid::Uuid) {
        self.change.releases.push(Claim { key, owner });
    }

    /// Writes a transaction that is new (version 1 already) and tells of it.
    pub fn begin(&mut self, transaction: Transaction, kind: Option<EventKind>) {
        self.change.increments.push(Increment {
            counter: Counter::Transactions,
            by: 1,
        });
        self.put(transaction, kind);
    }

    /// Writes the next version of a transaction, which it raises in hand too, and tells of it.
    pub fn update(&mut self, transaction: &mut Transaction, kind: Option<EventKind>) {
        transaction.version += 1;
        transaction.updated_at = self.env.now;
        self.put(transaction.clone(), kind);
    }

    fn put(&mut self, transaction: Transaction, kind: Option<EventKind>) {
        self.session_changed = true;
        if let Some(kind) = kind {
            self.transaction_event(kind, &transaction);
        }
        self.change.puts.push(Record::Transaction(transaction));
    }

    /// Stores a card that a rail kept.
    pub fn store_card(&mut self, card: StoredCard, by: &Transaction) -> PaymentMethodId {
        let payment_method = stored_payment_method(card, by, self.customer_code(), self.env);
        let id = payment_method.id;
        self.push_event(
            EventKind::PaymentMethodStored,
            Subject::PaymentMethod {
                payment_method: Box::new(payment_method.clone()),
            },
            false,
        );
        self.change.puts.push(Record::PaymentMethod(payment_method));
        id
    }

    /// A stored card pays. See [`charged`].
    pub fn charge_saved(&mut self, saved: &PaymentMethod) {
        self.change.puts.push(charged(saved));
    }

    fn customer_code(&self) -> Option<String> {
        self.session.customer_code().map(str::to_owned)
    }

    /// Adds to what is committed whatever another draft wants committed.
    pub fn absorb(&mut self, other: Option<Change>) {
        if let Some(other) = other {
            self.change.absorb(other);
        }
    }

    /// Tells that something is not as asked.
    pub fn exception_event(&mut self, transaction: &Transaction) {
        self.transaction_event(EventKind::TransactionException, transaction);
    }

    fn session_event(&mut self, kind: EventKind) {
        // The subject carries the version that this change will store.
        let subject = Subject::Session {
            state: self.session.state,
            version: self.next_version(),
            charge: self.session.charge,
        };
        let notify = self
            .session
            .terms
            .notify
            .as_ref()
            .is_some_and(|notify| match notify.format {
                NotifyFormat::Event => {
                    kind != EventKind::SessionCreated && kind != EventKind::SessionInitiated
                }
                NotifyFormat::XanPayCharge => false,
            });
        self.push_event(kind, subject, notify);
    }

    fn transaction_event_of_live(&mut self, kind: EventKind) {
        if let Some(live) = self.live.clone() {
            self.transaction_event(kind, &live);
        }
    }

    fn transaction_event(&mut self, kind: EventKind, transaction: &Transaction) {
        let notify = self
            .session
            .terms
            .notify
            .as_ref()
            .is_some_and(|notify| match notify.format {
                NotifyFormat::Event => true,
                // XanPay: "receives notifications with notifyPayload when charges is completed".
                NotifyFormat::XanPayCharge => {
                    kind == EventKind::TransactionSucceeded && transaction.action == Action::Payment
                }
            });
        self.push_event(
            kind,
            Subject::Transaction {
                transaction: Box::new(transaction.clone()),
            },
            notify,
        );
    }

    fn push_event(&mut self, kind: EventKind, subject: Subject, notify: bool) {
        self.session_changed = true;
        self.session.events += 1;
        self.change.events.push(Event {
            id: EventId::fresh(self.env.ids, self.env.wall),
            tenant: self.session.tenant,
            kind,
            sequence: self.session.events,
            at: self.env.now,
            session: Some(self.session.id),
            subject,
            notify,
        });
    }

    /// The version that this change will store.
    const fn next_version(&self) -> u64 {
        if self.opening {
            self.session.version
        } else {
            self.session.version + 1
        }
    }

    /// The live transaction, about to be changed.
    fn change_live(&mut self) -> Option<&mut Transaction> {
        let live = self.live.as_mut()?;
        if !self.live_changed {
            self.live_changed = true;
            live.version += 1;
            live.updated_at = self.env.now;
        }
        Some(live)
    }

    /// What is to be committed, and the session and live transaction as they will then be. Nothing if
    /// nothing changed.
    #[must_use]
    pub fn finish(mut self) -> (Option<Change>, SessionSnapshot) {
        if self.live_changed
            && let Some(live) = &self.live
        {
            self.change.puts.push(Record::Transaction(live.clone()));
        }
        if !self.session_changed {
            return (
                None,
                SessionSnapshot {
                    session: self.session,
                    live: self.live,
                },
            );
        }
        self.session.version = self.next_version();
        self.session.updated_at = self.env.now;
        self.change
            .puts
            .insert(0, Record::Session(self.session.clone()));
        (
            Some(self.change),
            SessionSnapshot {
                session: self.session,
                live: self.live,
            },
        )
    }
}

/// The record of a card that a rail kept for later.
#[must_use]
pub fn stored_payment_method(
    card: StoredCard,
    by: &Transaction,
    customer: Option<String>,
    env: Env<'_>,
) -> PaymentMethod {
    PaymentMethod {
        id: PaymentMethodId::fresh(env.ids, env.wall),
        tenant: by.tenant,
        version: 1,
        customer,
        provider_account: by.provider_account,
        card,
        stored_by: by.id,
        detached_at: None,
        created_at: env.now,
        updated_at: env.now,
    }
}

/// A stored card as it is written with a charge of it: a version on, so that a charge and a detachment never pass each
/// other unseen. Whichever is first is what the other then meets.
#[must_use]
pub fn charged(saved: &PaymentMethod) -> Record {
    Record::PaymentMethod(PaymentMethod {
        version: saved.version + 1,
        ..saved.clone()
    })
}
