//! What Paydesk speaks: each dialect turns its wire into an engine command, and the engine's reply or refusal
//! into its wire. No dialect holds a rule, opens a store, or knows another dialect.

pub mod app;
pub mod auth;
pub mod checkout;
pub mod http;
pub mod native;
pub mod segment;
pub mod wire;
pub mod xanpay;

use std::sync::Arc;

use axum::Router;

pub use app::App;

/// Everything that the public listener answers: what is here, and the dialects that are crates of their own.
pub fn router(app: Arc<App>, dialects: Router<Arc<App>>) -> Router {
    Router::new()
        .merge(xanpay::routes())
        .merge(native::routes())
        .merge(checkout::routes())
        .merge(dialects)
        .with_state(app)
}
