//! Drives a real server in tests: real sockets, the real embedded store in a temporary folder, the real
//! sandbox, and a clock that stands still until it is moved.
//!
//! Nothing runs by itself: [`TestServer::run_jobs`] does what the background jobs would, so that a test says
//! when. A test harness may panic: that is how it fails a test.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod answer;
mod receiver;
mod server;
mod watched;

pub use answer::Answer;
pub use receiver::{Received, Receiver};
pub use server::TestServer;
pub use watched::Watched;
