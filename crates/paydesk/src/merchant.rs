//! `paydesk merchant create`.

use paydesk_core::engine::create_merchant::NewMerchant;
use paydesk_core::merchant::Credentials;
use paydesk_core::rates::Rates;
use serde::Serialize;

use crate::cli::MerchantOptions;
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
    let engine = parts::engine(backend.store(), keys, None, Rates::default(), "");
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
