//! `/api/v1/keys`: restricted keys. Only a key without restrictions makes or ends one.

use paydesk_core::engine::restricted_keys::{MadeKey, NewKey};
use paydesk_core::id::RestrictedKeyId;
use paydesk_core::refusal::Refusal;
use paydesk_core::restricted_key::RestrictedKey;
use paydesk_core::time::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/keys", Scope::MerchantWrite, create)
            .named("createKey", "Makes a restricted key")
            .told("Its `secret` is shown this once. It opens only what its scopes name, in this mode, on this API.")
            .unrestricted_only()
            .creates::<MadeKeyOut<'_>>(),
        Call::list("/keys", Scope::MerchantRead, list)
            .named("listKeys", "Lists restricted keys")
            .unrestricted_only()
            .pages::<KeyOut<'_>>(),
        Call::get("/keys/{id}", Scope::MerchantRead, get)
            .named("getKey", "Reads a restricted key")
            .unrestricted_only()
            .answers::<KeyOut<'_>>(),
        Call::delete("/keys/{id}", Scope::MerchantWrite, revoke)
            .named("deleteKey", "Revokes a restricted key")
            .told("It opens nothing any more: on this node at once, on others within five seconds.")
            .unrestricted_only()
            .answers::<KeyOut<'_>>(),
    ]
}

fn scope_names(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    json_schema!({
        "type": "array", "minItems": 1, "maxItems": 50,
        "items": {"type": "string", "enum": names},
        "description": "What it opens. Writing includes reading of the same."
    })
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "KeyRequest")]
struct KeyIn {
    /// What you call it.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    #[schemars(schema_with = "scope_names")]
    scopes: Vec<String>,
    /// When it ends by itself.
    #[schemars(with = "Option<Iso>")]
    expires_at: Option<String>,
}

/// A restricted key as its owner sees it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Key")]
struct KeyOut<'k> {
    #[schemars(with = "schema::Id")]
    id: RestrictedKeyId,
    livemode: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'k str>,
    #[schemars(schema_with = "scope_names")]
    scopes: &'k [String],
    /// How its secret begins.
    hint: &'k str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Iso>,
    created_at: Iso,
}

/// A new restricted key, with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewKey")]
struct MadeKeyOut<'k> {
    #[serde(flatten)]
    key: KeyOut<'k>,
    /// Shown this once.
    secret: &'k str,
}

impl<'k> From<&'k RestrictedKey> for KeyOut<'k> {
    fn from(key: &'k RestrictedKey) -> Self {
        Self {
            id: key.id,
            livemode: key.tenant.mode.is_live(),
            name: key.name.as_deref(),
            scopes: &key.scopes,
            hint: &key.hint,
            expires_at: key.expires_at.map(Iso),
            created_at: Iso(key.created_at),
        }
    }
}

/// Reads a time as all our wires write it, or with another offset.
pub(super) fn time(field: &str, text: &str) -> Result<Timestamp, Refusal> {
    text.parse::<jiff::Timestamp>()
        .map(|time| Timestamp::from_millis(time.as_millisecond()))
        .map_err(|_| Refusal::field(field, "is not a time such as 2030-01-31T12:00:00.000Z"))
}

fn check_scopes(names: Vec<String>) -> Result<Vec<String>, Refusal> {
    if names.is_empty() {
        return Err(Refusal::field(
            "scopes",
            "is empty; name at least one, such as sessions:read",
        ));
    }
    let mut kept: Vec<String> = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        if Scope::from_name(&name).is_none() {
            return Err(Refusal::field(
                format!("scopes[{index}]"),
                "is not a scope; /api/v1/docs lists them",
            ));
        }
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(kept)
}

fn written(made: &MadeKey) -> Reply {
    Reply::created(&MadeKeyOut {
        key: KeyOut::from(&made.key),
        secret: made.secret.reveal(),
    })
}

async fn create(mut asked: Asked, input: KeyIn) -> Result<Reply, Problem> {
    let new = NewKey {
        name: input.name,
        scopes: check_scopes(input.scopes)?,
        expires_at: input
            .expires_at
            .map(|text| time("expiresAt", &text))
            .transpose()?,
    };
    let idempotent = asked.idempotent_with_secret(written);
    let made = asked
        .engine()
        .create_key(&asked.caller, new, idempotent)
        .await?;
    Ok(written(&made))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("keys")?;
    let found: Vec<RestrictedKey> = asked.entries(&paging, None).await?;
    Ok(asked.page_of_entries(&paging, &found, KeyOut::from))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::KeyNotFound)?;
    let key = asked.engine().restricted_key(asked.tenant(), id).await?;
    Ok(Reply::ok(&KeyOut::from(&key)))
}

async fn revoke(asked: Asked) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::KeyNotFound)?;
    let key = asked.engine().revoke_key(asked.tenant(), id).await?;
    asked.app.keys.forget(&key.secret_hash);
    Ok(Reply::ok(&KeyOut::from(&key)))
}
