//! OneEntry's dialect over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test fails by panicking"
)]

mod accounts;
mod bad_input;
mod browsers;
mod orders;
mod ownership;
mod sessions;
mod sign_in;
mod world;
