//! The payment session server.
fn main() {}
