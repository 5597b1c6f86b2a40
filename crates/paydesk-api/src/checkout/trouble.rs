//! What goes wrong on the way to a session, told as a page or as a problem.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::RETRY_AFTER;
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode};
use paydesk_core::engine::EngineError;
use paydesk_core::refusal::Refusal;
use paydesk_core::tenant::Mode;
use std::sync::Arc;

use super::answer::{self, Message};
use super::locale::Language;
use super::visit::Guest;
use crate::app::App;
use crate::http::apology::Apology;
use crate::http::body::BodyError;
use crate::http::json::JsonProblem;
use crate::http::rate_limit::TooMany;
use crate::native::problem::Problem;

/// Why a payer's request came to nothing.
#[derive(Debug)]
pub enum Trouble {
    /// No session is opened by what was sent.
    NotFound,
    /// The client token is too old to act.
    TokenExpired,
    /// A page of somebody else's sent it.
    CrossSite,
    /// Too many from this address.
    TooMany(TooMany),
    /// Too many wait for news of this session already.
    TooManyWaiting,
    /// The address takes other methods.
    WrongMethod,
    /// Neither JSON nor a form.
    MediaType,
    /// The body could not be read.
    Body(BodyError),
    /// The JSON could not be read.
    Json(JsonProblem),
    /// The engine refused or could not answer.
    Engine(EngineError),
}

impl From<TooMany> for Trouble {
    fn from(too_many: TooMany) -> Self {
        Self::TooMany(too_many)
    }
}
impl From<BodyError> for Trouble {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}
impl From<JsonProblem> for Trouble {
    fn from(problem: JsonProblem) -> Self {
        Self::Json(problem)
    }
}
impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            error @ EngineError::Unavailable(_) => Self::Engine(error),
        }
    }
}
impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::SessionNotFound => Self::NotFound,
            refusal => Self::Engine(refusal.into()),
        }
    }
}

impl Trouble {
    /// As RFC 9457 tells it.
    #[must_use]
    pub fn problem(self) -> Problem {
        match self {
            Self::NotFound => Refusal::SessionNotFound.into(),
            Self::TokenExpired => Problem::new(
                StatusCode::FORBIDDEN,
                "client_token_expired",
                "the client token has expired: ask the merchant for a fresh one",
            ),
            Self::CrossSite => Problem::new(
                StatusCode::FORBIDDEN,
                "cross_site",
                "a page of another origin may not do this, unless the merchant allowed the origin",
            ),
            Self::TooMany(too_many) => too_many.into(),
            Self::TooManyWaiting => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_waiting",
                "too many requests wait for news of this session; ask without wait, or later",
            )
            .with_header(RETRY_AFTER, HeaderValue::from_static("2")),
            Self::WrongMethod => Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this address does not take this method",
            ),
            Self::MediaType => Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body is neither application/json nor application/x-www-form-urlencoded",
            ),
            Self::Body(error) => error.into(),
            Self::Json(problem) => problem.into(),
            Self::Engine(error) => error.into(),
        }
    }

    /// As the payer reads it.
    #[must_use]
    pub fn page(self, app: &App, mode: Mode, language: Language) -> Response {
        let t = language.texts();
        let (title, text, again) = match &self {
            Self::NotFound => (&t.not_found_title, &t.not_found_text, false),
            Self::TooMany(_) | Self::TooManyWaiting => (&t.busy_title, &t.busy_text, true),
            Self::Engine(EngineError::Unavailable(_)) => (&t.trouble_title, &t.trouble_text, true),
            Self::TokenExpired
            | Self::CrossSite
            | Self::WrongMethod
            | Self::MediaType
            | Self::Body(_)
            | Self::Json(_)
            | Self::Engine(EngineError::Refused(_)) => {
                (&t.not_accepted_title, &t.not_accepted_text, false)
            }
        };
        let problem = self.problem().into_response();
        let message = Message {
            title: title.as_str(),
            text: text.as_str(),
            again,
        };
        let mut response = answer::message(app, mode, language, problem.status(), &message);
        if let Some(after) = problem.headers().get(RETRY_AFTER) {
            response.headers_mut().insert(RETRY_AFTER, after.clone());
        }
        response
    }
}

/// What a payer reads whose request the edge turned away or saw fail.
#[must_use]
pub fn apology(app: Arc<App>) -> Apology {
    Apology::new(move |reader, target, status| {
        let query = target.and_then(PathAndQuery::query).unwrap_or_default();
        let mut query = url::form_urlencoded::parse(query.as_bytes());
        let chosen = query.find_map(|(name, value)| (name == "lang").then_some(value));
        let language = Language::negotiate(chosen.as_deref(), None, reader.languages());
        let t = language.texts();
        let message = Message {
            title: t.trouble_title.as_str(),
            text: t.trouble_text.as_str(),
            again: true,
        };
        answer::message(&app, Mode::Live, language, status, &message)
    })
}

/// What a known address answers to a method that it does not take.
pub async fn wrong_method(State(app): State<Arc<App>>, guest: Guest) -> Response {
    Trouble::WrongMethod.page(&app, Mode::Live, guest.language(None))
}

/// What an address below the page's that nothing stands at answers.
pub async fn not_found(State(app): State<Arc<App>>, guest: Guest) -> Response {
    Trouble::NotFound.page(&app, Mode::Live, guest.language(None))
}
