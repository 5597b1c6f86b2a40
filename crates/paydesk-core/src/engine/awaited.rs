//! The payments that wait for pushed money, in lists by account and amount: how a transfer without a reference finds the
//! one that it can only be for.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind, EntryPage, StoredEntry};
use crate::id::TransactionId;
use crate::money::Money;
use crate::store::{Record, Store, Unavailable};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use crate::transaction::{Status, Transaction};

/// So many are looked at: of more that wait for the same amount, none is the only one.
const LOOKED_AT: usize = 50;

/// A payment that waits for pushed money.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Awaited {
    tenant: Tenant,
    transaction: TransactionId,
    expires_at: Timestamp,
}

impl Entry for Awaited {
    const KIND: EntryKind = EntryKind::AwaitedPayment;
    fn tenant(&self) -> Tenant {
        self.tenant
    }
    fn id(&self) -> Uuid {
        self.transaction.0
    }
    fn version(&self) -> u64 {
        1
    }
}

/// The list of those that wait for this much on this account.
fn list(account: &str, amount: Money) -> String {
    format!("{} {} {account}", amount.currency(), amount.minor())
}

/// Enters a payment that begins to wait, if it is one that waits for pushed money.
pub(super) fn entered(transaction: &Transaction) -> Option<Record> {
    let Status::AwaitingPayer { expires_at, .. } = transaction.status else {
        return None;
    };
    let destination = transaction.destination.as_ref()?;
    let awaited = Awaited {
        tenant: transaction.tenant,
        transaction: transaction.id,
        expires_at,
    };
    // Two ids and a time: nothing of it can fail to be written.
    let doc = serde_json::to_string(&awaited).ok()?;
    Some(Record::Entry(StoredEntry {
        tenant: transaction.tenant,
        kind: Awaited::KIND,
        id: awaited.id(),
        version: awaited.version(),
        group: Some(list(&destination.account, transaction.amount)),
        doc: Some(doc.into()),
    }))
}

/// Strikes off a payment that is about to stop waiting, if it was [entered].
pub(super) fn struck_off(transaction: &Transaction) -> Option<Record> {
    transaction.is_awaited().then_some({
        Record::Entry(StoredEntry {
            tenant: transaction.tenant,
            kind: Awaited::KIND,
            id: transaction.id.0,
            version: 2,
            group: None,
            doc: None,
        })
    })
}

/// The only payment that waits for this much on this account at `now`; nothing if there are none or several.
pub(super) async fn only_one(
    store: &dyn Store,
    tenant: Tenant,
    (account, amount): (&str, Money),
    now: Timestamp,
) -> Result<Option<TransactionId>, Unavailable> {
    let list = list(account, amount);
    let page = EntryPage::first(LOOKED_AT).of(&list);
    let found: Vec<Awaited> = store.list(tenant, page).await?;
    if found.len() == LOOKED_AT {
        return Ok(None);
    }
    // A sweeper may be late.
    let mut waiting = found.into_iter().filter(|one| one.expires_at > now);
    Ok(match (waiting.next(), waiting.next()) {
        (Some(only), None) => Some(only.transaction),
        _ => None,
    })
}
