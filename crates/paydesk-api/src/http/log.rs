//! What is written about a request: one line, without secrets.
//!
//! Never a header, never a body, never a query. What a payer can hold stands in paths and is cut short.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use http::{Method, StatusCode};

use super::request_id::RequestId;

/// What is left of an id or token: enough to find it again for who holds it.
const SHORT: usize = 8;
/// No segment of our own routes, and no name worth reading, is longer.
const LONG: usize = 24;
/// As much of a path as is written.
const LONGEST_PATH: usize = 256;

/// What is known of a request when it is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finished<'a> {
    pub method: &'a Method,
    /// The route's template; empty if none matched.
    pub route: &'a str,
    pub path: &'a str,
    pub status: StatusCode,
    /// From the head's arrival to the answer's head.
    pub took: Duration,
    /// Whether it kept us busy for too long, what was waited for on the caller's wish left out.
    pub slow: bool,
    pub id: &'a RequestId,
    pub client: IpAddr,
}

impl Finished<'_> {
    /// Writes it: failures as errors, slow ones as warnings, refusals as information, the rest for who debugs.
    pub(super) fn write(&self) {
        // A macro's fields are evaluated only if its level is on: an unlogged request costs one comparison.
        macro_rules! write_at {
            ($level:ident, $said:literal) => {
                tracing::$level!(
                    target: "paydesk::access",
                    method = self.method.as_str(),
                    route = self.route,
                    path = %redact_path(self.path),
                    status = self.status.as_u16(),
                    latency_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
                    request_id = self.id.as_str(),
                    client = %self.client,
                    $said
                )
            };
        }
        if self.status.is_server_error() {
            // Shedding and an unready store are states of the server, not faults of this request.
            if self.status == StatusCode::SERVICE_UNAVAILABLE {
                write_at!(warn, "unavailable");
            } else {
                write_at!(error, "failed");
            }
        } else if self.slow {
            write_at!(warn, "slow");
        } else if self.status.is_client_error() {
            write_at!(info, "refused");
        } else {
            write_at!(debug, "answered");
        }
    }
}

/// The path as it may be logged: what a payer can hold, and whatever else is long, is cut to 8 characters. Plain
/// ids (UUIDs) open nothing and stay.
#[must_use]
pub fn redact_path(path: &str) -> Cow<'_, str> {
    let path = path.split('?').next().unwrap_or_default();
    let held_by_payers = path.strip_prefix("/pay/");
    if held_by_payers.is_none() && path.len() <= LONGEST_PATH && path.split('/').all(may_stay) {
        return Cow::Borrowed(path);
    }
    let mut shown = String::with_capacity(path.len().min(LONGEST_PATH));
    let mut after_pay = false;
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            shown.push('/');
        }
        if may_stay(segment) && !(after_pay && segment.len() > SHORT) {
            shown.push_str(segment);
        } else {
            shown.extend(segment.chars().take(SHORT));
            shown.push('…');
        }
        after_pay = index == 1 && held_by_payers.is_some();
        if shown.len() > LONGEST_PATH {
            shown.push('…');
            break;
        }
    }
    Cow::Owned(shown)
}

fn may_stay(segment: &str) -> bool {
    segment.len() <= LONG || is_uuid(segment)
}

fn is_uuid(segment: &str) -> bool {
    segment.len() == 36
        && segment.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_payer_holds_is_cut_short() {
        let public_id = "AQEBk3mIcYZyfrCzXhOqk0bcAZN5iHGGcn6ws14TqpNG3Jq1ZvX0m8u2kQm3Yw5tH8A";
        assert_eq!(redact_path(&format!("/pay/{public_id}")), "/pay/AQEBk3mI…");
        assert_eq!(
            redact_path(&format!("/pay/{public_id}/state?wait=25")),
            "/pay/AQEBk3mI…/state"
        );
        assert_eq!(
            redact_path(&format!("/api/x/{public_id}/y")),
            "/api/x/AQEBk3mI…/y"
        );
        assert_eq!(
            redact_path("/pay/ninechars/payments"),
            "/pay/ninechar…/payments"
        );
        let uuid_as_token = "/pay/0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234";
        assert_eq!(redact_path(uuid_as_token), "/pay/0192f0c1…");
    }

    #[test]
    fn plain_paths_and_ids_are_left_as_they_are() {
        for plain in [
            "/",
            "",
            "/healthz",
            "/api/v1/sessions/0192f0c1-2d3e-7f4a-8b5c-6d7e8f901234/settle",
        ] {
            assert!(matches!(redact_path(plain), Cow::Borrowed(same) if same == plain));
        }
    }

    #[test]
    fn queries_are_never_shown_and_long_paths_are_cut() {
        assert_eq!(
            redact_path("/api/v1/sessions?secret=hunter2"),
            "/api/v1/sessions"
        );
        let long = "/a".repeat(10_000);
        assert!(redact_path(&long).len() < 300);
        let wide = format!("/{}", "ü".repeat(5_000));
        assert_eq!(redact_path(&wide), "/üüüüüüüü…");
    }
}
