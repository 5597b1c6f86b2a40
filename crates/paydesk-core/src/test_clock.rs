//! The test clock: in test mode, a merchant moves its own time.
//!
//! Test time governs lifetimes, client tokens and when deliveries are tried again. Wall time stays for leases,
//! signatures of notifications, sign-in, idempotency, rate limits and ids. Test time only ever runs ahead.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::id::MerchantId;
use crate::tenant::{Mode, Tenant};
use crate::time::{Span, Timestamp};

/// The furthest that test time may run ahead.
pub const FURTHEST: Span = Span::days(20 * 366);

/// How far a merchant's test time is ahead of the wall's. There is at most one per merchant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestClock {
    /// Whose.
    pub merchant: MerchantId,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// How far.
    pub ahead: Span,
    /// When it was last moved; wall time.
    pub moved_at: Timestamp,
    /// The last step, for as long as deliveries may still have to be brought forward by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Span>,
}

impl TestClock {
    /// Whose time it is.
    #[must_use]
    pub const fn tenant_of(merchant: MerchantId) -> Tenant {
        Tenant {
            merchant,
            mode: Mode::Test,
        }
    }
}

impl Entry for TestClock {
    const KIND: EntryKind = EntryKind::TestClock;

    fn tenant(&self) -> Tenant {
        Self::tenant_of(self.merchant)
    }
    fn id(&self) -> Uuid {
        self.merchant.0
    }
    fn version(&self) -> u64 {
        self.version
    }
}
