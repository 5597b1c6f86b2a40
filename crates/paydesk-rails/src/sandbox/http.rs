//! The ledger as a service, for `paydesk sandbox`: one sandbox for several nodes, and a witness of what was really
//! charged.
//!
//! Everything under `/rail` and `/bank` is for [`SandboxClient`](super::SandboxClient) and changes with it.
//! `GET /charges` (`after`, `limit` up to 1000) and `GET /charges/{reference}` are for people and tests.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Json, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use paydesk_core::id::TransactionId;
use paydesk_core::keys::Secret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::attempt::{After, Attempt};
use super::bank::{PushName, SandboxError};
use super::ledger::{Charge, ChargePage, Ledger, LedgerError};
use super::wire::{About, Answered, Asked, AtMost, Chosen, Recorded, Sent, Told};

const LARGEST_BODY: usize = 64 * 1024;
const LARGEST_PAGE: usize = 1000;

/// The service. With a token, every request but `GET /healthz` must carry it as its bearer.
pub fn router(ledger: Ledger, token: Option<Secret>) -> Router {
    let guard = Arc::new(token);
    Router::new()
        .route("/rail/start", post(start))
        .route("/rail/followUp", post(follow_up))
        .route("/rail/query", post(query))
        .route("/rail/abandon", post(abandon))
        .route("/rail/transfers", post(transfers))
        .route("/rail/acknowledge", post(acknowledge))
        .route("/bank/push", post(push))
        .route("/bank/transfers", post(bank_transfer))
        .route("/bank/challenges", post(challenge))
        .route("/charges", get(charges))
        .route("/charges/{reference}", get(charge))
        .route_layer(middleware::from_fn(move |request: Request, next: Next| {
            let guard = Arc::clone(&guard);
            async move {
                if may_pass(guard.as_ref().as_ref(), request.headers()) {
                    next.run(request).await
                } else {
                    problem(
                        StatusCode::UNAUTHORIZED,
                        "send the sandbox's token as `Authorization: Bearer`",
                    )
                }
            }
        }))
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(ledger)
}

fn may_pass(token: Option<&Secret>, headers: &HeaderMap) -> bool {
    let Some(token) = token else {
        return true;
    };
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|given| given.as_bytes().ct_eq(token.reveal().as_bytes()).into())
}

/// Why a request was not served.
enum Refused {
    Unreadable(JsonRejection),
    Ledger(LedgerError),
    Bank(SandboxError),
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        Self::Unreadable(rejection)
    }
}
impl From<LedgerError> for Refused {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}
impl From<SandboxError> for Refused {
    fn from(error: SandboxError) -> Self {
        Self::Bank(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            // The body may hold a card: what was wrong with it is not repeated.
            Self::Unreadable(rejection) => {
                problem(rejection.status(), "the body is not what this call takes")
            }
            Self::Ledger(error) => problem(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
            Self::Bank(error @ SandboxError::Unreachable(_)) => {
                (StatusCode::SERVICE_UNAVAILABLE, Json(error)).into_response()
            }
            Self::Bank(error @ SandboxError::UnknownPayment) => {
                (StatusCode::NOT_FOUND, Json(error)).into_response()
            }
            Self::Bank(error) => (StatusCode::UNPROCESSABLE_ENTITY, Json(error)).into_response(),
        }
    }
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(serde_json::json!({ "error": message }))).into_response()
}

type Body<T> = Result<Json<T>, JsonRejection>;
type Answer<T> = Result<Json<T>, Refused>;

async fn start(State(ledger): State<Ledger>, attempt: Body<Attempt>) -> Answer<Answered> {
    Ok(Json(Answered(ledger.start(attempt?.0).await?)))
}

async fn follow_up(State(ledger): State<Ledger>, after: Body<After>) -> Answer<Answered> {
    Ok(Json(Answered(ledger.follow_up(after?.0).await?)))
}

async fn query(State(ledger): State<Ledger>, about: Body<About>) -> Answer<Asked> {
    Ok(Json(Asked(ledger.query(about?.reference).await?)))
}

async fn abandon(State(ledger): State<Ledger>, about: Body<About>) -> Answer<Asked> {
    Ok(Json(Asked(ledger.abandon(about?.reference).await?)))
}

async fn transfers(State(ledger): State<Ledger>, at_most: Body<AtMost>) -> Answer<Vec<Told>> {
    let Json(AtMost { after, limit }) = at_most?;
    let transfers = ledger.transfers(after, limit.min(LARGEST_PAGE)).await?;
    Ok(Json(transfers.into_iter().map(Told).collect()))
}

async fn acknowledge(State(ledger): State<Ledger>, recorded: Body<Recorded>) -> Answer<()> {
    let Json(recorded) = recorded?;
    Ok(Json(ledger.acknowledge(recorded.transfers).await?))
}

async fn push(State(ledger): State<Ledger>, named: Body<PushName>) -> Answer<impl Serialize> {
    Ok(Json(ledger.push(named?.0).await?))
}

async fn bank_transfer(State(ledger): State<Ledger>, sent: Body<Sent>) -> Answer<Told> {
    let Json(sent) = sent?;
    Ok(Json(Told(
        ledger
            .bank_transfer(sent.named, sent.amount, sent.written)
            .await?,
    )))
}

async fn challenge(State(ledger): State<Ledger>, chosen: Body<Chosen>) -> Answer<impl Serialize> {
    let Json(chosen) = chosen?;
    Ok(Json(match chosen.choice {
        None => ledger.challenge(&chosen.token).await?,
        Some(choice) => ledger.choose(&chosen.token, choice).await?,
    }))
}

#[derive(Deserialize)]
struct Page {
    after: Option<TransactionId>,
    limit: Option<usize>,
}

async fn charges(State(ledger): State<Ledger>, Query(page): Query<Page>) -> Answer<ChargePage> {
    let limit = page.limit.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
    Ok(Json(ledger.charges(page.after, limit).await?))
}

async fn charge(
    State(ledger): State<Ledger>,
    Path(reference): Path<TransactionId>,
) -> Answer<Charge> {
    let charge = ledger.charge(reference).await?;
    Ok(Json(charge.ok_or(SandboxError::UnknownPayment)?))
}
