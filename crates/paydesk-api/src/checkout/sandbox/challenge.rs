//! A wallet's page and a card bank's page of the sandbox: the payer approves or refuses.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use paydesk_core::method::Family;
use paydesk_core::tenant::Mode;
use paydesk_rails::sandbox::{Challenge, Choice, Decision, SandboxError};

use super::{sandbox, trouble_page};
use crate::app::App;
use crate::checkout::answer::{self, Shell};
use crate::checkout::locale::{Language, money};
use crate::checkout::screen::method_label;
use crate::checkout::trouble::Trouble;
use crate::checkout::visit::Guest;
use crate::checkout::{form_code, origin};
use crate::http::body;
use crate::http::cross_site::{self, Post};

#[derive(Template)]
#[template(path = "sandbox_challenge.html")]
struct ChallengePage {
    shell: Shell,
    /// Who asks.
    heading: String,
    merchant: String,
    /// None where a card is only stored.
    amount: Option<String>,
    /// What has been decided; none while it is open.
    decided: Option<&'static str>,
    return_url: String,
    form_code: String,
}

/// Asks the payer.
pub async fn show(State(app): State<Arc<App>>, guest: Guest) -> Response {
    answered(&app, asked(&app, &guest).await)
}

/// Takes the payer's decision, and sends the payer back.
pub async fn decide(State(app): State<Arc<App>>, guest: Guest, request: Request) -> Response {
    answered(&app, decided(&app, &guest, request).await)
}

fn answered(app: &App, outcome: Result<Response, Trouble>) -> Response {
    outcome.unwrap_or_else(|trouble| trouble.page(app, Mode::Test, Language::English))
}

async fn asked(app: &App, guest: &Guest) -> Result<Response, Trouble> {
    guest.admit(app)?;
    match sandbox(app)?.challenge(&guest.link).await {
        Ok(challenge) => Ok(page(app, &guest.link, challenge)),
        Err(SandboxError::UnknownPayment) => Err(Trouble::NotFound),
        Err(error) => Ok(trouble_page(app, &error)),
    }
}

fn page(app: &App, token: &str, challenge: Challenge) -> Response {
    let english = Language::English;
    let heading = match challenge.method.family() {
        Family::Card => "Test bank: 3-D Secure".to_owned(),
        _ => format!(
            "Test wallet: {}",
            method_label(challenge.method, english.texts())
        ),
    };
    let page = ChallengePage {
        shell: Shell::new(app, Mode::Test, english, &heading),
        heading,
        merchant: challenge.merchant_name,
        amount: (!challenge.amount.is_zero()).then(|| money(challenge.amount, english)),
        decided: match challenge.decision {
            Decision::Open => None,
            Decision::Approved => Some("You approved this payment."),
            Decision::Refused => Some("You refused this payment."),
            Decision::Closed => Some("This payment was given up before you decided."),
        },
        return_url: challenge.return_url,
        form_code: form_code::write(app.engine.keys(), token),
    };
    answer::page(app, Mode::Test, StatusCode::OK, &page)
}

async fn decided(app: &App, guest: &Guest, request: Request) -> Result<Response, Trouble> {
    guest.admit(app)?;
    let bank = sandbox(app)?;
    let (parts, body) = request.into_parts();
    let body = body::read(body, &app.body_limits).await?;
    let field = |wanted: &str| {
        url::form_urlencoded::parse(&body)
            .find_map(|(name, value)| (name == wanted).then(|| value.into_owned()))
    };
    match cross_site::judge(&parts.headers, &origin::own_origin(app), |_| false) {
        Post::Allowed => {}
        Post::Refused => return Err(Trouble::CrossSite),
        Post::NeedsFormCode => {
            let keys = app.engine.keys();
            if !field(form_code::FIELD)
                .is_some_and(|code| form_code::verify(keys, &guest.link, &code))
            {
                return Err(Trouble::CrossSite);
            }
        }
    }
    let choice = match field("choice").as_deref() {
        Some("approve") => Choice::Approve,
        Some("refuse") => Choice::Refuse,
        // Neither button: the question stands.
        _ => return asked(app, guest).await,
    };
    let challenge = match bank.choose(&guest.link, choice).await {
        Ok(challenge) => challenge,
        Err(SandboxError::UnknownPayment) => return Err(Trouble::NotFound),
        Err(error) => return Ok(trouble_page(app, &error)),
    };
    // The engine would ask by itself before long; the payer should not have to wait for it on the page.
    let known = app.engine.sync(challenge.tenant, challenge.reference).await;
    if let Err(error) = known {
        tracing::warn!(%error, "an outcome could not be asked for at once");
    }
    Ok(answer::see_other(app, Mode::Test, &challenge.return_url))
}
