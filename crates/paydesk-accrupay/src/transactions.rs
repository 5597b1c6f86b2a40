//! The list of transactions, filtered.

use paydesk_core::id::{PaymentMethodId, TransactionId};
use paydesk_core::list::{Listed as _, TransactionFilter, Within};
use paydesk_core::method::Method;
use paydesk_core::money::Currency;
use paydesk_core::transaction::{StatusName, Transaction};

use crate::account;
use crate::codes::CurrencyCode;
use crate::connection::Connection;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::list::{Cut, Paging};
use crate::marks::Mark;
use crate::names::{Action, PaymentMethodType, TransactionProvider, TransactionStatus};
use crate::scalar::DateTimeIso;
use crate::session::read_token;
use crate::transaction::TransactionOut;

/// The arguments of the list that say which transactions it shows: those that are all of this.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Doing this.
    pub action: Option<Action>,
    /// Doing one of these.
    pub actions: Option<Vec<Action>>,
    /// Left by the payer, or ended with the session; or not.
    pub canceled: Option<bool>,
    /// Of this session.
    pub session: Option<String>,
    /// This one.
    pub code: Option<String>,
    /// In this currency.
    pub currency: Option<CurrencyCode>,
    /// None is.
    pub disputed: Option<bool>,
    /// Declined or failed, or not.
    pub failed: Option<bool>,
    /// The same.
    pub has_provider_error: Option<bool>,
    /// This one.
    pub id: Option<String>,
    /// Of this customer.
    pub customer: Option<String>,
    /// With this code: its own, or its session's.
    pub reference: Option<String>,
    /// With this card.
    pub payment_method_code: Option<String>,
    /// With this card.
    pub payment_method_id: Option<String>,
    /// By this sort of method.
    pub payment_method_type: Option<PaymentMethodType>,
    /// None has one.
    pub payment_plan_id: Option<String>,
    /// This one.
    pub provider_code: Option<String>,
    /// Done to this one.
    pub provider_related_code: Option<String>,
    /// Done to this one.
    pub related_transaction_id: Option<String>,
    /// Refunded (in part) or voided, or not.
    pub reverted: Option<bool>,
    /// All are.
    pub started: Option<bool>,
    /// Standing there.
    pub status: Option<TransactionStatus>,
    /// Standing at one of these.
    pub statuses: Option<Vec<TransactionStatus>>,
    /// Done, or not.
    pub succeeded: Option<bool>,
    /// Of this session.
    pub token: Option<String>,
    /// Not before.
    pub from: Option<DateTimeIso>,
    /// Not after.
    pub to: Option<DateTimeIso>,
    /// On an account of this provider's.
    pub provider: Option<TransactionProvider>,
    /// On this account.
    pub account: Option<String>,
}

/// What cannot be all at once, or no transaction ever is.
struct Never;

/// Narrows one field of a filter; two that differ leave nothing.
fn narrow<T: PartialEq>(field: &mut Option<T>, to: Option<T>) -> Result<(), Never> {
    let Some(to) = to else { return Err(Never) };
    if field.as_ref().is_some_and(|already| *already != to) {
        return Err(Never);
    }
    *field = Some(to);
    Ok(())
}

impl Wanted {
    fn filter(&self, desk: &Desk<'_>) -> Result<TransactionFilter, Never> {
        let mut filter = TransactionFilter::at(desk.now);
        filter.ahead = desk.now.since(desk.app.engine.wall());
        if self.payment_plan_id.is_some()
            || self.disputed == Some(true)
            || self.started == Some(false)
        {
            return Err(Never);
        }
        self.filter_names(&mut filter, desk)?;
        if let Some(currency) = self.currency {
            filter.currency = Some(Currency::from_code(currency.code()).ok_or(Never)?);
        }
        if let Some(wanted) = self.payment_method_type {
            let methods = Method::ALL.iter();
            filter.methods = methods
                .filter(|it| PaymentMethodType::from(**it) == wanted)
                .copied()
                .collect();
            if filter.methods.is_empty() {
                return Err(Never);
            }
        }
        let named = account::listed(desk, self.account.as_deref(), self.provider);
        filter.provider_accounts = named.ok_or(Never)?;
        filter.reverted = self.reverted;
        filter.code.clone_from(&self.reference);
        filter.customer.clone_from(&self.customer);
        filter.created = Within {
            least: self.from.map(DateTimeIso::timestamp),
            most: self.to.map(DateTimeIso::timestamp),
        };
        if self.action.is_some() || self.actions.is_some() {
            filter.actions = self
                .actions
                .as_deref()
                .unwrap_or_default()
                .iter()
                .chain(self.action.iter())
                .filter(|action| self.action.is_none_or(|only| only == **action))
                .filter(|action| self.actions.as_ref().is_none_or(|all| all.contains(action)))
                .filter_map(|action| action.ours())
                .collect();
            if filter.actions.is_empty() {
                return Err(Never);
            }
        }
        let statuses: Vec<StatusName> = StatusName::ALL
            .into_iter()
            .filter(|it| self.takes(*it))
            .collect();
        if statuses.is_empty() {
            return Err(Never);
        }
        if statuses.len() < StatusName::ALL.len() {
            filter.statuses = statuses;
        }
        Ok(filter)
    }

    /// What the arguments name by an id or a code.
    fn filter_names(&self, filter: &mut TransactionFilter, desk: &Desk<'_>) -> Result<(), Never> {
        if let Some(session) = &self.session {
            narrow(&mut filter.session, session.parse().ok())?;
        }
        if let Some(token) = &self.token {
            narrow(&mut filter.session, read_token(token, desk))?;
        }
        if let Some(parent) = &self.related_transaction_id {
            narrow(&mut filter.parent, parent.parse().ok())?;
        }
        if let Some(code) = &self.provider_related_code {
            let parent = Mark::Transaction.read(code).map(TransactionId);
            narrow(&mut filter.parent, parent)?;
        }
        if let Some(card) = &self.payment_method_id {
            narrow(&mut filter.payment_method, card.parse().ok())?;
        }
        if let Some(code) = &self.payment_method_code {
            let card = Mark::PaymentMethod.read(code).map(PaymentMethodId);
            narrow(&mut filter.payment_method, card)?;
        }
        Ok(())
    }

    /// Whether a transaction in this status can be meant.
    fn takes(&self, status: StatusName) -> bool {
        let shown = TransactionStatus::from(status);
        let is_failed = matches!(status, StatusName::Declined | StatusName::Failed);
        self.status.is_none_or(|it| it == shown)
            && self
                .statuses
                .as_ref()
                .is_none_or(|all| all.contains(&shown))
            && self.failed.is_none_or(|it| it == is_failed)
            && self.has_provider_error.is_none_or(|it| it == is_failed)
            && self
                .succeeded
                .is_none_or(|it| it == (status == StatusName::Succeeded))
            && self
                .canceled
                .is_none_or(|it| it == (status == StatusName::Cancelled))
    }

    /// The only transaction that can be meant, if an argument names one; nothing in it if they name none, or two.
    fn only(&self) -> Option<Option<TransactionId>> {
        let ids = [&self.id, &self.code].into_iter().flatten();
        let code = self.provider_code.as_ref();
        let mut named = ids
            .map(|id| id.parse().ok())
            .chain(code.map(|code| Mark::Transaction.read(code).map(TransactionId)));
        let first = named.next()?;
        Some(first.filter(|_| named.all(|other| other == first)))
    }
}

/// A page of the transactions that are wanted.
pub async fn list(
    wanted: &Wanted,
    paging: &Paging,
    desk: &Desk<'_>,
) -> Result<Connection<TransactionOut>, Fault> {
    let cut = paging.cut()?;
    let Ok(filter) = wanted.filter(desk) else {
        return Ok(cut.connection(Vec::new(), false, 0));
    };
    if let Some(only) = wanted.only() {
        let shown = match only {
            Some(id) => shown(id, &filter, desk).await?,
            None => None,
        };
        let all: Vec<_> = shown.into_iter().collect();
        let total = all.len() as u64;
        let (shown, more) = cut.keep(cut.page().cut(all));
        return connection(shown, more, total, cut, desk).await;
    }
    let (found, total) = tokio::try_join!(
        desk.store()
            .transactions(desk.tenant(), &filter, cut.page()),
        desk.store().count_transactions(desk.tenant(), &filter),
    )?;
    let (shown, more) = cut.keep(found);
    connection(shown, more, total, cut, desk).await
}

/// The transaction with this id, if the filter shows it.
async fn shown(
    id: TransactionId,
    filter: &TransactionFilter,
    desk: &Desk<'_>,
) -> Result<Option<Transaction>, Fault> {
    let Some(found) = desk.store().transaction(desk.tenant(), id).await? else {
        return Ok(None);
    };
    let session = match found.session {
        Some(id) => desk.session(id).await?,
        None => None,
    };
    Ok(Some(found).filter(|it| filter.shows(it, session.as_ref())))
}

async fn connection(
    shown: Vec<Transaction>,
    more: bool,
    total: u64,
    cut: Cut,
    desk: &Desk<'_>,
) -> Result<Connection<TransactionOut>, Fault> {
    let marks: Vec<_> = shown.iter().map(|it| it.mark(cut.by())).collect();
    let nodes = TransactionOut::with_sessions(shown, desk).await?;
    Ok(cut.connection(marks.into_iter().zip(nodes).collect(), more, total))
}
