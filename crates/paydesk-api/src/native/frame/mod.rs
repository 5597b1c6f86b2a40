//! The frame of the native API: where a call is declared, and what all calls have in common.
//!
//! A [`Call`] is declared once, with its scope, its parameters, its body and its answer. The routes, the checks before
//! the handler and the OpenAPI document are all made from it, so none can say what another does not do.
//!
//! ```text
//! request ─> credentials and scope ─> query ─> body ─> answered before? ─> handler ─> answer or problem
//! ```
//!
//! A handler gets an [`Asked`] and, where there is a body, what was read of it; it answers a [`Reply`] or a
//! [`Problem`]. A `POST` hands [`Asked::idempotent`] to the command that does what is asked, whose commit stores the
//! answer; one that forgets to is found by the tests, which send every `POST` twice.

mod asked;
mod call;
mod narrow;
mod page;
mod reply;
mod scope;
mod serve;

pub use asked::Asked;
pub use call::{Call, NoBody, Parameter};
pub use page::{PageOut, Paging};
pub use reply::Reply;
pub use scope::{Access, Scope};
pub(super) use serve::{BASE, routes};

pub use super::problem::Problem;
