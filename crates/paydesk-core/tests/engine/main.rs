//! The engine as a whole, over the store in memory (with turns for everybody else) and a rail whose behaviour the tests set: many at once, lost
//! answers, clients that go away.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of this is a test, not only what is marked as one"
)]

mod accounts;
mod desk;
mod orders;
mod payments;
mod pruning;
mod pushes;
mod rail;
mod requests;
mod stored_cards;
mod sweeping;
mod transfers;
mod turns;
mod unknowns;
mod watching;
