//! Where Paydesk keeps what it knows.
//!
//! Each module is one implementation of the port [`paydesk_core::store::Store`]; all of them pass the same
//! conformance suite, [`paydesk_core::store_suite`] (behind core's feature `store-suite`).

pub mod memory;
pub mod sqlite;
