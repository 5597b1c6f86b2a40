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
        since
            .is_fresh(wall, FRESH_FOR)
            .then(|| Arc::clone(accounts))
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

#[cfg(test)]
mod tests {
    use super::super::fixtures::Desk;
    use super::*;

    #[test]
    fn what_is_in_hand_is_five_seconds_old_whatever_the_clock_does() {
        let (desk, accounts) = (Desk::new(), Accounts::default());
        let ahead = desk.now.after(Span::hours(1));
        for (put, asked, is_there) in [
            (desk.now, desk.now, true),
            (desk.now, desk.now.after(Span::seconds(4)), true),
            (desk.now, desk.now.after(FRESH_FOR), false),
            (ahead, desk.now, false),
        ] {
            accounts.put(desk.tenant, desk.accounts(), put);
            let found = accounts.get(desk.tenant, asked);
            assert_eq!(found.is_some(), is_there, "{put:?} {asked:?}");
        }
    }
}
