//! Passwords: hashed with Argon2id, a few at a time.
//!
//! A hash takes 19 MiB and some tens of milliseconds on purpose. Two are made at once at most, whoever asks: signing in
//! must not be a way to use the server up.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Argon2, PasswordHash as Phc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::keys::Secret;
use crate::shop::{PasswordHash, ShopRefusal};
use crate::store::Unavailable;

/// As many hashes as are made at once.
const AT_ONCE: usize = 2;
/// How long a caller waits for its turn before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(1);
/// What an unknown login's password is hashed with: it takes the time that a known one's takes.
const NOBODY: [u8; 16] = *b"paydesk/nobody..";

/// Makes and checks hashes, in threads of their own.
#[derive(Debug)]
pub(crate) struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

/// Why a password was not looked at.
#[derive(Debug)]
pub(crate) enum NotHashed {
    /// Too many others were before it.
    TooMany,
    /// The thread or the hash itself failed.
    Failed(Unavailable),
}

impl From<NotHashed> for crate::engine::EngineError {
    fn from(error: NotHashed) -> Self {
        match error {
            NotHashed::TooMany => Self::Refused(ShopRefusal::TooManySigningIn.into()),
            NotHashed::Failed(error) => Self::Unavailable(error),
        }
    }
}

impl Passwords {
    /// The hash of a new password.
    pub(crate) async fn hash(
        &self,
        password: Secret,
        salt: [u8; 16],
    ) -> Result<PasswordHash, NotHashed> {
        self.aside(move || hash(&password, &salt)).await
    }

    /// Whether it is the password of that hash. Without a hash it is not, and takes as long.
    pub(crate) async fn verify(
        &self,
        password: Secret,
        known: Option<PasswordHash>,
    ) -> Result<bool, NotHashed> {
        self.aside(move || match known {
            Some(PasswordHash(known)) => {
                let known = Phc::new(&known).map_err(Unavailable::because)?;
                let given = password.reveal().as_bytes();
                Ok(Argon2::default().verify_password(given, &known).is_ok())
            }
            None => hash(&password, &NOBODY).map(|_| false),
        })
        .await
    }

    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
    ) -> Result<T, NotHashed> {
        let permit: OwnedSemaphorePermit =
            tokio::time::timeout(PATIENCE, Arc::clone(&self.0).acquire_owned())
                .await
                .map_err(|_| NotHashed::TooMany)?
                .map_err(|error| NotHashed::Failed(Unavailable::because(error)))?;
        let done = tokio::task::spawn_blocking(move || {
            // Kept to the end of the work: a caller who goes away does not make room for another.
            let _permit = permit;
            work()
        });
        done.await
            .map_err(Unavailable::because)
            .and_then(|done| done)
            .map_err(NotHashed::Failed)
    }
}

fn hash(password: &Secret, salt: &[u8]) -> Result<PasswordHash, Unavailable> {
    Argon2::default()
        .hash_password_with_salt(password.reveal().as_bytes(), salt)
        .map(|hash: Phc| PasswordHash(hash.to_string()))
        .map_err(Unavailable::because)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_opens_its_own_hash_only_and_no_hash_opens_to_anything() {
        let passwords = Passwords::default();
        let hash = passwords.hash(secret("opensesame"), [7; 16]).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!hash.0.contains("opensesame"));
        for (given, known, right) in [
            ("opensesame", Some(hash.clone()), true),
            ("opensesam", Some(hash.clone()), false),
            ("", Some(hash.clone()), false),
            ("opensesame", None, false),
            ("", None, false),
        ] {
            let verified = passwords.verify(secret(given), known).await.unwrap();
            assert_eq!(verified, right, "{given}");
        }
        let other = passwords.hash(secret("opensesame"), [8; 16]).await.unwrap();
        assert_ne!(hash, other, "salted");
    }

    #[tokio::test]
    async fn who_waits_longer_than_a_second_for_a_turn_is_told_to_come_again() {
        let passwords = Passwords::default();
        let both = Arc::clone(&passwords.0)
            .acquire_many_owned(2)
            .await
            .unwrap();
        let refused = passwords.verify(secret("x"), None).await;
        assert!(matches!(refused, Err(NotHashed::TooMany)));
        drop(both);
        assert!(!passwords.verify(secret("x"), None).await.unwrap());
    }
}
