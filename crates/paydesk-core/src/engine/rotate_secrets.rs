//! Gives a merchant other secrets in one mode: the one that its programs call with, and the one that signs its
//! notifications.

use super::{Engine, EngineError, Env};
use crate::endpoint::Replaced;
use crate::keys::{Secret, ServerKeys};
use crate::merchant::{ApiKey, Grant, Merchant};
use crate::store::{Change, Record, Unavailable};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};

/// A secret that took the place of another, once in the open.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// The secret.
    pub secret: Secret,
    /// Until when the one before is valid; wall time.
    pub previous_until: Timestamp,
}

/// Decides another main key. All before it end after `overlap`, or when they would have ended anyway; those that are no
/// main keys stay. Nothing, if there is no main key to take the place of.
#[must_use]
pub fn decide_key(
    keys: Vec<ApiKey>,
    overlap: Span,
    env: Env<'_>,
) -> Option<(Change, ApiKey, NewSecret)> {
    let until = env.wall.after(overlap);
    let mut main = keys
        .into_iter()
        .filter(|key| key.grant == Grant::Everything)
        .peekable();
    let before = main.peek()?;
    let tenant = before.tenant;
    let secret = Secret::fresh(env.ids, &format!("sk_{}_", tenant.mode));
    let after = ApiKey {
        secret_hash: Secret::hash(secret.reveal()),
        version: 1,
        created_at: env.wall,
        revoked_at: None,
        ends_at: None,
        ..before.clone()
    };
    let mut change = Change::new(tenant);
    for mut key in main.filter(|key| key.is_valid_at(env.wall)) {
        if overlap.is_none() {
            key.revoked_at = Some(env.wall);
        } else {
            key.ends_at = Some(key.ends_at.map_or(until, |ends_at| ends_at.min(until)));
        }
        key.version += 1;
        change.puts.push(Record::ApiKey(key));
    }
    change.puts.push(Record::ApiKey(after.clone()));
    let new = NewSecret {
        secret,
        previous_until: until,
    };
    Some((change, after, new))
}

/// Decides another webhook secret. The one before signs beside it for `overlap`; one before that does not.
#[must_use]
pub fn decide_webhook_secret(
    mut merchant: Merchant,
    tenant: Tenant,
    overlap: Span,
    keys: &ServerKeys,
    env: Env<'_>,
) -> (Change, NewSecret) {
    let secret = Secret::for_webhooks(env.ids);
    let context = Merchant::webhook_secret_context(tenant);
    let sealed = keys.seal(env.ids, &context, secret.reveal().as_bytes());
    let until = env.wall.after(overlap);
    let replaced = std::mem::replace(merchant.webhook_secrets.of_mut(tenant.mode), sealed);
    *merchant.replaced_webhook_secrets.of_mut(tenant.mode) =
        (!overlap.is_none()).then_some(Replaced {
            secret: replaced,
            until,
        });
    merchant.version += 1;
    merchant.updated_at = env.wall;
    let mut change = Change::new(tenant);
    change.puts.push(Record::Merchant(merchant));
    let new = NewSecret {
        secret,
        previous_until: until,
    };
    (change, new)
}

impl Engine {
    /// Gives a tenant another main key, with the same public names. Running servers may take the one before for as
    /// long as they remember keys.
    pub async fn rotate_key(
        &self,
        tenant: Tenant,
        overlap: Span,
    ) -> Result<(ApiKey, NewSecret), EngineError> {
        self.repeat(|_| async move {
            let keys = self.store().api_keys(tenant).await?;
            let (change, key, new) = decide_key(keys, overlap, self.env(tenant))
                .ok_or_else(|| Unavailable::because("the merchant has no key"))?;
            Ok((Some(change), (key, new)))
        })
        .await
    }

    /// Gives a tenant another secret for its notifications.
    pub async fn rotate_webhook_secret(
        &self,
        tenant: Tenant,
        overlap: Span,
    ) -> Result<NewSecret, EngineError> {
        self.repeat(|_| async move {
            let merchant = self.merchant(tenant).await?;
            let env = self.env(tenant);
            let (change, new) = decide_webhook_secret(merchant, tenant, overlap, self.keys(), env);
            Ok((Some(change), new))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::create_merchant;
    use super::super::fixtures::*;
    use super::*;
    use crate::tenant::Mode;

    /// The keys of a new merchant's test mode.
    fn keys(desk: &Desk) -> Vec<ApiKey> {
        let server_keys = ServerKeys::generate(&desk.ids);
        let (change, _) = create_merchant::decide("Tea House", &server_keys, desk.env()).unwrap();
        written(&change)
            .filter(|key| key.tenant.mode == Mode::Test)
            .collect()
    }

    fn written(change: &Change) -> impl Iterator<Item = ApiKey> {
        change.puts.iter().filter_map(|record| match record {
            Record::ApiKey(key) => Some(key.clone()),
            _ => None,
        })
    }

    #[test]
    fn the_main_key_before_ends_and_the_publishable_one_stays() {
        let desk = Desk::new();
        let before = keys(&desk);
        let (change, after, new) = decide_key(before.clone(), Span::NONE, desk.env()).unwrap();
        let main = &before[0];
        assert_eq!(after.secret_hash, Secret::hash(new.secret.reveal()));
        assert_eq!(after.key_id, main.key_id);
        assert_eq!(after.publishable_key, main.publishable_key);
        assert!(new.secret.reveal().starts_with("sk_test_"));
        let written: Vec<_> = written(&change).collect();
        let [ended, added] = &written[..] else {
            panic!("{written:?}")
        };
        assert_eq!(ended.secret_hash, main.secret_hash);
        assert_eq!((ended.version, ended.revoked_at), (2, Some(START)));
        assert!(!ended.is_valid_at(START));
        assert_eq!(added, &after);
    }

    #[test]
    fn with_an_overlap_both_open_and_rotating_again_cuts_it_short() {
        let desk = Desk::new();
        let (change, ..) = decide_key(keys(&desk), Span::hours(2), desk.env()).unwrap();
        let all: Vec<_> = written(&change).collect();
        assert_eq!(all[0].ends_at, Some(START.after(Span::hours(2))));
        assert!(all.iter().all(|key| key.is_valid_at(START)));
        assert!(!all[0].is_valid_at(START.after(Span::hours(2))));

        let (longer, ..) = decide_key(all.clone(), Span::hours(9), desk.env()).unwrap();
        let ends: Vec<_> = written(&longer).map(|key| key.ends_at).collect();
        let after = |hours| Some(START.after(Span::hours(hours)));
        assert_eq!(ends, [after(2), after(9), None]);

        let (at_once, ..) = decide_key(all, Span::NONE, desk.env()).unwrap();
        let valid = written(&at_once).filter(|key| key.is_valid_at(START));
        assert_eq!(valid.count(), 1, "the new one");
    }
}
