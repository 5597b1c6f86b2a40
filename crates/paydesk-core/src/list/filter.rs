//! Which records a list shows.

use crate::delivery::{Delivery, DeliveryState, Receiver};
use crate::event::{Event, EventKind};
use crate::id::{EventId, PaymentMethodId, ProviderAccountId, SessionId, TransactionId};
use crate::list::Within;
use crate::method::Method;
use crate::money::Currency;
use crate::payment_method::PaymentMethod;
use crate::search::Search;
use crate::session::{Kind, LONGEST_LIFETIME, Session, StateName};
use crate::time::{Span, Timestamp};
use crate::transaction::{Action, StatusName, Transaction};

/// Which sessions a list shows: those that are all of this. States are those at `now`: time counts, whether or not
/// a sweeper came by.
#[derive(Clone, Debug)]
pub struct SessionFilter {
    /// The tenant's own time.
    pub now: Timestamp,
    /// How far the tenant's own time is ahead of wall time, which ids are drawn at; nothing in live mode.
    pub ahead: Span,
    /// In one of these states; in any if empty.
    pub states: Vec<StateName>,
    /// For this.
    pub kind: Option<Kind>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Offering this method.
    pub method: Option<Method>,
    /// Through this account.
    pub provider_account: Option<ProviderAccountId>,
    /// Of an amount within these bounds, in minor units; see [`Session::amount_asked`].
    pub amount: Within<i64>,
    /// Opened within these bounds; the tenant's own time.
    pub created: Within<Timestamp>,
    /// With this reference.
    pub reference: Option<String>,
    /// Of the customer with this code.
    pub customer: Option<String>,
    /// Belonging to this user.
    pub owner: Option<String>,
    /// For this order.
    pub order: Option<String>,
    /// Completed with this card: it was stored, or charged.
    pub payment_method: Option<PaymentMethodId>,
    /// One of these.
    pub ids: Option<Vec<SessionId>>,
    /// Found by these words.
    pub search: Option<Search>,
}

impl SessionFilter {
    /// All sessions, as they are at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            ahead: Span::millis(0),
            states: Vec::new(),
            kind: None,
            currency: None,
            method: None,
            provider_account: None,
            amount: Within::ANY,
            created: Within::ANY,
            reference: None,
            customer: None,
            owner: None,
            order: None,
            payment_method: None,
            ids: None,
            search: None,
        }
    }

    /// When the ids of the sessions that it shows were drawn; wall time.
    #[must_use]
    pub fn drawn(&self) -> Within<Timestamp> {
        drawn(self.created, self.ahead, Span::NONE)
    }

    /// Whether it shows every session of the tenant.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.states.is_empty()
            && self.kind.is_none()
            && self.currency.is_none()
            && self.method.is_none()
            && self.provider_account.is_none()
            && self.amount.is_any()
            && self.created.is_any()
            && self.reference.is_none()
            && self.customer.is_none()
            && self.owner.is_none()
            && self.order.is_none()
            && self.payment_method.is_none()
            && self.ids.is_none()
            && self.search.is_none()
    }

    /// Whether it shows this session.
    #[must_use]
    pub fn shows(&self, session: &Session) -> bool {
        let terms = &session.terms;
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|it| found == Some(it))
        };
        (self.states.is_empty() || self.states.contains(&session.state_at(self.now).name()))
            && self.kind.is_none_or(|kind| terms.kind == kind)
            && self
                .currency
                .is_none_or(|currency| terms.amount.currency() == currency)
            && self
                .method
                .is_none_or(|method| terms.methods.contains(&method))
            && self
                .provider_account
                .is_none_or(|account| terms.provider_account == account)
            && self.amount.holds(session.amount_asked())
            && self.created.holds(session.created_at)
            && is(&self.reference, terms.reference.as_deref())
            && is(&self.customer, session.customer_code())
            && is(&self.owner, terms.owner.as_deref())
            && is(&self.order, terms.order.as_deref())
            && self
                .payment_method
                .is_none_or(|card| session.payment_method() == Some(card))
            && self
                .ids
                .as_ref()
                .is_none_or(|ids| ids.contains(&session.id))
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.finds_session(session))
    }
}

/// When the ids of records were drawn that were made within these bounds: at wall time, which the tenant's own time is
/// never behind, and so long before at most. Records lie in the order of their ids, so that is where those of a time are
/// looked for.
fn drawn(created: Within<Timestamp>, ahead: Span, before: Span) -> Within<Timestamp> {
    /// Both times of a record are read one after the other, and clocks are set.
    const SLACK: Span = Span::minutes(1);
    let earlier = ahead.plus(before).plus(SLACK);
    Within {
        least: created.least.map(|least| least.before(earlier)),
        most: created.most.map(|most| most.after(SLACK)),
    }
}

/// Which transactions a list shows: those that are all of this. Statuses are those at `now`.
#[derive(Clone, Debug)]
pub struct TransactionFilter {
    /// The tenant's own time.
    pub now: Timestamp,
    /// How far the tenant's own time is ahead of wall time; see [`SessionFilter::ahead`].
    pub ahead: Span,
    /// Of this session.
    pub session: Option<SessionId>,
    /// Operations on this transaction.
    pub parent: Option<TransactionId>,
    /// Doing one of these; doing anything if empty.
    pub actions: Vec<Action>,
    /// In one of these statuses; in any if empty.
    pub statuses: Vec<StatusName>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// By one of these methods; by any if empty.
    pub methods: Vec<Method>,
    /// On one of these accounts; on any if empty.
    pub provider_accounts: Vec<ProviderAccountId>,
    /// Released or given back, in part at least, or not; see [`Transaction::is_reverted`].
    pub reverted: Option<bool>,
    /// Of an amount within these bounds, in minor units.
    pub amount: Within<i64>,
    /// Begun within these bounds; the tenant's own time.
    pub created: Within<Timestamp>,
    /// Of the customer with this code.
    pub customer: Option<String>,
    /// Charging or storing this card.
    pub payment_method: Option<PaymentMethodId>,
    /// With this reference of the merchant's: its own, as a charge without a session has.
    pub reference: Option<String>,
    /// With this code of the merchant's: its own, or its session's; see [`Transaction::code`].
    pub code: Option<String>,
    /// With this name on the rail.
    pub provider_reference: Option<String>,
    /// Found by these words, or of a session that is.
    pub search: Option<Search>,
}

impl TransactionFilter {
    /// All transactions, as they are at `now`.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            ahead: Span::millis(0),
            session: None,
            parent: None,
            actions: Vec::new(),
            statuses: Vec::new(),
            currency: None,
            methods: Vec::new(),
            provider_accounts: Vec::new(),
            reverted: None,
            amount: Within::ANY,
            created: Within::ANY,
            customer: None,
            payment_method: None,
            reference: None,
            code: None,
            provider_reference: None,
            search: None,
        }
    }

    /// When the ids of the transactions that it shows were drawn; wall time. A session's first one has the id that was
    /// drawn when the session was opened, and may be made as late as the session lives.
    #[must_use]
    pub fn drawn(&self) -> Within<Timestamp> {
        drawn(self.created, self.ahead, LONGEST_LIFETIME)
    }

    /// Whether it shows every transaction of the tenant.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.session.is_none()
            && self.parent.is_none()
            && self.actions.is_empty()
            && self.statuses.is_empty()
            && self.currency.is_none()
            && self.methods.is_empty()
            && self.provider_accounts.is_empty()
            && self.reverted.is_none()
            && self.amount.is_any()
            && self.created.is_any()
            && self.customer.is_none()
            && self.payment_method.is_none()
            && self.reference.is_none()
            && self.code.is_none()
            && self.provider_reference.is_none()
            && self.search.is_none()
    }

    /// Whether it shows this transaction, which is of this session.
    #[must_use]
    pub fn shows(&self, transaction: &Transaction, session: Option<&Session>) -> bool {
        let is =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        self.session
            .is_none_or(|id| transaction.session == Some(id))
            && self.parent.is_none_or(|id| transaction.parent == Some(id))
            && (self.actions.is_empty() || self.actions.contains(&transaction.action))
            && (self.statuses.is_empty()
                || self
                    .statuses
                    .contains(&transaction.status_at(self.now).status_name()))
            && self
                .currency
                .is_none_or(|currency| transaction.amount.currency() == currency)
            && (self.methods.is_empty() || self.methods.contains(&transaction.method))
            && (self.provider_accounts.is_empty()
                || self
                    .provider_accounts
                    .contains(&transaction.provider_account))
            && self
                .reverted
                .is_none_or(|it| transaction.is_reverted() == it)
            && self.amount.holds(transaction.amount.minor())
            && self.created.holds(transaction.created_at)
            && is(&self.customer, &transaction.customer)
            && self
                .payment_method
                .is_none_or(|id| transaction.payment_method == Some(id))
            && is(&self.reference, &transaction.reference)
            && self
                .code
                .as_deref()
                .is_none_or(|code| transaction.code(session) == Some(code))
            && is(&self.provider_reference, &transaction.provider_reference)
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.finds_transaction(transaction, session))
    }
}

/// Which stored cards a list shows: those that are all of this.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PaymentMethodFilter {
    /// Of the customer with this code.
    pub customer: Option<String>,
    /// On one of these accounts; on any if empty.
    pub provider_accounts: Vec<ProviderAccountId>,
    /// Stored by this transaction.
    pub stored_by: Option<TransactionId>,
    /// Detached, or not.
    pub detached: Option<bool>,
}

impl PaymentMethodFilter {
    /// Whether it shows this card.
    #[must_use]
    pub fn shows(&self, card: &PaymentMethod) -> bool {
        (self.customer.is_none() || self.customer == card.customer)
            && (self.provider_accounts.is_empty()
                || self.provider_accounts.contains(&card.provider_account))
            && self.stored_by.is_none_or(|by| card.stored_by == by)
            && self
                .detached
                .is_none_or(|detached| card.detached_at.is_some() == detached)
    }
}

/// Which events a list shows: those that are all of this.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventFilter {
    /// Of this session.
    pub session: Option<SessionId>,
    /// Of one of these kinds; of any if empty.
    pub kinds: Vec<EventKind>,
}

impl EventFilter {
    /// Whether it shows this event.
    #[must_use]
    pub fn shows(&self, event: &Event) -> bool {
        self.session.is_none_or(|id| event.session == Some(id))
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
    }
}

/// The name of a [`DeliveryState`], as filters know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum DeliveryStateName {
    /// Waiting for its time, or with a worker.
    Pending,
    /// The receiver took it.
    Delivered,
    /// The schedule ran out.
    GivenUp,
}

impl DeliveryStateName {
    /// Of a state.
    #[must_use]
    pub const fn of(state: &DeliveryState) -> Self {
        match state {
            DeliveryState::Due { .. } | DeliveryState::Leased { .. } => Self::Pending,
            DeliveryState::Delivered { .. } => Self::Delivered,
            DeliveryState::GivenUp { .. } => Self::GivenUp,
        }
    }
}

/// Which deliveries a list shows: those that are all of this.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryFilter {
    /// Of this event.
    pub event: Option<EventId>,
    /// To this receiver.
    pub receiver: Option<Receiver>,
    /// Standing here.
    pub state: Option<DeliveryStateName>,
}

impl DeliveryFilter {
    /// Whether it shows this delivery.
    #[must_use]
    pub fn shows(&self, delivery: &Delivery) -> bool {
        self.event.is_none_or(|event| delivery.event == event)
            && self
                .receiver
                .is_none_or(|receiver| delivery.receiver == receiver)
            && self
                .state
                .is_none_or(|state| DeliveryStateName::of(&delivery.state) == state)
    }
}
