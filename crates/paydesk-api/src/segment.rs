//! Parts of an address that name something, and what an address asks for, as the dialects read them.
//!
//! The framework refuses what is no text in words of its own, and before anybody is let in. Here such a part names nothing
//! that there is: it is looked for and not found, in the form of the dialect that was asked.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

/// Stands for what is no text. No id and no marker has this character.
const NO_TEXT: &str = "\u{FFFD}";

/// The part of an address that names something.
#[derive(Clone, Debug)]
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let read = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(
            read.map_or_else(|_| NO_TEXT.to_owned(), |Path(name)| name),
        ))
    }
}

/// Two of them.
#[derive(Clone, Debug)]
pub struct Segments(pub String, pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segments {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let read = Path::<(String, String)>::from_request_parts(parts, state).await;
        let nothing = || (NO_TEXT.to_owned(), NO_TEXT.to_owned());
        let (first, second) = read.map_or_else(|_| nothing(), |Path(names)| names);
        Ok(Self(first, second))
    }
}
