//! A session by the id of its first attempt, which it has before that attempt is made.
//!
//! The id is in no index: that would cost every opening one more tree. It need not be. Both ids are made in one decision,
//! of the same millisecond of wall time, and each begins with it: so the session is among those that its tenant opened
//! in that millisecond, which lie side by side and are few.

use uuid::Uuid;

use super::Engine;
use crate::id::TransactionId;
use crate::list::{Listed as _, Mark, Order, Page, SessionFilter};
use crate::session::Session;
use crate::store::Unavailable;
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// As many as are read at once: more than one tenant opens in a millisecond.
const STEP: usize = 100;
/// How many bits of an id follow its milliseconds.
const AFTER_TIME: u32 = 80;

impl Engine {
    /// The session whose first attempt has this id, or will have it once it is made.
    pub async fn session_first_tried_as(
        &self,
        tenant: Tenant,
        first: TransactionId,
    ) -> Result<Option<Session>, Unavailable> {
        let millisecond = first.0.as_u128() >> AFTER_TIME;
        let before = (millisecond << AFTER_TIME).saturating_sub(1);
        // No state is asked for, so what time it is does not matter.
        let every = SessionFilter::at(Timestamp::EPOCH);
        let mut from = Mark::of(Uuid::from_u128(before));
        loop {
            let page = Page::first(STEP).ordered(Order::OLDEST).after(Some(from));
            let opened = self.store().sessions(tenant, &every, page).await?;
            for session in &opened {
                if session.id.0.as_u128() >> AFTER_TIME != millisecond {
                    return Ok(None);
                }
                if session.first_transaction == first {
                    return Ok(Some(session.clone()));
                }
            }
            match opened.last() {
                Some(last) if opened.len() == STEP => from = last.mark(page.order.by),
                _ => return Ok(None),
            }
        }
    }
}
