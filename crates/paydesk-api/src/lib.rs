//! What Paydesk speaks: the dialects over HTTP and the payer's page.

pub mod http;
