//! The AccruPay dialect over real sockets, with a clock that is moved by hand.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::format_collect,
    clippy::many_single_char_names,
    clippy::needless_pass_by_value,
    clippy::cloned_ref_to_slice_refs,
    reason = "a test fails by panicking"
)]

mod accounts;
mod guard;
mod input;
mod lists;
mod operations;
mod public;
mod reads;
mod schema;
mod stored_cards;
mod tokens;
mod verify;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use paydesk_core::merchant::Credentials;
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

/// What is asked of a session.
const SESSION: &str = "fragment Session on MerchantClientTransactionSession { id kind action status amount currency \
    providerCode token tokenExpiresAt payload merchantInternalCustomerCode merchantInternalTransactionCode \
    storePaymentMethod transactionProviderId paymentMethodId billingEmail billingAddressState createdAt }";
/// What is asked of a transaction.
const TRANSACTION: &str = "fragment Transaction on MerchantTransaction { id action status amount currency \
    providerCode providerError refundedAmount relatedTransactionId merchantInternalTransactionCode \
    merchantInternalCustomerCode clientTransactionSessionId paymentMethod { id status } voidedAt canceledAt }";

/// A merchant's program in test mode.
struct Shop {
    server: TestServer,
}

impl Shop {
    async fn open() -> Self {
        Self {
            server: TestServer::start().await,
        }
    }

    fn secret(credentials: &Credentials) -> (HeaderName, HeaderValue) {
        (
            HeaderName::from_static("accrupay-api-secret"),
            credentials.secret.reveal().parse().unwrap(),
        )
    }

    /// Posts a body as it is.
    async fn post(&self, headers: &[(HeaderName, HeaderValue)], body: &Value) -> Answer {
        let body = body.to_string();
        self.server
            .request(Method::POST, "/graphql", headers, body)
            .await
    }

    /// Asks with a secret; every answer is HTTP 200.
    async fn ask_as(&self, credentials: &Credentials, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let answer = self.post(&[Self::secret(credentials)], &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    /// Asks in test mode, and has no error.
    async fn ask(&self, query: &str, variables: Value) -> Value {
        let answer = self
            .ask_as(&self.server.merchant.test, query, variables)
            .await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"].clone()
    }

    /// Asks in test mode, and is refused: the error.
    async fn refused(&self, query: &str, variables: Value) -> Value {
        let answer = self
            .ask_as(&self.server.merchant.test, query, variables)
            .await;
        let errors = answer["errors"].as_array().expect("there is an error");
        assert_eq!(errors.len(), 1, "{answer}");
        errors[0].clone()
    }

    /// Starts a session of this kind: `Payment…V2`, `AddPaymentMethod…` or `Authorization…`.
    async fn start(&self, kind: &str, data: Value) -> Value {
        let (query, field) = start_query(kind);
        self.ask(&query, json!({ "data": data })).await[field].clone()
    }

    /// The error of a start that is refused.
    async fn start_refused(&self, kind: &str, data: Value) -> Value {
        let (query, _) = start_query(kind);
        self.refused(&query, json!({ "data": data })).await
    }

    async fn verify(&self, kind: &str, session: &Value) -> Value {
        self.verify_by(kind, "id", session["id"].clone()).await
    }

    async fn verify_by(&self, kind: &str, name: &str, value: Value) -> Value {
        let field = format!("merchantApiClientTransaction{kind}SessionVerify");
        let query = format!(
            "mutation($it: String!) {{ {field}({name}: $it) {{ ...Transaction }} }} {TRANSACTION}"
        );
        self.ask(&query, json!({ "it": value })).await[field].clone()
    }

    /// Pays with a card, as the payer's browser does with the session's token.
    async fn pay(&self, session: &Value, card: &str) -> Answer {
        let token = session["token"].as_str().expect("an open session");
        let body = json!({
            "method": "card",
            "card": {"number": card, "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "Jane"},
        });
        self.server
            .payer(
                Method::POST,
                &format!("/pay/{token}/payments"),
                body.to_string(),
            )
            .await
    }

    /// A session that was paid.
    async fn paid(&self, kind: &str, data: Value) -> Value {
        let session = self.start(kind, data).await;
        let answer = self.pay(&session, GOOD).await;
        assert_eq!(answer.ok()["status"], "succeeded");
        session
    }
}

fn start_query(kind: &str) -> (String, String) {
    let (suffix, data) = match kind {
        "Payment" => ("V2", "Payment"),
        "Authorization" => ("", "Payment"),
        _ => ("", kind),
    };
    let field = format!("merchantApiClientTransaction{kind}SessionStart{suffix}");
    let query = format!(
        "mutation($data: MerchantApiClientTransaction{data}SessionStartSchema!) \
            {{ {field}(data: $data) {{ ...Session }} }} {SESSION}"
    );
    (query, field)
}

const GOOD: &str = "4242424242424242";
const DECLINED: &str = "4000000000009995";
const FAILS: &str = "4000000000000119";
const CHALLENGED: &str = "4000000000003220";
const UNKNOWN: &str = "4000000000005126";
const STORES_ONLY: &str = "4000000000000341";

/// Jane's bill.
fn billing() -> Value {
    json!({
        "billingFirstName": "Jane",
        "billingLastName": "Smith",
        "billingEmail": "jane@example.com",
        "billingAddressCountry": "US",
        "billingPhone": "+12125550100",
        "billingAddressState": "US-NY",
        "billingAddressCity": "New York",
        "billingAddressLine1": "123 Main St",
        "billingAddressPostalCode": "10001",
    })
}

/// A payment of a hundred dollars.
fn payment(code: &str) -> Value {
    json!({
        "merchantInternalTransactionCode": code,
        "amount": "10000",
        "currency": "USD",
        "storePaymentMethod": false,
        "billing": billing(),
        "customer": {"merchantInternalCustomerCode": "customer-4421"},
    })
}

/// The storing of a card.
fn storing(code: &str) -> Value {
    json!({
        "merchantInternalTransactionCode": code,
        "currency": "USD",
        "billing": billing(),
        "customer": {"merchantInternalCustomerCode": "customer-4421"},
    })
}

/// The same with other fields.
fn with(mut data: Value, change: Value) -> Value {
    for (name, value) in change.as_object().unwrap() {
        data[name] = value.clone();
    }
    data
}
