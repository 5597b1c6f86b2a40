//! The domain of a payment session server and its rules.
//!
//! Everything that may or may not happen to money is decided here, by pure functions: the engine loads what a
//! command needs, *decides*, and commits the resulting change as a whole. This crate knows no HTTP and no
//! SQL; stores, rails, clocks and randomness are ports.

pub mod authority;
pub mod bank_transfer;
pub mod customer;
pub mod delivery;
pub mod directory;
pub mod endpoint;
pub mod engine;
pub mod event;
pub mod given;
pub mod id;
pub mod keys;
pub mod list;
pub mod logo;
pub mod merchant;
pub mod method;
pub mod money;
pub mod number;
pub mod outgoing;
pub mod passwords;
pub mod payee;
pub mod payer;
pub mod payment_method;
pub mod rail;
pub mod rates;
pub mod receiver;
pub mod refusal;
pub mod restricted_key;
pub mod retention;
pub mod search;
pub mod session;
pub mod shop;
pub mod store;
#[cfg(feature = "store-suite")]
pub mod store_suite;
pub mod tenant;
pub mod test_clock;
pub mod time;
pub mod transaction;

/// A named place where a test may end the process as if it had been killed (`return`), or slow it down (`sleep(ms)`,
/// `pause`); nothing at all unless the `failpoints` feature is on.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name, |_| std::process::abort());
    };
}
pub(crate) use failpoint;
