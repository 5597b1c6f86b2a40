//! Tells the merchant what happened: signs, delivers, retries.
//!
//! An event is written by the commit that made it happen. From there:
//!
//! ```text
//! undispatched event ──dispatch: put it in words──> delivery ──lease──> send ──> delivered
//!                                                      ▲                  │
//!                                                      └── schedule: later┤
//!                                                                         └──> given up
//! ```
//!
//! Every arrow is a commit, so a crash anywhere leaves something that is due: a delivery is made at least
//! once, under one `webhook-id` and with the same bytes however often it is sent.
//!
//! [`Worker`] runs all of it; [`Wake`] is how whoever commits an event tells it that there is one.

mod bound;
mod courier;
mod dispatch;
mod guard;
mod lanes;
pub mod render;
mod round;
mod schedule;
mod send;
mod sign;
mod sign_modempay;
mod waiting;
mod worker;

pub use dispatch::Dispatcher;
pub use guard::{Guard, Lookup, SystemLookup};
pub use paydesk_core::outgoing::{Forbidden, Policy};
pub use render::{Vocabulary, Words};
pub use schedule::{DELAYS, Jitter, next_delay, retry_after};
pub use send::{Answer, Message, NoAnswer, Sender, Sent, Timeouts, Unbuildable};
pub use sign::{BadSecret, Sign, SigningKey, SigningKeys};
pub use sign_modempay::ModemPayKey;
pub use worker::{Parts, Ran, Settings, Wake, Worker};
