//! `/api/v1/deliveries`: what was sent to whom, and what came of it; and sending again.

use paydesk_core::delivery::{Delivery, DeliveryState, Receiver};
use paydesk_core::engine::EngineError;
use paydesk_core::id::{DeliveryId, EndpointId, EventId, SessionId};
use paydesk_core::list::{DeliveryFilter, DeliveryStateName};
use paydesk_core::refusal::Refusal;
use schemars::JsonSchema;
use serde::Serialize;

use super::frame::{Asked, Call, NoBody, Parameter, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

const STATUSES: [(&str, DeliveryStateName); 3] = [
    ("pending", DeliveryStateName::Pending),
    ("delivered", DeliveryStateName::Delivered),
    ("failed", DeliveryStateName::GivenUp),
];

/// The calls.
pub fn calls() -> Vec<Call> {
    let statuses = STATUSES.map(|(name, _)| name);
    vec![
        Call::list("/deliveries", Scope::WebhooksRead, list)
            .named("listDeliveries", "Lists deliveries")
            .takes([
                Parameter::text("event", "Only of the event with this id."),
                Parameter::text("endpoint", "Only to the webhook endpoint with this id."),
                Parameter {
                    many: false,
                    ..Parameter::words("status", "Only in this state.", &statuses)
                },
            ])
            .pages::<DeliveryOut<'_>>(),
        Call::get("/deliveries/{id}", Scope::WebhooksRead, get)
            .named("getDelivery", "Reads a delivery")
            .answers::<DeliveryOut<'_>>(),
        Call::post("/deliveries/{id}/retry", Scope::WebhooksWrite, retry)
            .named("retryDelivery", "Sends a delivery once more, now")
            .told("Whatever came of it before. If this attempt fails, what is left of the schedule follows.")
            .answers::<DeliveryOut<'_>>(),
    ]
}

/// One event on its way to one receiver; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Delivery")]
struct DeliveryOut<'d> {
    #[schemars(with = "schema::Id")]
    id: DeliveryId,
    #[schemars(with = "schema::Id")]
    event_id: EventId,
    /// The webhook endpoint, if it goes to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Id>")]
    endpoint_id: Option<EndpointId>,
    /// The session, if it goes to its own `notifyUrl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<schema::Id>")]
    session_id: Option<SessionId>,
    url: &'d str,
    /// `pending`, `delivered`, or `failed`: given up.
    status: &'static str,
    /// How many attempts were made.
    attempts: u32,
    /// When the next one is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt: Option<AttemptOut<'d>>,
    created_at: Iso,
    updated_at: Iso,
}

/// What the last attempt came to.
#[derive(Serialize, JsonSchema)]
#[schemars(inline)]
struct AttemptOut<'d> {
    at: Iso,
    /// The HTTP status of the answer, if one came.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// How long it took, in milliseconds.
    latency: u32,
    /// The first bytes of the answer, or why none came.
    answer: &'d str,
}

impl<'d> From<&'d Delivery> for DeliveryOut<'d> {
    fn from(delivery: &'d Delivery) -> Self {
        let (endpoint_id, session_id) = match delivery.receiver {
            Receiver::Endpoint(id) => (Some(id), None),
            Receiver::Notify(id) => (None, Some(id)),
        };
        let (next_attempt_at, finished_at) = match delivery.state {
            DeliveryState::Due { at } => (Some(Iso(at)), None),
            DeliveryState::Leased { .. } => (None, None),
            DeliveryState::Delivered { at } | DeliveryState::GivenUp { at } => {
                (None, Some(Iso(at)))
            }
        };
        Self {
            id: delivery.id,
            event_id: delivery.event,
            endpoint_id,
            session_id,
            url: &delivery.url,
            status: match delivery.state {
                DeliveryState::Due { .. } | DeliveryState::Leased { .. } => "pending",
                DeliveryState::Delivered { .. } => "delivered",
                DeliveryState::GivenUp { .. } => "failed",
            },
            attempts: delivery.attempts,
            next_attempt_at,
            finished_at,
            last_attempt: delivery.last.as_ref().map(|last| AttemptOut {
                at: Iso(last.at),
                status: last.status,
                latency: last.latency,
                answer: &last.answer,
            }),
            created_at: Iso(delivery.created_at),
            updated_at: Iso(delivery.updated_at),
        }
    }
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let paging = asked.paging("deliveries")?;
    let event = asked.query("event").map(|id| {
        let wrong = |_| Refusal::field("event", "is not the id of an event");
        id.parse::<EventId>().map_err(wrong)
    });
    let endpoint = asked.query("endpoint").map(|id| {
        let wrong = |_| Refusal::field("endpoint", "is not the id of a webhook endpoint");
        id.parse::<EndpointId>().map_err(wrong)
    });
    let state = asked.query("status").map(|name| {
        let found = STATUSES.iter().find(|(known, _)| *known == name);
        let wrong = || Refusal::field("status", "is not one of pending, delivered, failed");
        found.map(|(_, state)| *state).ok_or_else(wrong)
    });
    let filter = DeliveryFilter {
        event: event.transpose()?,
        receiver: endpoint.transpose()?.map(Receiver::Endpoint),
        state: state.transpose()?,
    };
    let store = asked.engine().store();
    let found = store
        .delivery_list(asked.tenant(), &filter, paging.newest()?)
        .await;
    let found = found.map_err(EngineError::from)?;
    Ok(asked.page_of(&paging, &found, DeliveryOut::from))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: DeliveryId = asked.id(Refusal::DeliveryNotFound)?;
    let delivery = asked.engine().delivery(asked.tenant(), id).await?;
    Ok(Reply::ok(&DeliveryOut::from(&delivery)))
}

async fn retry(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let id: DeliveryId = asked.id(Refusal::DeliveryNotFound)?;
    let render = |delivery: &Delivery| Reply::ok(&DeliveryOut::from(delivery));
    let idempotent = asked.idempotent(render);
    let delivery = asked
        .engine()
        .retry_delivery(asked.tenant(), id, idempotent)
        .await?;
    Ok(render(&delivery))
}
