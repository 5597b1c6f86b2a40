//! Who is known to have endpoints, so that a commit may wake those who deliver. A hint: the store knows exactly which
//! events are to be told, and what nobody was woken for is found at the next tick.

use std::collections::HashSet;

use parking_lot::RwLock;

use crate::tenant::Tenant;

/// More tenants than this at once and all are forgotten: a bound, not a policy.
const MOST: usize = 100_000;

/// Tenants that have endpoints, as far as is known.
#[derive(Debug, Default)]
pub struct Hearing(RwLock<HashSet<Tenant>>);

impl Hearing {
    /// This one has.
    pub fn note(&self, tenant: Tenant) {
        if self.has(tenant) {
            return;
        }
        let mut known = self.0.write();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(tenant);
    }

    /// This one has none any more.
    pub fn forget(&self, tenant: Tenant) {
        if self.has(tenant) {
            self.0.write().remove(&tenant);
        }
    }

    /// Whether this one has, as far as is known.
    #[must_use]
    pub fn has(&self, tenant: Tenant) -> bool {
        self.0.read().contains(&tenant)
    }
}
