//! Restricted keys: made with a secret that is shown once, and revoked.

use super::customers::plain_text;
use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::id::RestrictedKeyId;
use crate::keys::Secret;
use crate::merchant::{ApiKey, Grant};
use crate::refusal::Refusal;
use crate::restricted_key::RestrictedKey;
use crate::store::{Change, Record};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// A key to be made. Which scopes there are is the native API's to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewKey {
    /// What the merchant calls it.
    pub name: Option<String>,
    /// What it opens.
    pub scopes: Vec<String>,
    /// When it ends; wall time.
    pub expires_at: Option<Timestamp>,
}

/// A new key and, once, its secret.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The key.
    pub key: RestrictedKey,
    /// Its secret.
    pub secret: Secret,
}

/// Decides a new key.
pub fn decide_new(
    tenant: Tenant,
    maker: &ApiKey,
    new: NewKey,
    env: Env<'_>,
) -> Result<(Change, MadeKey), EngineError> {
    if let Some(name) = &new.name {
        plain_text("name", name, 100)?;
    }
    if new.expires_at.is_some_and(|at| at <= env.wall) {
        return Err(Refusal::field("expiresAt", "is not in the future").into());
    }
    let secret = Secret::fresh(env.ids, &format!("rk_{}_", tenant.mode));
    let id = RestrictedKeyId::fresh(env.ids, env.wall);
    let hint = secret.reveal().chars().take(14).collect();
    let key = RestrictedKey {
        id,
        tenant,
        version: 1,
        name: new.name,
        scopes: new.scopes.clone(),
        expires_at: new.expires_at,
        secret_hash: Secret::hash(secret.reveal()),
        hint,
        created_at: env.wall,
    };
    let mut change = Change::new(tenant);
    change.puts.push(Record::ApiKey(ApiKey {
        key_id: format!("key_{}_{}", tenant.mode, id.0.simple()),
        secret_hash: key.secret_hash,
        publishable_key: maker.publishable_key.clone(),
        tenant,
        version: 1,
        grant: Grant::Scopes {
            scopes: new.scopes,
            expires_at: new.expires_at,
        },
        created_at: env.wall,
        revoked_at: None,
        ends_at: None,
    }));
    change.puts.push(Record::entry(&key)?);
    Ok((change, MadeKey { key, secret }))
}

/// Decides the end of a key: it opens nothing any more, and its owner no longer sees it.
#[must_use]
pub fn decide_end(key: &RestrictedKey, opening: Option<ApiKey>, env: Env<'_>) -> Change {
    let mut change = Change::new(key.tenant);
    if let Some(mut opening) = opening.filter(|opening| opening.revoked_at.is_none()) {
        opening.version += 1;
        opening.revoked_at = Some(env.wall);
        change.puts.push(Record::ApiKey(opening));
    }
    change.puts.push(Record::removal(key));
    change
}

impl Engine {
    /// Makes a restricted key, for the holder of another.
    pub async fn create_key(
        &self,
        maker: &ApiKey,
        new: NewKey,
        idempotent: Option<Idempotent<MadeKey>>,
    ) -> Result<MadeKey, EngineError> {
        let tenant = maker.tenant;
        self.once(tenant, idempotent.as_ref(), |_| {
            let new = new.clone();
            async move {
                let (change, made) = decide_new(tenant, maker, new, self.env(tenant))?;
                Ok((Some(change), made))
            }
        })
        .await
    }

    /// A restricted key.
    pub async fn restricted_key(
        &self,
        tenant: Tenant,
        id: RestrictedKeyId,
    ) -> Result<RestrictedKey, EngineError> {
        let found = self.store().find(tenant, id.0).await?;
        Ok(found.ok_or(Refusal::KeyNotFound)?)
    }

    /// Revokes a restricted key.
    pub async fn revoke_key(
        &self,
        tenant: Tenant,
        id: RestrictedKeyId,
    ) -> Result<RestrictedKey, EngineError> {
        self.repeat(|_| async move {
            let key = self.restricted_key(tenant, id).await?;
            let opening = self.store().api_key(key.secret_hash).await?;
            Ok((Some(decide_end(&key, opening, self.env(tenant))), key))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::time::Span;

    fn maker(desk: &Desk) -> ApiKey {
        ApiKey {
            key_id: "key_test_1".to_owned(),
            secret_hash: [1; 32],
            publishable_key: "pk_test_1".to_owned(),
            tenant: desk.tenant,
            version: 1,
            grant: Grant::Everything,
            created_at: START,
            revoked_at: None,
            ends_at: None,
        }
    }

    #[test]
    fn a_key_opens_what_it_names_until_it_is_revoked() {
        let desk = Desk::new();
        let new = NewKey {
            name: Some("Reports".to_owned()),
            scopes: vec!["sessions:read".to_owned()],
            expires_at: Some(START.after(Span::days(1))),
        };
        let (change, made) = decide_new(desk.tenant, &maker(&desk), new, desk.env()).unwrap();
        let Some(Record::ApiKey(opening)) = change.puts.first() else {
            panic!("{change:?}")
        };
        assert_eq!(opening.secret_hash, Secret::hash(made.secret.reveal()));
        assert!(
            matches!(&opening.grant, Grant::Scopes { scopes, .. } if scopes == &made.key.scopes)
        );
        let end = decide_end(&made.key, Some(opening.clone()), desk.env());
        assert!(matches!(&end.puts[0], Record::ApiKey(key) if key.revoked_at.is_some()));
        assert_eq!(end.puts.len(), 2);
    }

    #[test]
    fn a_key_does_not_end_before_it_begins() {
        let desk = Desk::new();
        let new = NewKey {
            name: None,
            scopes: Vec::new(),
            expires_at: Some(START),
        };
        let refused = decide_new(desk.tenant, &maker(&desk), new, desk.env()).unwrap_err();
        assert!(matches!(
            refused,
            EngineError::Refused(Refusal::InvalidField { field, .. }) if field == "expiresAt"
        ));
    }
}
