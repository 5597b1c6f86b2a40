//! `paydesk dev`: everything at once, for a first session in five minutes.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use anyhow::Context as _;
use paydesk_api::http::rate_limit::RateLimits;
use paydesk_core::engine::Engine;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::keys::Secret;
use paydesk_core::money::{Currency, Money};
use paydesk_core::outgoing::Policy;
use paydesk_core::rates::Rates;
use paydesk_core::session::{Amount, Door, Kind};
use paydesk_core::tenant::Tenant;

use crate::cli::{DevOptions, StoreOptions};
use crate::merchant::CredentialsOut;
use crate::serve::{Listeners, Server};
use crate::{logs, parts, sandbox};

/// The request of XanPay's documentation, as it stands there, on one line.
const SEED_REQUEST: &str = r#"{"amount":"35","currency":"SGD","redirectUrl":"https://google.com","notifyUrl":"https://google.com/api/notify","notifyPayload":"eyJvcmRlcklkIjogIjI1MSJ9","orders":[{"id":"58109ds9a01","name":"iPhone case","quantity":1,"amount":35}],"customer":{"email":"customer@gmail.com","phone":{"code":"+65","phone":"12345678901"}}}"#;

/// Runs the server with a demo merchant until it is asked to end.
pub async fn run(options: DevOptions) -> anyhow::Result<()> {
    logs::start(true, "warn");
    fs::create_dir_all(&options.data)
        .with_context(|| format!("the folder {} cannot be made", options.data.display()))?;
    let database = options.data.join("paydesk-dev.db");
    let store_options = StoreOptions {
        database: format!("sqlite:{}", database.display()),
        key_file: None,
        keys: None,
        connections: NonZeroUsize::MIN,
    };
    let lock = parts::lock_to_serve(&store_options)?;
    let listeners = Listeners::bind(&options.listen).await?;
    let public_url = listeners.public_url(&options.listen)?;
    let (database, backend, keys) = parts::open_to_serve(&store_options, lock).await?;
    let bank = sandbox::in_process(&database, &public_url)?;
    let outgoing = Policy {
        allow_private: true,
    };
    let engine = parts::engine(
        backend.store(),
        keys,
        Some(bank.clone() as _),
        Rates::default(),
        outgoing,
        &public_url,
    );
    let server = Server::new(
        &options.listen,
        RateLimits::default(),
        outgoing,
        backend,
        engine.clone(),
        Some(bank),
    )?;

    let credentials = demo_merchant(&engine, &options.data.join("paydesk-dev.json")).await?;
    let page = demo_session(&engine, &credentials).await?;
    greet(
        &public_url,
        &listeners.admin.local_addr()?.to_string(),
        &credentials,
        &page,
    );
    server.run(listeners).await
}

/// The demo merchant's test credentials: the last time's, if they still open this database.
async fn demo_merchant(engine: &Engine, file: &Path) -> anyhow::Result<CredentialsOut> {
    if let Ok(text) = fs::read_to_string(file)
        && let Ok(known) = serde_json::from_str::<CredentialsOut>(&text)
        && engine
            .store()
            .api_key(Secret::hash(&known.secret))
            .await?
            .is_some_and(|key| key.is_valid_at(engine.wall()))
    {
        return Ok(known);
    }
    let new = engine.create_merchant("Demo Shop").await?;
    let credentials = CredentialsOut::from(&new.test);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options
        .open(file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    std::io::Write::write_all(
        &mut out,
        serde_json::to_string_pretty(&credentials)?.as_bytes(),
    )?;
    Ok(credentials)
}

/// A session that is ready to be paid, so that there is a page to look at before anything is pasted.
async fn demo_session(engine: &Engine, credentials: &CredentialsOut) -> anyhow::Result<String> {
    let key = engine
        .store()
        .api_key(Secret::hash(&credentials.secret))
        .await?;
    let tenant: Tenant = key.context("the demo merchant's key is gone")?.tenant;
    let currency = Currency::from_code("SGD").context("SGD is a currency")?;
    let mut request = OpenSession::new(
        Door::XanPay,
        Kind::Payment,
        Amount::Fixed(Money::from_minor(3500, currency)?),
    );
    request.title = Some("iPhone case".to_owned());
    let session = engine.open_session(tenant, request, None).await?;
    Ok(engine.page_url(&session))
}

fn greet(url: &str, admin: &str, credentials: &CredentialsOut, page: &str) {
    println!(
        "Paydesk is running at {url} (health and metrics at http://{admin}). Ctrl-C ends it.

Demo merchant, test mode
  key id           {}
  secret           {}
  publishable key  {}
  webhook secret   {}

Open a session as XanPay's documentation does:

curl \\
  -X POST {url}/sessions/ \\
  -u {}:{} \\
  -d '{SEED_REQUEST}'

Its page is {url}/?sessionId=ID&isSandbox=true with the id from the answer.
One is ready to be paid now: {page}
Pay by PayNow (the page links to the sandbox's bank), or by card: 4242 4242 4242 4242 succeeds, 4000 0000 0000 0002
is declined; any future expiry, any CVC.",
        credentials.key_id,
        credentials.secret,
        credentials.publishable_key,
        credentials.webhook_secret,
        credentials.key_id,
        credentials.secret,
    );
}
