//! What stands in the columns of both databases. What a number means is stored: it never changes, and the comments of
//! both schemas say the same.

use paydesk_core::delivery::Receiver;
use paydesk_core::event::Event;
use paydesk_core::id::EventId;
use paydesk_core::list::DeliveryStateName;
use paydesk_core::method::Method;
use paydesk_core::session::{Kind, Session, State, StateName};
use paydesk_core::store::{ClaimKey, Counter};
use paydesk_core::tenant::Mode;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Action, Status, StatusName};
use uuid::Uuid;

pub(crate) const fn mode_number(mode: Mode) -> i64 {
    match mode {
        Mode::Test => 0,
        Mode::Live => 1,
    }
}

pub(crate) const fn mode_of(number: i64) -> Option<Mode> {
    match number {
        0 => Some(Mode::Test),
        1 => Some(Mode::Live),
        _ => None,
    }
}

pub(crate) const fn state_number(state: StateName) -> i64 {
    match state {
        StateName::Created => 0,
        StateName::Initiated => 1,
        StateName::Processing => 2,
        StateName::Completed => 3,
        StateName::Cancelled => 4,
        StateName::Expired => 5,
    }
}

pub(crate) const fn action_number(action: Action) -> i64 {
    match action {
        Action::Payment => 0,
        Action::Authorization => 1,
        Action::Settle => 2,
        Action::Void => 3,
        Action::Refund => 4,
        Action::AddPaymentMethod => 5,
    }
}

pub(crate) const fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Payment => 0,
        Kind::Authorization => 1,
        Kind::AddPaymentMethod => 2,
    }
}

pub(crate) const fn status_number(status: StatusName) -> i64 {
    match status {
        StatusName::InFlight => 0,
        StatusName::AwaitingPayer => 1,
        StatusName::Unknown => 2,
        StatusName::Succeeded => 3,
        StatusName::Declined => 4,
        StatusName::Failed => 5,
        StatusName::Expired => 6,
        StatusName::Cancelled => 7,
        StatusName::Received => 8,
    }
}

pub(crate) const fn delivery_state_number(state: DeliveryStateName) -> i64 {
    match state {
        DeliveryStateName::Pending => 0,
        DeliveryStateName::Delivered => 1,
        DeliveryStateName::GivenUp => 2,
    }
}

pub(crate) const fn receiver_id(receiver: &Receiver) -> Uuid {
    match receiver {
        Receiver::Notify(session) => session.0,
        Receiver::Endpoint(endpoint) => endpoint.0,
    }
}

/// Methods as a set of bits.
pub(crate) fn method_bits(methods: &[Method]) -> i64 {
    let bit = |method: &Method| match method {
        Method::Card => 1,
        Method::PayNow => 1 << 1,
        Method::PromptPay => 1 << 2,
        Method::DuitNow => 1 << 3,
        Method::Fps => 1 << 4,
        Method::InstaPay => 1 << 5,
        Method::HkBankTransfer => 1 << 6,
        Method::InBankTransfer => 1 << 7,
        Method::IdBankTransfer => 1 << 8,
        Method::AuBankTransfer => 1 << 9,
        Method::NzBankTransfer => 1 << 10,
        Method::ViettelPay => 1 << 11,
        Method::GojekId => 1 << 12,
        Method::Toss => 1 << 13,
    };
    methods.iter().map(bit).fold(0, |set, bit| set | bit)
}

pub(crate) const fn counter_number(counter: Counter) -> i64 {
    match counter {
        Counter::Sessions => 0,
        Counter::Transactions => 1,
    }
}

/// A claim's kind and name. The first of two parts is led by its length, so that no two pairs are the same bytes.
pub(crate) fn claim_name(key: &ClaimKey) -> (i64, Vec<u8>) {
    let pair = |first: &str, second: &str| {
        let mut name = (first.len() as u64).to_be_bytes().to_vec();
        name.extend_from_slice(first.as_bytes());
        name.extend_from_slice(second.as_bytes());
        name
    };
    match key {
        ClaimKey::LivePayment(session) => (0, session.0.as_bytes().to_vec()),
        ClaimKey::Reference(reference) => (1, reference.as_bytes().to_vec()),
        ClaimKey::BankTransfer { account, id } => (2, pair(account, id)),
        ClaimKey::PushReference { account, nonce } => (3, pair(account, nonce)),
        ClaimKey::Name { space, name } => {
            let space = space.number().to_be_bytes();
            (4, [&space, name.as_bytes()].concat())
        }
    }
}

/// When time alone makes it expired, as `Transaction::status_at` tells.
pub(crate) const fn expires_alone_at(status: &Status) -> Option<Timestamp> {
    match status {
        Status::AwaitingPayer {
            expires_at,
            ask_at: None,
            ..
        } => Some(*expires_at),
        _ => None,
    }
}

/// When a pushed payment under way stops waiting.
pub(crate) fn lapses_at(session: &Session) -> Option<Timestamp> {
    match session.state {
        State::Processing { lapses_at, .. } => lapses_at,
        _ => None,
    }
}

/// The event that is written together with the session's first version: the session's row names it, and
/// the index of events by session does without it.
pub(crate) fn first_event(session: &Session, events: &[Event]) -> Option<EventId> {
    let of_it =
        |event: &&Event| event.session == Some(session.id) && event.tenant == session.tenant;
    (session.version == 1)
        .then(|| events.iter().find(of_it).map(|event| event.id))
        .flatten()
}
