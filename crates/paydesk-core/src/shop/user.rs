//! Who signs in at a merchant's shop, and what a signed-in user holds.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::token::{TokenKind, UserToken};
use crate::directory::{Entry, EntryKind};
use crate::given::Given;
use crate::id::{SignInId, UserId};
use crate::number::Number;
use crate::store::{ClaimKey, NameSpace};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

/// How long an access token works.
pub const ACCESS_LIFETIME: Span = Span::hours(1);
/// How long a refresh token works that nobody uses.
pub const REFRESH_LIFETIME: Span = Span::days(30);
/// How long a refresh token that was used is answered as it was the first time. The published client refreshes without
/// a lock: calls that expire together all send the same token.
pub const REFRESH_GRACE: Span = Span::seconds(30);
/// As many devices as a user is signed in on at once; the one that was signed in first is then signed out.
pub const MAX_SIGN_INS: usize = 20;

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

/// One signing in on one device: the family of tokens that came of it. They are in no database: [`UserToken`] proves
/// itself, and this record says which generation of them still counts. Without it none does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// Its id.
    pub id: SignInId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// Who signed in.
    pub user: UserId,
    /// With which login.
    pub login: String,
    /// By which way of signing in.
    pub provider: String,
    /// Which generation of refresh tokens counts, from 1.
    pub generation: u32,
    /// Since when; wall time.
    pub renewed_at: Timestamp,
    /// When they signed in; wall time.
    pub created_at: Timestamp,
}

/// What a refresh token that came back is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refresh {
    /// For this refresh token, and nothing changes.
    Answered(TokenKind),
    /// For the first of the next generation.
    Renewed,
    /// For nothing: it was used long ago, so somebody has it who should not. All of the family end.
    Stolen,
    /// For nothing: its time is over.
    Expired,
}

impl SignIn {
    /// When it ends if nobody refreshes it.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.renewed_at.after(REFRESH_LIFETIME)
    }

    /// What a refresh token of this family, of this generation and place within it, is good for at `now`.
    ///
    /// A generation begins when the one before it is used, and takes 30 seconds to settle. Until then the tokens of
    /// the one before are answered as the first was, and its own refresh into another of the same generation: calls
    /// of one client that cross each other cannot end up with a token that counts as used. After that, using a token
    /// of the present generation begins the next, and a token of an earlier one is a stolen one.
    #[must_use]
    pub fn refresh(&self, generation: u32, place: u32, now: Timestamp) -> Refresh {
        if self.expires_at() <= now {
            return Refresh::Expired;
        }
        let settling = now < self.renewed_at.after(REFRESH_GRACE);
        let first = TokenKind::Refresh {
            generation: self.generation,
            place: 0,
        };
        if generation == self.generation {
            // The first generation follows no other: nothing crosses.
            return if settling && generation > 1 {
                Refresh::Answered(TokenKind::Refresh {
                    generation,
                    place: place.saturating_add(1),
                })
            } else {
                Refresh::Renewed
            };
        }
        if settling && generation.checked_add(1) == Some(self.generation) {
            return Refresh::Answered(first);
        }
        Refresh::Stolen
    }

    /// The same, a generation on.
    #[must_use]
    pub fn renewed(self, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            generation: self.generation.saturating_add(1),
            renewed_at: now,
            ..self
        }
    }

    /// A token of the family.
    #[must_use]
    pub const fn token(&self, kind: TokenKind) -> UserToken {
        UserToken {
            tenant: self.tenant,
            sign_in: self.id,
            kind,
        }
    }
}

impl Entry for SignIn {
    const KIND: EntryKind = EntryKind::SignIn;

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
        Some(self.user.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{MerchantId, SeededIds};
    use crate::tenant::Mode;

    const START: Timestamp = Timestamp::from_millis(1_750_000_000_000);

    fn signed_in() -> SignIn {
        let ids = SeededIds::new(1);
        SignIn {
            id: SignInId::fresh(&ids, START),
            tenant: Tenant {
                merchant: MerchantId::fresh(&ids, START),
                mode: Mode::Test,
            },
            version: 1,
            user: UserId::fresh(&ids, START),
            login: "a@example.com".into(),
            provider: "email".into(),
            generation: 1,
            renewed_at: START,
            created_at: START,
        }
    }

    fn token(generation: u32, place: u32) -> Refresh {
        Refresh::Answered(TokenKind::Refresh { generation, place })
    }

    #[test]
    fn the_first_use_begins_a_generation_and_repeats_get_the_same_for_30_seconds() {
        let first = signed_in();
        assert_eq!(first.refresh(1, 0, START), Refresh::Renewed);
        let second = first.renewed(START);
        let after = |seconds| START.after(Span::seconds(seconds));
        for now in [START, after(29)] {
            assert_eq!(second.refresh(1, 0, now), token(2, 0));
        }
        for now in [after(30), after(3600)] {
            assert_eq!(second.refresh(1, 0, now), Refresh::Stolen);
        }
    }

    #[test]
    fn calls_that_cross_each_other_all_hold_a_token_that_still_counts() {
        let second = signed_in().renewed(START);
        // One call got (2, 0) and refreshed again before a slower one came with (1, 0).
        assert_eq!(second.refresh(2, 0, START), token(2, 1));
        assert_eq!(second.refresh(2, 1, START), token(2, 2));
        assert_eq!(second.refresh(1, 0, START), token(2, 0));
        // Whichever of them the client kept, an hour later it begins the next generation.
        let later = START.after(Span::hours(1));
        for place in 0..3 {
            assert_eq!(second.refresh(2, place, later), Refresh::Renewed);
        }
        let third = second.renewed(later);
        for place in 0..3 {
            assert_eq!(third.refresh(2, place, later), token(3, 0));
        }
        let long_after = later.after(REFRESH_GRACE);
        assert_eq!(third.refresh(2, 0, long_after), Refresh::Stolen);
    }

    #[test]
    fn an_unused_family_ends_after_30_days_and_no_future_token_counts() {
        let first = signed_in();
        let ends = START.after(REFRESH_LIFETIME);
        assert_eq!(first.refresh(1, 0, ends), Refresh::Expired);
        assert_eq!(first.refresh(2, 0, START), Refresh::Stolen);
        assert_eq!(first.refresh(u32::MAX, 0, START), Refresh::Stolen);
    }

    #[test]
    fn a_password_hash_is_not_printed() {
        let hash = PasswordHash("$argon2id$secret".into());
        assert!(!format!("{hash:?}").contains("secret"));
    }
}
