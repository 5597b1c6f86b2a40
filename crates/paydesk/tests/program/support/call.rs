//! Calls over HTTP. One that does not come through is an answer too: that is what a crash looks like.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::Credentials;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        let read = serde_json::from_str(&self.body);
        read.unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The JSON of a successful answer.
    pub fn ok(&self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.body
        );
        self.json()
    }
}

/// Talks to one address, on behalf of a merchant in test mode and of payers.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    base: String,
    credentials: Credentials,
}

impl Caller {
    pub fn new(base: &str, credentials: &Credentials) -> Self {
        // The client wants a provider of cryptography even where it only speaks plain HTTP; there may be one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(40))
            .no_proxy()
            .build();
        Self {
            http: http.unwrap(),
            base: base.to_owned(),
            credentials: credentials.clone(),
        }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// A page, without a key.
    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await.unwrap()
    }

    /// A request to the native API.
    pub fn native(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/api/v1{path}");
        self.request(method, &path)
            .bearer_auth(&self.credentials.secret)
    }

    /// A request to XanPay's API.
    pub fn xanpay(&self, method: Method, path: &str) -> RequestBuilder {
        let Credentials { key_id, secret, .. } = &self.credentials;
        self.request(method, path).basic_auth(key_id, Some(secret))
    }

    /// Opens a session over SGD 35 that can be paid by card.
    pub fn open_session(&self, idempotency_key: &str) -> RequestBuilder {
        let body = json!({"amount": 3500, "currency": "SGD", "methods": ["card", "paynow"]});
        self.native(Method::POST, "/sessions")
            .header("idempotency-key", idempotency_key)
            .header(CONTENT_TYPE, "application/json")
            .body(body.to_string())
    }

    /// A session and its transactions.
    pub fn session(&self, id: &str) -> RequestBuilder {
        self.native(Method::GET, &format!("/sessions/{id}"))
    }

    /// The payer pays by card, from the page.
    pub fn pay(&self, public_id: &str, card: &str) -> RequestBuilder {
        let card = json!({"number": card, "expMonth": 8, "expYear": 2040, "cvc": "737", "name": "A Payer"});
        self.request(Method::POST, &format!("/pay/{public_id}/payments"))
            .header("sec-fetch-site", "same-origin")
            .header(CONTENT_TYPE, "application/json")
            .body(json!({"method": "card", "card": card}).to_string())
    }

    /// The merchant gives a charge back.
    pub fn refund(&self, charge: &str, idempotency_key: &str) -> RequestBuilder {
        self.xanpay(Method::POST, &format!("/charges/{charge}/refunds"))
            .header("idempotency-key", idempotency_key)
    }
}

/// Sends a request and reads the answer to its end.
pub async fn send(request: RequestBuilder) -> reqwest::Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    Ok(Answer {
        status,
        body: response.text().await?,
    })
}
