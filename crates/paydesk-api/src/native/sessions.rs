//! `/api/v1/sessions`: open, read, list, expire, cancel.

use std::collections::HashMap;
use std::sync::Arc;

use paydesk_core::authority::{Authority, Right};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::end_session::{End, Ended};
use paydesk_core::id::SessionId;
use paydesk_core::list::SessionFilter;
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Canceller, Kind, Session, State, StateName};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use schemars::JsonSchema;
use serde::Serialize;

use super::frame::{Asked, Call, NoBody, Parameter, Problem, Reply, Scope};
use super::session::{SessionIn, SessionOut};
use crate::app::App;
use crate::wire::Iso;

const STATUSES: &[StateName] = &[
    StateName::Created,
    StateName::Initiated,
    StateName::Processing,
    StateName::Completed,
    StateName::Cancelled,
    StateName::Expired,
];

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/sessions", Scope::SessionsWrite, create)
            .named("createSession", "Opens a session")
            .told(
                "A session is one intention to pay, to hold money, or to store a card. Send the payer to its `url`.",
            )
            .creates::<SessionOut<'_>>(),
        Call::list("/sessions", Scope::SessionsRead, list)
            .named("listSessions", "Lists sessions")
            .told(
                "Newest first; only those that are all of what is asked for. Searching (`q`) finds those of which every \
                 word given begins a word of the title, description or reference, or of the customer's name, email \
                 or phone; upper and lower case and accents do not matter. An id is found, too.",
            )
            .takes([
                Parameter::words(
                    "status",
                    "Only in these states. Time counts: one whose time is over is expired, whoever looks.",
                    &STATUSES.iter().map(|status| status.as_str()).collect::<Vec<_>>(),
                ),
                Parameter::word("kind", "Only of this kind.", &KINDS.map(kind_name)),
                Parameter::text("reference", "Only with this reference."),
                Parameter::text("customer", "Only of the customer with this code."),
                Parameter::text("currency", "Only in this currency."),
                Parameter::word(
                    "method",
                    "Only those that offer this method.",
                    &Method::ALL.iter().map(|method| method.name()).collect::<Vec<_>>(),
                ),
                Parameter::text("q", "Words to search for."),
            ])
            .takes(Parameter::bounds())
            .pages::<SessionOut<'_>>(),
        Call::get("/sessions/{id}", Scope::SessionsRead, get)
            .named("getSession", "Reads a session with its transactions")
            .answers::<SessionOut<'_>>(),
        Call::post("/sessions/{id}/clientToken", Scope::SessionsWrite, client_token)
            .named("createClientToken", "Makes a client token for a session")
            .told(
                "With it the payer's browser acts on the session from your own page, stored payment methods included. \
                 It ends by itself; fresh ones leave it as it is.",
            )
            .creates::<ClientTokenOut>(),
        Call::post("/sessions/{id}/expire", Scope::SessionsWrite, expire)
            .named("expireSession", "Expires a session before its time")
            .told("Refused while a card payment is in flight. Money that is pushed later is recorded as late.")
            .answers::<SessionOut<'_>>(),
        Call::post("/sessions/{id}/cancel", Scope::SessionsWrite, cancel)
            .named("cancelSession", "Cancels a session")
            .told("Refused while a card payment is in flight. Money that is pushed later is recorded as late.")
            .answers::<SessionOut<'_>>(),
    ]
}

async fn create(mut asked: Asked, input: SessionIn) -> Result<Reply, Problem> {
    let command = input.command()?;
    let app = Arc::clone(&asked.app);
    let render = move |session: &Session| {
        let now = app.engine.now(session.tenant);
        Reply::created(&SessionOut::new(session, [], &app.engine, now))
    };
    let idempotent = asked.idempotent(render.clone());
    let session = asked
        .engine()
        .open_session(asked.tenant(), command, idempotent)
        .await?;
    Ok(render(&session))
}

/// What the payer's browser acts with.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ClientToken")]
struct ClientTokenOut {
    client_token: String,
    expires_at: Iso,
}

async fn client_token(mut asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    let (tenant, now) = (asked.tenant(), asked.now());
    let id: SessionId = asked.id(Refusal::SessionNotFound)?;
    let (session, _) = asked.engine().session(tenant, id).await?;
    match session.state_at(now) {
        State::Created { .. } | State::Initiated { .. } | State::Processing { .. } => {}
        State::Completed { .. } => return Err(Refusal::SessionCompleted.into()),
        State::Cancelled { .. } => return Err(Refusal::SessionCancelled.into()),
        State::Expired { .. } => return Err(Refusal::SessionExpired.into()),
    }
    let app = Arc::clone(&asked.app);
    let render = move |token: &Authority| {
        let expires_at = match token.right {
            Right::ClientToken { expires_at } => expires_at,
            Right::Page | Right::ClientSecret => Timestamp::EPOCH,
        };
        Reply::created(&ClientTokenOut {
            client_token: token.to_text(app.engine.keys()),
            expires_at: Iso(expires_at),
        })
    };
    let idempotent = asked.idempotent_with_secret(render.clone());
    let token = Authority::client_token(tenant, id, now);
    let token = asked.engine().remember(tenant, idempotent, token).await?;
    Ok(render(&token))
}

fn written(app: &App, session: &Session, transactions: &[Transaction]) -> Reply {
    let now = app.engine.now(session.tenant);
    Reply::ok(&SessionOut::new(session, transactions, &app.engine, now))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: SessionId = asked.id(Refusal::SessionNotFound)?;
    let (session, transactions) = asked.engine().session(asked.tenant(), id).await?;
    Ok(written(&asked.app, &session, &transactions))
}

async fn expire(asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    end(asked, End::Expire).await
}

async fn cancel(asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    end(asked, End::Cancel(Canceller::Merchant)).await
}

async fn end(mut asked: Asked, end: End) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::SessionNotFound)?;
    let app = Arc::clone(&asked.app);
    let render = move |ended: &Ended| written(&app, &ended.session, &ended.transactions);
    let idempotent = asked.idempotent(render.clone());
    let ended = asked
        .engine()
        .end_session(asked.tenant(), id, end, idempotent)
        .await?;
    Ok(render(&ended))
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    let (tenant, now) = (asked.tenant(), asked.now());
    let paging = asked.paging("sessions")?;
    let filter = SessionFilter {
        ahead: asked.engine().ahead(tenant),
        states: asked.named("status", STATUSES, StateName::as_str)?,
        kind: asked.named("kind", &KINDS, kind_name)?.pop(),
        reference: asked.text("reference"),
        customer: asked.text("customer"),
        currency: asked.currency()?,
        method: asked.parsed("method", "is not a method such as card or paynow")?,
        amount: asked.amounts()?,
        created: asked.created()?,
        search: asked.sought_sessions().await?,
        ..SessionFilter::at(now)
    };
    let store = asked.engine().store();
    let found = store.sessions(tenant, &filter, paging.newest()?).await;
    let found = found.map_err(EngineError::from)?;
    let attempted: Vec<SessionId> = found
        .iter()
        .filter(|session| session.attempted)
        .map(|session| session.id)
        .collect();
    let transactions = if attempted.is_empty() {
        Vec::new()
    } else {
        let of_all = store.transactions_of(tenant, &attempted).await;
        of_all.map_err(EngineError::from)?
    };
    let mut by_session: HashMap<SessionId, Vec<&Transaction>> = HashMap::new();
    for transaction in &transactions {
        if let Some(session) = transaction.session {
            by_session.entry(session).or_default().push(transaction);
        }
    }
    Ok(asked.page_of(&paging, &found, |session| {
        let own = by_session.remove(&session.id).unwrap_or_default();
        SessionOut::new(session, own, asked.engine(), now)
    }))
}

const KINDS: [Kind; 3] = [Kind::Payment, Kind::Authorization, Kind::AddPaymentMethod];

/// The name of a kind on the wire.
const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "payment",
        Kind::Authorization => "authorization",
        Kind::AddPaymentMethod => "addPaymentMethod",
    }
}
