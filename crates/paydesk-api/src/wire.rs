//! What the dialects' wires have in common: exact numbers, times, amounts as they were written, and the
//! idempotency key.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::idempotency::Idempotent;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::id::TransactionId;
use paydesk_core::merchant::ApiKey;
use paydesk_core::money::{AmountError, Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::Session;
use paydesk_core::store::{Answer, IdempotencyKey, StoredAnswer};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::app::App;

/// A time as all our wires write it.
#[derive(Clone, Copy, Debug)]
pub struct Iso(pub Timestamp);

impl Serialize for Iso {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Money as a JSON number in major units: `35`, `35.5`. Exact: an amount has at most fifteen digits, and the
/// nearest double to such a number is written back as the same digits.
#[derive(Clone, Copy, Debug)]
pub struct MajorNumber(pub Money);

impl Serialize for MajorNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unit = 10_i64.pow(u32::from(self.0.currency().exponent()));
        if self.0.minor() % unit == 0 {
            return serializer.serialize_i64(self.0.minor() / unit);
        }
        #[allow(clippy::cast_precision_loss, reason = "both are far below 2^53")]
        serializer.serialize_f64(self.0.minor() as f64 / unit as f64)
    }
}

/// An amount in major units as the caller wrote it, string or number: kept as text, so that no float is ever
/// made of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct WrittenAmount(Box<RawValue>);

impl WrittenAmount {
    /// Reads it exactly; `field` is what a refusal names.
    pub fn read(&self, field: &str, currency: Currency) -> Result<Money, Refusal> {
        let raw = self.0.get();
        let text: Cow<'_, str> = match raw.as_bytes().first() {
            Some(b'"') => serde_json::from_str::<String>(raw)
                .map(Cow::Owned)
                .unwrap_or_default(),
            Some(b'-' | b'0'..=b'9') => Cow::Borrowed(raw),
            Some(b'n') => return Err(Refusal::field(field, "is null; it is required")),
            _ => {
                return Err(Refusal::field(
                    field,
                    "is not a number or a string with a number, such as 35 or \"35.50\"",
                ));
            }
        };
        Money::from_major(&text, currency).map_err(|error: AmountError| Refusal::InvalidAmount {
            field: field.to_owned(),
            error,
        })
    }
}

/// A JSON answer.
pub fn json(status: StatusCode, body: Bytes) -> Response {
    let mut response = (status, body).into_response();
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Writes a value that cannot fail to be written: no map with odd keys, no foreign serializer.
pub fn bytes<T: Serialize>(value: &T) -> Bytes {
    list_bytes(value, 1)
}

/// The same for a list of so many.
pub fn list_bytes<T: Serialize>(value: &T, count: usize) -> Bytes {
    // Most answers fit: one allocation instead of one for each doubling.
    let mut body = Vec::with_capacity(1_536 * count.max(1));
    if let Err(error) = serde_json::to_writer(&mut body, value) {
        tracing::error!(%error, "an answer could not be written");
        body = b"{}".to_vec();
    }
    body.into()
}

/// A request that may have been sent before, as its headers say.
#[derive(Clone)]
pub struct Repeatable {
    /// What it is known by.
    pub key: IdempotencyKey,
    /// SHA-256 of its body.
    pub body_hash: [u8; 32],
}

impl Repeatable {
    /// Reads the `Idempotency-Key` header, if there is one. `route` is method and path pattern.
    pub fn of(
        headers: &HeaderMap,
        caller: &ApiKey,
        route: &str,
        body: &[u8],
    ) -> Result<Option<Self>, Refusal> {
        let Some(header) = headers.get("idempotency-key") else {
            return Ok(None);
        };
        let right = "is not a key of 1 to 255 printable characters";
        let key = header
            .to_str()
            .map_err(|_| Refusal::field("Idempotency-Key", right))?;
        if key.is_empty() || key.len() > 255 {
            return Err(Refusal::field("Idempotency-Key", right));
        }
        Ok(Some(Self {
            key: IdempotencyKey {
                scope: format!("{} {route}", caller.key_id),
                key: key.to_owned(),
            },
            body_hash: Sha256::digest(body).into(),
        }))
    }

    /// The same for the engine, which has the reply rendered into the commit that it belongs to.
    pub fn rendered<R>(
        self,
        render: impl Fn(&R) -> Answer + Send + Sync + 'static,
    ) -> Idempotent<R> {
        Idempotent {
            key: self.key,
            body_hash: self.body_hash,
            render: Arc::new(move |reply| {
                let answer = render(reply);
                StoredAnswer::Bytes {
                    status: answer.status,
                    body: String::from_utf8_lossy(&answer.body).into_owned(),
                }
            }),
        }
    }
}

/// What is known of a request that may have been sent before.
pub enum Repeated {
    /// Nothing: it is new, or cannot be told from a new one.
    New(Option<Repeatable>),
    /// Its first answer, byte for byte.
    Answered(Response),
    /// The process that would have answered is gone; the answer is what this transaction now says.
    Became(TransactionId),
}

/// Looks up whether a request was sent before. Refuses the key of another body, and of a request that is running.
pub async fn repeated(
    app: &App,
    tenant: Tenant,
    repeatable: Option<Repeatable>,
) -> Result<Repeated, EngineError> {
    let Some(repeatable) = repeatable else {
        return Ok(Repeated::New(None));
    };
    let known = app
        .engine
        .replay(tenant, &repeatable.key, repeatable.body_hash)
        .await?;
    Ok(match known {
        None => Repeated::New(Some(repeatable)),
        Some(StoredAnswer::Bytes { status, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            Repeated::Answered(json(status, body.into()))
        }
        Some(StoredAnswer::Transaction { id }) => Repeated::Became(id),
        // What is sealed is an answer of the native API, whose scope is its own.
        Some(StoredAnswer::Running | StoredAnswer::Sealed { .. }) => {
            return Err(Refusal::IdempotencyKeyInUse.into());
        }
    })
}

/// Opens a session, once for each idempotency key. `render` writes the answer, which the same request gets again.
pub async fn open_once(
    app: &Arc<App>,
    tenant: Tenant,
    repeatable: Option<Repeatable>,
    command: OpenSession,
    status: StatusCode,
    render: fn(&App, &Session) -> Bytes,
) -> Result<Response, EngineError> {
    let same = repeatable.clone();
    let idempotent = match repeated(app, tenant, repeatable).await? {
        Repeated::Answered(answer) => return Ok(answer),
        // No transaction ever finishes an opening.
        Repeated::Became(_) => return Err(Refusal::IdempotencyKeyInUse.into()),
        Repeated::New(repeatable) => repeatable.map(|repeatable| {
            let app = Arc::clone(app);
            repeatable.rendered(move |session| Answer {
                status: status.as_u16(),
                body: render(&app, session),
            })
        }),
    };
    match app.engine.open_session(tenant, command, idempotent).await {
        Ok(session) => Ok(json(status, render(app, &session))),
        // The same request was faster: it has its answer, which is this one's too.
        Err(EngineError::Refused(refusal @ Refusal::IdempotencyKeyInUse)) => {
            match repeated(app, tenant, same).await? {
                Repeated::Answered(answer) => Ok(answer),
                Repeated::Became(_) | Repeated::New(_) => Err(refusal.into()),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    #[test]
    fn numbers_are_written_with_no_digit_too_many() {
        for (minor, code, text) in [
            (3500, "SGD", "35"),
            (3550, "SGD", "35.5"),
            (3555, "SGD", "35.55"),
            (5, "SGD", "0.05"),
            (450, "JPY", "450"),
            (1, "KWD", "0.001"),
            (1, "CLF", "0.0001"),
            (999_999_999_999_999, "SGD", "9999999999999.99"),
            (999_999_999_999_999, "JPY", "999999999999999"),
        ] {
            let money = Money::from_minor(minor, currency(code)).unwrap();
            assert_eq!(serde_json::to_string(&MajorNumber(money)).unwrap(), text);
        }
    }

    #[test]
    fn an_amount_is_a_string_or_a_number_and_nothing_else() {
        let read = |json: &str| {
            serde_json::from_str::<WrittenAmount>(json)
                .unwrap()
                .read("amount", currency("SGD"))
                .map(Money::minor)
        };
        assert_eq!(read("35").unwrap(), 3500);
        assert_eq!(read("\"35\"").unwrap(), 3500);
        assert_eq!(read("35.55").unwrap(), 3555);
        for wrong in [
            "true", "[35]", "{}", "null", "\"\"", "\"NaN\"", "1e400", "35.555", "-1",
        ] {
            assert!(
                read(wrong).unwrap_err().to_string().starts_with("amount "),
                "{wrong}"
            );
        }
    }
}
