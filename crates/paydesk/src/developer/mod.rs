//! What a developer does beside a running server: looks at sessions, follows events, has them forwarded, brings
//! them about. All of it speaks the native API with the merchant's own secret, as the merchant's backend would.

pub mod events;
pub mod listen;
pub mod sessions;
pub mod trigger;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::cli::ApiOptions;
use crate::merchant::CredentialsOut;

/// Where `paydesk dev` leaves the demo merchant's credentials.
const DEMO_CREDENTIALS: &str = "paydesk-dev.json";
/// Longer than any answer takes.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A merchant's way to the native API.
pub struct Api {
    client: reqwest::Client,
    base: Url,
    secret: String,
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody answered.
    #[error("{url} does not answer: {reason}. Is the server running, and is --url right?")]
    NoAnswer {
        /// Who was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server said no.
    #[error("the server refused ({status} {code}): {detail}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// The refusal's stable name.
        code: String,
        /// What was wrong.
        detail: String,
    },
}

impl Api {
    /// With the options of a command.
    pub fn new(options: &ApiOptions) -> anyhow::Result<Self> {
        let secret = match &options.secret {
            Some(secret) => secret.clone(),
            None => demo_secret(Path::new(DEMO_CREDENTIALS))?,
        };
        // Only one provider of cryptography can be installed, and it is this one everywhere.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self {
            client,
            base: options.url.clone(),
            secret,
        })
    }

    /// Asks for something of the native API: a path below `/api/v1`.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.ask(Method::GET, &format!("/api/v1{path}"), None).await
    }

    /// Has the native API do something.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.ask(Method::POST, &format!("/api/v1{path}"), Some(body))
            .await
    }

    /// Has the native API change what is at a path below `/api/v1`.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.ask(Method::PATCH, &format!("/api/v1{path}"), Some(body))
            .await
    }

    /// Has the native API take away what is at a path below `/api/v1`.
    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.ask(Method::DELETE, &format!("/api/v1{path}"), None)
            .await
    }

    /// Acts as the payer would, below the page's own address.
    pub async fn pay(&self, page: &str, body: &Value) -> Result<Value, ApiError> {
        let path = page.find("/pay/").and_then(|at| page.get(at..));
        self.ask(Method::POST, path.unwrap_or(page), Some(body))
            .await
    }

    /// Has the sandbox's bank do something.
    pub async fn sandbox(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.ask(Method::POST, &format!("/sandbox{path}"), Some(body))
            .await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let url = format!("{}{path}", self.base.as_str().trim_end_matches('/'));
        let no_answer = |error: reqwest::Error| ApiError::NoAnswer {
            url: self.base.to_string(),
            reason: root_cause(&error),
        };
        let mut request = self
            .client
            .request(method, &url)
            .header("sec-fetch-site", "same-origin");
        if path.starts_with("/api/") {
            request = request.bearer_auth(&self.secret);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(no_answer)?;
        let status = answer.status();
        let text = answer.text().await.map_err(no_answer)?;
        let json: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(json);
        }
        let of = |name: &str| json.get(name).and_then(Value::as_str);
        Err(ApiError::Refused {
            status,
            code: of("code").unwrap_or("no code").to_owned(),
            detail: of("detail").unwrap_or("without saying why").to_owned(),
        })
    }
}

/// The innermost reason, which says the most.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// The demo merchant's secret, in the folder that `paydesk dev` runs in.
fn demo_secret(file: &Path) -> anyhow::Result<String> {
    let Ok(text) = std::fs::read_to_string(file) else {
        bail!(
            "no secret: give --secret or PAYDESK_SECRET, or run this in the folder that `paydesk dev` runs in"
        );
    };
    let known: CredentialsOut = serde_json::from_str(&text)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(known.secret)
}

/// A text of a JSON object, or a dash.
fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or("–")
}
