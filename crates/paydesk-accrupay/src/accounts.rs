//! The list of accounts on rails, filtered. A tenant has few, and they are in hand.

use paydesk_core::list::{By, Listed, Mark};
use paydesk_core::merchant::ProviderAccount;

use crate::account::AccountOut;
use crate::connection::Connection;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::list::Paging;
use crate::names::{AccountStatus, TransactionProvider};

struct InList<'a>(&'a ProviderAccount);

impl Listed for InList<'_> {
    fn mark(&self, by: By) -> Mark {
        let key = match by {
            By::Created | By::Amount => 0,
            By::Updated => self.0.updated_at.as_millis(),
        };
        Mark {
            key,
            id: self.0.id.0,
        }
    }
}

/// A page of the accounts that are all of this.
pub fn list(
    id: Option<&str>,
    provider: Option<TransactionProvider>,
    status: Option<AccountStatus>,
    paging: &Paging,
    desk: &Desk<'_>,
) -> Result<Connection<AccountOut>, Fault> {
    let cut = paging.cut()?;
    let wanted: Vec<InList<'_>> = desk
        .accounts
        .iter()
        .filter(|it| id.is_none_or(|id| it.id.to_string() == id))
        .filter(|it| provider.is_none_or(|provider| provider.names(it)))
        .filter(|it| status.is_none_or(|status| (status == AccountStatus::Enabled) == it.enabled))
        .map(InList)
        .collect();
    let total = wanted.len() as u64;
    let (shown, more) = cut.keep(cut.page().cut(wanted));
    let merchant = desk.tenant().merchant.to_string();
    let nodes = shown
        .iter()
        .map(|it| (it.mark(cut.by()), AccountOut::new(it.0, merchant.clone())))
        .collect();
    Ok(cut.connection(nodes, more, total))
}
