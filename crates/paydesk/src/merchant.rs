//! `paydesk merchant`: makes merchants, and replaces their secrets.

use std::sync::Arc;

use anyhow::{Context as _, ensure};
use paydesk_core::engine::Engine;
use paydesk_core::engine::create_merchant::NewMerchant;
use paydesk_core::engine::rotate_secrets::NewSecret;
use paydesk_core::id::MerchantId;
use paydesk_core::merchant::Credentials;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Span;
use serde::Serialize;

use crate::cli::{
    MerchantOptions, ModeOption, RotateSecretOptions, RotateWebhookSecretOptions, SecretOptions,
};
use crate::parts;

/// A new merchant, as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MerchantOut {
    merchant_id: String,
    test: CredentialsOut,
    live: CredentialsOut,
}

/// The credentials of a mode.
#[derive(Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CredentialsOut {
    /// XanPay's API key.
    pub key_id: String,
    /// Everyone's secret.
    pub secret: String,
    /// `OneEntry`'s app token.
    pub publishable_key: String,
    /// What signs notifications.
    pub webhook_secret: String,
}

impl From<&NewMerchant> for MerchantOut {
    fn from(new: &NewMerchant) -> Self {
        Self {
            merchant_id: new.merchant.id.to_string(),
            test: CredentialsOut::from(&new.test),
            live: CredentialsOut::from(&new.live),
        }
    }
}

impl From<&Credentials> for CredentialsOut {
    fn from(credentials: &Credentials) -> Self {
        Self {
            key_id: credentials.key_id.clone(),
            secret: credentials.secret.reveal().to_owned(),
            publishable_key: credentials.publishable_key.clone(),
            webhook_secret: credentials.webhook_secret.reveal().to_owned(),
        }
    }
}

/// Makes a merchant and prints its credentials, once.
pub async fn create(options: MerchantOptions) -> anyhow::Result<()> {
    let (_, backend, keys) = parts::open(&options.store).await?;
    let engine = parts::engine_of_command(&backend, keys, "");
    let out = MerchantOut::from(&engine.create_merchant(&options.name).await?);
    if options.json {
        println!("{}", serde_json::to_string(&out)?);
        return Ok(());
    }
    println!("Merchant {} ({})", options.name, out.merchant_id);
    println!("These secrets are shown once; only their hashes are kept.\n");
    for (mode, credentials) in [("test", &out.test), ("live", &out.live)] {
        println!("{mode}");
        println!("  key id           {}", credentials.key_id);
        println!("  secret           {}", credentials.secret);
        println!("  publishable key  {}", credentials.publishable_key);
        println!("  webhook secret   {}\n", credentials.webhook_secret);
    }
    Ok(())
}

/// A secret that took the place of another, as programs read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretOut<'s> {
    merchant_id: MerchantId,
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secret: Option<&'s str>,
    previous_valid_until: String,
}

impl SecretOut<'_> {
    /// With neither of the secrets yet.
    fn new(tenant: Tenant, new: &NewSecret) -> Self {
        Self {
            merchant_id: tenant.merchant,
            mode: tenant.mode,
            key_id: None,
            secret: None,
            webhook_secret: None,
            previous_valid_until: new.previous_until.to_string(),
        }
    }

    /// Prints it: as JSON, or what is said of it to people.
    fn show(&self, options: &SecretOptions, said: impl FnOnce() -> String) -> anyhow::Result<()> {
        if options.json {
            println!("{}", serde_json::to_string(self)?);
        } else {
            println!("Merchant {}, {}\n{}", self.merchant_id, self.mode, said());
        }
        Ok(())
    }
}

/// Replaces a merchant's secret, and prints the new one, once.
pub async fn rotate_secret(options: RotateSecretOptions) -> anyhow::Result<()> {
    let (engine, tenant) = named(&options.of).await?;
    let overlap = Span::hours(options.overlap);
    let (key, new) = engine.rotate_key(tenant, overlap).await?;
    let out = SecretOut {
        key_id: Some(&key.key_id),
        secret: Some(new.secret.reveal()),
        ..SecretOut::new(tenant, &new)
    };
    let before = if overlap.is_none() {
        "The one before opens nothing any more, within five seconds on running servers.".to_owned()
    } else {
        format!("The one before is valid until {}.", new.previous_until)
    };
    out.show(&options.of, || {
        format!(
            "This secret is shown once; only its hash is kept.\n\n  key id           {}\n  secret           {}\n\n\
            {before}\nIf it was leaked: look through the restricted keys and webhook endpoints, too.",
            key.key_id,
            new.secret.reveal(),
        )
    })
}

/// Replaces the secret of a merchant's notifications, and prints the new one, once.
pub async fn rotate_webhook_secret(options: RotateWebhookSecretOptions) -> anyhow::Result<()> {
    let (engine, tenant) = named(&options.of).await?;
    let overlap = Span::hours(options.overlap);
    let new = engine.rotate_webhook_secret(tenant, overlap).await?;
    let out = SecretOut {
        webhook_secret: Some(new.secret.reveal()),
        ..SecretOut::new(tenant, &new)
    };
    let before = if overlap.is_none() {
        "The one before signs nothing any more.".to_owned()
    } else {
        format!(
            "The one before signs beside it until {}.",
            new.previous_until
        )
    };
    out.show(&options.of, || {
        let secret = new.secret.reveal();
        format!("This secret is shown once.\n\n  webhook secret   {secret}\n\n{before}")
    })
}

/// The tenant that the options name, and an engine over its database.
async fn named(options: &SecretOptions) -> anyhow::Result<(Arc<Engine>, Tenant)> {
    let merchant: MerchantId = options
        .merchant
        .parse()
        .with_context(|| format!("{} is not the id of a merchant", options.merchant))?;
    let (_, backend, keys) = parts::open(&options.store).await?;
    let known = backend.store().merchant(merchant).await?;
    ensure!(known.is_some(), "there is no merchant {merchant}");
    let mode = match options.mode {
        ModeOption::Test => Mode::Test,
        ModeOption::Live => Mode::Live,
    };
    let engine = parts::engine_of_command(&backend, keys, "");
    Ok((engine, Tenant { merchant, mode }))
}
