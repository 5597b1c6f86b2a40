//! The page's style sheet, script and icon: compiled in, and named by a hash of their content, so that a
//! browser may keep them for ever and still never shows an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse as _, Response};
use data_encoding::HEXLOWER;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

/// A file that pages refer to.
#[derive(Debug)]
pub struct Asset {
    name: &'static str,
    kind: &'static str,
    content: &'static str,
    hash: LazyLock<String>,
}

macro_rules! asset {
    ($name:literal, $kind:literal) => {
        Asset {
            name: $name,
            kind: $kind,
            content: include_str!(concat!("assets/", $name)),
            hash: LazyLock::new(|| hash(include_str!(concat!("assets/", $name)))),
        }
    };
}

/// How the page looks.
pub static STYLE: Asset = asset!("checkout.css", "text/css; charset=utf-8");
/// What makes it livelier.
pub static SCRIPT: Asset = asset!("checkout.js", "text/javascript; charset=utf-8");
/// What its tab shows.
pub static ICON: Asset = asset!("icon.svg", "image/svg+xml");

static ALL: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];

/// All of them.
pub(super) fn all() -> &'static [&'static Asset] {
    &ALL
}

/// What the browser is told of a file under its own hash.
const KEEP: &str = "public, max-age=31536000, immutable";

impl Asset {
    /// Its content.
    #[must_use]
    pub const fn content(&self) -> &'static str {
        self.content
    }

    /// SHA-256 of its content, in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(self.content.as_bytes()))
    }

    /// The headers that it is served with under its own hash.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        self.put_headers(&mut headers, KEEP);
        headers
    }

    fn put_headers(&self, headers: &mut HeaderMap, keep: &'static str) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(keep));
    }

    /// Its address, below the path of the public URL.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/pay/assets/{}/{}", *self.hash, self.name)
    }
}

fn hash(content: &str) -> String {
    let digest = Sha256::digest(content.as_bytes());
    HEXLOWER.encode(digest.get(..8).unwrap_or_default())
}

/// What stands where there is no file.
pub(super) fn no_such_file() -> Response {
    let headers = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (StatusCode::NOT_FOUND, headers).into_response()
}

/// Serves one. While a new version is rolled out, a page made by one process may ask another for a file: the
/// name finds it, but only under its own hash may it be kept.
pub async fn handle(path: Result<Path<(String, String)>, PathRejection>) -> Response {
    let found = path.ok().and_then(|Path((hash, name))| {
        let asset = ALL.iter().find(|asset| asset.name == name)?;
        Some((asset, hash == *asset.hash))
    });
    let Some((asset, is_current)) = found else {
        return no_such_file();
    };
    let mut response = asset.content.into_response();
    let keep = if is_current { KEEP } else { "no-store" };
    asset.put_headers(response.headers_mut(), keep);
    response
}
