//! A request that was let in.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use paydesk_core::engine::idempotency::Idempotent;
use paydesk_core::engine::{Engine, EngineError};
use paydesk_core::id::SystemIds;
use paydesk_core::merchant::ApiKey;
use paydesk_core::refusal::Refusal;
use paydesk_core::store::{IdempotencyKey, StoredAnswer};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::de::DeserializeOwned;

use super::{Paging, Problem, Reply};
use crate::app::App;
use crate::http::json;
use crate::native::transaction::TransactionOut;
use crate::wire::Repeatable;

/// A request of a caller who may make it: its address, query, body and idempotency key.
pub struct Asked {
    /// Everything that handlers are given.
    pub app: Arc<App>,
    /// Who asks.
    pub caller: Arc<ApiKey>,
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Bytes,
    pub(super) repeat: Option<Repeatable>,
}

impl Asked {
    /// Whose data it is about.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        self.caller.tenant
    }

    /// All rules.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.app.engine
    }

    /// The tenant's own time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.app.engine.now(self.tenant())
    }

    /// A part of the path, as its template names it.
    #[must_use]
    pub fn path(&self, name: &str) -> &str {
        let found = self.path.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The `{id}` of the path; what is no id names nothing that is there.
    pub fn id<T: std::str::FromStr>(&self, otherwise: Refusal) -> Result<T, Refusal> {
        self.path("id").parse().map_err(|_| otherwise)
    }

    /// A parameter of the query. Only those that the call declares come this far, each once.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may be given several times.
    pub fn queries<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What part of a list is asked for. The name is what its cursors belong to.
    pub fn paging(&self, list: &'static str) -> Result<Paging, Refusal> {
        Paging::read(self, list)
    }

    pub(super) fn input<In: DeserializeOwned>(&self, may_be_absent: bool) -> Result<In, Problem> {
        if may_be_absent && self.body.is_empty() {
            return Ok(json::parse_json(b"{}")?);
        }
        Ok(json::parse_json(&self.body)?)
    }

    /// The request's idempotency key, for the command that does what is asked: `render` writes the command's reply as
    /// the answer, and the command stores that in its own commit.
    pub fn idempotent<R>(
        &mut self,
        render: impl Fn(&R) -> Reply + Send + Sync + 'static,
    ) -> Option<Idempotent<R>> {
        self.remembered(move |_, reply| {
            let Reply { status, body } = render(reply);
            StoredAnswer::Bytes {
                status: status.as_u16(),
                body: String::from_utf8_lossy(&body).into_owned(),
            }
        })
    }

    /// The same for an answer that shows a secret: it is stored sealed.
    pub fn idempotent_with_secret<R>(
        &mut self,
        render: impl Fn(&R) -> Reply + Send + Sync + 'static,
    ) -> Option<Idempotent<R>> {
        let (app, tenant) = (Arc::clone(&self.app), self.tenant());
        self.remembered(move |key, reply| {
            let Reply { status, body } = render(reply);
            let context = StoredAnswer::seal_context(tenant, key);
            StoredAnswer::Sealed {
                status: status.as_u16(),
                body: app.engine.keys().seal(&SystemIds, &context, &body),
            }
        })
    }

    fn remembered<R>(
        &mut self,
        store: impl Fn(&IdempotencyKey, &R) -> StoredAnswer + Send + Sync + 'static,
    ) -> Option<Idempotent<R>> {
        let Repeatable { key, body_hash } = self.repeat.take()?;
        let of = key.clone();
        Some(Idempotent {
            key,
            body_hash,
            render: Arc::new(move |reply| store(&of, reply)),
        })
    }
}

/// The first answer to a request that was sent before; nothing if it is new.
pub(super) async fn replay(
    app: &App,
    tenant: Tenant,
    known_by: &Repeatable,
    success: StatusCode,
) -> Result<Option<Reply>, Problem> {
    let Repeatable { key, body_hash } = known_by;
    let status = |status| StatusCode::from_u16(status).unwrap_or(success);
    let reply = match app.engine.replay(tenant, key, *body_hash).await? {
        None => return Ok(None),
        Some(StoredAnswer::Running) => return Err(Refusal::IdempotencyKeyInUse.into()),
        Some(StoredAnswer::Bytes { status: code, body }) => Reply {
            status: status(code),
            body: body.into(),
        },
        Some(StoredAnswer::Sealed { status: code, body }) => {
            let context = StoredAnswer::seal_context(tenant, key);
            // Sealed under a key of the server's that is gone: it can be shown to nobody again.
            let opened = app.engine.keys().open(&context, &body);
            let opened = opened.ok_or(Refusal::IdempotencyKeyReused)?;
            Reply {
                status: status(code),
                body: Bytes::copy_from_slice(opened.reveal().as_bytes()),
            }
        }
        // Whoever would have answered is gone; the outcome is what the transaction says.
        Some(StoredAnswer::Transaction { id }) => {
            let found = app.engine.store().transaction(tenant, id).await;
            let found = found.map_err(EngineError::from)?;
            let transaction = found.ok_or(Refusal::TransactionNotFound)?;
            Reply {
                status: success,
                body: Reply::ok(&TransactionOut::new(&transaction, app.engine.now(tenant))).body,
            }
        }
    };
    Ok(Some(reply))
}
