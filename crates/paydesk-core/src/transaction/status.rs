//! Where a transaction stands, and why it came to nothing.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::time::Timestamp;

/// Why a rail said no.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineReason {
    /// It gave no reason.
    Declined,
    /// Not enough money.
    InsufficientFunds,
    /// The card is out of date.
    ExpiredCard,
    /// The code on the back is wrong.
    IncorrectCvc,
    /// The payer failed or left the bank's own check.
    AuthenticationFailed,
}

impl DeclineReason {
    /// The stable name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::InsufficientFunds => "insufficient_funds",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::AuthenticationFailed => "authentication_failed",
        }
    }
}

/// Why an operation came to nothing without anybody saying no.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The rail could not process it.
    ProcessingError,
    /// It never reached the rail, which will refuse it from now on.
    NeverArrived,
    /// The rail does not offer this operation.
    NotSupported,
}

impl FailureReason {
    /// The stable name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProcessingError => "processing_error",
            Self::NeverArrived => "never_arrived",
            Self::NotSupported => "not_supported",
        }
    }
}

/// A right to call the rail for a transaction: nobody else asks about it while it holds. Wall time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lease {
    /// Who has it.
    pub node: NodeId,
    /// Until when.
    pub until: Timestamp,
}

/// Where a transaction stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Status {
    /// The intent is committed and the rail is being called. On the wire: pending.
    InFlight {
        /// Who is calling.
        lease: Lease,
    },
    /// The payer must act: scan, transfer, confirm. On the wire: pending.
    AwaitingPayer {
        /// Where the payer must go, if it is a page.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        redirect_url: Option<String>,
        /// When it stops waiting. The tenant's own time.
        expires_at: Timestamp,
        /// For a card at its bank's page, or a wallet: when the rail is asked how it went. Wall time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ask_at: Option<Timestamp>,
    },
    /// The rail was called and its answer is not known. It is asked, never called again blindly.
    Unknown {
        /// Since when.
        since: Timestamp,
        /// How often it was asked.
        asked: u32,
        /// When it is asked next. Wall time.
        ask_at: Timestamp,
    },
    /// Done. Terminal.
    Succeeded {
        /// When.
        at: Timestamp,
    },
    /// The rail said no. Terminal.
    Declined {
        /// When.
        at: Timestamp,
        /// Why.
        reason: DeclineReason,
    },
    /// It came to nothing. Terminal.
    Failed {
        /// When.
        at: Timestamp,
        /// Why.
        reason: FailureReason,
    },
    /// The payer did not push the money in time. Terminal.
    Expired {
        /// When.
        at: Timestamp,
    },
    /// The payer left it for another method, or the session ended. Terminal.
    Cancelled {
        /// When.
        at: Timestamp,
    },
    /// Money came that nobody was waiting for; the merchant accepts or refunds it.
    Received {
        /// When.
        at: Timestamp,
    },
}

/// The name of a [`Status`], for filters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum StatusName {
    /// [`Status::InFlight`].
    InFlight,
    /// [`Status::AwaitingPayer`].
    AwaitingPayer,
    /// [`Status::Unknown`].
    Unknown,
    /// [`Status::Succeeded`].
    Succeeded,
    /// [`Status::Declined`].
    Declined,
    /// [`Status::Failed`].
    Failed,
    /// [`Status::Expired`].
    Expired,
    /// [`Status::Cancelled`].
    Cancelled,
    /// [`Status::Received`].
    Received,
}

impl StatusName {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::InFlight,
        Self::AwaitingPayer,
        Self::Unknown,
        Self::Succeeded,
        Self::Declined,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
        Self::Received,
    ];

    /// The name on the native wire, which is the same for all that are pending.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InFlight | Self::AwaitingPayer | Self::Received => "pending",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Declined => "declined",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Status {
    /// Its name.
    #[must_use]
    pub const fn status_name(&self) -> StatusName {
        match self {
            Self::InFlight { .. } => StatusName::InFlight,
            Self::AwaitingPayer { .. } => StatusName::AwaitingPayer,
            Self::Unknown { .. } => StatusName::Unknown,
            Self::Succeeded { .. } => StatusName::Succeeded,
            Self::Declined { .. } => StatusName::Declined,
            Self::Failed { .. } => StatusName::Failed,
            Self::Expired { .. } => StatusName::Expired,
            Self::Cancelled { .. } => StatusName::Cancelled,
            Self::Received { .. } => StatusName::Received,
        }
    }

    /// Whether it never changes again.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::InFlight { .. }
            | Self::AwaitingPayer { .. }
            | Self::Unknown { .. }
            | Self::Received { .. } => false,
            Self::Succeeded { .. }
            | Self::Declined { .. }
            | Self::Failed { .. }
            | Self::Expired { .. }
            | Self::Cancelled { .. } => true,
        }
    }

    /// The name on the native wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.status_name().as_str()
    }
}
