//! Webhook endpoints: where a merchant hears of everything that happens, beside a session's own notify address.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind, EntryPage};
use crate::event::EventKind;
use crate::id::EndpointId;
use crate::keys::Sealed;
use crate::store::{Store, Unavailable};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

/// As many endpoints as a tenant may have: each event is sent to every one of them.
pub const MAX_ENDPOINTS: usize = 16;
/// How long a replaced secret is valid beside its successor.
pub const OVERLAP: Span = Span::hours(24);
/// An endpoint that took nothing for so long is disabled.
pub const PATIENCE: Span = Span::days(5);
/// The list of those that are enabled: who has an entry in it has an [audience](AUDIENCE).
const ENABLED: &str = "enabled";
/// The list of entries that makes a tenant's events be told: while there is an entry in it, a store keeps each event
/// that it appends as undispatched.
pub const AUDIENCE: (EntryKind, &str) = (EntryKind::Endpoint, ENABLED);

/// In which words an endpoint is told, and how that is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndpointFormat {
    /// Our own event, signed as Standard Webhooks has it.
    Standard,
    /// As Modem Pay's client reads it.
    ModemPay,
}

/// Whether an endpoint is told anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Standing {
    /// It is.
    Enabled,
    /// It is not.
    Disabled {
        /// Since when; wall time.
        at: Timestamp,
        /// Why.
        why: DisabledBecause,
    },
}

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DisabledBecause {
    /// The merchant said so.
    Merchant,
    /// It answered 410 Gone.
    Gone,
    /// It took nothing for [`PATIENCE`].
    Failing,
}

/// A secret that was replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Replaced {
    /// The secret, sealed.
    pub secret: Sealed,
    /// Until when it is valid; wall time.
    pub until: Timestamp,
}

/// An address that a tenant's events are sent to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// Where to.
    pub url: String,
    /// What the merchant says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// In which words.
    pub format: EndpointFormat,
    /// Of which kinds of events; of all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventKind>,
    /// Whether it is told.
    pub standing: Standing,
    /// What signs; sealed under the server's key.
    pub secret: Sealed,
    /// What signed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Replaced>,
    /// Since when it has taken nothing; wall time. Nothing while it takes what it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// When it was made; wall time.
    pub created_at: Timestamp,
    /// When it last changed; wall time.
    pub updated_at: Timestamp,
}

impl Entry for Endpoint {
    const KIND: EntryKind = EntryKind::Endpoint;

    fn tenant(&self) -> Tenant {
        self.tenant
    }

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn group(&self) -> Option<String> {
        self.is_enabled().then(|| ENABLED.to_owned())
    }
}

impl Endpoint {
    /// Whether it is told anything.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        matches!(self.standing, Standing::Enabled)
    }

    /// Whether it is told of events of this kind.
    #[must_use]
    pub fn hears(&self, kind: EventKind) -> bool {
        self.is_enabled() && (self.events.is_empty() || self.events.contains(&kind))
    }

    /// What its secrets are sealed with, so that they open nowhere else.
    #[must_use]
    pub fn secret_context(tenant: Tenant, id: EndpointId) -> Vec<u8> {
        format!("endpoint-secret/{}/{}/{id}", tenant.merchant, tenant.mode).into_bytes()
    }

    /// Its secrets that are valid at `wall`, newest first.
    pub fn secrets(&self, wall: Timestamp) -> impl Iterator<Item = &Sealed> {
        let replaced = self.replaced.as_ref();
        let older = replaced.filter(move |replaced| wall < replaced.until);
        std::iter::once(&self.secret).chain(older.map(|replaced| &replaced.secret))
    }

    /// All enabled endpoints of a tenant.
    pub async fn audience(store: &dyn Store, tenant: Tenant) -> Result<Vec<Self>, Unavailable> {
        // A few at the very most: more than the bound only where several were made at the same moment.
        store
            .list(tenant, EntryPage::first(8 * MAX_ENDPOINTS).of(ENABLED))
            .await
    }
}
