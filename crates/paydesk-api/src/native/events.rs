//! `/api/v1/events`: everything that happened, as endpoints are told of it; and telling again.

use std::collections::HashMap;
use std::sync::Arc;

use paydesk_core::engine::{Engine, EngineError};
use paydesk_core::event::{Event, EventKind};
use paydesk_core::id::{EventId, SessionId};
use paydesk_core::list::{EventFilter, Page, SessionFilter};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::Session;
use paydesk_webhooks::Words as _;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::value::RawValue;

use super::EventWords;
use super::frame::{Asked, Call, NoBody, Parameter, Problem, Reply, Scope};
use super::webhook_endpoints::event_kinds;

/// The calls.
pub fn calls() -> Vec<Call> {
    let types: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    vec![
        Call::list("/events", Scope::WebhooksRead, list)
            .named("listEvents", "Lists events")
            .takes([
                Parameter::words("type", "Only of these types.", &types),
                Parameter::text("session", "Only of the session with this id."),
            ])
            .pages::<EventDoc>(),
        Call::get("/events/{id}", Scope::WebhooksRead, get)
            .named("getEvent", "Reads an event")
            .answers::<EventDoc>(),
        Call::post("/events/{id}/replay", Scope::WebhooksWrite, replay)
            .named("replayEvent", "Tells an event again")
            .told(
                "To everybody who hears of it now, in new deliveries; its id, which is their `webhook-id`, stays the same.",
            )
            .answers::<EventDoc>(),
    ]
}

/// An event is written by its own words; this says what they are like.
struct EventDoc;

impl JsonSchema for EventDoc {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let types: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        json_schema!({
            "type": "object",
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "type": {"type": "string", "enum": types},
                "createdAt": {"type": "string", "format": "date-time"},
                "livemode": {"type": "boolean"},
                "sequence": {
                    "type": "integer", "minimum": 0,
                    "description": "Counts per session, since deliveries may overtake each other."
                },
                "data": {"type": "object", "description": "What it is about, as it was when it happened."}
            },
            "required": ["id", "type", "createdAt", "livemode", "sequence", "data"]
        })
    }
}

/// Writes an event as endpoints are told of it.
fn written(
    engine: &Arc<Engine>,
    event: &Event,
    session: Option<&Session>,
) -> Option<Box<RawValue>> {
    let text = EventWords(Arc::clone(engine)).render(event, session, &[])?;
    RawValue::from_string(text).ok()
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let tenant = asked.tenant();
    let paging = asked.paging("events")?;
    let session = asked
        .query("session")
        .map(|id| {
            let wrong = |_| Refusal::field("session", "is not the id of a session");
            id.parse::<SessionId>().map_err(wrong)
        })
        .transpose()?;
    let filter = EventFilter {
        session,
        kinds: event_kinds("type", asked.queries("type"))?,
    };
    let store = asked.engine().store();
    let found = store.event_list(tenant, &filter, paging.newest()?).await;
    let found = found.map_err(EngineError::from)?;
    // All their sessions at once.
    let mut ids: Vec<SessionId> = found.iter().filter_map(|event| event.session).collect();
    ids.sort_unstable();
    ids.dedup();
    let sessions = if ids.is_empty() {
        Vec::new()
    } else {
        let page = Page::first(ids.len());
        let theirs = SessionFilter {
            ids: Some(ids),
            ..SessionFilter::at(asked.now())
        };
        let sessions = store.sessions(tenant, &theirs, page).await;
        sessions.map_err(EngineError::from)?
    };
    let by_id: HashMap<SessionId, &Session> = sessions
        .iter()
        .map(|session| (session.id, session))
        .collect();
    Ok(asked.page_of(&paging, &found, |event| {
        let session = event.session.and_then(|id| by_id.get(&id).copied());
        written(asked.engine(), event, session)
    }))
}

async fn answer(engine: &Arc<Engine>, event: &Event) -> Result<Reply, Problem> {
    let session = match event.session {
        Some(id) => {
            let found = engine.store().session(event.tenant, id).await;
            found.map_err(EngineError::from)?
        }
        None => None,
    };
    let written = written(engine, event, session.as_ref());
    Ok(Reply::ok(&written.ok_or(Refusal::EventNotFound)?))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: EventId = asked.id(Refusal::EventNotFound)?;
    let event = asked.engine().event(asked.tenant(), id).await?;
    answer(asked.engine(), &event).await
}

async fn replay(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let (tenant, engine) = (asked.tenant(), Arc::clone(asked.engine()));
    let id: EventId = asked.id(Refusal::EventNotFound)?;
    let reply = answer(&engine, &engine.event(tenant, id).await?).await?;
    let told = reply.clone();
    let idempotent = asked.idempotent(move |_: &Event| told.clone());
    engine.replay_event(tenant, id, idempotent).await?;
    Ok(reply)
}
