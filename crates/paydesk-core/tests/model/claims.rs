//! Claims are held by whom the states say, and by nobody else.

use paydesk_core::session::State;
use paydesk_core::store::{ClaimKey, IdempotencyKey, Store as _, StoredAnswer};
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::{Status, Transaction};
use paydesk_store::memory::MemoryStore;
use uuid::Uuid;

use super::books::{Books, Touched, read, rule};
use super::states::has_the_session;

fn holder(store: &MemoryStore, tenant: Tenant, key: &ClaimKey) -> Option<Uuid> {
    read(store.claim(tenant, key))
}

impl Books {
    /// The claims of everything that a change touched.
    pub fn claimed(&self, store: &MemoryStore, touched: &Touched<'_>) -> Result<(), String> {
        let tenant = touched.tenant;
        for session in &touched.sessions {
            let key = ClaimKey::LivePayment(session.id);
            let mut own = self
                .transactions_of(session.id)
                .filter(|one| has_the_session(one));
            let (held, right) = (holder(store, tenant, &key), own.next().map(|one| one.id.0));
            rule!(
                held == right,
                "the session is held by {held:?}, and should be by {right:?}"
            );
            if let Some(reference) = &session.terms.reference {
                let held = holder(store, tenant, &ClaimKey::Reference(reference.clone()));
                let ended = matches!(
                    session.state,
                    State::Cancelled { .. } | State::Expired { .. }
                );
                rule!(
                    (held == Some(session.id.0)) != ended,
                    "the reference of {session:?} is held by {held:?}"
                );
            }
        }
        for transaction in &touched.transactions {
            claims_of(store, transaction)?;
        }
        Ok(())
    }
}

fn claims_of(store: &MemoryStore, one: &Transaction) -> Result<(), String> {
    let (tenant, id) = (one.tenant, one.id.0);
    if let Some(reference) = &one.reference {
        let held = holder(store, tenant, &ClaimKey::Reference(reference.clone()));
        let failed = matches!(one.status, Status::Declined { .. } | Status::Failed { .. });
        rule!(
            (held == Some(id)) != failed,
            "the reference of {one:?} is held by {held:?}"
        );
    }
    // Late money has the destination of what it was for, whose reference it is for ever.
    if let Some(destination) = &one.destination {
        let key = ClaimKey::PushReference {
            account: destination.account.clone(),
            nonce: destination.nonce.clone(),
        };
        let right = one.parent.map_or(id, |parent| parent.0);
        let held = holder(store, tenant, &key);
        rule!(
            held == Some(right),
            "the push reference of {one:?} is held by {held:?}"
        );
    }
    if let Some(key) = &one.idempotency {
        let known = answer(store, tenant, key)?;
        let right = match known {
            StoredAnswer::Running => !one.status.is_terminal(),
            StoredAnswer::Transaction { id } => one.status.is_terminal() && id == one.id,
            StoredAnswer::Bytes { .. } | StoredAnswer::Sealed { .. } => false,
        };
        rule!(right, "the request of {one:?} is answered with {known:?}");
    }
    Ok(())
}

fn answer(
    store: &MemoryStore,
    tenant: Tenant,
    key: &IdempotencyKey,
) -> Result<StoredAnswer, String> {
    let known = read(store.idempotency(tenant, key));
    known
        .map(|known| known.answer)
        .ok_or_else(|| format!("nothing is known of {key:?}"))
}
