//! Products: what can be ordered, and for how much.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::id::ProductId;
use crate::money::Money;
use crate::store::{ClaimKey, NameSpace};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// What can be ordered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// The merchant's own number of it; unique among its products.
    pub number: u64,
    /// What payers read.
    pub title: String,
    /// What one costs.
    pub price: Money,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Product {
    /// Under what a product is found.
    #[must_use]
    pub fn key(number: u64) -> ClaimKey {
        ClaimKey::Name {
            space: NameSpace::Product,
            name: number.to_string(),
        }
    }
}

impl Entry for Product {
    const KIND: EntryKind = EntryKind::Product;

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
