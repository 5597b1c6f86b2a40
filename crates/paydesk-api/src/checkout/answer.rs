//! Answers: pages with their headers, redirects back to a page, and JSON.

use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use paydesk_core::tenant::Mode;
use serde::Serialize;

use super::assets;
use super::locale::{Language, Texts};
use super::visit::{Guest, Visit};
use crate::app::App;
use crate::wire;

/// What every page has: head, frame, languages.
#[derive(Debug)]
pub struct Shell {
    /// The texts.
    pub t: &'static Texts,
    /// Their language.
    pub language: Language,
    /// What the tab says.
    pub title: String,
    /// The path of the public URL, which every address on the page begins with.
    pub base: String,
    /// The style sheet of the merchant's own colour.
    pub accent: Option<String>,
    /// Whether no real money moves.
    pub is_test: bool,
    /// Reload by itself after so many seconds, where there is no script that does better.
    pub reload: Option<u32>,
    /// The page in the other languages; none for a page that has no address of its own.
    pub languages: Vec<(Language, String)>,
}

impl Shell {
    /// Of a page that belongs to no session.
    #[must_use]
    pub fn new(app: &App, mode: Mode, language: Language, title: &str) -> Self {
        Self {
            t: language.texts(),
            language,
            title: title.to_owned(),
            base: base(app).to_owned(),
            accent: None,
            is_test: !mode.is_live(),
            reload: None,
            languages: Vec::new(),
        }
    }

    /// The style sheet's address.
    #[must_use]
    pub fn style(&self) -> String {
        format!("{}{}", self.base, assets::STYLE.path())
    }

    /// The script's address.
    #[must_use]
    pub fn script(&self) -> String {
        format!("{}{}", self.base, assets::SCRIPT.path())
    }

    /// The icon's address.
    #[must_use]
    pub fn icon(&self) -> String {
        format!("{}{}", self.base, assets::ICON.path())
    }
}

/// The path that the public URL begins with: empty, unless a proxy serves us below one.
#[must_use]
pub fn base(app: &App) -> &str {
    let url = app.engine.public_url();
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..));
    path.unwrap_or("").trim_end_matches('/')
}

/// The path of a session's page, or of what lies below it, in the language that the payer chose.
#[must_use]
pub fn page_path(app: &App, link: &str, below: &str, chosen: Option<Language>) -> String {
    let base = base(app);
    match chosen {
        Some(language) => format!("{base}/pay/{link}{below}?lang={}", language.tag()),
        None => format!("{base}/pay/{link}{below}"),
    }
}

/// A page that says one thing.
#[derive(Debug)]
pub struct Message<'m> {
    /// Its heading.
    pub title: &'m str,
    /// What it says.
    pub text: &'m str,
    /// Whether trying again may help.
    pub again: bool,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'m> {
    shell: Shell,
    message: &'m Message<'m>,
}

/// A page that says one thing.
#[must_use]
pub fn message(
    app: &App,
    mode: Mode,
    language: Language,
    status: StatusCode,
    message: &Message<'_>,
) -> Response {
    let mut shell = Shell::new(app, mode, language, message.title);
    // Of a request that found no session nobody knows whether it was a test.
    shell.is_test = false;
    page(app, mode, status, &MessagePage { shell, message })
}

/// A page, with the headers that every page has.
#[must_use]
pub fn page<T: Template>(app: &App, mode: Mode, status: StatusCode, template: &T) -> Response {
    let mut response = match template.render() {
        Ok(html) => (status, html).into_response(),
        Err(error) => {
            // Writing into memory fails only if a value refuses to be written, and ours do not.
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    app.page_headers.apply(mode, headers);
    response
}

/// Sends the payer's browser somewhere by `GET`. An address that cannot stand in a header leads nowhere; none
/// of ours is one.
#[must_use]
pub fn see_other(app: &App, mode: Mode, address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    if let Ok(address) = HeaderValue::from_str(address) {
        headers.insert(LOCATION, address);
    }
    app.page_headers.apply(mode, headers);
    response
}

/// Sends the payer back to the session's page.
#[must_use]
pub fn back_to_page(app: &App, guest: &Guest, visit: &Visit) -> Response {
    let chosen = guest
        .chosen_language
        .as_deref()
        .and_then(Language::from_tag);
    see_other(
        app,
        visit.session.tenant.mode,
        &page_path(app, &visit.link, "", chosen),
    )
}

/// A JSON answer of the payer's API.
#[must_use]
pub fn json<T: Serialize>(app: &App, mode: Mode, value: &T) -> Response {
    let mut response = wire::json(StatusCode::OK, wire::bytes(value));
    app.page_headers.apply(mode, response.headers_mut());
    response
}

/// A problem of the payer's API.
#[must_use]
pub fn problem(app: &App, mode: Mode, trouble: super::trouble::Trouble) -> Response {
    let mut response = trouble.problem().into_response();
    let after = response.headers().get(RETRY_AFTER).cloned();
    app.page_headers.apply(mode, response.headers_mut());
    if let Some(after) = after {
        response.headers_mut().insert(RETRY_AFTER, after);
    }
    response
}
