//! Over real sockets: what is sent, to whom, how often, and to whom not.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests, and each is named after what it shows"
)]

mod crash;
mod crowd;
mod delivery;
mod endpoints;
mod faulty;
mod guard;
mod receiver;
mod send;
mod stores;
mod world;
