//! A shop that sells something, and people who buy there.

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

/// Where users sign up and in.
pub const USERS: &str = "/api/content/users-auth-providers/marker/email/users";
/// Where sessions are.
pub const SESSIONS: &str = "/api/content/payments/sessions";
/// Where orders of tickets are.
pub const TICKETS: &str = "/api/content/orders-storage/marker/tickets/orders";

/// A server whose merchant sells tickets (product 1, 17.50 USD) and tea (product 2, 0.99 USD).
pub async fn shop() -> TestServer {
    let server = TestServer::start().await;
    for (number, title, price) in [(1, "Ticket", "17.50"), (2, "Tea", "0.99")] {
        let product = json!({"title": title, "price": price, "currency": "USD"});
        let path = format!("/api/v1/products/{number}");
        server
            .native(Method::PUT, &path, product.to_string())
            .await
            .ok();
    }
    server
}

/// The header that names the shop.
pub fn app_token(token: &str) -> (HeaderName, HeaderValue) {
    let name = HeaderName::from_static("x-app-token");
    (name, token.parse().expect("a header"))
}

/// A call of a shop's, as nobody in particular.
pub async fn call(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    call_as(server, None, method, path, body).await
}

/// A call of a shop's, with an access token.
pub async fn call_as(
    server: &TestServer,
    access: Option<&str>,
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let mut headers = vec![app_token(&server.merchant.test.publishable_key)];
    if let Some(access) = access {
        let value = format!("Bearer {access}").parse().expect("a header");
        headers.push((AUTHORIZATION, value));
    }
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    server.request(method, path, &headers, body).await
}

/// What somebody signs up or in with.
pub fn auth_data(login: &str, password: &str) -> Value {
    json!([{"marker": "login", "value": login}, {"marker": "password", "value": password}])
}

/// A signed-in user.
pub struct User<'s> {
    /// Where.
    pub server: &'s TestServer,
    /// Acts as the user.
    pub access: String,
    /// Gets the next.
    pub refresh: String,
}

impl<'s> User<'s> {
    /// Signs up and in.
    pub async fn new(server: &'s TestServer, login: &str) -> Self {
        let sign_up = json!({
            "formIdentifier": "reg",
            "langCode": "en_US",
            "authData": auth_data(login, "opensesame"),
            "formData": {"en_US": [{"marker": "last_name", "type": "string", "value": "Doe"}]},
            "notificationData": {"email": login, "phonePush": [], "phoneSMS": "+6591234567"},
        });
        let path = format!("{USERS}/sign-up");
        call(server, Method::POST, &path, sign_up).await.ok();
        Self::sign_in(server, login).await
    }

    /// Signs in who signed up before.
    pub async fn sign_in(server: &'s TestServer, login: &str) -> Self {
        let auth = json!({"authData": auth_data(login, "opensesame")});
        let path = format!("{USERS}/auth");
        let tokens = call(server, Method::POST, &path, auth).await.ok();
        Self {
            server,
            access: text(&tokens, "accessToken"),
            refresh: text(&tokens, "refreshToken"),
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        call_as(self.server, Some(&self.access), method, path, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    /// Orders two tickets.
    pub async fn order(&self) -> Value {
        let order = json!({
            "formIdentifier": "tickets-form",
            "paymentAccountIdentifier": "sandbox",
            "formData": {"en_US": [{"marker": "name", "type": "string", "value": "Doe"}]},
            "products": [{"productId": 1, "quantity": 2}],
        });
        self.post(TICKETS, order).await.ok()
    }

    /// Asks for the session of an order.
    pub async fn session(&self, order: &Value, kind: &str) -> Answer {
        let asked = json!({"orderId": order["id"], "type": kind, "automaticTaxEnabled": false});
        self.post(SESSIONS, asked).await
    }
}

/// A field that is a text.
pub fn text(value: &Value, field: &str) -> String {
    value[field]
        .as_str()
        .unwrap_or_else(|| panic!("{field} is no text in {value}"))
        .to_owned()
}

/// Pays a session on its page by a good card.
pub async fn pay(server: &TestServer, session: &Value) -> Answer {
    let url = text(session, "paymentUrl");
    let path = url.strip_prefix(&server.url).expect("it is our page");
    let card = json!({"number": "4242424242424242", "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "A. Payer"});
    let payment = json!({"method": "card", "card": card});
    let path = format!("{path}/payments");
    server.payer(Method::POST, &path, payment.to_string()).await
}
