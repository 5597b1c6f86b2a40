//! Over real sockets: what is sent, to whom, how often, and to whom not.

#![allow(missing_docs, reason = "tests are named after what they show")]

mod crash;
mod crowd;
mod delivery;
mod faulty;
mod guard;
mod receiver;
mod send;
mod stores;
mod world;
