//! OneEntry's dialect over real sockets.

mod accounts;
mod bad_input;
mod browsers;
mod orders;
mod ownership;
mod sessions;
mod sign_in;
mod world;
