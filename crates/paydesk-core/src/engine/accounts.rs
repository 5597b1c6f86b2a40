//! Provider accounts in hand: every opening of a session needs them and they hardly ever change. What is in
//! hand is at most five seconds old, like a key.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::merchant::ProviderAccount;
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

const FRESH_FOR: Span = Span::seconds(5);
/// More tenants than this at once and the hand is emptied: a bound, not a policy.
const MOST: usize = 10_000;

type Held = (Timestamp, Arc<[ProviderAccount]>);

#[derive(Default)]
pub(super) struct Accounts(RwLock<HashMap<Tenant, Held>>);

impl Accounts {
    pub(super) fn get(&self, tenant: Tenant, wall: Timestamp) -> Option<Arc<[ProviderAccount]>> {
        let held = self.0.read();
        let (since, accounts) = held.get(&tenant)?;
        (wall < since.after(FRESH_FOR)).then(|| Arc::clone(accounts))
    }

    pub(super) fn put(&self, tenant: Tenant, accounts: Arc<[ProviderAccount]>, wall: Timestamp) {
        let mut held = self.0.write();
        if held.len() >= MOST {
            held.clear();
        }
        held.insert(tenant, (wall, accounts));
    }

    /// For who has just changed them, here.
    pub(super) fn forget(&self, tenant: Tenant) {
        self.0.write().remove(&tenant);
    }
}
