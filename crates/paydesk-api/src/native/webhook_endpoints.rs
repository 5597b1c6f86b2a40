//! `/api/v1/webhookEndpoints`: where a merchant hears of everything that happens.

use paydesk_core::endpoint::{DisabledBecause, Endpoint, EndpointFormat, Standing};
use paydesk_core::engine::endpoints::{CreateEndpoint, EndpointWithSecret, UpdateEndpoint};
use paydesk_core::event::EventKind;
use paydesk_core::id::EndpointId;
use paydesk_core::refusal::Refusal;
use paydesk_core::time::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, NoBody, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/webhookEndpoints", Scope::WebhooksWrite, create)
            .named("createWebhookEndpoint", "Makes a webhook endpoint")
            .told("Its `secret` is shown this once. Whatever happens after the answer is sent to it.")
            .creates::<SecretOut<'_>>(),
        Call::list("/webhookEndpoints", Scope::WebhooksRead, list)
            .named("listWebhookEndpoints", "Lists webhook endpoints")
            .pages::<EndpointOut<'_>>(),
        Call::get("/webhookEndpoints/{id}", Scope::WebhooksRead, get)
            .named("getWebhookEndpoint", "Reads a webhook endpoint")
            .answers::<EndpointOut<'_>>(),
        Call::patch("/webhookEndpoints/{id}", Scope::WebhooksWrite, update)
            .named("updateWebhookEndpoint", "Changes a webhook endpoint")
            .told(
                "What is not given stays as it is. An endpoint that was disabled because it failed is enabled again by \
                 `enabled`; what was given up in between can be sent again.",
            )
            .answers::<EndpointOut<'_>>(),
        Call::post("/webhookEndpoints/{id}/rotate", Scope::WebhooksWrite, rotate)
            .named("rotateWebhookEndpointSecret", "Gives a webhook endpoint a new secret")
            .told(
                "The new `secret` is shown this once. For 24 hours messages have a signature of the old one, too; in the \
                 format `modempay`, whose header has room for one, attempts take turns between the two.",
            )
            .answers::<SecretOut<'_>>(),
        Call::delete("/webhookEndpoints/{id}", Scope::WebhooksWrite, delete)
            .named("deleteWebhookEndpoint", "Removes a webhook endpoint")
            .told("What is on its way to it is given up.")
            .answers::<EndpointOut<'_>>(),
    ]
}

fn event_types(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    json_schema!({
        "type": "array", "maxItems": 100,
        "items": {"type": "string", "enum": names},
        "description": "Of which types of events it hears; of all if empty."
    })
}

fn formats(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "enum": ["standard", "modempay"],
        "description": "In which words it is told, and how that is signed: Standard Webhooks, or as Modem Pay's client reads it."
    })
}

const fn standard() -> EndpointFormat {
    EndpointFormat::Standard
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "WebhookEndpointRequest")]
struct EndpointIn {
    #[schemars(length(min = 1, max = 2048))]
    url: String,
    #[serde(default = "standard")]
    #[schemars(schema_with = "formats")]
    format: EndpointFormat,
    #[serde(default)]
    #[schemars(schema_with = "event_types")]
    events: Vec<String>,
    /// What you call it.
    #[schemars(length(max = 500))]
    description: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "WebhookEndpointChangeRequest")]
struct ChangeIn {
    #[schemars(length(min = 1, max = 2048))]
    url: Option<String>,
    #[schemars(schema_with = "event_types")]
    events: Option<Vec<String>>,
    /// What you call it; empty: nothing.
    #[schemars(length(max = 500))]
    description: Option<String>,
    enabled: Option<bool>,
}

/// A webhook endpoint; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "WebhookEndpoint")]
struct EndpointOut<'e> {
    #[schemars(with = "schema::Id")]
    id: EndpointId,
    url: &'e str,
    #[schemars(schema_with = "formats")]
    format: EndpointFormat,
    #[schemars(schema_with = "event_types")]
    events: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'e str>,
    enabled: bool,
    /// Why it is told nothing: you said so, it answered 410 Gone, or it took nothing for five days.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<Iso>,
    /// Since when it has taken nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Iso>,
    /// Until when the secret before this one is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_valid_until: Option<Iso>,
    livemode: bool,
    created_at: Iso,
    updated_at: Iso,
}

/// A webhook endpoint with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookEndpointWithSecret")]
struct SecretOut<'e> {
    #[serde(flatten)]
    endpoint: EndpointOut<'e>,
    /// Shown this once.
    secret: &'e str,
}

impl<'e> EndpointOut<'e> {
    fn new(endpoint: &'e Endpoint, wall: Timestamp) -> Self {
        let (disabled_at, disabled_reason) = match endpoint.standing {
            Standing::Enabled => (None, None),
            Standing::Disabled { at, why } => (Some(Iso(at)), Some(reason(why))),
        };
        let replaced = endpoint.replaced.as_ref();
        Self {
            id: endpoint.id,
            url: &endpoint.url,
            format: endpoint.format,
            events: endpoint.events.iter().map(|kind| kind.name()).collect(),
            description: endpoint.description.as_deref(),
            enabled: endpoint.is_enabled(),
            disabled_reason,
            disabled_at,
            failing_since: endpoint.failing_since.map(Iso),
            previous_secret_valid_until: replaced
                .map(|replaced| replaced.until)
                .filter(|until| wall < *until)
                .map(Iso),
            livemode: endpoint.tenant.mode.is_live(),
            created_at: Iso(endpoint.created_at),
            updated_at: Iso(endpoint.updated_at),
        }
    }
}

const fn reason(why: DisabledBecause) -> &'static str {
    match why {
        DisabledBecause::Merchant => "merchant",
        DisabledBecause::Gone => "gone",
        DisabledBecause::Failing => "failing",
    }
}

/// The kinds of events of these names.
pub(super) fn event_kinds<'n>(
    field: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Vec<EventKind>, Refusal> {
    let read = |(index, name): (usize, &str)| {
        let found = EventKind::ALL.iter().find(|kind| kind.name() == name);
        found.copied().ok_or_else(|| {
            Refusal::field(
                format!("{field}[{index}]"),
                "is not a type of event such as session.completed",
            )
        })
    };
    names.into_iter().enumerate().map(read).collect()
}

async fn create(mut asked: Asked, input: EndpointIn) -> Result<Reply, Problem> {
    let request = CreateEndpoint {
        url: input.url,
        description: input.description.filter(|text| !text.is_empty()),
        format: input.format,
        events: event_kinds("events", input.events.iter().map(String::as_str))?,
    };
    let wall = asked.engine().wall();
    let render = move |made: &EndpointWithSecret| Reply::created(&with_secret(made, wall));
    let idempotent = asked.idempotent_with_secret(render);
    let made = asked
        .engine()
        .create_endpoint(asked.tenant(), request, idempotent)
        .await?;
    Ok(render(&made))
}

fn with_secret(made: &EndpointWithSecret, wall: Timestamp) -> SecretOut<'_> {
    SecretOut {
        endpoint: EndpointOut::new(&made.endpoint, wall),
        secret: made.secret.reveal(),
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("webhookEndpoints")?;
    let found: Vec<Endpoint> = asked.entries(&paging, None).await?;
    let wall = asked.engine().wall();
    Ok(asked.page_of_entries(&paging, &found, |it| EndpointOut::new(it, wall)))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: EndpointId = asked.id(Refusal::EndpointNotFound)?;
    let endpoint = asked.engine().endpoint(asked.tenant(), id).await?;
    Ok(written(&asked, &endpoint))
}

fn written(asked: &Asked, endpoint: &Endpoint) -> Reply {
    Reply::ok(&EndpointOut::new(endpoint, asked.engine().wall()))
}

async fn update(asked: Asked, input: ChangeIn) -> Result<Reply, Problem> {
    let id: EndpointId = asked.id(Refusal::EndpointNotFound)?;
    let events = input.events.as_ref().map(|names| {
        let names = names.iter().map(String::as_str);
        event_kinds("events", names)
    });
    let request = UpdateEndpoint {
        url: input.url,
        description: input.description,
        events: events.transpose()?,
        enabled: input.enabled,
    };
    let endpoint = asked
        .engine()
        .update_endpoint(asked.tenant(), id, request)
        .await?;
    Ok(written(&asked, &endpoint))
}

async fn rotate(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let id: EndpointId = asked.id(Refusal::EndpointNotFound)?;
    let wall = asked.engine().wall();
    let render = move |rotated: &EndpointWithSecret| Reply::ok(&with_secret(rotated, wall));
    let idempotent = asked.idempotent_with_secret(render);
    let rotated = asked
        .engine()
        .rotate_endpoint_secret(asked.tenant(), id, idempotent)
        .await?;
    Ok(render(&rotated))
}

async fn delete(asked: Asked) -> Result<Reply, Problem> {
    let id: EndpointId = asked.id(Refusal::EndpointNotFound)?;
    let endpoint = asked.engine().delete_endpoint(asked.tenant(), id).await?;
    Ok(written(&asked, &endpoint))
}
