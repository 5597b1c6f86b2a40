//! The program itself, as an operator runs it: started, signalled, killed and started again.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests, and each is named after what it shows"
)]

mod canary;
mod cli;
mod crash;
mod nodes;
mod support;
