//! `paydesk listen`: has events sent to a program on this machine, as an endpoint would have them.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use paydesk_core::id::{Ids as _, SystemIds};
use paydesk_core::keys::Secret;
use paydesk_core::time::{Clock as _, SystemClock};
use paydesk_webhooks::{SigningKey, SigningKeys};
use serde_json::Value;

use super::events::{Events, is_wanted, line};
use super::{Api, root_cause, text};
use crate::cli::ListenCommandOptions;

/// How long the program may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Prints and forwards events as they happen, until it is stopped.
pub async fn run(options: ListenCommandOptions) -> anyhow::Result<()> {
    let api = Api::new(&options.api)?;
    let secret = match &options.webhook_secret {
        Some(secret) => Secret::new(secret.clone()),
        None => fresh_secret(),
    };
    let keys = SigningKeys::only(SigningKey::from_secret(&secret)?);
    let mut events = Events::from_now(&api).await?;
    println!("Listening to {}; Ctrl-C ends it.", options.api.url);
    if let Some(to) = &options.forward_to {
        println!("Events are forwarded to {to}, signed as Standard Webhooks.");
        if options.webhook_secret.is_none() {
            println!("The secret to verify them with: {}", secret.reveal());
        }
    }
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()?;
    loop {
        for event in events.next(&api).await? {
            if !is_wanted(&event, &options.types) {
                continue;
            }
            println!("{}", line(&event));
            if let Some(to) = &options.forward_to {
                println!("  {}", forward(&client, to.clone(), &keys, &event).await?);
            }
        }
    }
}

/// Sends one event; says what came back.
async fn forward(
    client: &reqwest::Client,
    to: url::Url,
    keys: &SigningKeys,
    event: &Value,
) -> anyhow::Result<String> {
    let body = serde_json::to_vec(event)?;
    let id = text(event, "id").to_owned();
    let now = SystemClock.now();
    let begun = Instant::now();
    let sent = client
        .post(to)
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", now.as_seconds().to_string())
        .header("webhook-signature", keys.sign(&id, now, &body))
        .body(body)
        .send()
        .await;
    let took = begun.elapsed().as_millis();
    Ok(match sent {
        Ok(answer) => format!("→ {} in {took} ms", answer.status()),
        Err(error) => format!("→ no answer in {took} ms: {}", root_cause(&error)),
    })
}

/// A secret for this run.
fn fresh_secret() -> Secret {
    let mut bytes = [0; 32];
    SystemIds.fill(&mut bytes);
    Secret::new(format!("whsec_{}", STANDARD.encode(bytes)))
}
