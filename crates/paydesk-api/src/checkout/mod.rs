//! What a payer meets: the hosted page, the payer's API beneath it, and the sandbox's bank.
//!
//! A payer has no key and no cookie. Whoever holds a link, a client token or a client secret acts for the payer;
//! each is verified by its own code before anything is read. The page is complete without its script, which
//! only makes it livelier. A `GET` never changes a session: links are prefetched by chat programs.
//!
//! ```text
//! GET  /pay/{authority}            page      the page, in the state the session is in
//! GET  /pay/{authority}/state      state     the same as JSON; ?wait= waits for news
//! POST /pay/{authority}/…          act       initiate, payments, cancel: JSON, or the page's own forms
//! GET  /pay/assets/{hash}/…        assets    style sheet, script, icon
//! GET  /  and  /checkout           entry     XanPay's address of the page
//!      /sandbox/…                  sandbox   the payer's bank in test mode
//! ```

pub mod accent;
mod act;
mod answer;
mod assets;
mod entry;
mod form_code;
mod locale;
mod logo;
mod next_action;
mod origin;
mod page;
mod png;
pub mod proof;
mod qr_image;
mod sandbox;
mod screen;
mod state;
mod still_to_pay;
mod submission;
mod trouble;
mod visit;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, any, get, post};

use crate::app::App;
pub(crate) use answer::base;
pub use trouble::apology;

/// The routes, under no prefix.
pub fn routes() -> Router<Arc<App>> {
    let page = |page: MethodRouter<Arc<App>>| page.fallback(trouble::wrong_method);
    let api = |api: MethodRouter<Arc<App>>| page(api.options(origin::preflight));
    // A form that came back to be corrected stands at the address it was posted to; whoever loads that address
    // anew wants the page.
    let act = |act: MethodRouter<Arc<App>>| api(act.get(page::redirect));
    Router::new()
        .route("/", page(get(entry::handle)))
        .route("/checkout", page(get(entry::handle)))
        .route("/pay/{authority}", page(get(page::handle)))
        .route("/pay/{authority}/state", api(get(state::handle)))
        .route("/pay/{authority}/initiate", act(post(act::initiate)))
        .route("/pay/{authority}/payments", act(post(act::pay)))
        .route("/pay/{authority}/cancel", act(post(act::cancel)))
        .route("/pay/{authority}/qr.png", page(get(qr_image::handle)))
        .route("/pay/{authority}/logo", page(get(logo::handle)))
        .route("/pay/accent/{name}", page(get(accent::handle)))
        .route("/pay/assets/{hash}/{name}", page(get(assets::handle)))
        .route("/pay", any(trouble::not_found))
        .route("/pay/", any(trouble::not_found))
        .route("/pay/{authority}/{*rest}", any(trouble::not_found))
        .merge(sandbox::routes())
}
