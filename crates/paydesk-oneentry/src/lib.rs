//! The OneEntry dialect: payment sessions by order. A crate of its own, because no dialect knows another.
//!
//! Source: OneEntry's documents of payment sessions, and its published JavaScript client, whose schemas judge what is
//! answered. `x-app-token` names the shop, `Authorization: Bearer` the user; a user sees only what is theirs.

mod account;
mod caller;
mod error;
mod list;
mod order;
mod orders;
mod reply;
mod session;
mod sessions;
mod sign_in;
mod sign_up;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, any, get, post};
use paydesk_api::App;

const USERS: &str = "/api/content/users-auth-providers/marker/{marker}/users";
const PAYMENTS: &str = "/api/content/payments";
const ORDERS: &str = "/api/content/orders-storage/marker/{marker}/orders";

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    let sessions = || get(sessions::list).post(sessions::create);
    [
        (format!("{USERS}/sign-up"), post(sign_up::handle)),
        (format!("{USERS}/auth"), post(sign_in::auth)),
        (format!("{USERS}/refresh"), post(sign_in::refresh)),
        (format!("{USERS}/logout"), post(sign_in::logout)),
        (format!("{USERS}/logout-all"), post(sign_in::logout_all)),
        (format!("{PAYMENTS}/sessions"), sessions()),
        // The client writes the list's address with a slash.
        (format!("{PAYMENTS}/sessions/"), sessions()),
        (format!("{PAYMENTS}/sessions/{{id}}"), get(sessions::get)),
        (
            format!("{PAYMENTS}/sessions/order/{{id}}"),
            get(sessions::of_order),
        ),
        (format!("{PAYMENTS}/accounts"), get(account::list)),
        (format!("{PAYMENTS}/accounts/{{id}}"), get(account::get)),
        (ORDERS.to_owned(), get(orders::list).post(orders::create)),
        (format!("{ORDERS}/{{id}}"), get(orders::get)),
    ]
    .into_iter()
    .fold(Router::new(), |router, (path, methods)| {
        router.route(&path, from_browsers(methods))
    })
    // The client reads every answer as JSON, also to what is not there.
    .route("/api/content", any(reply::nothing_here))
    .route("/api/content/", any(reply::nothing_here))
    .route("/api/content/{*rest}", any(reply::nothing_here))
}

/// What a browser asks before it calls, and what is answered to any other method.
fn from_browsers(methods: MethodRouter<Arc<App>>) -> MethodRouter<Arc<App>> {
    methods
        .options(reply::preflight)
        .fallback(reply::method_not_allowed)
}
