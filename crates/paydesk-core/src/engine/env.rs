//! What a decision is given from outside, so that it can be repeated exactly.

use crate::id::{Ids, NodeId};
use crate::keys::KeyVersion;
use crate::outgoing::Policy;
use crate::rates::Rates;
use crate::time::{Span, Timestamp};
use crate::transaction::{Lease, Status};

/// How long the engine waits for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// How long a rail may take to answer before its answer counts as unknown.
    pub rail_timeout: Span,
    /// How long nobody else asks about a transaction whose rail is being called; longer than
    /// [`Timing::rail_timeout`].
    pub lease: Span,
    /// How soon an unknown outcome is first asked about.
    pub first_ask: Span,
    /// The longest pause between two askings.
    pub longest_pause: Span,
    /// How long a payer may take at a bank's own page.
    pub challenge_lifetime: Span,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            rail_timeout: Span::seconds(20),
            lease: Span::seconds(30),
            first_ask: Span::seconds(2),
            longest_pause: Span::minutes(10),
            challenge_lifetime: Span::minutes(15),
        }
    }
}

impl Timing {
    /// The pause after an outcome was asked about `asked` times in vain: doubling, bounded.
    #[must_use]
    pub fn pause(&self, asked: u32) -> Span {
        let doubled = self
            .first_ask
            .as_millis()
            .saturating_mul(1 << asked.min(20));
        let bounded = doubled.min(self.longest_pause.as_millis());
        Span::millis(u32::try_from(bounded).unwrap_or(u32::MAX))
    }
}

/// Time, randomness and identity, as a decision sees them.
#[derive(Clone, Copy)]
pub struct Env<'e> {
    /// The tenant's own time: lifetimes.
    pub now: Timestamp,
    /// Wall time: leases and ids.
    pub wall: Timestamp,
    /// The version of the server's key that signs now.
    pub key: KeyVersion,
    /// Fresh ids.
    pub ids: &'e dyn Ids,
    /// This process.
    pub node: NodeId,
    /// How long to wait for what.
    pub timing: Timing,
    /// What other currencies are worth, in the tenant's mode.
    pub rates: &'e Rates,
    /// Where notifications may go.
    pub outgoing: Policy,
}

impl Env<'_> {
    /// The status of a transaction whose rail this process is about to call.
    #[must_use]
    pub const fn in_flight(&self) -> Status {
        Status::InFlight {
            lease: Lease {
                node: self.node,
                until: self.wall.after(self.timing.lease),
            },
        }
    }
}
