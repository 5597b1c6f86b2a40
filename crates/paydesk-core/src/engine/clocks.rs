//! Test clocks in hand: who asks what time it is must not read the store for it.
//!
//! Moved clocks are few. This node's own moves are known at once, other nodes' with the next look, which the sweep
//! takes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use super::Engine;
use crate::id::MerchantId;
use crate::store::Unavailable;
use crate::test_clock::TestClock;
use crate::time::Span;

#[derive(Default)]
pub(super) struct Clocks {
    /// Whether any clock is moved: usually none is, and then nothing is looked up.
    any: AtomicBool,
    ahead: RwLock<HashMap<MerchantId, Span>>,
}

impl Clocks {
    pub(super) fn ahead(&self, merchant: MerchantId) -> Span {
        if !self.any.load(Ordering::Acquire) {
            return Span::NONE;
        }
        let ahead = self.ahead.read();
        ahead.get(&merchant).copied().unwrap_or(Span::NONE)
    }

    /// Clocks only ever run ahead: what was read before another's move does not set it back.
    pub(super) fn saw(&self, merchant: MerchantId, ahead: Span) {
        let mut known = self.ahead.write();
        let entry = known.entry(merchant).or_insert(Span::NONE);
        *entry = (*entry).max(ahead);
        self.any.store(true, Ordering::Release);
    }

    /// Whose clocks are moved.
    pub(super) fn moved(&self) -> Vec<MerchantId> {
        if !self.any.load(Ordering::Acquire) {
            return Vec::new();
        }
        self.ahead.read().keys().copied().collect()
    }
}

impl Engine {
    /// Learns which test clocks are moved; at start-up, and with every sweep. Answers with those whose last step is not
    /// through.
    pub async fn read_clocks(&self) -> Result<Vec<TestClock>, Unavailable> {
        let mut moving = Vec::new();
        for doc in self.store().test_clocks().await? {
            let clock: TestClock = serde_json::from_str(&doc).map_err(Unavailable::because)?;
            self.clocks.saw(clock.merchant, clock.ahead);
            if clock.moving.is_some() {
                moving.push(clock);
            }
        }
        Ok(moving)
    }
}
