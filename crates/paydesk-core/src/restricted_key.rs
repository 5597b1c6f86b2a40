//! Restricted keys, as their owner sees them. The key itself is an [`ApiKey`](crate::merchant::ApiKey), found by the
//! hash of its secret.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::id::RestrictedKeyId;
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// A key that opens only what it names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestrictedKey {
    /// Its id.
    pub id: RestrictedKeyId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// What the merchant calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it opens; the names are the native API's.
    pub scopes: Vec<String>,
    /// When it ends; wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// SHA-256 of its secret: by which it is revoked.
    pub secret_hash: [u8; 32],
    /// The secret's beginning, by which people tell keys apart.
    pub hint: String,
    /// When it was made; wall time.
    pub created_at: Timestamp,
}

impl Entry for RestrictedKey {
    const KIND: EntryKind = EntryKind::RestrictedKey;

    fn tenant(&self) -> Tenant {
        self.tenant
    }
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> u64 {
        self.version
    }
}
