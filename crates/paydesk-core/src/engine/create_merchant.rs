//! Makes a merchant with credentials for both modes, and a sandbox account for test mode.

use super::{Engine, EngineError, Env};
use crate::id::{MerchantId, ProviderAccountId};
use crate::keys::{Secret, ServerKeys};
use crate::merchant::{ApiKey, Credentials, Grant, Merchant, PerMode, Provider, ProviderAccount};
use crate::method::Method;
use crate::refusal::Refusal;
use crate::store::{Change, Record};
use crate::tenant::{Mode, Tenant};

/// A new merchant and, once, its credentials in the open.
#[derive(Clone, Debug)]
pub struct NewMerchant {
    /// The merchant.
    pub merchant: Merchant,
    /// For test mode.
    pub test: Credentials,
    /// For live mode.
    pub live: Credentials,
}

/// Decides a new merchant. A new merchant has one enabled sandbox account in test mode and none in live mode.
pub fn decide(
    name: &str,
    keys: &ServerKeys,
    env: Env<'_>,
) -> Result<(Change, NewMerchant), Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Refusal::field(
            "name",
            "is not a name of 1 to 100 characters",
        ));
    }
    let id = MerchantId::fresh(env.ids, env.wall);
    let tenant = |mode| Tenant { merchant: id, mode };
    let credentials = |mode| Credentials::fresh(env.ids, mode);
    let (test, live) = (credentials(Mode::Test), credentials(Mode::Live));
    let seal = |credentials: &Credentials, mode| {
        let context = Merchant::webhook_secret_context(tenant(mode));
        keys.seal(
            env.ids,
            &context,
            credentials.webhook_secret.reveal().as_bytes(),
        )
    };
    let merchant = Merchant {
        id,
        version: 1,
        name: name.to_owned(),
        webhook_secrets: PerMode {
            test: seal(&test, Mode::Test),
            live: seal(&live, Mode::Live),
        },
        replaced_webhook_secrets: PerMode::default(),
        settings: PerMode::default(),
        created_at: env.now,
        updated_at: env.now,
    };
    let api_key = |credentials: &Credentials, mode| ApiKey {
        key_id: credentials.key_id.clone(),
        secret_hash: Secret::hash(credentials.secret.reveal()),
        publishable_key: credentials.publishable_key.clone(),
        tenant: tenant(mode),
        version: 1,
        grant: Grant::Everything,
        created_at: env.now,
        revoked_at: None,
        ends_at: None,
    };
    let publishable_key = |credentials: &Credentials, mode| ApiKey {
        secret_hash: Secret::hash(&credentials.publishable_key),
        grant: Grant::Publishable,
        ..api_key(credentials, mode)
    };
    let mut change = Change::new(tenant(Mode::Test));
    change.puts = vec![
        Record::Merchant(merchant.clone()),
        Record::ApiKey(api_key(&test, Mode::Test)),
        Record::ApiKey(api_key(&live, Mode::Live)),
        Record::ApiKey(publishable_key(&test, Mode::Test)),
        Record::ApiKey(publishable_key(&live, Mode::Live)),
        Record::ProviderAccount(ProviderAccount {
            id: ProviderAccountId::fresh(env.ids, env.wall),
            tenant: tenant(Mode::Test),
            version: 1,
            provider: Provider::Sandbox,
            name: "Sandbox".to_owned(),
            enabled: true,
            is_default: false,
            methods: Method::ALL.to_vec(),
            receives: Vec::new(),
            created_at: env.now,
            updated_at: env.now,
        }),
    ];
    Ok((
        change,
        NewMerchant {
            merchant,
            test,
            live,
        },
    ))
}

impl Engine {
    /// Makes a merchant.
    pub async fn create_merchant(&self, name: &str) -> Result<NewMerchant, EngineError> {
        self.repeat(|_| async move {
            let tenant = Tenant {
                merchant: MerchantId(uuid::Uuid::nil()),
                mode: Mode::Test,
            };
            let (change, merchant) = decide(name, self.keys(), self.env(tenant))?;
            Ok((Some(change), merchant))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn a_merchant_has_credentials_for_both_modes_and_a_sandbox_in_test_mode_only() {
        let desk = Desk::new();
        let keys = ServerKeys::generate(&desk.ids);
        let (change, made) = decide("  Tea House ", &keys, desk.env()).unwrap();
        assert_eq!(made.merchant.name, "Tea House");
        let mut modes = Vec::new();
        for record in &change.puts {
            match record {
                Record::ProviderAccount(account) => {
                    assert_eq!(account.tenant.mode, Mode::Test);
                    assert!(account.enabled);
                }
                Record::ApiKey(key) if key.grant == Grant::Publishable => {
                    let hashes =
                        [&made.test, &made.live].map(|own| Secret::hash(&own.publishable_key));
                    assert!(hashes.contains(&key.secret_hash));
                }
                Record::ApiKey(key) => {
                    let own = match key.tenant.mode {
                        Mode::Test => &made.test,
                        Mode::Live => &made.live,
                    };
                    assert_eq!(key.secret_hash, Secret::hash(own.secret.reveal()));
                    modes.push(key.tenant.mode);
                }
                Record::Merchant(merchant) => assert_eq!(*merchant, made.merchant),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(modes, [Mode::Test, Mode::Live]);
        assert_ne!(made.test.secret.reveal(), made.live.secret.reveal());
        for (mode, own) in [(Mode::Test, &made.test), (Mode::Live, &made.live)] {
            let merchant = made.merchant.id;
            let context = Merchant::webhook_secret_context(Tenant { merchant, mode });
            let opened = keys.open(&context, made.merchant.webhook_secret(mode));
            assert_eq!(opened.unwrap().reveal(), own.webhook_secret.reveal());
        }
    }

    #[test]
    fn a_name_is_what_a_payer_can_read() {
        let desk = Desk::new();
        let keys = ServerKeys::generate(&desk.ids);
        for name in ["", "   ", "Tea\nHouse", &"x".repeat(101)] {
            let refused = decide(name, &keys, desk.env()).unwrap_err();
            assert!(
                matches!(&refused, Refusal::InvalidField { field, .. } if field == "name"),
                "{name:?}: {refused:?}"
            );
        }
        assert!(decide(&"é".repeat(100), &keys, desk.env()).is_ok());
    }
}
