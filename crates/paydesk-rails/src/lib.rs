//! How money moves: the sandbox, and the QR codes of the push rails.
//!
//! - [`sandbox`] is the rail of test mode, with a ledger of its own.
//! - [`bank`] is the rail of accounts that merchants have at banks of their own.
//! - [`emvqr`] writes and reads the codes that a payer's bank scans; [`qr_svg`] draws them.

pub mod bank;
mod destination;
pub mod emvqr;
pub mod qr_svg;
pub mod sandbox;
