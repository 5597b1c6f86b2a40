//! The list of sessions, filtered.

use std::collections::HashSet;

use paydesk_core::id::SessionId;
use paydesk_core::list::{Listed as _, SessionFilter, Within};
use paydesk_core::money::Currency;
use paydesk_core::session::{Kind, StateName};
use paydesk_core::transaction;

use crate::codes::CurrencyCode;
use crate::connection::Connection;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::list::Paging;
use crate::marks::Mark;
use crate::names::{Action, SessionStatus};
use crate::scalar::BigInt;
use crate::session::{SessionOut, read_token};

/// The arguments of the list that say which sessions it shows: those that are all of this.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Doing this.
    pub action: Option<Action>,
    /// Of exactly this amount.
    pub amount: Option<BigInt>,
    /// Given up, or not.
    pub canceled: Option<bool>,
    /// Completed, or not.
    pub completed: Option<bool>,
    /// In this currency.
    pub currency: Option<CurrencyCode>,
    /// None has one of its own: its transactions do.
    pub has_provider_error: Option<bool>,
    /// This one.
    pub id: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// With this code.
    pub reference: Option<String>,
    /// Completed with this card.
    pub payment_method_id: Option<String>,
    /// None has one.
    pub payment_plan_id: Option<String>,
    /// This one.
    pub provider_code: Option<String>,
    /// Standing there.
    pub status: Option<SessionStatus>,
    /// All are, by the merchant's `start`.
    pub started: Option<bool>,
    /// This one.
    pub token: Option<String>,
    /// On this account.
    pub account: Option<String>,
}

/// Every state, for leaving some out.
const STATES: [StateName; 6] = [
    StateName::Created,
    StateName::Initiated,
    StateName::Processing,
    StateName::Completed,
    StateName::Cancelled,
    StateName::Expired,
];

impl Wanted {
    /// The filter; nothing if no session can be all of this.
    fn filter(self, desk: &Desk<'_>) -> Option<SessionFilter> {
        let mut filter = SessionFilter::at(desk.now);
        filter.ahead = desk.now.since(desk.app.engine.wall());
        let never = self.payment_plan_id.is_some()
            || self.has_provider_error == Some(true)
            || self.started == Some(false)
            || self.status == Some(SessionStatus::Unavailable);
        if never {
            return None;
        }
        if let Some(action) = self.action {
            filter.kind = match action.ours() {
                Some(transaction::Action::Payment) => Some(Kind::Payment),
                Some(transaction::Action::Authorization) => Some(Kind::Authorization),
                Some(transaction::Action::AddPaymentMethod) => Some(Kind::AddPaymentMethod),
                Some(
                    transaction::Action::Settle
                    | transaction::Action::Void
                    | transaction::Action::Refund,
                )
                | None => return None,
            };
        }
        if let Some(currency) = self.currency {
            filter.currency = Some(Currency::from_code(currency.code())?);
        }
        if let Some(BigInt(amount)) = self.amount {
            filter.amount = Within {
                least: Some(amount),
                most: Some(amount),
            };
        }
        if let Some(account) = &self.account {
            filter.provider_account = Some(account.parse().ok()?);
        }
        if let Some(card) = &self.payment_method_id {
            filter.payment_method = Some(card.parse().ok()?);
        }
        filter.customer.clone_from(&self.customer);
        filter.reference.clone_from(&self.reference);
        let states: Vec<StateName> = STATES.into_iter().filter(|it| self.takes(*it)).collect();
        if states.is_empty() {
            return None;
        }
        if states.len() < STATES.len() {
            filter.states = states;
        }
        filter.ids = self.ids(desk);
        Some(filter).filter(|filter| filter.ids.as_ref().is_none_or(|ids| !ids.is_empty()))
    }

    /// Whether a session in this state can be meant.
    fn takes(&self, state: StateName) -> bool {
        self.status
            .is_none_or(|status| SessionStatus::from(state) == status)
            && self
                .completed
                .is_none_or(|it| (state == StateName::Completed) == it)
            && self
                .canceled
                .is_none_or(|it| (state == StateName::Cancelled) == it)
    }

    /// The sessions that are named one by one, if any argument does; those that all of them name.
    fn ids(&self, desk: &Desk<'_>) -> Option<Vec<SessionId>> {
        let mut named: Vec<HashSet<SessionId>> = Vec::new();
        if let Some(id) = &self.id {
            named.push(id.parse().into_iter().collect());
        }
        if let Some(code) = &self.provider_code {
            let id = Mark::Session.read(code).map(SessionId);
            named.push(id.into_iter().collect());
        }
        if let Some(token) = &self.token {
            named.push(read_token(token, desk).into_iter().collect());
        }
        let all = named
            .into_iter()
            .reduce(|one, other| one.intersection(&other).copied().collect());
        all.map(|ids| ids.into_iter().collect())
    }
}

/// A page of the sessions that are wanted.
pub async fn list(
    wanted: Wanted,
    paging: &Paging,
    desk: &Desk<'_>,
) -> Result<Connection<SessionOut>, Fault> {
    let cut = paging.cut()?;
    let Some(filter) = wanted.filter(desk) else {
        return Ok(cut.connection(Vec::new(), false, 0));
    };
    let (found, total) = tokio::try_join!(
        desk.store().sessions(desk.tenant(), &filter, cut.page()),
        desk.store().count_sessions(desk.tenant(), &filter),
    )?;
    let (shown, more) = cut.keep(found);
    let nodes = shown
        .into_iter()
        .map(|session| Ok((session.mark(cut.by()), SessionOut::new(session, desk)?)))
        .collect::<Result<_, Fault>>()?;
    Ok(cut.connection(nodes, more, total))
}
