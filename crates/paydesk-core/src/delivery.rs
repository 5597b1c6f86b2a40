//! Deliveries: one event on its way to one receiver.

use serde::{Deserialize, Serialize};

use crate::id::{DeliveryId, EndpointId, EventId, NodeId, SessionId};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

/// Who is told.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Receiver {
    /// The session's own notify address.
    Notify(SessionId),
    /// One of the merchant's endpoints.
    Endpoint(EndpointId),
}

/// Where a delivery stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum DeliveryState {
    /// Waiting for its time.
    Due {
        /// When.
        at: Timestamp,
    },
    /// A worker has it. If the worker dies, it is due again when the lease ends.
    Leased {
        /// Which worker.
        node: NodeId,
        /// Until when.
        until: Timestamp,
    },
    /// The receiver took it. Terminal, unless it is sent again by hand.
    Delivered {
        /// When.
        at: Timestamp,
    },
    /// The schedule ran out. Terminal, unless it is sent again by hand.
    GivenUp {
        /// When.
        at: Timestamp,
    },
}

/// What the last attempt came to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// The HTTP status of the answer, if one came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub latency: u32,
    /// The first bytes of the answer, or why none came.
    pub answer: String,
}

/// One event on its way to one receiver.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// What is told.
    pub event: EventId,
    /// Who is told.
    pub receiver: Receiver,
    /// Where to.
    pub url: String,
    /// The exact bytes; the same in every attempt.
    pub body: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u32,
    /// What the last one came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Attempt>,
    /// How far the test clock was ahead by the last of its steps that brought this forward. Each step does so once.
    #[serde(default, skip_serializing_if = "Span::is_none")]
    pub ahead: Span,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Delivery {
    /// When a worker should next look at it.
    #[must_use]
    pub const fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            DeliveryState::Due { at } => Some(at),
            DeliveryState::Leased { until, .. } => Some(until),
            DeliveryState::Delivered { .. } | DeliveryState::GivenUp { .. } => None,
        }
    }
}
