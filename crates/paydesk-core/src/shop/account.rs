//! How a shop uses an account on a rail.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::id::ProviderAccountId;
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

/// What a merchant set for the sessions that go through an account. The account itself is the rail's; an account
/// without settings uses the defaults.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSettings {
    /// Of which account; also their own id.
    pub account: ProviderAccountId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// What a shop calls the account; its name in lower case if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Where payers go after paying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where payers go after giving up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// How long its sessions live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_timeout: Option<Span>,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

impl Entry for AccountSettings {
    const KIND: EntryKind = EntryKind::AccountSettings;

    fn tenant(&self) -> Tenant {
        self.tenant
    }

    fn id(&self) -> Uuid {
        self.account.0
    }

    fn version(&self) -> u64 {
        self.version
    }
}
