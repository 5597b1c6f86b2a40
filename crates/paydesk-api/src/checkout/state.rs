//! `GET /pay/{authority}/state`: the session as its payer may see it, at once or when it changes.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use paydesk_core::authority::Authority;
use paydesk_core::method::Method;
use paydesk_core::session::{Amount, CustomField, MAX_CARD_ATTEMPTS};
use serde::Serialize;

use super::next_action::NextAction;
use super::trouble::Trouble;
use super::visit::{Guest, Visit};
use super::{answer, origin};
use crate::app::App;
use crate::wire::Iso;

/// The longest that a request may wait, in seconds.
const LONGEST_WAIT: u64 = 25;
/// As many as may wait for one session at once.
const MOST_WAITERS: usize = 4;

/// What a payer may see of a session. Nothing of the customer, the metadata, or who is told of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StateOut<'v> {
    status: &'static str,
    /// Integer minor units; absent where the payer chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    /// The least, where the payer chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_amount: Option<i64>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'v str>,
    line_items: Vec<LineItemOut<'v>>,
    methods: Vec<Method>,
    custom_fields: &'v [CustomField],
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextAction<'v>>,
    attempts_left: u32,
}

#[derive(Serialize)]
struct LineItemOut<'v> {
    name: &'v str,
    quantity: u32,
    amount: i64,
}

impl<'v> StateOut<'v> {
    fn new(visit: &'v Visit) -> Self {
        let session = &visit.session;
        let terms = &session.terms;
        let (amount, min_amount) = match terms.amount {
            Amount::Fixed(money) => (Some(money.minor()), None),
            Amount::AtLeast(money) => (None, Some(money.minor())),
            Amount::Nothing(_) => (Some(0), None),
        };
        let state = visit.state();
        Self {
            status: state.name().as_str(),
            amount,
            min_amount,
            currency: terms.amount.currency().code(),
            title: terms.title.as_deref(),
            line_items: terms
                .line_items
                .iter()
                .map(|item| LineItemOut {
                    name: &item.name,
                    quantity: item.quantity,
                    amount: item.amount.minor(),
                })
                .collect(),
            methods: visit.methods().collect(),
            custom_fields: &terms.custom_fields,
            expires_at: if state.is_terminal() {
                None
            } else {
                session.expires_at().map(Iso)
            },
            next_action: visit
                .current()
                .and_then(|transaction| NextAction::of(transaction, visit.now)),
            attempts_left: MAX_CARD_ATTEMPTS.saturating_sub(session.card_attempts),
        }
    }
}

/// Handles the request. With `?wait=` it is answered when the session is no longer as `If-None-Match` says, or,
/// without that header, when it changes; 304 if nothing did.
pub async fn handle(State(app): State<Arc<App>>, guest: Guest, headers: HeaderMap) -> Response {
    let authority = Authority::from_text(&guest.link, app.engine.keys());
    let mode = authority.map_or(paydesk_core::tenant::Mode::Live, |authority| {
        authority.tenant.mode
    });
    let answer = match state(&app, &guest, authority, &headers).await {
        Ok(response) => response,
        Err(trouble) => answer::problem(&app, mode, trouble),
    };
    let tenant = authority.map(|authority| authority.tenant);
    origin::mark(&app, tenant, &headers, answer).await
}

async fn state(
    app: &App,
    guest: &Guest,
    authority: Option<Authority>,
    headers: &HeaderMap,
) -> Result<Response, Trouble> {
    guest.admit(app)?;
    let authority = authority.ok_or(Trouble::NotFound)?;
    let wait = match guest.param("wait") {
        None => Duration::ZERO,
        Some(text) => {
            let seconds: u64 = text.parse().map_err(|_| {
                paydesk_core::refusal::Refusal::field(
                    "wait",
                    format!("is not a number of seconds from 0 to {LONGEST_WAIT}"),
                )
            })?;
            Duration::from_secs(seconds.min(LONGEST_WAIT))
        }
    };
    let seen = headers
        .get(IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .map(|tag| tag.trim_start_matches("W/").trim_matches('"').to_owned());
    let visit = if wait.is_zero() {
        Visit::load(app, authority, guest.link.clone()).await?
    } else {
        changed(app, guest, authority, seen.as_deref(), wait).await?
    };

    let tag = visit.tag();
    let mode = authority.tenant.mode;
    let mut response = if seen.as_deref() == Some(&tag) {
        let mut unchanged = StatusCode::NOT_MODIFIED.into_response();
        app.page_headers.apply(mode, unchanged.headers_mut());
        unchanged
    } else {
        answer::json(app, mode, &StateOut::new(&visit))
    };
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// Waits until the session is no longer as it was `seen` (or, if that is not said, as it is found), or until
/// the time is over. Time itself may change it, so its next due time is waited for too.
async fn changed(
    app: &App,
    guest: &Guest,
    authority: Authority,
    seen: Option<&str>,
    wait: Duration,
) -> Result<Visit, Trouble> {
    let (tenant, id) = (authority.tenant, authority.session);
    let deadline = tokio::time::Instant::now() + wait;
    let waiter = app.engine.watch().join(tenant, id);
    if app.engine.watch().waiters(tenant, id) > MOST_WAITERS {
        return Err(Trouble::TooManyWaiting);
    }
    let asked_blindly = seen.is_none();
    let mut seen = seen.map(str::to_owned);
    loop {
        let news = waiter.changed();
        let visit = Visit::load(app, authority, guest.link.clone()).await?;
        let tag = visit.tag();
        let is_over = asked_blindly && visit.state().is_terminal();
        if *seen.get_or_insert_with(|| tag.clone()) != tag || is_over {
            return Ok(visit);
        }
        let until = next_due(&visit).map_or(deadline, |due| due.min(deadline));
        let _aside = guest
            .context
            .as_ref()
            .map(crate::http::RequestContext::wait_aside);
        tokio::select! {
            () = news => {}
            () = tokio::time::sleep_until(until) => {
                if until >= deadline {
                    return Ok(visit);
                }
            }
        }
    }
}

/// When time alone next changes what the payer sees. What is due already shows, whether or not it is written.
fn next_due(visit: &Visit) -> Option<tokio::time::Instant> {
    [visit.session.due_at(), visit.session.expires_at()]
        .into_iter()
        .flatten()
        .filter(|due| *due > visit.now)
        .min()
        .map(|due| tokio::time::Instant::now() + due.since(visit.now).to_std())
}
