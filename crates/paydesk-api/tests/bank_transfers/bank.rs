//! A merchant with an account at a bank of its own, and the payers who push money there.

use http::{HeaderName, HeaderValue, Method};
use paydesk_core::merchant::Credentials;
use paydesk_core::tenant::Mode;
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

use super::{TRANSFERS, said};

pub const ACCOUNTS: &str = "/api/v1/providerAccounts";
/// The merchant's UEN.
pub const UEN: &str = "201403121W";

/// A merchant in one mode.
pub struct Desk<'s> {
    pub server: &'s TestServer,
    pub credentials: Credentials,
}

/// An account for `PayNow` and for transfers in Hong Kong.
pub fn account() -> Value {
    json!({"provider": "BANK", "name": "Our bank", "receives": [
        {"method": "paynow", "account": UEN, "accountName": "Tea House Pte Ltd"},
        {
            "method": "hk-bank-transfer", "account": "012-345-678901234", "accountName": "Tea House (HK) Ltd",
            "bank": "Bank of Tea",
        },
    ]})
}

impl<'s> Desk<'s> {
    /// The test server's merchant, with nothing configured.
    pub fn of(server: &'s TestServer, mode: Mode) -> Self {
        Self {
            server,
            credentials: server.credentials(mode).clone(),
        }
    }

    /// The test server's merchant in live mode, with an account at its bank.
    pub async fn live(server: &'s TestServer) -> Self {
        Self::of(server, Mode::Live).with_account().await
    }

    pub async fn with_account(self) -> Self {
        self.post(ACCOUNTS, &account()).await.ok();
        self
    }

    pub async fn send(&self, method: Method, path: &str, body: String) -> Answer {
        let authorization = TestServer::bearer(&self.credentials);
        let headers = [(http::header::AUTHORIZATION, authorization)];
        self.server.request(method, path, &headers, body).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, String::new()).await.ok()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body.to_string()).await
    }

    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [
            (
                http::header::AUTHORIZATION,
                TestServer::bearer(&self.credentials),
            ),
            (
                HeaderName::from_static("idempotency-key"),
                HeaderValue::from_str(key).unwrap(),
            ),
        ];
        let body = body.to_string();
        self.server
            .request(Method::POST, path, &headers, body)
            .await
    }

    pub async fn open(&self, amount: i64, currency: &str) -> Value {
        let order = json!({"amount": amount, "currency": currency});
        self.post("/api/v1/sessions", &order).await.ok()
    }

    /// The payer chooses a method.
    pub async fn begin(&self, session: &Value, method: &str) -> Answer {
        let path = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
        let body = json!({ "method": method }).to_string();
        self.server.payer(Method::POST, &path, body).await
    }

    /// A session of 35 Singapore dollars that waits for a `PayNow` payment.
    pub async fn waiting(&self) -> Value {
        let session = self.open(3_500, "SGD").await;
        self.begin(&session, "paynow").await.ok();
        self.now(&session).await
    }

    pub async fn now(&self, session: &Value) -> Value {
        let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
        self.get(&path).await
    }

    pub async fn report(&self, body: &Value) -> Answer {
        self.post(TRANSFERS, body).await
    }

    /// A session that was paid, with what was asked for.
    pub async fn paid(&self, bank_id: &str) -> Value {
        let session = self.waiting().await;
        self.report(&said(&session, bank_id, 3_500)).await.ok();
        self.now(&session).await
    }
}

/// The id of a session's first payment.
pub fn payment_of(session: &Value) -> &str {
    session["transactions"][0]["id"].as_str().unwrap()
}
