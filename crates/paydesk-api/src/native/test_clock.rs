//! `/api/v1/test/clock`: a merchant moves its own test time.

use std::sync::Arc;

use paydesk_core::engine::Engine;
use paydesk_core::test_clock::TestClock;
use paydesk_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, Problem, Reply, Scope};
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::get("/test/clock", Scope::TestClock, get)
            .named("getTestClock", "Reads the merchant's test time")
            .answers::<ClockOut>(),
        Call::post("/test/clock/advance", Scope::TestClock, advance)
            .named("advanceTestClock", "Moves the merchant's test time on")
            .told(
                "Sessions and client tokens run out and deliveries are tried again as if so much time had passed. \
                 Only this merchant's test mode is moved, never back, and never live mode.",
            )
            .answers::<ClockOut>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AdvanceRequest")]
struct AdvanceIn {
    /// By how much; 31622400 is 366 days.
    #[schemars(range(min = 1, max = 31_622_400))]
    seconds: i64,
}

/// What time it is for a merchant in test mode.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "TestClock")]
struct ClockOut {
    /// The merchant's test time.
    now: Iso,
    /// What other clocks show.
    wall_time: Iso,
    /// How far test time is ahead, in seconds.
    seconds_ahead: i64,
}

fn written(engine: &Engine, ahead: Span) -> Reply {
    let wall = engine.wall();
    Reply::ok(&ClockOut {
        now: Iso(wall.after(ahead)),
        wall_time: Iso(wall),
        seconds_ahead: ahead.as_millis() / 1000,
    })
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let clock = asked.engine().test_clock(asked.tenant()).await?;
    let ahead = clock.map_or(Span::NONE, |clock| clock.ahead);
    Ok(written(asked.engine(), ahead))
}

async fn advance(mut asked: Asked, input: AdvanceIn) -> Result<Reply, Problem> {
    let engine = Arc::clone(asked.engine());
    let render = |clock: &TestClock| {
        // As it was written down: the answer is stored with the move.
        Reply::ok(&ClockOut {
            now: Iso(clock.moved_at.after(clock.ahead)),
            wall_time: Iso(clock.moved_at),
            seconds_ahead: clock.ahead.as_millis() / 1000,
        })
    };
    let idempotent = asked.idempotent(render);
    let clock = engine
        .advance_clock(asked.tenant(), input.seconds, idempotent)
        .await?;
    Ok(render(&clock))
}
