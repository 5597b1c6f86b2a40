//! The list of transactions, filtered.

use std::collections::HashMap;

use paydesk_core::id::{PaymentMethodId, SessionId, TransactionId};
use paydesk_core::list::{Listed as _, Page, SessionFilter, TransactionFilter, Within};
use paydesk_core::method::{Family, Method};
use paydesk_core::money::Currency;
use paydesk_core::session::Session;
use paydesk_core::transaction::{Hold, StatusName, Transaction};

use crate::codes::CurrencyCode;
use crate::connection::Connection;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::list::{Cut, Paging, too_many};
use crate::marks::Mark;
use crate::names::{Action, PaymentMethodType, TransactionProvider, TransactionStatus};
use crate::scalar::DateTimeIso;
use crate::session::read_token;
use crate::transaction::TransactionOut;

/// As many as are looked through one by one for what the store has no index of.
const MOST_WALKED: usize = 10_000;
/// As many as are read at once on such a walk.
const STEP: usize = 500;
/// As many sessions as may have had one code, one after the other.
const MOST_OF_A_CODE: usize = 1_000;

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

const fn status_of(status: StatusName) -> TransactionStatus {
    match status {
        StatusName::InFlight | StatusName::AwaitingPayer | StatusName::Received => {
            TransactionStatus::Pending
        }
        StatusName::Unknown => TransactionStatus::Unknown,
        StatusName::Succeeded => TransactionStatus::Succeeded,
        StatusName::Declined => TransactionStatus::Declined,
        StatusName::Failed | StatusName::Cancelled => TransactionStatus::Failed,
        StatusName::Expired => TransactionStatus::Expired,
    }
}

impl Wanted {
    fn filter(&self, desk: &Desk<'_>) -> Result<TransactionFilter, Never> {
        let mut filter = TransactionFilter::at(desk.now);
        filter.ahead = desk.now.since(desk.app.engine.wall());
        if self.payment_plan_id.is_some()
            || self.disputed == Some(true)
            || self.started == Some(false)
            || self.payment_method_type == Some(PaymentMethodType::Ach)
        {
            return Err(Never);
        }
        self.filter_names(&mut filter, desk)?;
        if let Some(currency) = self.currency {
            filter.currency = Some(Currency::from_code(currency.code()).ok_or(Never)?);
        }
        if self.payment_method_type == Some(PaymentMethodType::Card) {
            filter.method = Some(Method::Card);
        }
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
        if let Some(account) = &self.account {
            narrow(&mut filter.provider_account, account.parse().ok())?;
        }
        Ok(())
    }

    /// Whether a transaction in this status can be meant.
    fn takes(&self, status: StatusName) -> bool {
        let shown = status_of(status);
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

    /// The argument that the store has no index of, if one is given.
    fn walked(&self, desk: &Desk<'_>) -> Option<&'static str> {
        let spans_accounts = self
            .provider
            .is_some_and(|provider| !desk.accounts.iter().all(|account| provider.names(account)));
        if self.reverted.is_some() {
            Some("reverted")
        } else if self.payment_method_type == Some(PaymentMethodType::Other) {
            Some("paymentMethodType")
        } else if spans_accounts {
            Some("transactionProvider")
        } else {
            None
        }
    }

    /// Whether a transaction that the filter shows is all that is wanted.
    fn is(&self, transaction: &Transaction, desk: &Desk<'_>) -> bool {
        let is_reverted = matches!(transaction.hold, Some(Hold::Voided))
            || (transaction.captured().minor() > 0 && transaction.done > 0);
        let is_other = transaction.method.family() != Family::Card;
        let is_of = |provider: TransactionProvider| {
            desk.accounts
                .iter()
                .any(|it| it.id == transaction.provider_account && provider.names(it))
        };
        self.reverted.is_none_or(|it| it == is_reverted)
            && (self.payment_method_type != Some(PaymentMethodType::Other) || is_other)
            && self.provider.is_none_or(is_of)
    }

    /// The transactions that are named one by one, with their sessions, if any argument does.
    async fn named(
        &self,
        desk: &Desk<'_>,
    ) -> Result<Option<Vec<(Transaction, Option<Session>)>>, Fault> {
        let mut ids: Vec<Option<TransactionId>> = Vec::new();
        for id in [&self.id, &self.code].into_iter().flatten() {
            ids.push(id.parse().ok());
        }
        if let Some(code) = &self.provider_code {
            ids.push(Mark::Transaction.read(code).map(TransactionId));
        }
        let found = if let Some(first) = ids.first().copied() {
            match first.filter(|_| ids.iter().all(|id| *id == first)) {
                Some(id) => {
                    let store = desk.store();
                    store
                        .transaction(desk.tenant(), id)
                        .await?
                        .into_iter()
                        .collect()
                }
                None => Vec::new(),
            }
        } else if let Some(reference) = &self.reference {
            return Ok(Some(with_code(reference, desk).await?));
        } else {
            return Ok(None);
        };
        let mut named = Vec::new();
        for transaction in found {
            let session = match transaction.session {
                Some(id) => desk.session(id).await?,
                None => None,
            };
            let code = transaction.reference.as_ref().or_else(|| {
                let sessions = session.as_ref()?.terms.reference.as_ref();
                sessions.filter(|_| is_attempt(&transaction))
            });
            if self.reference.is_none() || self.reference.as_ref() == code {
                named.push((transaction, session));
            }
        }
        Ok(Some(named))
    }
}

fn is_attempt(transaction: &Transaction) -> bool {
    transaction.action.is_attempt() && transaction.parent.is_none()
}

/// The transactions that have a merchant's code: charges of their own, and attempts by their session's.
async fn with_code(
    reference: &str,
    desk: &Desk<'_>,
) -> Result<Vec<(Transaction, Option<Session>)>, Fault> {
    let sessions = SessionFilter {
        reference: Some(reference.to_owned()),
        ..SessionFilter::at(desk.now)
    };
    let charges = TransactionFilter {
        reference: Some(reference.to_owned()),
        ..TransactionFilter::at(desk.now)
    };
    let page = Page::first(MOST_OF_A_CODE + 1);
    let (sessions, charges) = tokio::try_join!(
        desk.store().sessions(desk.tenant(), &sessions, page),
        desk.store().transactions(desk.tenant(), &charges, page),
    )?;
    if sessions.len() > MOST_OF_A_CODE || charges.len() > MOST_OF_A_CODE {
        return Err(too_many("merchantInternalTransactionCode", MOST_OF_A_CODE));
    }
    let sessions: HashMap<SessionId, Session> = sessions
        .into_iter()
        .map(|session| (session.id, session))
        .collect();
    let ids: Vec<SessionId> = sessions.keys().copied().collect();
    let attempts = desk.store().transactions_of(desk.tenant(), &ids).await?;
    let of_session = |it: &Transaction| it.session.and_then(|id| sessions.get(&id).cloned());
    Ok(charges
        .into_iter()
        .chain(attempts.into_iter().filter(is_attempt))
        .map(|it| {
            let session = of_session(&it);
            (it, session)
        })
        .collect())
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
    if let Some(named) = wanted.named(desk).await? {
        let all = named
            .into_iter()
            .filter(|(it, session)| filter.shows(it, session.as_ref()) && wanted.is(it, desk))
            .map(|(it, _)| it);
        return of_all(all.collect(), cut, desk).await;
    }
    if let Some(argument) = wanted.walked(desk) {
        let mut all = Vec::new();
        let (mut page, mut walked) = (Page::first(STEP), 0);
        loop {
            let store = desk.store();
            let step = store.transactions(desk.tenant(), &filter, page).await?;
            walked += step.len();
            let is_last = step.len() < STEP;
            page = page.after(step.last().map(|last| last.mark(page.order.by)));
            all.extend(step.into_iter().filter(|it| wanted.is(it, desk)));
            if is_last {
                return of_all(all, cut, desk).await;
            }
            if walked >= MOST_WALKED {
                return Err(too_many(argument, MOST_WALKED));
            }
        }
    }
    let (found, total) = tokio::try_join!(
        desk.store()
            .transactions(desk.tenant(), &filter, cut.page()),
        desk.store().count_transactions(desk.tenant(), &filter),
    )?;
    let (shown, more) = cut.keep(found);
    connection(shown, more, total, cut, desk).await
}

/// A page of a list that is all there.
async fn of_all(
    all: Vec<Transaction>,
    cut: Cut,
    desk: &Desk<'_>,
) -> Result<Connection<TransactionOut>, Fault> {
    let total = all.len() as u64;
    let (shown, more) = cut.keep(cut.page().cut(all));
    connection(shown, more, total, cut, desk).await
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
