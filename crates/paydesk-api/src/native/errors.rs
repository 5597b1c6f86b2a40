//! The catalogue of errors, made from the refusals themselves: `docs/errors.md`, kept the same by a test.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use paydesk_core::refusal::Refusal;

use super::problem::Problem;

/// What the API itself says no to, before any rule is asked: status, code, and what it means.
const OWN: &[(u16, &str, &str)] = &[
    (
        404,
        "bank_transfer_not_found",
        "there is no such bank transfer",
    ),
    (
        400,
        "invalid_body",
        "the body ended before it was complete; also 408 if it came too slowly and 413 if it is larger than 64 KiB",
    ),
    (
        400,
        "invalid_json",
        "the body is no JSON, or has a field that is unknown, missing, or of the wrong type",
    ),
    (
        401,
        "unauthorized",
        "a valid secret is required, as Authorization: Bearer <secret>",
    ),
    (
        403,
        "insufficient_scope",
        "this restricted key may not do this",
    ),
    (404, "no_such_address", "there is nothing at this address"),
    (
        404,
        "bank_transfer_not_found",
        "there is no such bank transfer",
    ),
    (
        405,
        "method_not_allowed",
        "this address does not take this method",
    ),
    (
        429,
        "too_many_requests",
        "too many requests; Retry-After says when to try again",
    ),
    (
        503,
        "unavailable",
        "the service is temporarily unavailable; try again shortly",
    ),
];

/// The catalogue as it is checked in.
#[must_use]
pub fn catalogue() -> String {
    let mut rows: BTreeMap<(String, u16), String> = BTreeMap::new();
    for (status, code, meaning) in OWN {
        rows.insert(((*code).to_owned(), *status), (*meaning).to_owned());
    }
    for refusal in Refusal::examples() {
        let problem = Problem::from(refusal);
        let row = (problem.code().to_owned(), problem.status().as_u16());
        rows.insert(row, problem.detail().to_owned());
    }
    let mut text = String::from(
        "# Errors\n\nEvery error of the native API is `application/problem+json` (RFC 9457). Programs go by `code`, which \
         is stable; `detail` is for people, names what was wrong and what would be right, and may change. `field` names \
         the field that is wrong, if it is one; `requestId` is what the server's log knows the request by. Nothing was \
         changed by a request that was refused.\n\nThis list is generated; the details are examples.\n\n\
         | code | status | detail |\n|---|---|---|\n",
    );
    for ((code, status), detail) in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{code}` | {status} | {} |",
            detail.replace('|', "\\|")
        );
    }
    text
}
