//! The payer's side of the sandbox: the bank that sends a transfer, the wallet and the card's bank that ask the
//! payer. Test mode only, and for developers: these pages speak English.

mod bank;
mod challenge;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use paydesk_core::tenant::Mode;
use paydesk_rails::sandbox::{SandboxBank, SandboxError};

use super::answer::{self, Message};
use super::locale::Language;
use super::trouble::{self, Trouble};
use crate::app::App;

/// The routes, under no prefix.
pub fn routes() -> Router<Arc<App>> {
    let challenge = || {
        get(challenge::show)
            .post(challenge::decide)
            .fallback(trouble::wrong_method)
    };
    Router::new()
        .route(
            "/sandbox/bank",
            get(bank::show).fallback(trouble::wrong_method),
        )
        .route(
            "/sandbox/bank/transfers",
            post(bank::transfer).fallback(trouble::wrong_method),
        )
        .route("/sandbox/wallet/{token}", challenge())
        .route("/sandbox/3ds/{token}", challenge())
}

/// The sandbox, if this installation has one.
fn sandbox(app: &App) -> Result<&Arc<dyn SandboxBank>, Trouble> {
    app.sandbox.as_ref().ok_or(Trouble::NotFound)
}

/// What a page says of the sandbox's own troubles.
fn trouble_page(app: &App, error: &SandboxError) -> Response {
    let (status, title) = match error {
        SandboxError::UnknownPayment => {
            (StatusCode::NOT_FOUND, "The test bank knows no such payment")
        }
        SandboxError::NotACode(_)
        | SandboxError::Ambiguous
        | SandboxError::WrongCurrency { .. }
        | SandboxError::Amount => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "The test bank could not do this",
        ),
        SandboxError::Unreachable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The test bank does not answer",
        ),
    };
    let text = match error {
        SandboxError::Unreachable(_) => "Try again in a moment.".to_owned(),
        error => format!("The reason: {error}."),
    };
    let message = Message {
        title,
        text: &text,
        again: false,
    };
    answer::message(app, Mode::Test, Language::English, status, &message)
}
