//! The sandbox, in this process and behind a real socket: one suite for both.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of this is a test"
)]

mod harness;

/// Each behaviour, on both.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod in_process {
            $(#[tokio::test] async fn $name() { super::$name(crate::harness::Sandbox::in_process()).await; })*
        }
        mod over_a_socket {
            $(#[tokio::test] async fn $name() { super::$name(crate::harness::Sandbox::over_a_socket().await).await; })*
        }
    };
}

mod abandon;
mod cards;
mod durability;
mod follow_ups;
mod pages;
mod push;
mod service;
mod sums;
