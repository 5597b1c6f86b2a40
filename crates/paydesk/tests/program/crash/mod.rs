//! Whatever dies, and whenever: a payer is charged once or not at all, and never twice.
//!
//! The sandbox's ledger, in a process that lives on, is the witness.

#[cfg(feature = "failpoints")]
mod bank;
#[cfg(feature = "failpoints")]
mod clock;
#[cfg(feature = "failpoints")]
mod each_step;
mod kills;
mod lost_answers;
pub mod shop;
#[cfg(feature = "failpoints")]
mod survivor;
