//! The payer's page and API over real sockets, as browsers with and without scripts use them.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

mod acts;
mod arrived;
mod attempts;
mod cards;
mod guards;
mod languages;
mod next_actions;
mod pages;
mod sandbox;
mod state;
mod trouble;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method as Verb, StatusCode};
use paydesk_core::authority::{Authority, Right};
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::money::{Currency, Money};
use paydesk_core::session::{Amount, Door, Kind, Session};
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::transaction::Transaction;
use paydesk_testing::{Answer, TestServer};

/// A payer's browser at a server.
struct Checkout {
    server: TestServer,
    tenant: Tenant,
}

impl Checkout {
    async fn start() -> Self {
        let server = TestServer::start().await;
        let tenant = server.tenant(Mode::Test);
        Self { server, tenant }
    }

    async fn open(&self, request: OpenSession) -> Link {
        let engine = &self.server.engine;
        let session = engine.open_session(self.tenant, request, None).await;
        self.link(&session.expect("a session"), Right::Page)
    }

    fn link(&self, session: &Session, right: Right) -> Link {
        let authority = Authority {
            tenant: self.tenant,
            session: session.id,
            right,
        };
        Link {
            authority,
            text: authority.to_text(self.server.engine.keys()),
        }
    }

    /// The session and its transactions as they are stored.
    async fn stored(&self, link: &Link) -> (Session, Vec<Transaction>) {
        let found = self
            .server
            .engine
            .session(self.tenant, link.authority.session);
        found.await.expect("the session")
    }

    async fn get(&self, path: &str) -> Answer {
        self.server
            .request(Verb::GET, path, &[], Bytes::new())
            .await
    }

    /// Posts one of the page's forms, as a browser that says where it comes from.
    async fn submit(&self, path: &str, form: &str) -> Answer {
        let headers = [FORM, header("sec-fetch-site", "same-origin")];
        self.server
            .request(Verb::POST, path, &headers, form.to_owned())
            .await
    }

    /// Posts JSON, as a script of the page's own origin.
    async fn post(&self, path: &str, json: &str) -> Answer {
        self.server.payer(Verb::POST, path, json.to_owned()).await
    }
}

/// What a payer holds.
struct Link {
    authority: Authority,
    text: String,
}

impl Link {
    fn page(&self) -> String {
        format!("/pay/{}", self.text)
    }

    fn at(&self, below: &str) -> String {
        format!("/pay/{}/{below}", self.text)
    }
}

const FORM: (HeaderName, HeaderValue) = (
    CONTENT_TYPE,
    HeaderValue::from_static("application/x-www-form-urlencoded"),
);
const CARD: &str =
    "method=card&card.number=4242+4242+4242+4242&card.expiry=12%2F40&card.cvc=123&card.name=";

fn header(name: &'static str, value: &'static str) -> (HeaderName, HeaderValue) {
    (
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    )
}

fn card_json(number: &str) -> String {
    format!(
        r#"{{"method":"card","card":{{"number":"{number}","expMonth":12,"expYear":2040,"cvc":"123"}}}}"#
    )
}

fn money(minor: i64, code: &str) -> Money {
    let currency = Currency::from_code(code).expect("a currency");
    Money::from_minor(minor, currency).expect("an amount")
}

/// A session for this much, and nothing else.
fn asking(minor: i64, code: &str) -> OpenSession {
    let amount = Amount::Fixed(money(minor, code));
    OpenSession::new(Door::Native, Kind::Payment, amount)
}

/// What every answer to a payer tells the browser that it must not do.
fn assert_strict(of: &str, status: StatusCode, headers: &HeaderMap) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        let given = headers.get(name).map(|given| given.to_str().expect("text"));
        assert_eq!(given, Some(value), "{of} {status} {name}");
    }
    let policy = &headers["content-security-policy"];
    let policy = policy.to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'"), "{of}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{of}: {policy}");
    assert!(!policy.contains("unsafe"), "{of}: {policy}");
    assert!(headers.contains_key("permissions-policy"), "{of}");
    assert!(!headers.contains_key("set-cookie"), "{of}");
}

/// Where a redirect goes to.
fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.headers[LOCATION].to_str().expect("text").to_owned()
}

/// The path of an address on this server.
fn path(address: &str) -> String {
    let url = url::Url::parse(address).expect("a URL");
    format!(
        "{}{}",
        url.path(),
        url.query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default()
    )
}

/// The value of an attribute in the first tag that contains `within`.
fn attribute(html: &str, within: &str, name: &str) -> String {
    let tag = html
        .split('<')
        .find(|tag| tag.contains(within))
        .unwrap_or_else(|| panic!("no tag has {within}: {html}"));
    let value = tag.split(&format!("{name}=\"")).nth(1);
    let value = value.unwrap_or_else(|| panic!("no {name} in {tag}"));
    let value = value.split('"').next().expect("an end");
    value.replace("&#38;", "&").replace("&amp;", "&")
}
