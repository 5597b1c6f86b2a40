//! `/v1/transactions`: reads a transaction, or gives its money back.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use paydesk_api::http::{body, json};
use paydesk_api::segment::Segment;
use paydesk_api::wire::{self, Repeatable, Repeated};
use paydesk_api::{App, auth};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::operate::Operate;
use paydesk_core::id::TransactionId;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::Session;
use paydesk_core::store::Answer;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::{Status, Transaction};
use serde::Deserialize;

use crate::error::Error;
use crate::transaction::TransactionOut;

/// Handles `GET /v1/transactions/{id}`.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Response {
    let read = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        answer(&app, tenant, read_id(&id)?).await
    };
    read.await.unwrap_or_else(Error::into_response)
}

#[derive(Deserialize)]
#[serde(expecting = "an object with reference")]
struct Input {
    reference: Option<String>,
}

/// Handles `POST /v1/transactions/refund`: gives back what is left of a payment.
pub async fn refund(State(app): State<Arc<App>>, request: Request) -> Response {
    reverse(&app, request)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn reverse(app: &Arc<App>, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let caller = auth::bearer(app, &parts.headers).await?;
    let tenant = caller.tenant;
    let body = body::read(body, &app.body_limits).await?;
    let input: Input = json::parse_json(&body)?;
    let reference = input
        .reference
        .ok_or_else(|| Error::field("reference", "is missing; it is a transaction's reference"))?;
    let (payment, session) = load(app, tenant, read_id(&reference)?).await?;
    let id = payment.id;
    let repeatable = Repeatable::of(
        &parts.headers,
        &caller,
        "POST /v1/transactions/refund",
        &body,
    )?;
    let repeatable = match wire::repeated(app, tenant, repeatable).await {
        Ok(Repeated::Answered(answer)) => return Ok(answer),
        Ok(Repeated::New(repeatable)) => repeatable,
        // What it asks for is done, or under way.
        Ok(Repeated::Became(_)) | Err(EngineError::Refused(Refusal::IdempotencyKeyInUse)) => {
            return answer(app, tenant, id).await;
        }
        Err(error) => return Err(error.into()),
    };
    let render = {
        let app = Arc::clone(app);
        move |refund: &Transaction| outcome(&app, &payment, session.as_ref(), refund)
    };
    let idempotent = repeatable.map(|repeatable| repeatable.rendered(render.clone()));
    let refunded = app
        .engine
        .operate(tenant, id, Operate::Refund(None), idempotent)
        .await;
    match refunded {
        Ok(refund) => {
            let Answer { status, body } = render(&refund);
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            Ok(wire::json(status, body))
        }
        // Nothing is left because it was given back, or is being: the client cannot tell a retry from a new request,
        // and what it asks for is already so.
        Err(EngineError::Refused(Refusal::AmountTooLarge { remaining })) if remaining.is_zero() => {
            answer(app, tenant, id).await
        }
        // The same request was faster.
        Err(EngineError::Refused(Refusal::IdempotencyKeyInUse)) => answer(app, tenant, id).await,
        Err(error) => Err(error.into()),
    }
}

/// What a refund of all that was left is answered with: the payment as it is by that.
fn outcome(
    app: &App,
    payment: &Transaction,
    session: Option<&Session>,
    refund: &Transaction,
) -> Answer {
    let mut payment = payment.clone();
    match refund.status {
        Status::Declined { .. } | Status::Failed { .. } => {
            return Error::refund_failed().into_answer();
        }
        Status::Succeeded { .. } => {
            payment.done = payment.captured().minor();
            payment.updated_at = refund.updated_at;
        }
        // How it goes is not known yet: the payment still stands.
        _ => {}
    }
    Answer {
        status: 200,
        body: render(app, &payment, session),
    }
}

fn read_id(id: &str) -> Result<TransactionId, Refusal> {
    id.parse().map_err(|_| Refusal::TransactionNotFound)
}

/// A transaction and its session.
async fn load(
    app: &App,
    tenant: Tenant,
    id: TransactionId,
) -> Result<(Transaction, Option<Session>), Error> {
    let store = app.engine.store();
    let transaction = store.transaction(tenant, id).await?;
    let transaction = transaction.ok_or(Refusal::TransactionNotFound)?;
    let session = match transaction.session {
        Some(id) => store.session(tenant, id).await?,
        None => None,
    };
    Ok((transaction, session))
}

async fn answer(app: &App, tenant: Tenant, id: TransactionId) -> Result<Response, Error> {
    let (transaction, session) = load(app, tenant, id).await?;
    let body = render(app, &transaction, session.as_ref());
    Ok(wire::json(StatusCode::OK, body))
}

fn render(app: &App, transaction: &Transaction, session: Option<&Session>) -> Bytes {
    let now = app.engine.now(transaction.tenant);
    wire::bytes(&TransactionOut::new(transaction, session, now))
}
