//! Real PostgreSQL servers for tests: each a temporary cluster of its own, on a port of its own on the loopback
//! address, run as an unprivileged user (the server refuses root), and stopped by itself when the test ends, even
//! if that is by being killed.
//!
//! A test harness may panic: that is how it fails a test.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod programs;
mod server;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use programs::folder as programs;
pub use server::{Server, program};

/// A database of its own, empty, on the one server that the tests of this process share. Answers its URL.
#[must_use]
pub fn fresh_database() -> String {
    static SHARED: OnceLock<Server> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let server = SHARED.get_or_init(|| Server::start(&[]));
    let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    server.create_database(&name);
    server.url(&name)
}
