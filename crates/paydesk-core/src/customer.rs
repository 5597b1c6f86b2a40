//! Customers: who pays, as the merchant knows them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::id::CustomerId;
use crate::store::{ClaimKey, NameSpace};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// Somebody who pays, known by the merchant's own code. Sessions and stored cards name the code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// The merchant's own code; unique per tenant, and never changes.
    pub code: String,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Email address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Customer {
    /// What a customer with this code holds.
    #[must_use]
    pub fn claim(code: &str) -> ClaimKey {
        ClaimKey::Name {
            space: NameSpace::Customer,
            name: code.to_owned(),
        }
    }
}

impl Entry for Customer {
    const KIND: EntryKind = EntryKind::Customer;

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
