//! What a call answers with when it went well.

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use crate::wire;

/// A JSON answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// Body.
    pub body: Bytes,
}

impl Reply {
    /// 200 with this.
    pub fn ok<T: Serialize>(value: &T) -> Self {
        Self {
            status: StatusCode::OK,
            body: wire::bytes(value),
        }
    }

    /// 200 with this, which lists so many.
    pub fn list<T: Serialize>(value: &T, count: usize) -> Self {
        Self {
            status: StatusCode::OK,
            body: wire::list_bytes(value, count),
        }
    }

    /// 201 with this, which is new.
    pub fn created<T: Serialize>(value: &T) -> Self {
        Self {
            status: StatusCode::CREATED,
            body: wire::bytes(value),
        }
    }

    pub(super) fn into_response(self) -> Response {
        wire::json(self.status, self.body)
    }
}
