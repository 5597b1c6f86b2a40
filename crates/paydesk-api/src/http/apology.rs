//! What a person reads when the edge itself must answer: there was no room, or a handler failed. Programs get JSON.

use std::fmt;
use std::sync::Arc;

use axum::response::Response;
use http::header::{ACCEPT, ACCEPT_LANGUAGE};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode};

type Write = dyn Fn(&Reader, Option<&PathAndQuery>, StatusCode) -> Response + Send + Sync;

/// Writes the page for a person whose request the edge answers. It is called when there is least to spare: it must not
/// wait for anything.
#[derive(Clone)]
pub struct Apology(Arc<Write>);

impl Apology {
    /// By this function.
    pub fn new(
        write: impl Fn(&Reader, Option<&PathAndQuery>, StatusCode) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(write))
    }

    pub(super) fn write(
        &self,
        reader: &Reader,
        target: Option<&PathAndQuery>,
        status: StatusCode,
    ) -> Response {
        (self.0)(reader, target, status)
    }
}

impl fmt::Debug for Apology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Apology(…)")
    }
}

/// A person, as far as the headers tell.
#[derive(Clone, Debug)]
pub struct Reader {
    languages: Option<HeaderValue>,
}

impl Reader {
    /// Whoever asks for a page to read; browsers do when somebody follows a link or sends a form, programs and scripts
    /// do not.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get(ACCEPT)?.as_bytes();
        let page = b"text/html";
        let reads = accepted.windows(page.len()).any(|part| part == page);
        reads.then(|| Self {
            languages: headers.get(ACCEPT_LANGUAGE).cloned(),
        })
    }

    /// `Accept-Language`; empty if there is none.
    #[must_use]
    pub fn languages(&self) -> &str {
        let languages = self.languages.as_ref();
        languages
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}
