//! How money moves: the sandbox, and the QR codes of the push rails.
//!
//! - [`emvqr`] writes and reads the codes that a payer's bank scans; [`qr_svg`] draws them.

pub mod emvqr;
pub mod qr_svg;
