//! The list of stored cards, filtered.

use paydesk_core::id::{PaymentMethodId, ProviderAccountId};
use paydesk_core::list::{Listed as _, Order, Page, PaymentMethodFilter};
use paydesk_core::payment_method::PaymentMethod;

use crate::account;
use crate::connection::Connection;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::list::{MOST, Paging};
use crate::marks::Mark;
use crate::names::{PaymentMethodType, TransactionProvider};
use crate::payment_method::PaymentMethodOut;

/// The arguments of the list that say which stored cards it shows: those that are all of this.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// None has one.
    pub has_provider_error: Option<bool>,
    /// This one.
    pub id: Option<String>,
    /// Stored by this transaction.
    pub initial_transaction_id: Option<String>,
    /// None is.
    pub is_default: Option<bool>,
    /// Of this customer.
    pub customer: Option<String>,
    /// Of this sort: all are cards.
    pub method_type: Option<PaymentMethodType>,
    /// This one.
    pub provider_code: Option<String>,
    /// On an account of this provider's.
    pub provider: Option<TransactionProvider>,
    /// On this account.
    pub account: Option<String>,
}

impl Wanted {
    /// The filter, and the only one that is meant if one is named; nothing if no card can be all of this.
    fn filter(&self, desk: &Desk<'_>) -> Option<(PaymentMethodFilter, Option<PaymentMethodId>)> {
        if self.has_provider_error == Some(true)
            || self.is_default == Some(true)
            || self
                .method_type
                .is_some_and(|it| it != PaymentMethodType::Card)
        {
            return None;
        }
        let mut filter = PaymentMethodFilter {
            customer: self.customer.clone(),
            provider_accounts: account::listed(desk, self.account.as_deref(), self.provider)?,
            ..PaymentMethodFilter::default()
        };
        if let Some(by) = &self.initial_transaction_id {
            filter.stored_by = Some(by.parse().ok()?);
        }
        let mut only: Option<PaymentMethodId> = None;
        if let Some(id) = &self.id {
            only = Some(id.parse().ok()?);
        }
        if let Some(code) = &self.provider_code {
            let id = PaymentMethodId(Mark::PaymentMethod.read(code)?);
            if only.is_some_and(|only| only != id) {
                return None;
            }
            only = Some(id);
        }
        Some((filter, only))
    }
}

/// A page of the stored cards that are wanted.
pub async fn list(
    wanted: &Wanted,
    paging: &Paging,
    desk: &Desk<'_>,
) -> Result<Connection<PaymentMethodOut>, Fault> {
    let cut = paging.cut()?;
    let Some((filter, only)) = wanted.filter(desk) else {
        return Ok(cut.connection(Vec::new(), false, 0));
    };
    let (store, tenant) = (desk.store(), desk.tenant());
    let (found, total): (Vec<PaymentMethod>, u64) = if let Some(id) = only {
        let found = store.payment_method(tenant, id).await?;
        let found: Vec<_> = found.into_iter().filter(|it| filter.shows(it)).collect();
        let total = found.len() as u64;
        (cut.page().cut(found), total)
    } else {
        tokio::try_join!(
            store.payment_methods(tenant, &filter, cut.page()),
            store.count_payment_methods(tenant, &filter),
        )?
    };
    let (shown, more) = cut.keep(found);
    let nodes = shown
        .iter()
        .map(|it| (it.mark(cut.by()), PaymentMethodOut::new(it, desk.now)))
        .collect();
    Ok(cut.connection(nodes, more, total))
}

impl PaymentMethodOut {
    /// A customer's stored cards on an account, the latest first; as many as a page has.
    pub async fn of_customer(
        customer: String,
        account: ProviderAccountId,
        desk: &Desk<'_>,
    ) -> Result<Vec<Self>, Fault> {
        let filter = PaymentMethodFilter {
            customer: Some(customer),
            provider_accounts: vec![account],
            ..PaymentMethodFilter::default()
        };
        let page = Page::first(MOST).ordered(Order::NEWEST);
        let store = desk.store();
        let found = store.payment_methods(desk.tenant(), &filter, page).await?;
        Ok(found.iter().map(|it| Self::new(it, desk.now)).collect())
    }
}
