//! Idempotent requests: what is known of one, and what a change writes about it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::id::TransactionId;
use crate::keys::Sealed;
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// What an idempotent request is known by. The scope (key id and route) is part of `scope`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Who called what: key id, method and route.
    pub scope: String,
    /// What the caller sent.
    pub key: String,
}

/// What is known of an idempotent request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// Which request.
    pub key: IdempotencyKey,
    /// SHA-256 of its body: the same key with another body is a mistake.
    pub body_hash: [u8; 32],
    /// Its answer, if it has one.
    pub answer: StoredAnswer,
    /// When it was first seen; wall time.
    pub created_at: Timestamp,
}

/// The answer to an idempotent request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum StoredAnswer {
    /// Its first commit is made, its outcome is not there yet.
    Running,
    /// The first answer, byte for byte.
    Bytes {
        /// HTTP status.
        status: u16,
        /// Body.
        body: String,
    },
    /// The same, of an answer that shows a secret: its body is sealed under the server's key.
    Sealed {
        /// HTTP status.
        status: u16,
        /// Body, sealed; see [`StoredAnswer::seal_context`].
        body: Sealed,
    },
    /// The process that would have answered is gone; a reconciler found the outcome. The answer is what this
    /// transaction now says.
    Transaction {
        /// Which.
        id: TransactionId,
    },
}

impl StoredAnswer {
    /// What the body of a [sealed](Self::Sealed) answer is sealed with, so that it opens as no other's.
    #[must_use]
    pub fn seal_context(tenant: Tenant, key: &IdempotencyKey) -> Vec<u8> {
        let Tenant { merchant, mode } = tenant;
        let IdempotencyKey { scope, key } = key;
        format!("answer/{merchant}/{mode}/{scope}/{key}").into_bytes()
    }
}

/// What a change does about idempotency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IdempotencyWrite {
    /// The key must be new; this is what is known of it now.
    Claim(IdempotencyRecord),
    /// The key is running; this is its answer. Replaces nothing but [`StoredAnswer::Running`]: a first
    /// answer stays.
    Finish {
        /// Which.
        key: IdempotencyKey,
        /// The answer.
        answer: StoredAnswer,
    },
}

/// A body to answer with, as bytes and HTTP status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Bytes,
}
