//! How money moves: the sandbox, and the QR codes of the push rails.
//!
//! - [`sandbox`] is the rail of test mode, with a ledger of its own.
//! - [`emvqr`] writes and reads the codes that a payer's bank scans; [`qr_svg`] draws them.

pub mod emvqr;
pub mod qr_svg;
pub mod sandbox;
