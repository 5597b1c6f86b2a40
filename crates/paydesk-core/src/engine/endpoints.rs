//! Makes, changes and removes webhook endpoints.

use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::directory::Entry as _;
use crate::endpoint::{
    DisabledBecause, Endpoint, EndpointFormat, MAX_ENDPOINTS, OVERLAP, Replaced, Standing,
};
use crate::event::EventKind;
use crate::id::EndpointId;
use crate::keys::{Secret, ServerKeys};
use crate::refusal::Refusal;
use crate::store::{Change, Record};
use crate::tenant::Tenant;

/// The longest that a merchant may say of an endpoint, in characters.
const MAX_DESCRIPTION: usize = 500;

/// What a merchant asks for.
#[derive(Clone, Debug)]
pub struct CreateEndpoint {
    /// Where to.
    pub url: String,
    /// What the merchant says of it.
    pub description: Option<String>,
    /// In which words.
    pub format: EndpointFormat,
    /// Of which kinds of events; of all if empty.
    pub events: Vec<EventKind>,
}

/// What is to be different; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateEndpoint {
    /// Where to.
    pub url: Option<String>,
    /// What the merchant says of it; empty: nothing.
    pub description: Option<String>,
    /// Of which kinds of events; of all if empty.
    pub events: Option<Vec<EventKind>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

/// An endpoint and, once, its secret in the open.
#[derive(Clone, Debug)]
pub struct EndpointWithSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// What signs what it is sent.
    pub secret: Secret,
}

/// Decides a new endpoint, of a tenant that has so many.
pub fn decide_create(
    request: CreateEndpoint,
    present: u64,
    tenant: Tenant,
    keys: &ServerKeys,
    env: Env<'_>,
) -> Result<EndpointWithSecret, Refusal> {
    env.outgoing.check("url", &request.url, tenant.mode)?;
    let description = description(request.description)?;
    if present >= MAX_ENDPOINTS as u64 {
        return Err(Refusal::TooManyEndpoints {
            limit: MAX_ENDPOINTS,
        });
    }
    let id = EndpointId::fresh(env.ids, env.wall);
    let secret = Secret::for_webhooks(env.ids);
    let context = Endpoint::secret_context(tenant, id);
    let endpoint = Endpoint {
        id,
        tenant,
        version: 1,
        url: request.url,
        description,
        format: request.format,
        events: distinct(request.events),
        standing: Standing::Enabled,
        secret: keys.seal(env.ids, &context, secret.reveal().as_bytes()),
        replaced: None,
        failing_since: None,
        created_at: env.wall,
        updated_at: env.wall,
    };
    Ok(EndpointWithSecret { endpoint, secret })
}

/// Decides what is different; nothing if nothing is. Enabling forgives what failed before.
pub fn decide_update(
    request: UpdateEndpoint,
    mut endpoint: Endpoint,
    env: Env<'_>,
) -> Result<Option<Endpoint>, Refusal> {
    let before = endpoint.clone();
    if let Some(url) = request.url {
        env.outgoing.check("url", &url, endpoint.tenant.mode)?;
        // What the old address took or did not take says nothing of the new one.
        if url != endpoint.url {
            endpoint.failing_since = None;
        }
        endpoint.url = url;
    }
    if let Some(text) = request.description {
        endpoint.description = description(Some(text).filter(|text| !text.is_empty()))?;
    }
    if let Some(events) = request.events {
        endpoint.events = distinct(events);
    }
    match request.enabled {
        Some(true) if !endpoint.is_enabled() => {
            endpoint.standing = Standing::Enabled;
            endpoint.failing_since = None;
        }
        Some(false) if endpoint.is_enabled() => {
            endpoint.standing = Standing::Disabled {
                at: env.wall,
                why: DisabledBecause::Merchant,
            };
        }
        _ => {}
    }
    if endpoint == before {
        return Ok(None);
    }
    endpoint.version += 1;
    endpoint.updated_at = env.wall;
    Ok(Some(endpoint))
}

/// Decides a new secret. The one before is valid beside it for a day; one before that is not.
#[must_use]
pub fn decide_rotate(
    mut endpoint: Endpoint,
    keys: &ServerKeys,
    env: Env<'_>,
) -> EndpointWithSecret {
    let secret = Secret::for_webhooks(env.ids);
    let context = Endpoint::secret_context(endpoint.tenant, endpoint.id);
    let sealed = keys.seal(env.ids, &context, secret.reveal().as_bytes());
    endpoint.replaced = Some(Replaced {
        secret: std::mem::replace(&mut endpoint.secret, sealed),
        until: env.wall.after(OVERLAP),
    });
    endpoint.version += 1;
    endpoint.updated_at = env.wall;
    EndpointWithSecret { endpoint, secret }
}

fn description(text: Option<String>) -> Result<Option<String>, Refusal> {
    match text {
        Some(text) if text.chars().count() > MAX_DESCRIPTION => Err(Refusal::field(
            "description",
            format!("is longer than {MAX_DESCRIPTION} characters"),
        )),
        Some(text) if text.contains('\0') => {
            Err(Refusal::field("description", "contains a NUL character"))
        }
        text => Ok(text),
    }
}

fn distinct(events: Vec<EventKind>) -> Vec<EventKind> {
    let mut distinct = Vec::with_capacity(events.len());
    for kind in events {
        if !distinct.contains(&kind) {
            distinct.push(kind);
        }
    }
    distinct
}

impl Engine {
    /// Makes an endpoint. Whatever is committed after this has returned is told to it.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn create_endpoint(
        &self,
        tenant: Tenant,
        request: CreateEndpoint,
        idempotent: Option<Idempotent<EndpointWithSecret>>,
    ) -> Result<EndpointWithSecret, EngineError> {
        let made = self
            .once(tenant, idempotent.as_ref(), |_| {
                let request = request.clone();
                async move {
                    let present = self.store().total::<Endpoint>(tenant, None).await?;
                    let made =
                        decide_create(request, present, tenant, self.keys(), self.env(tenant))?;
                    Ok((Some(written(&made.endpoint)?), made))
                }
            })
            .await?;
        self.hearing().note(tenant);
        Ok(made)
    }

    /// An endpoint.
    pub async fn endpoint(&self, tenant: Tenant, id: EndpointId) -> Result<Endpoint, EngineError> {
        let found = self.store().find(tenant, id.0).await?;
        Ok(found.ok_or(Refusal::EndpointNotFound)?)
    }

    /// Changes an endpoint.
    pub async fn update_endpoint(
        &self,
        tenant: Tenant,
        id: EndpointId,
        request: UpdateEndpoint,
    ) -> Result<Endpoint, EngineError> {
        let endpoint = self
            .repeat(|_| {
                let request = request.clone();
                async move {
                    let before = self.endpoint(tenant, id).await?;
                    match decide_update(request, before.clone(), self.env(tenant))? {
                        Some(after) => Ok((Some(written(&after)?), after)),
                        None => Ok((None, before)),
                    }
                }
            })
            .await?;
        if endpoint.is_enabled() {
            self.hearing().note(tenant);
        }
        Ok(endpoint)
    }

    /// Gives an endpoint a new secret.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn rotate_endpoint_secret(
        &self,
        tenant: Tenant,
        id: EndpointId,
        idempotent: Option<Idempotent<EndpointWithSecret>>,
    ) -> Result<EndpointWithSecret, EngineError> {
        self.once(tenant, idempotent.as_ref(), |_| async move {
            let before = self.endpoint(tenant, id).await?;
            let rotated = decide_rotate(before, self.keys(), self.env(tenant));
            Ok((Some(written(&rotated.endpoint)?), rotated))
        })
        .await
    }

    /// Removes an endpoint. What is on its way to it is given up.
    pub async fn delete_endpoint(
        &self,
        tenant: Tenant,
        id: EndpointId,
    ) -> Result<Endpoint, EngineError> {
        self.repeat(|_| async move {
            let endpoint = self.endpoint(tenant, id).await?;
            let mut change = Change::new(tenant);
            change.puts.push(Record::removal(&endpoint));
            Ok((Some(change), endpoint))
        })
        .await
    }
}

fn written(endpoint: &Endpoint) -> Result<Change, EngineError> {
    let mut change = Change::new(endpoint.tenant());
    change.puts.push(Record::entry(endpoint)?);
    Ok(change)
}

#[cfg(test)]
mod tests;
