//! Who signs up at a merchant's shop.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::given::Given;
use crate::id::UserId;
use crate::number::Number;
use crate::store::{ClaimKey, NameSpace};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// Somebody who orders. A guest is one too, with a login and a password that the shop made up.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// By which of the shop's ways of signing in they came.
    pub provider: String,
    /// What they sign in with, as they wrote it.
    pub login: String,
    /// What proves it.
    pub password: PasswordHash,
    /// Whether the shop made login and password up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_guest: bool,
    /// Which form was filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// What was filled in; comes back as given.
    #[serde(default, skip_serializing_if = "Given::is_null")]
    pub form_data: Given,
    /// How they may be reached.
    #[serde(default)]
    pub contacts: Contacts,
    /// Their language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// When they signed up.
    pub created_at: Timestamp,
    /// When they last changed.
    pub updated_at: Timestamp,
}

/// How a user may be reached.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contacts {
    /// Email address.
    pub email: String,
    /// Telephones for push messages.
    pub phone_push: Vec<String>,
    /// Telephone for text messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_sms: Option<String>,
}

/// A password as the database holds it: Argon2id in the PHC string format, which carries its salt and cost.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(pub(crate) String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

impl User {
    /// Their number, for clients that take no other id.
    #[must_use]
    pub const fn number(&self) -> Number {
        Number::of(self.id.0)
    }

    /// Under what a user is found: logins differ in more than case and the space around them.
    #[must_use]
    pub fn key(provider: &str, login: &str) -> ClaimKey {
        ClaimKey::Name {
            space: NameSpace::Login,
            name: format!("{provider}/{}", login.trim().to_lowercase()),
        }
    }
}

impl Entry for User {
    const KIND: EntryKind = EntryKind::User;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_hash_is_not_printed() {
        let hash = PasswordHash("$argon2id$secret".into());
        assert!(!format!("{hash:?}").contains("secret"));
    }
}
