//! Merchants, their credentials, and their accounts on rails.

use serde::{Deserialize, Serialize};

use crate::endpoint::Replaced;
use crate::id::{Ids, MerchantId, ProviderAccountId};
use crate::keys::{Sealed, Secret};
use crate::method::Method;
use crate::receiver::Receiver;
use crate::tenant::{Mode, Tenant};
use crate::time::Timestamp;

/// Who is paid.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Grows by one with each change.
    pub version: u64,
    /// What payers read.
    pub name: String,
    /// What signs its notifications, per mode; sealed under the server's key.
    pub webhook_secrets: PerMode<Sealed>,
    /// What signed them before, per mode.
    #[serde(default)]
    pub replaced_webhook_secrets: PerMode<Option<Replaced>>,
    /// What it has set, per mode: a test key changes nothing that a live payer meets.
    #[serde(default)]
    pub settings: PerMode<Settings>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One of each mode.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct PerMode<T> {
    /// For test mode.
    pub test: T,
    /// For live mode.
    pub live: T,
}

impl<T> PerMode<T> {
    /// That of a mode.
    #[must_use]
    pub const fn of(&self, mode: Mode) -> &T {
        match mode {
            Mode::Test => &self.test,
            Mode::Live => &self.live,
        }
    }

    /// That of a mode, to be changed.
    #[must_use]
    pub const fn of_mut(&mut self, mode: Mode) -> &mut T {
        match mode {
            Mode::Test => &mut self.test,
            Mode::Live => &mut self.live,
        }
    }
}

/// What a merchant has set for its payers, in one mode.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// What payers read instead of the merchant's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which web origins may call the payer's API from a browser in live mode (in test mode any may).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// The language of pages whose session names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The picture on the page; see [`Logo`](crate::logo::Logo).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// The colour of the page's buttons: `#1a2b3c`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent_colour: Option<String>,
}

impl Merchant {
    /// What it has set in a mode.
    #[must_use]
    pub const fn settings(&self, mode: Mode) -> &Settings {
        self.settings.of(mode)
    }

    /// What payers read.
    #[must_use]
    pub fn shown_name(&self, mode: Mode) -> &str {
        self.settings(mode).name.as_deref().unwrap_or(&self.name)
    }

    /// The sealed webhook secret of a mode.
    #[must_use]
    pub const fn webhook_secret(&self, mode: Mode) -> &Sealed {
        self.webhook_secrets.of(mode)
    }

    /// That which signs beside it at `wall`, while it is being replaced.
    #[must_use]
    pub fn older_webhook_secret(&self, mode: Mode, wall: Timestamp) -> Option<&Sealed> {
        let replaced = self.replaced_webhook_secrets.of(mode).as_ref();
        let valid = replaced.filter(|replaced| wall < replaced.until);
        valid.map(|replaced| &replaced.secret)
    }

    /// What the webhook secret of a tenant is sealed with, so that it opens nowhere else.
    #[must_use]
    pub fn webhook_secret_context(tenant: Tenant) -> Vec<u8> {
        format!("webhook-secret/{}/{}", tenant.merchant, tenant.mode).into_bytes()
    }
}

/// How a program proves that it acts for a merchant. Only hashes are kept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ApiKey {
    /// Public name of the key; XanPay's API key.
    pub key_id: String,
    /// SHA-256 of the secret: what the store finds it by.
    pub secret_hash: [u8; 32],
    /// Names the merchant to a browser client (`x-app-token`); proves nothing.
    pub publishable_key: String,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change.
    pub version: u64,
    /// What it opens.
    #[serde(default)]
    pub grant: Grant,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// When it ends, if another has taken its place; wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

impl ApiKey {
    /// Whether it opens anything at `wall`.
    #[must_use]
    pub fn is_valid_at(&self, wall: Timestamp) -> bool {
        self.revoked_at.is_none() && self.ends_at.is_none_or(|ends_at| wall < ends_at)
    }
}

/// What a key opens.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Grant {
    /// Everything of its tenant.
    #[default]
    Everything,
    /// Nothing by itself: it names the tenant to what anybody may call, and proves nothing. Found by the hash
    /// of the publishable key.
    Publishable,
    /// Only what is named.
    Scopes {
        /// The names, as the native API lists them.
        scopes: Vec<String>,
        /// When it ends; wall time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
}

/// A mode's credentials in the open; shown once.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// XanPay's API key.
    pub key_id: String,
    /// Everyone's secret.
    pub secret: Secret,
    /// `OneEntry`'s app token.
    pub publishable_key: String,
    /// What signs notifications.
    pub webhook_secret: Secret,
}

impl Credentials {
    /// Fresh ones for a mode. The webhook secret is written as Standard Webhooks writes them.
    #[must_use]
    pub fn fresh(ids: &dyn Ids, mode: Mode) -> Self {
        let webhook_secret = Secret::for_webhooks(ids);
        let mut name = [0; 12];
        ids.fill(&mut name);
        let mut publishable = [0; 18];
        ids.fill(&mut publishable);
        let text = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
        Self {
            key_id: format!("key_{mode}_{}", text(&name)),
            secret: Secret::fresh(ids, &format!("sk_{mode}_")),
            publishable_key: format!("pk_{mode}_{}", text(&publishable)),
            webhook_secret,
        }
    }
}

/// Which rail an account is with.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Provider {
    /// Our own sandbox; test mode only.
    Sandbox,
    /// The merchant's own accounts at its banks: payers push money there, and Paydesk moves none of it.
    Bank,
}

impl Provider {
    /// Whether its rail moves money back when it is told to. Where it does not, the merchant does, and says so.
    #[must_use]
    pub const fn moves_money(self) -> bool {
        match self {
            Self::Sandbox => true,
            Self::Bank => false,
        }
    }
}

/// A merchant's account on a rail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProviderAccount {
    /// Its id.
    pub id: ProviderAccountId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change.
    pub version: u64,
    /// With whom.
    pub provider: Provider,
    /// What the merchant calls it.
    pub name: String,
    /// Whether payments may use it.
    pub enabled: bool,
    /// Whether it is used where several are enabled and none is named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_default: bool,
    /// The methods it takes.
    pub methods: Vec<Method>,
    /// At a [bank](Provider::Bank): where the money of each of its methods is pushed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receives: Vec<Receiver>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl ProviderAccount {
    /// Where money is pushed to by this method; nothing if the account has no such place of its own.
    #[must_use]
    pub fn receiver(&self, method: Method) -> Option<&Receiver> {
        self.receives.iter().find(|one| one.method == method)
    }

    /// Whether a payer may pay with this method there now, though a session offers it: a place to push money to may have
    /// been taken away since.
    #[must_use]
    pub fn still_takes(&self, method: Method) -> bool {
        match self.provider {
            Provider::Sandbox => true,
            Provider::Bank => self.receiver(method).is_some(),
        }
    }
}
